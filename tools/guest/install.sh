#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs Causeway in a guest: the driver for the kernel that runs, and the
# libraries. Run as root, in the folder that the tarball made. remove.sh takes
# all of it away again.
set -eu
cd "$(dirname "$0")"
version=$(uname -r)
modules=/lib/modules/$version
libraries=/usr/local/lib/causeway/guest

say()
{
	printf '%s\n' "causeway: $*"
}

die()
{
	say "$*" >&2
	exit 1
}

# Leaves the driver for this kernel as the file $1.
driver()
{
	if [ -f "driver/$version/virtio_cuda.ko" ]; then
		cp "driver/$version/virtio_cuda.ko" "$1"
		return 0
	fi
	[ -d "$modules/build" ] ||
		die "no headers of kernel $version: apt-get install make gcc linux-headers-$version"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cp -R source/. "$work/"
	make -C "$modules/build" M="$work" CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/log" 2>&1 || {
		tail -n 20 "$work/log" >&2
		die "the driver does not build for kernel $version"
	}
	cp "$work/virtio_cuda.ko" "$1"
}

# The libraries are found without a variable, unless there is another libcuda,
# which stays the one that is found.
name_libraries()
{
	other=$(ldconfig -p 2>/dev/null | sed -n 's/.*libcuda\.so\.1 .*=> //p' | grep -v "^$libraries/" || :)
	if [ -n "$other" ] || ! command -v ldconfig >/dev/null; then
		say "run programs with LD_LIBRARY_PATH=$libraries${other:+ (there is $other, too)}"
		return 0
	fi
	mkdir -p /etc/ld.so.conf.d
	echo "$libraries" >/etc/ld.so.conf.d/causeway.conf
	ldconfig
}

[ "$(id -u)" = 0 ] || die "run this as root"
mkdir -p "$modules/extra" "$libraries"
driver "$modules/extra/virtio_cuda.ko"
depmod "$version"
cp lib/* "$libraries/"
name_libraries
# The node is root's; whoever may use the machine's GPUs may use this one.
mkdir -p /etc/udev/rules.d
echo 'SUBSYSTEM=="misc", KERNEL=="vcuda[0-9]*", GROUP="render", MODE="0660"' \
	>/etc/udev/rules.d/70-causeway.rules
# QEMU shows the GPU under the id of its gpio device (41). The driver of such
# devices, where the kernel has it, must not be first.
mkdir -p /etc/modprobe.d /etc/modules-load.d
printf 'options virtio_cuda alias=41\nsoftdep gpio_virtio pre: virtio_cuda\n' \
	>/etc/modprobe.d/causeway.conf
echo virtio_cuda >/etc/modules-load.d/causeway.conf
modprobe virtio_cuda || die "the driver does not load: see dmesg"
if [ -e /dev/vcuda0 ]; then
	say "installed; the GPU is there"
else
	say "installed; this VM has no such GPU yet: it needs the device vhost-user-gpio-pci"
fi
