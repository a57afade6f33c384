/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the libcuda of a back end lies.
 */
#ifndef DAEMON_BACK_END_H
#define DAEMON_BACK_END_H

#include <stddef.h>

/**
 * struct cd_back_end - A back end that has a name
 * @name:	argument of --backend
 * @variable:	environment variable that overrides where it lies, or NULL
 * @paths:	where it lies, tried in order; one that does not begin with '/'
 *		is relative to the folder of the daemon's program
 */
struct cd_back_end {
	const char *name;
	const char *variable;
	const char *paths[5];
};

extern const struct cd_back_end cd_back_ends[];
extern const size_t cd_back_ends_count;

int cd_back_end_find(const char *name, char *path);

#endif
