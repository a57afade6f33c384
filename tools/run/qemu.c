/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stock QEMU as the VMM.
 *
 * Everything it is connected to is a socket made here and handed over as a
 * descriptor, and the initramfs is a memfd: a run leaves no file, whatever
 * kills it. QEMU and the other helpers end with this process (launch.h).
 */
#include "tools/run/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/launch.h"
#include "tools/run/kvm.h"
#include "tools/run/proto.h"
#include "tools/run/run.h"

/*
 * How the kernel is told to be brief, and to end the VM where it fails.
 * no_timer_check: on a busy machine the emulated timer may not tick ten times
 * in the ten ticks that the kernel counts, and it would panic.
 */
#define QEMU_CMDLINE \
	"console=ttyS0 quiet panic=-1 random.trust_cpu=on tsc=unstable no_timer_check"
#define QEMU_FIRST_FD 3
#define QEMU_FDS_MAX 20

/**
 * struct qemu_build - A command line under construction
 * @fds:	descriptors QEMU inherits, in order: the n-th is QEMU_FIRST_FD + n
 */
struct qemu_build {
	struct ct_strv args;
	int fds[QEMU_FDS_MAX + 1];
	int n_fds;
	int err;
};

const char *ct_qemu_name(void)
{
	const char *own = getenv("CAUSEWAY_QEMU");

	return own && *own ? own : "qemu-system-x86_64";
}

CW_PRINTF(2, 3) static void qemu_arg(struct qemu_build *b, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	if (ct_strv_take(&b->args, s))
		b->err = -ENOMEM;
}

/* Hands @fd over; returns its number in QEMU. */
static int qemu_fd(struct qemu_build *b, int fd)
{
	b->fds[b->n_fds] = fd;
	b->fds[b->n_fds + 1] = -1;
	return QEMU_FIRST_FD + b->n_fds++;
}

/* A connected pair: one end for QEMU as chardev @id, the other is returned. */
static int qemu_chardev(struct qemu_build *b, const char *id)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		b->err = -errno;
		return -1;
	}
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	qemu_arg(b, "-chardev");
	qemu_arg(b, "socket,id=%s,fd=%d", id, qemu_fd(b, pair[0]));
	return pair[1];
}

static int qemu_port(struct qemu_build *b, const char *id, const char *name)
{
	int fd = qemu_chardev(b, id);

	qemu_arg(b, "-device");
	qemu_arg(b, "virtserialport,chardev=%s,name=%s", id, name);
	return fd;
}

static void qemu_machine(struct qemu_build *b, const struct ct_run *run, bool kvm)
{
	unsigned long long mib = run->mem >> 20;

	/* memfd, shared: a vhost-user device reads and writes guest memory. */
	qemu_arg(b, "-machine");
	qemu_arg(b, "q35,memory-backend=mem,accel=%s", kvm ? "kvm" : "tcg");
	qemu_arg(b, "-cpu");
	/*
	 * QEMU 7.2 spoils flags in cmpxchg16b when it emulates several CPUs;
	 * Linux 6.12 dies of it. One CPU keeps it: x86-64-v2 programs want it.
	 */
	qemu_arg(b, kvm ? "host" : run->cpus > 1 ? "max,cx16=off" : "max");
	qemu_arg(b, "-smp");
	qemu_arg(b, "%llu", run->cpus);
	qemu_arg(b, "-m");
	qemu_arg(b, "%lluM", mib);
	qemu_arg(b, "-object");
	qemu_arg(b, "memory-backend-memfd,id=mem,size=%lluM,share=on", mib);
	qemu_arg(b, "-nodefaults");
	qemu_arg(b, "-no-user-config");
	qemu_arg(b, "-no-reboot");
	qemu_arg(b, "-display");
	qemu_arg(b, "none");
}

static void qemu_boot(struct qemu_build *b, const struct ct_run *run, int initrd)
{
	qemu_arg(b, "-kernel");
	qemu_arg(b, "%s", run->kernel.image);
	qemu_arg(b, "-initrd");
	qemu_arg(b, "/proc/self/fd/%d", qemu_fd(b, initrd));
	qemu_arg(b, "-append");
	qemu_arg(b, QEMU_CMDLINE);
}

static void qemu_ports(struct qemu_build *b, struct ct_vm *vm)
{
	vm->console = qemu_chardev(b, "console");
	qemu_arg(b, "-serial");
	qemu_arg(b, "chardev:console");
	qemu_arg(b, "-device");
	qemu_arg(b, "virtio-serial-pci,max_ports=5");
	vm->control = qemu_port(b, "control", CT_PORT_CONTROL);
	vm->in = qemu_port(b, "stdin", CT_PORT_STDIN);
	vm->out = qemu_port(b, "stdout", CT_PORT_STDOUT);
	vm->err = qemu_port(b, "stderr", CT_PORT_STDERR);
}

