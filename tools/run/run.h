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

struct ct_share {
	char *dir;
	bool ro;
};

/**
 * struct ct_run - What was asked for
 * @argv:	program and its arguments
 * @program:	absolute path of it
 * @closure:	its files
 * @driver:	the guest driver for @kernel, or empty: no GPU
 * @trace:	file for the trace of @traced, or NULL: stderr
 * @mem:	bytes of guest memory; 0: as much as the packed files ask for
 */
struct ct_run {
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
 * @messages:	what QEMU and virtiofsd have to say
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
	pid_t shares[CT_SHARES_MAX];
};

/**
 * ct_share_start() - Start a virtiofsd for a shared folder
 * @share:	folder
 * @messages:	descriptor for what virtiofsd has to say
 * @ret_pid:	the helper
 * @ret_fd:	vhost-user connection for the VMM; the caller closes it
 *
 * Return: 0 or a negative errno after a line on stderr.
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
