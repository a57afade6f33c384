#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs a test program of the driver in a VM: stock QEMU without KVM, a stock
# kernel, the scripted device behind vhost-user-gpio-pci.
#
# usage: run.sh TESTDEV KERNEL_ROOT MODULE PROGRAM [FILTER]
#
# KERNEL_ROOT holds vmlinuz and modules/, as ./do setup leaves it.
# Environment: VCUDA_CPUS (1), VCUDA_MEM (768), VCUDA_CPU, VCUDA_TIMEOUT (300 s),
# VCUDA_APPEND, VCUDA_LOG (all logs to stderr), TESTDEV_FEATURES. Prints the
# program's TAP; what the kernel logged goes to stderr if it is a complaint.
set -eu
export LC_ALL=C

testdev=$1 root=$2 module=$3 program=$4 filter=${5:-}
mem=${VCUDA_MEM:-768}

skip() {
	echo "1..0 # SKIP $1"
	exit 0
}

for tool in qemu-system-x86_64 busybox cpio gzip; do
	command -v "$tool" >/dev/null || skip "no $tool"
done
kernel=$root/vmlinuz
[ -e "$kernel" ] || skip "no kernel in $root"

dir=$(mktemp -d)
device=
cleanup() {
	[ -z "$device" ] || kill "$device" 2>/dev/null || :
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

mkdir -p "$dir/root/bin" "$dir/root/mod"
cp "$(command -v busybox)" "$dir/root/bin/busybox"
cp "$program" "$dir/root/test"
cp "$module" "$dir/root/virtio_cuda.ko"
strip --strip-debug "$dir/root/virtio_cuda.ko"
# Where they are built in, there is nothing to copy.
for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci; do
	cp "$root/modules/kernel/drivers/virtio/$m.ko" "$dir/root/mod/" 2>/dev/null || :
done
cat >"$dir/root/init" <<END
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t tmpfs tmp /tmp
for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci; do
	[ ! -e /mod/\$m.ko ] || /bin/busybox insmod /mod/\$m.ko
done
export VCUDA_ALIAS=alias=41
/bin/busybox insmod /virtio_cuda.ko \$VCUDA_ALIAS
for d in /sys/bus/virtio/drivers/virtio_cuda/virtio*; do
	export VCUDA_DEV=\${d##*/}
done
/bin/busybox stat -c 'node %a' /dev/vcuda0
/bin/busybox chmod 666 /dev/vcuda0
/test $filter
echo "exit=\$?"
/bin/busybox dmesg | /bin/busybox sed 's/^/dmesg: /'
/bin/busybox reboot -f
END
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
timeout "${VCUDA_TIMEOUT:-300}" qemu-system-x86_64 -machine q35,memory-backend=m -accel tcg \
	-cpu "${VCUDA_CPU:-max,cx16=off}" -smp "${VCUDA_CPUS:-1}" -m "$mem" \
	-object memory-backend-memfd,id=m,size="${mem}M",share=on \
	-object memory-backend-ram,id=s,size=1M -device ivshmem-plain,memdev=s,addr=1e.0 \
	-nodefaults -no-user-config -display none -serial stdio -monitor none -no-reboot \
	-kernel "$kernel" -initrd "$dir/initrd" \
	-append "console=ttyS0 quiet panic=-1 $calm ${VCUDA_APPEND:-}" \
	-chardev socket,id=c0,path="$dir/socket" -device vhost-user-gpio-pci,chardev=c0 \
	</dev/null 2>"$dir/qemu.log" | tr -d '\r' >"$dir/log" || :

grep -aE '^(1\.\.|ok |not ok |# )' "$dir/log" || :
if grep -aqE 'WARNING|BUG|Oops|nobody cared|general protection|KASAN|refcount_t|stall|hung task' \
	"$dir/log"; then
	echo "run.sh: the kernel complains:" >&2
	bad=1
else
	bad=0
fi
grep -aq '^node 660$' "$dir/log" || { echo "run.sh: no node with mode 660" >&2; bad=1; }
grep -aq '^exit=0$' "$dir/log" || bad=1
if [ "$bad" = 1 ] || [ -n "${VCUDA_LOG:-}" ]; then
	cat "$dir/log" "$dir/qemu.log" "$dir/device.log" >&2
fi
exit "$bad"
