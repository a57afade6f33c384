/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the job: records of a letter, a text and a NUL.
 */
#include "tools/agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int job_record(struct ag_job *job, char kind, char *text)
{
	switch (kind) {
	case CT_JOB_ARG:
		return ct_strv_add(&job->args, text);
	case CT_JOB_ENV:
		return ct_strv_add(&job->env, text);
	case CT_JOB_MODULE:
		return ct_strv_add(&job->modules, text);
	case CT_JOB_SHARE:
		return ct_strv_add(&job->shares, text);
	case CT_JOB_PROGRAM:
		job->program = text;
		return 0;
	case CT_JOB_CWD:
		job->cwd = text;
		return 0;
	case CT_JOB_ROOT:
		job->root = text;
		return 0;
	case CT_JOB_UID:
		job->uid = strtoul(text, NULL, 10);
		return 0;
	case CT_JOB_GID:
		job->gid = strtoul(text, NULL, 10);
		return 0;
	case CT_JOB_OUT:
		job->out = true;
		return 0;
	case CT_JOB_TTY:
		job->tty = true;
		return 0;
	case CT_JOB_TRACE:
		job->trace = true;
		return 0;
	default:
		return -EBADMSG;
	}
}

/* The whole file, ended by a NUL. Stays: records point into it. */
static char *job_load(size_t *ret_len)
{
	int fd = open(CT_JOB_PATH, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text = NULL;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st))
		text = calloc(1, st.st_size + 1);
	if (text && read(fd, text, st.st_size) != st.st_size) {
		free(text);
		text = NULL;
	}
	close(fd);
	*ret_len = text ? (size_t)st.st_size : 0;
	return text;
}

int ag_job_read(struct ag_job *job)
{
	size_t len = 0, at = 0;
	char *text = job_load(&len);
	int err = text ? 0 : -ENOENT;

	while (!err && at < len) {
		err = job_record(job, text[at], text + at + 1);
		at += strlen(text + at) + 1;
	}
	return !err && (!job->program || !job->args.n) ? -EBADMSG : err;
}
