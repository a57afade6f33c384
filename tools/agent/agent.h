/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent: first process of a guest of `causeway run`.
 */
#ifndef TOOLS_AGENT_AGENT_H
#define TOOLS_AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cw/util.h"
#include "tools/run/channel.h"
#include "tools/strv.h"

/**
 * struct ag_job - What the host wants done, read from CT_JOB_PATH
 */
struct ag_job {
	struct ct_strv args;
	struct ct_strv env;
	struct ct_strv modules;
	struct ct_strv shares;
	char *program;
	char *cwd;
	char *root;
	unsigned int uid;
	unsigned int gid;
	bool out;
	bool tty;
	bool trace;
};

/**
 * ag_job_read() - Read the job
 * @job:	zero-initialised, filled
 *
 * Return: 0 or a negative errno.
 */
int ag_job_read(struct ag_job *job);

/* Mounts /proc, /sys, /dev and what programs expect below /dev. */
int ag_mount_basics(void);

/**
 * ag_load_modules() - Load the job's kernel modules, in order
 * @job:	job
 *
 * A module that the kernel has built in, or that does not fit the machine, is
 * no failure; one that cannot be loaded otherwise is said on the console, and
 * what needs it fails with a better message.
 */
void ag_load_modules(const struct ag_job *job);

/**
 * ag_mount_root() - Make the host's tree, below our own files, the root
 * @job:	job; nothing is done where it names none
 *
 * Return: 0 or a negative errno.
 */
int ag_mount_root(const struct ag_job *job);

/* Mounts the shared folders; on failure writes which one to @text. */
int ag_mount_shares(const struct ag_job *job, char *text, size_t len);
void ag_unmount_shares(const struct ag_job *job);

/**
 * ag_open_port() - Open a virtio-serial port by its name
 * @name:	CT_PORT_...
 *
 * Waits until the port is there and its other end is connected.
 *
 * Return: a non-blocking descriptor, or -ENODEV.
 */
int ag_open_port(const char *name);

/**
 * ag_send_outputs() - Send the files the program left
 * @job:	job
 * @ch:		control port
 * @files:	whether what is in CT_GUEST_OUT goes too, not just the trace
 *
 * Return: 0 or a negative errno.
 */
int ag_send_outputs(const struct ag_job *job, struct ct_channel *ch, bool files);

/* Number of files in CT_GUEST_OUT. */
unsigned int ag_count_outputs(void);

/**
 * struct ag_program - The program that runs in the guest
 * @pid:	its process, leader of its session
 * @in, @out, @err: our ends of its pipes, non-blocking; of a terminal's master
 *		for @in and @out, and no @err
 */
struct ag_program {
	pid_t pid;
	int in;
	int out;
	int err;
};

/**
 * ag_program_start() - Start the job's program
 * @p:		filled
 * @job:	job
 *
 * Return: 0, or the negative errno of execve() or of what had to be done before.
 */
int ag_program_start(struct ag_program *p, const struct ag_job *job);

/* Tells the program's terminal, if it has one, its size. */
void ag_program_resize(const struct ag_program *p, unsigned int rows, unsigned int columns);

/* One line on the console, where the host looks when nothing else comes. */
CW_PRINTF(1, 2) void ag_say(const char *fmt, ...);

#endif
