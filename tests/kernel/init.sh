# SPDX-License-Identifier: Apache-2.0
# What every guest of run.sh does before and after its programs. Part of its
# /init, run by busybox; the modules of the bus are loaded already.
# shellcheck shell=sh

/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t tmpfs tmp /tmp
[ ! -d /sys/kernel/debug ] || /bin/busybox mount -t debugfs debug /sys/kernel/debug
/bin/busybox insmod /virtio_cuda.ko "$VCUDA_ALIAS"
for d in /sys/bus/virtio/drivers/virtio_cuda/virtio*; do
	export VCUDA_DEV="${d##*/}"
done
/bin/busybox stat -c 'node %a' /dev/vcuda0
/bin/busybox chmod 666 /dev/vcuda0
/bin/busybox grep -E 'virtio' /proc/interrupts | /bin/busybox sed 's/^/irq: /'

guest_end()
{
	# A debug kernel that found its locks wrong has stopped looking.
	! /bin/busybox grep -q 'debug_locks: *0' /proc/lockdep_stats 2>/dev/null ||
		echo 'no lockdep any more'
	if [ -e /sys/kernel/debug/kmemleak ]; then
		# An object counts as lost when two scans have not met it.
		/bin/busybox sleep 6
		echo scan >/sys/kernel/debug/kmemleak
		/bin/busybox sleep 1
		echo scan >/sys/kernel/debug/kmemleak
		/bin/busybox cat /sys/kernel/debug/kmemleak
	fi
	/bin/busybox dmesg | /bin/busybox sed 's/^/dmesg: /'
	[ "$VCUDA_CARRIER" != uml ] || /bin/busybox poweroff -f
	/bin/busybox reboot -f
}
