/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends the files that the program left in CT_GUEST_OUT, and its trace.
 */
#include "tools/agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUTS_FDS 16

/* nftw() has no argument for its function; this process has one walk. */
static struct ct_channel *outputs_channel;
static unsigned int outputs_count;
static int outputs_error;

static int outputs_send(struct ct_channel *ch, const char *path, const char *name,
			enum ct_out_kind kind)
{
	static char buf[CT_MSG_MAX];
	struct ct_msg_out_open head = { .kind = kind };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	if (strlen(name) >= sizeof(head.path) || fstat(fd, &st)) {
		close(fd);
		return -ENAMETOOLONG;
	}
	head.mode = st.st_mode & 0777;
	strcpy(head.path, name);
	err = ct_channel_send(ch, CT_MSG_OUT_OPEN, &head, sizeof(head));
	while (!err && (n = read(fd, buf, sizeof(buf))) > 0)
		err = ct_channel_send(ch, CT_MSG_OUT_DATA, buf, n);
	close(fd);
	return err ? err : ct_channel_send(ch, CT_MSG_OUT_CLOSE, NULL, 0);
}

static int outputs_visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	outputs_count++;
	if (outputs_channel)
		outputs_error = outputs_send(outputs_channel, path, path + sizeof(CT_GUEST_OUT),
					     CT_OUT_FILE);
	return outputs_error;
}

unsigned int ag_count_outputs(void)
{
	outputs_channel = NULL;
	outputs_count = 0;
	nftw(CT_GUEST_OUT, outputs_visit, OUTPUTS_FDS, FTW_PHYS);
	return outputs_count;
}

int ag_send_outputs(const struct ag_job *job, struct ct_channel *ch, bool files)
{
	int err = 0;

	if (job->trace)
		err = outputs_send(ch, CT_GUEST_TRACE, "", CT_OUT_TRACE);
	if (err || !files || !job->out)
		return err;
	outputs_channel = ch;
	outputs_error = 0;
	nftw(CT_GUEST_OUT, outputs_visit, OUTPUTS_FDS, FTW_PHYS);
	return outputs_error;
}
