# SPDX-License-Identifier: Apache-2.0
# What a test in a VM on the soft GPU needs. Read with "."; leaves causeway (the
# tool) and box (busybox), or skips the whole test. CAUSEWAY_KERNEL, if set, is
# the kernel to test under.

causeway=${CAUSEWAY_OUT:?}/bin/causeway
box=/bin/busybox

whole_skip()
{
	echo "1..0 # SKIP $*"
	exit 0
}

[ -x "$causeway" ] || whole_skip "$causeway is not there: ./do build makes it"
command -v qemu-system-x86_64 >/dev/null || whole_skip "no qemu-system-x86_64"
[ -x $box ] || whole_skip "no busybox-static"
if [ "${CAUSEWAY_KERNEL:-}" = 6.12 ]; then
	env -u CAUSEWAY_KERNEL "$causeway" doctor | grep -q '^ok *guest kernel *6\.12' &&
		whole_skip "kernel 6.12 is the one that all tests run under"
	"$causeway" doctor | grep -q '^ok *guest kernel' ||
		whole_skip "kernel 6.12 is not in the cache: ./do kernel-trixie, as root"
fi
"$causeway" doctor | grep -q '^ok *guest kernel' || whole_skip "no guest kernel: ./do setup"
"$causeway" doctor | grep -q '^ok *guest driver' || whole_skip "no guest driver: ./do build"
