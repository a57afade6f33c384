/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers: one thread per guest thread that has made a call which may wait.
 *
 * There is never a fixed pool: full of waiters it would deadlock with the call
 * that releases them (SEMANTICS 1). A helper runs its jobs in ring order; an
 * unbound guest thread has one at most, for it waits for the answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cu_driver.h"
#include "worker/internal.h"

/* Commands of a bound thread that may wait for it: what they cost is bounded. */
#define QUEUE_MAX 64u

struct wk_job {
	struct wk_job *next;
	struct cw_cmd cmd;
	const struct wk_function *fn;
	size_t len;
	uint8_t args[];
};

/* Jobs queued or running, of all helpers. */
static _Atomic uint32_t jobs;

uint32_t wk_helpers_busy(void)
{
	return atomic_load(&jobs);
}

static struct wk_job *helper_next(struct wk_thread *t)
{
	struct wk_job *job;

	pthread_mutex_lock(&t->lock);
	while (!t->first && !t->helper_quit)
		pthread_cond_wait(&t->wake, &t->lock);
	job = t->first;
	if (job) {
		t->first = job->next;
		if (!t->first)
			t->last = NULL;
		t->queued--;
		pthread_cond_signal(&t->room);
	}
	pthread_mutex_unlock(&t->lock);
	return job;
}

/*
 * After a call that binds: the guest thread stays bound while its mode is not
 * the default, or a capture it began is open (SEMANTICS 2). The mode is this
 * thread's own, so it is asked for by exchanging it.
 */
static void helper_unbind(struct wk_thread *t, const struct wk_function *fn)
{
	CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

	if (!strncmp(fn->name, "cuStreamBeginCapture", strlen("cuStreamBeginCapture")))
		t->captures++;
	else if (!strcmp(fn->name, "cuStreamEndCapture") && t->captures)
		t->captures--;
	if (t->captures || !wk_cu()->cuThreadExchangeStreamCaptureMode ||
	    wk_cu()->cuThreadExchangeStreamCaptureMode(&mode))
		return;
	if (mode != CU_STREAM_CAPTURE_MODE_GLOBAL) {
		wk_cu()->cuThreadExchangeStreamCaptureMode(&mode);
		return;
	}
	/* With commands still queued the next one must not overtake them. */
	pthread_mutex_lock(&t->lock);
	if (!t->first)
		t->bound = false;
	pthread_mutex_unlock(&t->lock);
}

static void *helper_main(void *arg)
{
	struct wk_thread *t = arg;
	struct wk_job *job;

	while ((job = helper_next(t))) {
		t->cmd = job->cmd;
		wk_call_begin();
		wk_execute(t, job->fn, job->args, job->len);
		wk_call_end();
		if (!(job->cmd.flags & CW_CMD_REPLY))
			atomic_fetch_sub(&t->pending, 1);
		if (job->fn->flags & WK_FN_BINDS)
			helper_unbind(t, job->fn);
		free(job);
		atomic_fetch_sub(&jobs, 1);
	}
	return NULL;
}

static int helper_start(struct wk_thread *t)
{
	int err;

	if (t->helper_started)
		return 0;
	/* With a stack as programs have: compilers of back ends run on it. */
	err = pthread_create(&t->helper, NULL, helper_main, t);
	t->helper_started = !err;
	return -err;
}

/**
 * wk_helper_queue() - Give a command to its thread's helper
 * @t:		guest thread
 * @cmd:	head of the command
 * @fn:		function
 * @args:	its arguments, copied
 * @len:	bytes of arguments
 *
 * Thread: the dispatcher only.
 *
 * Return: 0 or -errno.
 */
int wk_helper_queue(struct wk_thread *t, const struct cw_cmd *cmd, const struct wk_function *fn,
		    const void *args, size_t len)
{
	struct wk_job *job;
	int err = helper_start(t);

	if (err)
		return err;
	job = malloc(sizeof(*job) + len);
	if (!job)
		return -ENOMEM;
	*job = (struct wk_job){ .cmd = *cmd, .fn = fn, .len = len };
	memcpy(job->args, args, len);
	atomic_fetch_add(&jobs, 1);
	if (cmd->flags & CW_CMD_REPLY)
		atomic_store(&t->busy, true);
	else
		atomic_fetch_add(&t->pending, 1);
	pthread_mutex_lock(&t->lock);
	if (fn->flags & WK_FN_BINDS)
		t->bound = true;
	/* Not a wait for the device: a thread that waits for it sends no more. */
	while (t->queued == QUEUE_MAX)
		pthread_cond_wait(&t->room, &t->lock);
	t->queued++;
	if (t->last)
		t->last->next = job;
	else
		t->first = job;
	t->last = job;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	return 0;
}

/**
 * wk_helper_end() - End the helper of a guest thread that has ended
 * @t:	guest thread
 *
 * Thread: the dispatcher. Waits for the job at hand, which a thread that ends
 * does not have.
 */
void wk_helper_end(struct wk_thread *t)
{
	if (!t->helper_started)
		return;
	pthread_mutex_lock(&t->lock);
	t->helper_quit = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->helper, NULL);
	t->helper_started = false;
	t->helper_quit = false;
}
