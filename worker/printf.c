/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device output: what kernels print, brought to the guest (SEMANTICS 8).
 *
 * The back end writes to descriptors 1 and 2. Both are made memfds in append
 * mode, so a write is complete when the synchronising call returns, and
 * nothing has to be drained by a thread of its own. The answer of a sync call
 * says how many bytes wait; the guest fetches them in pieces and prints them
 * with its own stdio before it returns. Bytes fetched are punched out of the
 * file. Text beyond PRINTF_MAX that nobody fetched is dropped, oldest first.
 *
 * Our own log goes to a duplicate of the descriptor 2 the daemon gave us.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cw/log.h"
#include "worker/internal.h"

#define PRINTF_MAX (1u << 20)
/* One piece fits a reply: two words before it. */
#define PIECE_MAX (CW_REPLY_MAX - 24)

/**
 * struct output - One of the two streams
 * @fd:		memfd, also open as 1 or 2
 * @taken:	bytes that were fetched or dropped, ever
 */
struct output {
	int fd;
	off_t taken;
};

static struct output outputs[2] = { { -1, 0 }, { -1, 0 } };
static pthread_mutex_t output_lock = PTHREAD_MUTEX_INITIALIZER;

static int output_open(struct output *o, const char *name, int as)
{
	o->fd = memfd_create(name, MFD_CLOEXEC);
	if (o->fd < 0 || fcntl(o->fd, F_SETFL, O_APPEND) < 0 || dup2(o->fd, as) < 0)
		return -errno;
	return 0;
}

/**
 * wk_printf_start() - Take over descriptors 1 and 2
 *
 * Return: 0 or -errno.
 */
int wk_printf_start(void)
{
	int err;

	cw_log_fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
	err = output_open(&outputs[0], "device-stdout", 1);
	if (!err)
		err = output_open(&outputs[1], "device-stderr", 2);
	setvbuf(stdout, NULL, _IONBF, 0);
	return err;
}

/**
 * wk_printf_fd() - Where output waits
 * @which:	0: standard output, 1: standard error
 *
 * Return: the memory file, or -1.
 */
int wk_printf_fd(int which)
{
	return outputs[which].fd;
}

static void output_forget(struct output *o, off_t upto)
{
	off_t from = o->taken & ~(off_t)4095;

	if (upto > o->taken) {
		o->taken = upto;
		fallocate(o->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from,
			  (upto & ~(off_t)4095) - from);
	}
}

static off_t output_waiting(struct output *o)
{
	off_t size = o->fd < 0 ? 0 : lseek(o->fd, 0, SEEK_END);

	if (size - o->taken > PRINTF_MAX)
		output_forget(o, size - PRINTF_MAX);
	return size - o->taken;
}

/* Bytes that wait to be fetched; part of every answer. */
uint32_t wk_printf_pending(void)
{
	off_t n;

	pthread_mutex_lock(&output_lock);
	n = output_waiting(&outputs[0]) + output_waiting(&outputs[1]);
	pthread_mutex_unlock(&output_lock);
	return (uint32_t)n;
}

/**
 * wk_printf_fetch() - CW_FN_PRINTF_FETCH: the next piece of output
 * @t:		guest thread
 * @in:		nothing
 * @out:	stream (1 or 2; 0: nothing waits), blob
 *
 * Return: CUDA_SUCCESS.
 */
CUresult wk_printf_fetch(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	char piece[PIECE_MAX];
	ssize_t n = 0;
	int which;

	pthread_mutex_lock(&output_lock);
	for (which = 0; which < 2; which++) {
		struct output *o = &outputs[which];
		off_t waiting = output_waiting(o);

		if (!waiting)
			continue;
		n = pread(o->fd, piece, cw_min((size_t)waiting, sizeof(piece)), o->taken);
		if (n > 0)
			output_forget(o, o->taken + n);
		break;
	}
	pthread_mutex_unlock(&output_lock);
	cw_enc_u64(out, n > 0 ? which + 1 : 0);
	cw_enc_bytes(out, piece, n > 0 ? n : 0);
	return CUDA_SUCCESS;
}
