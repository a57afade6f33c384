/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receives the files a guest sends, into one folder.
 */
#ifndef TOOLS_RUN_OUT_H
#define TOOLS_RUN_OUT_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/run/proto.h"

/**
 * struct ct_out - Receiver of files
 * @dir:	folder of --out, or -1
 * @trace:	file of --trace, or NULL
 * @left:	bytes the guest may still send: what it has memory for
 * @fd:		file being received, or -1
 * @where:	folder of it
 * @temp:	its name while it is not complete
 * @name:	its name then
 * @received:	complete files
 */
struct ct_out {
	int dir;
	const char *trace;
	uint64_t left;
	int fd;
	int where;
	mode_t mode;
	char temp[64];
	char name[PATH_MAX];
	unsigned int received;
};

/**
 * ct_out_init() - Prepare to receive
 * @o:		filled
 * @dir:	folder, made if it is not there; NULL: none
 * @trace:	file of the trace or NULL
 * @limit:	most bytes in all
 *
 * Return: 0 or a negative errno after a line on stderr.
 */
int ct_out_init(struct ct_out *o, const char *dir, const char *trace, uint64_t limit);

/*
 * The three steps of a file. Return: 0 or a negative errno: -EPERM for a path
 * that leads out of the folder, -EDQUOT past the limit, or what the file system
 * says.
 */
int ct_out_open(struct ct_out *o, const struct ct_msg_out_open *msg);
int ct_out_data(struct ct_out *o, const void *data, size_t len);
int ct_out_close(struct ct_out *o);

/* Drops a file that is not complete, and closes all. */
void ct_out_finish(struct ct_out *o);

#endif
