/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `causeway run`: options, packing, VMM, session.
 */
#ifndef TOOLS_RUN_RUN_H
#define TOOLS_RUN_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/closure.h"
#include "tools/daemon.h"
#include "tools/run/kernel.h"
#include "tools/strv.h"

#define CT_SHARES_MAX 8

/**
 * struct ct_share - Something of this machine that a virtiofsd serves
 * @dir:	folder
 * @host:	it is the tree of --root=host instead
 */
struct ct_share {
	char *dir;
	bool ro;
	bool host;
};

enum ct_root {
	CT_ROOT_AUTO, /* host where that works */
	CT_ROOT_HOST,
	CT_ROOT_PACK,
};

/**
 * struct ct_run - What was asked for
 * @limits:	of the GPU daemon
 * @argv:	program and its arguments
 * @program:	absolute path of it
 * @closure:	its files
 * @driver:	the guest driver for @kernel, or empty: no GPU
 * @trace:	file for the trace of @traced, or NULL: stderr
 * @root:	what the guest sees; AUTO becomes one of the others
 * @tty:	the program gets a terminal of its own, this one is its screen
 * @mem:	bytes of guest memory; 0: as much as the packed files ask for
 */
struct ct_run {
	struct ct_limits limits; /* first: CT_LIMIT_OPTIONS */
	char **argv;
	char *program;
	struct ct_closure closure;
	const char *gpu;
	const char *kernel_arg;
	struct ct_kernel kernel;
	char driver[PATH_MAX];
	struct ct_strv add;
	struct ct_strv env;
	struct ct_share shares[CT_SHARES_MAX];
	size_t n_shares;
	const char *out;
	const char *trace;
	enum ct_root root;
	bool tty;
	bool traced;
	bool verbose;
	unsigned long long mem;
	unsigned long long cpus;
};

/**
 * ct_pack() - Make the initramfs of a run
 * @run:	what was asked for; @run->closure grows by what our libraries need
 * @ret_fd:	memfd with it; the caller closes it
 * @ret_size:	bytes of it
 *
 * Return: 0 or a negative errno after a line on stderr.
 */
int ct_pack(struct ct_run *run, int *ret_fd, uint64_t *ret_size);

/**
 * struct ct_vm - A running VM and everything that runs for it
 * @control, @in, @out, @err: our ends of the ports, non-blocking
 * @console:	the guest's serial console
 * @messages:	what QEMU and virtiofsd have to say; they write to @share_messages
 * @shares:	the virtiofsd of each share, and then of the host's tree
 * @share_fds:	their connections, until QEMU has them; -1 where there is none
 */
struct ct_vm {
	pid_t pid;
	int control;
	int in;
	int out;
	int err;
	int console;
	int messages;
	bool kvm;
	struct ct_daemon daemon;
	pid_t shares[CT_SHARES_MAX + 1];
	int share_fds[CT_SHARES_MAX + 1];
	int share_messages;
};

/**
 * ct_shares_start() - Start what serves files to the guest
 * @vm:		after ct_vm_init(); its messages and shares are filled
 * @run:	what was asked for; @run->root becomes definite
 *
 * Return: 0 or a negative errno after a line on stderr; ct_qemu_stop() is due
 * in either case.
 */
int ct_shares_start(struct ct_vm *vm, struct ct_run *run);

/**
 * ct_share_start() - Start a virtiofsd for a shared folder
 * @share:	folder
 * @messages:	descriptor for what virtiofsd has to say
 * @ret_pid:	the helper
 * @ret_fd:	vhost-user connection for the VMM; the caller closes it
 *
 * Return: 0 once it serves, -ENOENT where there is no virtiofsd, or another
 * negative errno; then @messages may have got a line that says more.
 */
int ct_share_start(const struct ct_share *share, int messages, pid_t *ret_pid, int *ret_fd);

/**
 * ct_session() - Run the program in the VM until it has ended
 * @run:	what was asked for
 * @vm:		started VM; still to be stopped afterwards
 *
 * Return: status as from waitpid() for ct_end_like(); failures of the tool
 * itself, after a line on stderr, are an exit with CT_EXIT_OWN.
 */
int ct_session(const struct ct_run *run, struct ct_vm *vm);

#endif
