# SPDX-License-Identifier: Apache-2.0
#: guest               make out/causeway-guest.tar.gz: driver and libraries for a VM of your own

. tools/do/build.sh
build_all
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
guest=$work/causeway-guest
mkdir -p "$guest/source" "$guest/driver"
cp -R guest/kernel/. "$guest/source/"
cp -R include/uapi "$guest/source/uapi"
cp -R LICENSES "$guest/"
cp -R "$out/lib/causeway/guest" "$guest/lib"
# Drivers that are built already spare guests with these kernels the headers.
cp -R "$out/lib/causeway/driver/." "$guest/driver/" 2>/dev/null || :
cp tools/guest/install.sh tools/guest/remove.sh "$guest/"
tar -C "$work" -czf "$out/causeway-guest.tar.gz" causeway-guest
say "guest: $out/causeway-guest.tar.gz; in the VM: tar xf it, then sh causeway-guest/install.sh as root"
