#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs test programs of the driver in one VM: stock QEMU without KVM and a stock
# kernel, or User-mode Linux; the scripted device on the other end of a socket.
#
# usage: run.sh TESTDEV KERNEL_ROOT MODULE PROGRAM...
#
# KERNEL_ROOT holds vmlinuz and modules/, as ./do setup leaves it, or linux, a
# User-mode Linux. The programs run one after the other; "A B" as one argument
# is the program A with the program B as its argument.
#
# Environment:
#	VCUDA_CARRIER	gpio (the default): id 41, INTx
#			blk: id 2, MSI-X
#			uml: id 62, no PCI at all
#	VCUDA_HUGE	1: guest memory on huge pages of 2 MiB
#	VCUDA_CPUS (1), VCUDA_MEM (768), VCUDA_CPU, VCUDA_TIMEOUT (300 s)
#	VCUDA_FILTER	argument of each program: tests to run
#	VCUDA_APPEND	for the kernel's command line
#	VCUDA_LOG	all logs to stderr
#	TESTDEV_*	for the device
# Prints one TAP of all programs; what the kernel logged goes to stderr if it is
# a complaint.
set -eu
export LC_ALL=C

testdev=$1 root=$2 module=$3
shift 3
mem=${VCUDA_MEM:-768}
carrier=${VCUDA_CARRIER:-gpio}
timeout=${VCUDA_TIMEOUT:-300}
modules="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci"
[ "$carrier" != uml ] || modules=''
here=$(dirname "$0")

skip() {
	echo "1..0 # SKIP $1"
	exit 0
}

case $carrier in
gpio) tools=qemu-system-x86_64 kernel=$root/vmlinuz alias=alias=41 ;;
blk) tools=qemu-system-x86_64 kernel=$root/vmlinuz alias=alias=2 ;;
uml) tools='' kernel=$root/linux alias=alias=0 ;;
esac
for tool in $tools busybox cpio gzip; do
	command -v "$tool" >/dev/null || skip "no $tool"
done
[ -e "$kernel" ] || skip "no kernel in $root${VCUDA_HOW:+: $VCUDA_HOW makes it}"
[ -e "$module" ] || skip "the driver is not built for $root"

