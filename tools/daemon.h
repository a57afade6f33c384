/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GPU daemon, as a helper of one run.
 */
#ifndef TOOLS_DAEMON_H
#define TOOLS_DAEMON_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "tools/limits.h"

/**
 * struct ct_daemon - A vhost-user-cuda that belongs to this process
 * @pid:	0 where there is none
 * @dir:	temporary folder of @socket, or empty
 * @socket:	client socket, or empty
 */
struct ct_daemon {
	pid_t pid;
	char dir[128];
	char socket[160];
};

/**
 * ct_gpu_parse() - Check a value of --gpu
 * @value:	"auto", "nvidia", "soft", and where @none_too "none"
 * @none_too:	whether a run without a GPU makes sense
 *
 * Return: 0, or -EINVAL after a line on stderr.
 */
int ct_gpu_parse(const char *value, bool none_too);

/**
 * ct_gpu_backend() - What "auto" stands for on this machine
 * @gpu:	"auto", "nvidia" or "soft"
 *
 * Says once on stderr that the software GPU is in use where "auto" found no
 * other.
 *
 * Return: "nvidia" or "soft".
 */
const char *ct_gpu_backend(const char *gpu);

/**
 * ct_daemon_start_client() - Start a daemon that serves a private client socket
 * @d:		filled
 * @gpu:	value of --gpu
 * @limits:	its limits; NULL: the usual ones
 *
 * Return: 0 once the socket takes connections, or a negative errno after a line
 * on stderr; then nothing is left.
 */
int ct_daemon_start_client(struct ct_daemon *d, const char *gpu, const struct ct_limits *limits);

/**
 * ct_daemon_start_vhost() - Start a daemon at one end of a vhost-user connection
 * @d:		filled
 * @gpu:	value of --gpu
 * @limits:	its limits; NULL: the usual ones
 * @ret_fd:	the other end, for the VMM; the caller closes it
 *
 * Return: 0 or a negative errno after a line on stderr.
 */
int ct_daemon_start_vhost(struct ct_daemon *d, const char *gpu, const struct ct_limits *limits,
			  int *ret_fd);

/**
 * ct_daemon_stop() - Stop it and remove what it had
 * @d:		daemon; one that is not there is fine
 *
 * Return: false where it had ended before by itself.
 */
bool ct_daemon_stop(struct ct_daemon *d);

/* Whether a daemon listens at a client socket: 0 or a negative errno. */
int ct_daemon_answers(const char *path);

/**
 * ct_daemon_check_socket() - Whether a daemon listens there
 * @path:	client socket
 *
 * Return: 0, or a negative errno after a line on stderr.
 */
int ct_daemon_check_socket(const char *path);

#endif