/* The GPU: the stock gpio device carries our protocol as it is. */
static int qemu_gpu(struct qemu_build *b, struct ct_vm *vm, const struct ct_run *run)
{
	int fd, err;

	if (!strcmp(run->gpu, "none"))
		return 0;
	err = ct_daemon_start_vhost(&vm->daemon, run->gpu, &run->limits, &fd);
	if (err)
		return err;
	qemu_arg(b, "-chardev");
	qemu_arg(b, "socket,id=gpu,fd=%d", qemu_fd(b, fd));
	qemu_arg(b, "-device");
	qemu_arg(b, "vhost-user-gpio-pci,chardev=gpu");
	return 0;
}

static void qemu_shares(struct qemu_build *b, struct ct_vm *vm)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(vm->share_fds); i++) {
		if (vm->share_fds[i] < 0)
			continue;
		qemu_arg(b, "-chardev");
		qemu_arg(b, "socket,id=share%zu,fd=%d", i, qemu_fd(b, vm->share_fds[i]));
		vm->share_fds[i] = -1;
		qemu_arg(b, "-device");
		qemu_arg(b, "vhost-user-fs-pci,chardev=share%zu,tag=share%zu,queue-size=1024", i,
			 i);
	}
}

static int qemu_spawn(struct qemu_build *b, struct ct_vm *vm)
{
	const struct ct_helper h = {
		.argv = b->args.s, .keep = b->fds, .messages = vm->share_messages
	};
	int pid = b->err ? b->err : ct_spawn_helper(&h);

	if (pid < 0) {
		ct_error("cannot start %s: %s", b->args.s[0], strerror(-pid));
		return pid;
	}
	vm->pid = pid;
	return 0;
}

/* Everything beside the VM, then the VM. */
static int qemu_assemble(struct qemu_build *b, struct ct_vm *vm, const struct ct_run *run,
			 int initrd)
{
	int err;

	qemu_machine(b, run, vm->kvm);
	qemu_boot(b, run, initrd);
	qemu_ports(b, vm);
	err = qemu_gpu(b, vm, run);
	if (!err) {
		qemu_shares(b, vm);
		err = qemu_spawn(b, vm);
	}
	/* From here on it is at its end when QEMU and the others are. */
	close(vm->share_messages);
	vm->share_messages = -1;
	return err;
}

void ct_vm_init(struct ct_vm *vm)
{
	*vm = (struct ct_vm){ 0 };
	vm->control = vm->in = vm->out = vm->err = vm->console = -1;
	vm->messages = vm->share_messages = -1;
	for (size_t i = 0; i < CW_ARRAY_SIZE(vm->share_fds); i++)
		vm->share_fds[i] = -1;
}

int ct_qemu_start(struct ct_vm *vm, const struct ct_run *run, int initrd)
{
	struct qemu_build b = { .fds = { -1 } };
	char *path;
	int err;

	if (ct_find_program(ct_qemu_name(), &path)) {
		ct_error("there is no %s; ./do setup or apt-get install qemu-system-x86 brings it",
			 ct_qemu_name());
		return -ENOENT;
	}
	vm->kvm = ct_kvm_probe() == CT_KVM_OK;
	ct_strv_take(&b.args, path);
	err = qemu_assemble(&b, vm, run, initrd);
	for (int i = 0; i < b.n_fds; i++) {
		if (b.fds[i] != initrd)
			close(b.fds[i]);
	}
	ct_strv_free(&b.args);
	return err;
}

static void qemu_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool ct_qemu_stop(struct ct_vm *vm)
{
	bool daemon_lived;

	if (vm->pid > 0) {
		kill(vm->pid, SIGKILL);
		waitpid(vm->pid, NULL, 0);
		vm->pid = 0;
	}
	daemon_lived = !vm->daemon.pid || ct_daemon_stop(&vm->daemon);
	for (size_t i = 0; i < CW_ARRAY_SIZE(vm->shares); i++) {
		/* virtiofsd ends with its connection; this is for one that does not. */
		if (vm->shares[i] > 0)
			ct_stop_helper(vm->shares[i]);
		vm->shares[i] = 0;
		qemu_close(&vm->share_fds[i]);
	}
	qemu_close(&vm->control);
	qemu_close(&vm->in);
	qemu_close(&vm->out);
	qemu_close(&vm->err);
	qemu_close(&vm->console);
	qemu_close(&vm->messages);
	qemu_close(&vm->share_messages);
	return daemon_lived;
}
