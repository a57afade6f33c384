#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A row of the driver's matrix: run.sh with the kernel of that row.
#
# usage: row.sh TESTDEV KERNEL_ROOT MODULE PROGRAM...
#
# Environment, beside that of run.sh:
#	VCUDA_KERNEL	instead of KERNEL_ROOT and MODULE: 6.12 or the like, the
#			latest of the cache whose version begins so; or the name of
#			one of those that ./do kernel-debug and kernel-uml have made
#	VCUDA_DRIVERS	folder of the drivers that ./do build has built for these
#	VCUDA_LONG	1: a row of ./do check --long
set -eu

testdev=$1 root=$2 module=$3
shift 3
if [ -n "${VCUDA_LONG:-}" ] && [ -z "${CAUSEWAY_TEST_LONG:-}" ]; then
	echo "1..0 # SKIP a row of ./do check --long"
	exit 0
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/causeway
case ${VCUDA_KERNEL:-} in
'') ;;
[0-9]*)
	root=$(find "$cache/kernel" -mindepth 1 -maxdepth 1 -name "${VCUDA_KERNEL}[.+-]*" |
		sort -V | tail -n 1)
	if [ -z "$root" ]; then
		echo "1..0 # SKIP kernel $VCUDA_KERNEL is not in the cache: ./do kernel-trixie, as root"
		exit 0
	fi
	module=$VCUDA_DRIVERS/$(basename "$root")/virtio_cuda.ko
	;;
*)
	root=$cache/debug/$VCUDA_KERNEL
	module=$VCUDA_DRIVERS/$VCUDA_KERNEL/virtio_cuda.ko
	;;
esac
exec "$(dirname "$0")/run.sh" "$testdev" "$root" "$module" "$@"
