#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tarball for a VM of one's own, and a container without an engine
# (docs/ways-to-run.md).
. "$(dirname "$0")/../vm/tap.sh"

causeway=${CAUSEWAY_OUT:?}/bin/causeway
root=$(cd "$(dirname "$0")/../.." && pwd)
kernel=${XDG_CACHE_HOME:-$HOME/.cache}/causeway/kernel/default
box=/bin/busybox

[ -x "$causeway" ] || { echo "1..0 # SKIP $causeway is not there: ./do build makes it"; exit 0; }
[ -x $box ] || { echo "1..0 # SKIP no busybox-static"; exit 0; }

# make_root DIR PROGRAM: a root with busybox, the program and the C library.
make_root()
{
	mkdir -p "$1/bin" "$1/proc" "$1/sys" "$1/dev" "$1/tmp"
	cp $box "$1/bin/"
	for name in $($box --list); do
		ln -s busybox "$1/bin/$name" 2>/dev/null || :
	done
	ldd "$2" | grep -o '/lib[^ ]*' | grep -v libcuda | while read -r f; do
		mkdir -p "$1$(dirname "$f")"
		cp -L "$f" "$1$f"
	done
	cp "$2" "$1/prog"
}

# A kernel's own modules are loaded in this order; what is not there is built in.
add_modules()
{
	mkdir -p "$1/load"
	n=0
	for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci; do
		n=$((n + 1))
		cp "$kernel/modules/kernel/drivers/virtio/$m.ko" "$1/load/$n.ko" 2>/dev/null || :
	done
	version=$(basename "$(readlink -f "$kernel")")
	mkdir -p "$1/lib/modules/$version"
	cp "$kernel"/modules/modules.* "$1/lib/modules/$version/"
}

test_the_tarball_makes_a_plain_vm_run_cuda_and_is_removed()
{
	command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64"
	[ -e "$kernel/vmlinuz" ] || skip "no guest kernel: ./do setup"
	"$root/do" guest
	make_root root "$CAUSEWAY_PROGRAMS/module_ptx"
	add_modules root
	cp "$CAUSEWAY_OUT/causeway-guest.tar.gz" root/
	cat >root/init <<-'S'
		#!/bin/sh
		export PATH=/bin
		mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
		for m in /load/*; do insmod $m; done
		cd /tmp
		tar xzf /causeway-guest.tar.gz
		sh causeway-guest/install.sh
		LD_LIBRARY_PATH=/usr/local/lib/causeway/guest /prog
		echo "program: $?"
		sh causeway-guest/remove.sh
		find /etc /usr /lib/modules -type f 2>/dev/null | grep -v /modules\\.
		grep cuda /proc/modules
		echo "end: $?"
		poweroff -f
	S
	chmod +x root/init
	(cd root && find . | $box cpio -o -H newc 2>/dev/null) | gzip -1 >image
	"$causeway" serve --vhost-socket "$PWD/gpu" 2>/dev/null &
	daemon=$!
	while [ ! -S gpu ]; do sleep 0.1; done
	timeout 300 qemu-system-x86_64 -machine "q35,memory-backend=mem,accel=tcg" -cpu max -m 1G \
		-object memory-backend-memfd,id=mem,size=1G,share=on \
		-chardev socket,id=cuda,path="$PWD/gpu" -device vhost-user-gpio-pci,chardev=cuda \
		-nodefaults -no-reboot -display none -serial stdio -kernel "$kernel/vmlinuz" \
		-initrd image -append "console=ttyS0 quiet no_timer_check" </dev/null 2>&1 | tr -d '\r' >text
	kill $daemon
	cat text
	grep -qx 'causeway: installed; the GPU is there' text
	grep -q '^{"program":"module_ptx","ok":true' text
	grep -qx 'program: 0' text
	# Nothing of ours is left: no file, no module.
	sed -n '/^causeway: removed/,$p' text >rest
	same "$(sed -n 2p rest)" "end: 1"
	nothing_left
}

test_a_container_needs_the_socket_and_the_libraries()
{
	unshare --user --map-root-user --mount --pid --fork --net true 2>/dev/null ||
		skip "namespaces are not allowed here"
	make_root root "$CAUSEWAY_PROGRAMS/module_ptx"
	mkdir -p run root/run/causeway root/opt/causeway
	"$causeway" serve --socket "$PWD/run/gpu" 2>/dev/null &
	daemon=$!
	while [ ! -S run/gpu ]; do sleep 0.1; done
	rc=0
	unshare --user --map-root-user --mount --pid --fork --net sh -c '
		mount --bind run root/run/causeway
		mount --bind "$1" root/opt/causeway
		CAUSEWAY_SOCKET=/run/causeway/gpu LD_LIBRARY_PATH=/opt/causeway chroot root /prog
	' - "$CAUSEWAY_OUT/lib/causeway/guest" >text 2>&1 || rc=$?
	kill $daemon
	cat text
	same $rc 0
	grep -q '^{"program":"module_ptx","ok":true' text
	nothing_left
}

tap_main "$0" "$@"