dir=$(mktemp -d)
device=
pages=
cleanup() {
	[ -z "$device" ] || kill "$device" 2>/dev/null || :
	[ -z "$pages" ] || echo "$pages" >"$hugepages"
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# Huge pages for the guest: those there are, or more of them for as long as it
# lasts where this may ask for more.
hugepages=/proc/sys/vm/nr_hugepages
huge() {
	sed -n "s/^HugePages_$1: *//p" /proc/meminfo
}
if [ -n "${VCUDA_HUGE:-}" ]; then
	[ "$(sed -n 's/^Hugepagesize: *//p' /proc/meminfo)" = "2048 kB" ] ||
		skip "no huge pages of 2 MiB here"
	if [ "$(huge Free)" -lt $((mem / 2)) ]; then
		before=$(huge Total)
		{ echo $((before + mem / 2)) >$hugepages; } 2>/dev/null ||
			skip "$((mem / 2)) huge pages are wanted, this is not root"
		pages=$before
	fi
	[ "$(huge Free)" -ge $((mem / 2)) ] || skip "the kernel has no $((mem / 2)) huge pages left"
	export TESTDEV_GRANULE=21
fi

# The initramfs: programs and the driver beside busybox.
mkdir -p "$dir/root/bin" "$dir/root/mod"
cp "$(command -v busybox)" "$dir/root/bin/busybox"
cp "$module" "$dir/root/virtio_cuda.ko"
strip --strip-debug "$dir/root/virtio_cuda.ko"
# Where they are built in, there is nothing to copy.
for m in $modules; do
	cp "$root/modules/kernel/drivers/virtio/$m.ko" "$dir/root/mod/" 2>/dev/null || :
done
lines=
for program; do
	line=
	for p in $program; do
		name=$(basename "$p")
		cp "$p" "$dir/root/$name"
		line="$line /$name"
	done
	lines="$lines
echo 'begin ${line# /}'
$line ${VCUDA_FILTER:-}
echo \"exit=\$?\""
done
{
	cat <<END
#!/bin/busybox sh
export VCUDA_ALIAS=$alias VCUDA_CARRIER=$carrier
for m in $modules; do
	[ ! -e /mod/\$m.ko ] || /bin/busybox insmod /mod/\$m.ko
done
END
	cat "$here/init.sh"
	cat <<END
$lines
guest_end
END
} >"$dir/root/init"
chmod +x "$dir/root/init"
(cd "$dir/root" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/initrd"

"$testdev" "$dir/socket" 2>"$dir/device.log" &
device=$!
while [ ! -S "$dir/socket" ]; do
	kill -0 "$device" || { cat "$dir/device.log" >&2; exit 1; }
	sleep 0.1
done

# On a busy machine an emulated processor stands still for long, and that is no
# fault of the guest's: what watches over it is more patient.
calm="tsc=unstable no_timer_check watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=240"

# QEMU 7.2 spoils flags in cmpxchg16b when it emulates two CPUs: no cx16.
run_qemu() {
	backend=memory-backend-memfd,id=m,size="${mem}M",share=on
	[ -z "${VCUDA_HUGE:-}" ] || backend=$backend,hugetlb=on,hugetlbsize=2M
	if [ "$carrier" = blk ]; then
		carried=vhost-user-blk-pci,num-queues=2,queue-size=256,vectors=3
	else
		carried=vhost-user-gpio-pci
	fi
	timeout "$timeout" qemu-system-x86_64 -machine q35,memory-backend=m -accel tcg \
		-cpu "${VCUDA_CPU:-max,cx16=off}" -smp "${VCUDA_CPUS:-1}" -m "$mem" \
		-object "$backend" \
		-object memory-backend-ram,id=s,size=1M -device ivshmem-plain,memdev=s,addr=1e.0 \
		-nodefaults -no-user-config -display none -serial stdio -monitor none -no-reboot \
		-kernel "$kernel" -initrd "$dir/initrd" \
		-append "console=ttyS0 quiet panic=-1 $calm ${VCUDA_APPEND:-}" \
		-chardev socket,id=c0,path="$dir/socket" -device "$carried,chardev=c0"
}

run_uml() {
	timeout "$timeout" "$kernel" mem="${mem}M" initrd="$dir/initrd" quiet panic=-1 \
		uml_dir="$dir/" umid=vcuda con=null con0=null,fd:1 ssl=null \
		virtio_uml.device="$dir/socket:62" $calm ${VCUDA_APPEND:-}
}

case $carrier in
uml) run_uml ;;
*) run_qemu ;;
esac </dev/null 2>"$dir/qemu.log" | tr -d '\r' >"$dir/log" || :

# One plan for all programs; with several, each test says whose it is.
grep -aE '^(begin |1\.\.|ok |not ok |# )' "$dir/log" | awk -v several="$(($# > 1))" '
	/^begin / { whose = several ? $2 ($3 ? " " $3 : "") ": " : ""; next }
	/^1\.\./ { plan += substr($1, 4); next }
	/^#/ { print; next }
	{
		at = match($0, /[0-9]+/)
		print substr($0, 1, at - 1) ++n " " whose substr($0, at + RLENGTH + 1)
	}
	END { print "1.." plan + 0 }'
complaint='WARNING|BUG|Oops|nobody cared|general protection|KASAN|UBSAN|refcount_t|detected stall'
complaint="$complaint|hung task|unreferenced object|no lockdep"
# A data race counts where the driver has a part in it.
complaints=$(sed '/BUG: KCSAN/ { /virtio_cuda/!d }' "$dir/log" | grep -aE "$complaint" || :)
bad=0
if [ -n "$complaints" ]; then
	echo "run.sh: the kernel complains:" >&2
	bad=1
fi
grep -aq '^node 660$' "$dir/log" || { echo "run.sh: no node with mode 660" >&2; bad=1; }
[ "$(grep -ac '^exit=0$' "$dir/log")" = $# ] || bad=1
if [ "$bad" = 1 ] || [ -n "${VCUDA_LOG:-}" ]; then
	cat "$dir/log" "$dir/qemu.log" "$dir/device.log" >&2
fi
exit "$bad"
