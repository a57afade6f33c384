#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Takes away what install.sh put into this guest. Run as root.
set -eu

[ "$(id -u)" = 0 ] || {
	echo "causeway: run this as root" >&2
	exit 1
}
# Programs that still use it keep it loaded until the next start.
! grep -q '^virtio_cuda ' /proc/modules || rmmod virtio_cuda || :
for dir in /lib/modules/*; do
	[ -f "$dir/extra/virtio_cuda.ko" ] || continue
	rm -f "$dir/extra/virtio_cuda.ko"
	rmdir "$dir/extra" 2>/dev/null || :
	depmod "$(basename "$dir")"
done
rm -rf /usr/local/lib/causeway/guest
rmdir /usr/local/lib/causeway 2>/dev/null || :
rm -f /etc/modules-load.d/causeway.conf /etc/modprobe.d/causeway.conf \
	/etc/udev/rules.d/70-causeway.rules
if [ -f /etc/ld.so.conf.d/causeway.conf ]; then
	rm -f /etc/ld.so.conf.d/causeway.conf
	ldconfig
fi
echo "causeway: removed"
