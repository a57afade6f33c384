# SPDX-License-Identifier: Apache-2.0
#: guest [PREFIX]      inside a guest of your own: build and install the driver and the libraries

. tools/do/build.sh
version=$(uname -r)
modules=/lib/modules/$version
[ -d "$modules/build" ] ||
	die "no kernel headers for $version: apt-get install linux-headers-$version"
prefix=${1:-${PREFIX:-/usr/local}}
{ mkdir -p "$prefix/lib/causeway" "$modules/extra" && [ -w "$modules/extra" ]; } 2>/dev/null ||
	die "cannot write to $prefix and $modules: run as root"
build_all
build_driver_for "$modules/build" "$version"
install_changed "$build/driver/$version/virtio_cuda.ko" "$modules/extra/virtio_cuda.ko"
depmod "$version"
for f in "$out"/lib/causeway/guest/*; do
	install_changed "$f" "$prefix/lib/causeway/guest/$(basename "$f")"
done
say "guest: modprobe virtio_cuda; then LD_LIBRARY_PATH=$prefix/lib/causeway/guest PROGRAM"
