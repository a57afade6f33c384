#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Our devices under Linux' own drivers: one VM of stock QEMU without KVM, a
# stock kernel, and every device that `causeway serve` has, some of them more
# than once with other properties of the front end.
#
# usage: linux.sh CAUSEWAY KERNEL_ROOT
#
# KERNEL_ROOT holds vmlinuz and modules/, as ./do setup leaves it. Environment:
# DEVICE_LOG (all logs to stderr).
set -eu
export LC_ALL=C

causeway=$1 root=$2

skip() {
	echo "1..0 # SKIP $1"
	exit 0
}

for tool in qemu-system-x86_64 busybox cpio gzip; do
	command -v "$tool" >/dev/null || skip "no $tool"
done
[ -e "$root/vmlinuz" ] || skip "no kernel in $root"

dir=$(mktemp -d /tmp/causeway-device.XXXXXX)
daemons=
cleanup() {
	for pid in $daemons; do
		kill "$pid" 2>/dev/null || :
	done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# serve NAME TYPE OPTION...: a device at $dir/NAME; its log in $dir/NAME.log
serve() {
	name=$1
	shift
	CAUSEWAY_LOG=debug "$causeway" serve "$@" --socket-path "$dir/$name" 2>"$dir/$name.log" &
	daemons="$daemons $!"
	while [ ! -S "$dir/$name" ]; do
		kill -0 $! || { cat "$dir/$name.log" >&2; exit 1; }
		sleep 0.1
	done
}

# disk NAME MIB: random contents, so that no read can be right by chance
disk() {
	head -c "$2M" /dev/urandom >"$dir/$1.img"
	cp "$dir/$1.img" "$dir/$1.orig"
}

mkdir -p "$dir/root/bin" "$dir/root/mod"
cp "$(command -v busybox)" "$dir/root/bin/busybox"
modules="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk
	rng-core virtio-rng"
for m in $modules; do
	found=$(find -L "$root/modules" -name "$m.ko" | head -n 1)
	[ -z "$found" ] || cp "$found" "$dir/root/mod/"
done

cat >"$dir/root/init" <<'END'
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk \
	rng-core virtio-rng; do
	[ ! -e /mod/$m.ko ] || insmod /mod/$m.ko
done
n=0
check() {
	n=$((n + 1))
	if eval "$2"; then echo "ok $n $1"; else echo "not ok $n $1"; fi
}
# The disk with serial number $1.
disk() {
	for d in /sys/block/vd*; do
		[ "$(cat $d/serial)" = "$1" ] && echo "${d##*/}"
	done
}
split=$(disk split) packed=$(disk packed) ro=$(disk readonly)
check "three disks with serial numbers" '[ -n "$split" -a -n "$packed" -a -n "$ro" ]'
for d in split packed ro; do
	eval "echo sum $d \$(md5sum </dev/\$$d)"
done
check "two queues" '[ $(ls /sys/block/$split/mq | wc -l) = 1 -o $(ls /sys/block/$split/mq | wc -l) = 2 ]'
check "logical blocks of 4096 bytes" '[ "$(cat /sys/block/$packed/queue/logical_block_size)" = 4096 ]'
check "read-only disk is read-only" '[ "$(cat /sys/block/$ro/ro)" = 1 ]'
check "write back is offered" '[ "$(cat /sys/block/$split/queue/write_cache)" = "write back" ]'
# 8 MiB of zeroes at 4 MiB, from many writers at once, and a flush.
for d in $split $packed; do
	for i in 4 5 6 7 8 9 10 11; do
		dd if=/dev/zero of=/dev/$d bs=64k seek=$((i * 16)) count=16 conv=notrunc 2>/dev/null &
	done
	wait
	check "writes to $d are flushed" 'dd if=/dev/zero of=/dev/'$d' bs=4096 count=1 conv=fsync 2>/dev/null'
	echo 3 >/proc/sys/vm/drop_caches
	check "zeroes are read back from $d" '[ "$(dd if=/dev/'$d' bs=1M skip=4 count=8 2>/dev/null | md5sum)" = \
		"$(dd if=/dev/zero bs=1M count=8 2>/dev/null | md5sum)" ]'
done
check "unlinked space can be discarded" '[ "$(cat /sys/block/$split/queue/discard_max_bytes)" -gt 0 ]'
check "a write to the read-only disk fails" '! dd if=/dev/zero of=/dev/$ro bs=4096 count=1 conv=fsync 2>/dev/null'
check "entropy device is there" 'grep -q virtio /sys/class/misc/hw_random/rng_available'
check "entropy is not all the same" '[ "$(dd if=/dev/hwrng bs=64 count=1 2>/dev/null | md5sum)" != \
	"$(dd if=/dev/hwrng bs=64 count=1 2>/dev/null | md5sum)" ]'
# Told of a change: the host enlarges the disk when it reads this line.
echo "grow now"
i=0
while [ "$(cat /sys/block/$split/size)" != 65536 ] && [ $i -lt 100 ]; do sleep 0.2; i=$((i + 1)); done
check "the disk has grown" '[ "$(cat /sys/block/$split/size)" = 65536 ]'
echo "1..$n"
dmesg | sed 's/^/dmesg: /'
poweroff -f
END
chmod +x "$dir/root/init"
(cd "$dir/root" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/initrd"

disk split 16
disk packed 16
disk ro 4
serve split blk --file "$dir/split.img" --queues 2 --serial split
split_pid=$!
serve packed blk --file "$dir/packed.img" --block-size 4096 --serial packed --no-uring
serve ro blk --file "$dir/ro.img" --read-only --serial readonly
serve rng rng

blk=vhost-user-blk-pci
timeout 300 qemu-system-x86_64 -machine q35,memory-backend=m -accel tcg -cpu max,cx16=off -m 256 \
	-object memory-backend-memfd,id=m,size=256M,share=on \
	-nodefaults -no-user-config -display none -serial "file:$dir/serial" -monitor none -no-reboot \
	-kernel "$root/vmlinuz" -initrd "$dir/initrd" -append "console=ttyS0 quiet panic=-1 no_timer_check" \
	-chardev socket,id=c0,path="$dir/split" -device $blk,chardev=c0,num-queues=2,queue-size=256 \
	-chardev socket,id=c1,path="$dir/packed" -device $blk,chardev=c1,packed=on,queue-size=64 \
	-chardev socket,id=c2,path="$dir/ro" -device $blk,chardev=c2,event_idx=off,indirect_desc=off \
	-chardev socket,id=c3,path="$dir/rng" -device vhost-user-rng-pci,chardev=c3 \
	</dev/null >"$dir/qemu.log" 2>&1 &
vm=$!
while kill -0 $vm 2>/dev/null; do
	if grep -aqs '^grow now' "$dir/serial"; then
		truncate -s 32M "$dir/split.img"
		kill -HUP $split_pid
		break
	fi
	sleep 0.2
done
wait $vm || :
tr -d '\r' <"$dir/serial" >"$dir/log"

bad=0
grep -aE '^(ok|not ok) ' "$dir/log" || bad=1
grep -aq '^1\.\.' "$dir/log" || bad=1
! grep -aqE '^not ok' "$dir/log" || bad=1
n=$(grep -acE '^(ok|not ok) ' "$dir/log" || :)
# host TITLE COMMAND...: one more test, on this side
host() {
	title=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n $title"; else echo "not ok $n $title"; bad=1; fi
}
sum_is_right() {
	grep -aq "^sum $1 $(md5sum <"$dir/$1.orig" | cut -d' ' -f1)" "$dir/log"
}
holds() {
	head -c 16M "$dir/$1.img" | cmp -s - "$dir/$1.orig"
}
is_calm() {
	! grep -aqE 'WARNING|BUG|Oops|nobody cared|general protection|stall|hung task' "$dir/log"
}
for d in split packed ro; do
	host "guest reads what is on disk $d" sum_is_right $d
done
# The guest wrote zeroes to [4 MiB, 12 MiB) and to the first 4 KiB, no more.
for d in split packed; do
	dd if=/dev/zero of="$dir/$d.orig" bs=1M seek=4 count=8 conv=notrunc 2>/dev/null
	dd if=/dev/zero of="$dir/$d.orig" bs=4096 count=1 conv=notrunc 2>/dev/null
	host "disk $d holds what the guest wrote, and nothing else" holds $d
done
host "read-only disk is as it was" cmp -s "$dir/ro.img" "$dir/ro.orig"
host "the guest's kernel does not complain" is_calm
echo "1..$n"
if [ $bad = 1 ] || [ -n "${DEVICE_LOG:-}" ]; then
	cat "$dir/log" "$dir"/*.log >&2
fi
exit $bad
