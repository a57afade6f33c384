/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether /dev/kvm can run Linux.
 *
 * Theory of operation: some machines have a /dev/kvm that opens, makes VMs and
 * even runs small real-mode code, yet interprets guests at a hundredth of their
 * speed or fails at the first page table; a Linux started there hangs without a
 * word. The probe therefore runs four instructions in 32-bit mode with paging
 * on, which each Linux passes through and which those do not manage, and takes
 * anything but the expected exit, within a second, for a no.
 */
#include "tools/run/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cw/util.h"

#define PROBE_MEM 0x8000
#define PROBE_PAGE_DIR 0x1000
#define PROBE_CODE 0x4000
/* Where the code is mapped: it runs only if the page directory is honoured. */
#define PROBE_HIGH 0xc0000000u
#define PROBE_PORT 0x80
#define PROBE_ANSWER 0x2a
#define PROBE_LIMIT_MS 1000

#define CR0_PE 0x1
#define CR0_PG 0x80000000u
#define CR4_PSE 0x10
#define PDE_PRESENT_WRITE_4M 0x83

static const uint8_t probe_code[] = {
	0xb0, PROBE_ANSWER - 1, /* mov $0x29, %al */
	0xfe, 0xc0,		/* inc %al */
	0xe6, PROBE_PORT,	/* out %al, $0x80 */
	0xf4,			/* hlt */
};

static int probe_set_sregs(int vcpu)
{
	struct kvm_segment seg = { .limit = 0xffffffff,
				   .present = 1,
				   .s = 1,
				   .g = 1,
				   .db = 1,
				   .type = 3,
				   .selector = 0x10 };
	struct kvm_sregs s;

	if (ioctl(vcpu, KVM_GET_SREGS, &s))
		return -errno;
	s.ds = s.es = s.fs = s.gs = s.ss = seg;
	s.cs = seg;
	s.cs.type = 11;
	s.cs.selector = 0x8;
	s.cr3 = PROBE_PAGE_DIR;
	s.cr4 |= CR4_PSE;
	s.cr0 |= CR0_PE | CR0_PG;
	return ioctl(vcpu, KVM_SET_SREGS, &s) ? -errno : 0;
}

static void *probe_memory(int vm)
{
	struct kvm_userspace_memory_region region = { .memory_size = PROBE_MEM };
	uint8_t *mem =
		mmap(NULL, PROBE_MEM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t *dir = (uint32_t *)(mem + PROBE_PAGE_DIR);

	if (mem == MAP_FAILED)
		return NULL;
	memcpy(mem + PROBE_CODE, probe_code, sizeof(probe_code));
	dir[PROBE_HIGH >> 22] = PDE_PRESENT_WRITE_4M;
	region.userspace_addr = (uintptr_t)mem;
	return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) ? NULL : mem;
}

/* Whether the guest ran and said what it should. */
static bool probe_run(int kvm)
{
	struct kvm_regs regs = { .rip = PROBE_HIGH + PROBE_CODE, .rflags = 2 };
	int vm = ioctl(kvm, KVM_CREATE_VM, 0), vcpu, size;
	struct kvm_run *run;

	if (vm < 0 || !probe_memory(vm))
		return false;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vcpu < 0 || size < (int)sizeof(*run))
		return false;
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED || probe_set_sregs(vcpu) || ioctl(vcpu, KVM_SET_REGS, &regs))
		return false;
	if (ioctl(vcpu, KVM_RUN, 0) || run->exit_reason != KVM_EXIT_IO)
		return false;
	return run->io.port == PROBE_PORT &&
	       *((uint8_t *)run + run->io.data_offset) == PROBE_ANSWER;
}

/* Runs the guest in a child, for KVM_RUN may never return. */
static bool probe_in_child(int kvm)
{
	struct pollfd p = { .events = POLLIN };
	int status = -1;
	pid_t pid = fork();

	if (pid < 0)
		return false;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(probe_run(kvm) ? 0 : 1);
	}
	p.fd = syscall(SYS_pidfd_open, pid, 0);
	while (p.fd >= 0 && poll(&p, 1, PROBE_LIMIT_MS) < 0 && errno == EINTR)
		;
	if (p.fd < 0 || !p.revents)
		kill(pid, SIGKILL);
	if (p.fd >= 0)
		close(p.fd);
	/* A child stuck in the kernel is left to it; it dies when it can. */
	for (int i = 0; i < 100 && waitpid(pid, &status, WNOHANG) == 0; i++)
		usleep(1000);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

enum ct_kvm ct_kvm_probe(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	bool ok;

	if (kvm < 0)
		return errno == EACCES || errno == EPERM ? CT_KVM_DENIED : CT_KVM_ABSENT;
	/* Known to interpret guests that are not written for it. */
	ok = access("/sys/module/kvm_pvm", F_OK) != 0 &&
	     ioctl(kvm, KVM_GET_API_VERSION, 0) == KVM_API_VERSION && probe_in_child(kvm);
	close(kvm);
	return ok ? CT_KVM_OK : CT_KVM_UNFIT;
}
