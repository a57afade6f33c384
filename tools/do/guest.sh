# SPDX-License-Identifier: Apache-2.0
#: guest [PREFIX]      inside a guest of your own: build and install the driver and the libraries

. tools/do/build.sh
kdir=/lib/modules/$(uname -r)/build
[ -d "$kdir" ] || die "no kernel headers for $(uname -r): apt-get install linux-headers-$(uname -r)"
[ -f guest/kernel/Kbuild ] || [ -f guest/kernel/Makefile ] || die "the guest driver is not in this tree"
build_all
prefix=${1:-/usr/local}
mkdir -p "$prefix/lib/causeway" || die "cannot write to $prefix: run as root"
cp -r "$out/lib/causeway/guest" "$prefix/lib/causeway/"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r guest/kernel/. "$work/"
make -C "$kdir" M="$work" CW_ROOT="$root" modules >"$work/log" 2>&1 || {
	tail -n 20 "$work/log" >&2
	die "the driver does not build for $(uname -r)"
}
mkdir -p "/lib/modules/$(uname -r)/extra"
cp "$work"/*.ko "/lib/modules/$(uname -r)/extra/"
depmod
say "guest: modprobe virtio_cuda; then LD_LIBRARY_PATH=$prefix/lib/causeway/guest PROGRAM"
