/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting somebody's program on this machine.
 */
#ifndef TOOLS_LAUNCH_H
#define TOOLS_LAUNCH_H

#include <sys/types.h>

/**
 * ct_use_library() - Make one of our libcuda.so.1 the one the loader finds
 * @which:	"soft" or "guest"
 *
 * Puts its folder, and then that of our libcudart, in front of LD_LIBRARY_PATH.
 *
 * Return: 0, or a negative errno after a line on stderr.
 */
int ct_use_library(const char *which);

/**
 * ct_launch() - Become the program
 * @argv:	program and its arguments
 *
 * Return: only on failure: 126 or 127, after a line on stderr.
 */
int ct_launch(char **argv);

/**
 * struct ct_helper - A helper process to start
 * @argv:	absolute path of the program, then its arguments
 * @keep:	descriptors it inherits, ended by -1: the first becomes 3, and so on;
 *		may be NULL
 * @messages:	descriptor for its stdout and stderr; 0: our stderr
 * @prepare:	called in the child before all else, with @arg; a status it
 *		returns is the child's exit status at once; may be NULL
 * @arg:	for @prepare
 */
struct ct_helper {
	char *const *argv;
	const int *keep;
	int messages;
	int (*prepare)(const void *arg);
	const void *arg;
};

/**
 * ct_spawn_helper() - Start a helper process that ends when this one does
 * @h:		what to start
 *
 * It leads a process group of its own, so that ^C at the terminal is not its
 * to judge, and has stdin from /dev/null.
 *
 * Return: its pid or a negative errno.
 */
pid_t ct_spawn_helper(const struct ct_helper *h);

/* Ends a helper: SIGTERM, and SIGKILL where that takes over two seconds. */
void ct_stop_helper(pid_t pid);

/**
 * ct_end_like() - End this process as another one ended
 * @status:	from waitpid()
 *
 * Return: the exit status to return; does not return where the other was
 * killed by a signal, for then so is this process.
 */
int ct_end_like(int status);

#endif
