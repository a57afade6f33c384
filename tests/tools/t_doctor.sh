#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# causeway doctor: each line, with what it speaks of broken, and the remedy.
. "$(dirname "$0")/../vm/tap.sh"

[ -x "${CAUSEWAY_OUT:?}/bin/causeway" ] ||
	{ echo "1..0 # SKIP $CAUSEWAY_OUT/bin/causeway is not there: ./do build makes it"; exit 0; }
unset CAUSEWAY_SOCKET CAUSEWAY_QEMU CAUSEWAY_VIRTIOFSD CAUSEWAY_CLANG LD_LIBRARY_PATH

# A tree of its own to break, and a cache with a kernel by its name alone.
tree()
{
	mkdir -p cache/kernel/6.0.0-test out
	ln -s 6.0.0-test cache/kernel/default
	export CAUSEWAY_CACHE="$PWD/cache"
	cp -R "$CAUSEWAY_OUT/bin" "$CAUSEWAY_OUT/lib" out/
	mkdir -p out/lib/causeway/driver/6.0.0-test
	: >out/lib/causeway/driver/6.0.0-test/virtio_cuda.ko
	causeway=$PWD/out/bin/causeway
}

# says MARK NAME TEXT: doctor's line for NAME is MARK and has TEXT in it; BAD, and
# only that, is told by the exit status too.
says()
{
	rc=0
	"$causeway" doctor >lines 2>stderr || rc=$?
	cat lines stderr
	same "$(wc -c <stderr)" 0
	same "$rc" "$(grep -q '^BAD' lines && echo 1 || echo 0)"
	line=$(sed -n "s/^$1 *$2  *//p" lines)
	case $line in
	*"$3"*) ;;
	*) echo "no '$3' in the line of $2"; return 1 ;;
	esac
}

# in_dev SETUP MARK NAME TEXT: the same where /dev is what SETUP makes of it.
in_dev()
{
	unshare --user --map-root-user --mount true 2>/dev/null || skip "no namespaces"
	export causeway
	unshare --user --map-root-user --mount sh -c "
		mount -t tmpfs none /dev && : >/dev/null && $1
		exec \"\$causeway\" doctor" >lines 2>stderr || :
	cat lines stderr
	line=$(sed -n "s/^$2 *$3  *//p" lines)
	case $line in
	*"$4"*) ;;
	*) echo "no '$4' in the line of $3"; return 1 ;;
	esac
}

test_each_line_is_tested_here()
{
	tree
	"$causeway" doctor | sed 's/^[A-Za-z]*  *//; s/   *.*//' >named
	test -s named
	while read -r name; do
		grep -qE "^	.*(says|in_dev) .*(ok|note|BAD) \"?$name\"? " "$test_file" ||
			{ echo "no test breaks '$name'"; exit 1; }
	done <named
}

test_what_is_there_is_ok()
{
	tree
	says ok daemon "$PWD/out/bin/vhost-user-cuda"
	says ok "guest driver" virtio_cuda.ko
	says ok "guest kernel" 6.0.0-test
	says ok socket "not set"
}

test_gpu()
{
	tree
	in_dev : note gpu "apt-get install nvidia-driver"
	in_dev ": >/dev/nvidiactl" ok gpu "NVIDIA's driver is there"
}

test_kvm()
{
	tree
	in_dev : note kvm "modprobe kvm_intel"
	in_dev ": >/dev/kvm" note kvm "emulation is used"
	command -v setpriv >/dev/null || skip "no setpriv"
	in_dev ": >/dev/kvm; chmod 0 /dev/kvm; set -- ; exec setpriv --bounding-set -all \"\$causeway\" doctor;" \
		note kvm "adduser"
}

test_qemu()
{
	tree
	CAUSEWAY_QEMU=no-qemu says BAD qemu "no no-qemu: ./do setup, or apt-get install qemu-system-x86"
}

test_guest_kernel_and_driver()
{
	tree
	rm -r out/lib/causeway/driver
	says BAD "guest driver" "driver/6.0.0-test/virtio_cuda.ko is missing: ./do build"
	rm cache/kernel/default
	says BAD "guest kernel" "no guest kernel in $PWD/cache/kernel: ./do setup"
	says BAD "guest driver" "./do setup"
}

test_virtiofsd()
{
	tree
	CAUSEWAY_VIRTIOFSD=$PWD/none says note virtiofsd "apt-get install virtiofsd"
}

test_clang()
{
	tree
	CAUSEWAY_CLANG=no-clang says note clang "apt-get install clang-19"
}

test_daemon()
{
	tree
	rm out/bin/vhost-user-cuda
	says BAD daemon "out/bin/vhost-user-cuda is missing: ./do build"
}

test_libraries()
{
	tree
	rm out/lib/causeway/soft/libcuda.so.1
	says BAD "soft libcuda" "is missing: ./do build"
	rm out/lib/causeway/guest/libcuda.so.1
	says BAD "guest libcuda" "is missing: ./do build"
}

test_socket()
{
	tree
	CAUSEWAY_SOCKET=$PWD/none says BAD socket "unset it, or causeway serve --socket $PWD/none"
	# A socket that a daemon left when it was killed.
	"$causeway" serve --gpu=soft --socket "$PWD/gpu" 2>/dev/null &
	daemon=$!
	until CAUSEWAY_SOCKET=$PWD/gpu says ok socket "$PWD/gpu" >log; do kill -0 $daemon; sleep 0.1; done
	kill -KILL $daemon
	wait $daemon || :
	CAUSEWAY_SOCKET=$PWD/gpu says BAD socket "Connection refused; unset it"
}

test_libcuda()
{
	tree
	says ok libcuda "the loader "
	LD_LIBRARY_PATH=$PWD/out/lib/causeway/guest says ok libcuda \
		"picks $PWD/out/lib/causeway/guest/libcuda.so.1 (Causeway's)"
	mkdir other
	echo 'int cuInit(int flags) { return flags; }' | cc -shared -fPIC -x c - -o other/libcuda.so.1
	LD_LIBRARY_PATH=$PWD/other says ok libcuda "picks $PWD/other/libcuda.so.1 (of another"
}

test_file=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
tap_main "$0" "$@"
