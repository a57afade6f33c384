/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dispatcher: reads the ring, issues in order, never waits for the device.
 *
 * Theory of operation (PROTOCOL 3, SEMANTICS 1). A command is copied out of
 * the ring before a byte of it is believed. Asynchronous and inline functions
 * run here; sync ones go to the helper of their guest thread, started when all
 * earlier commands have been issued, which is now. An asynchronous function
 * whose caller waits all the same (a first launch) is treated as sync, and
 * everything of a bound thread goes to its helper.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cw/log.h"
#include "worker/internal.h"
#include "worker_fns.h"

/* Rounds of looking at the tail before sleeping: some 1 to 50 us. It adapts: a
 * client whose calls come close together is waited for, another costs little. */
#define SPIN_MIN 100u
#define SPIN_MAX 4000u

/* How often output that nobody has fetched is cut. */
#define TRIM_COMMANDS 4096u

/* Unknown functions that are logged by id. */
#define UNKNOWN_MAX 64u

/* Slots that have a thread; the dispatcher's. */
static uint32_t nr_threads;

struct wk_temp {
	struct wk_temp *next;
	_Alignas(16) uint8_t bytes[];
};

/**
 * wk_fatal() - Give the client up
 * @code:	stable code
 * @why:	what was wrong
 */
void wk_fatal(const char *code, const char *why)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct wk_worker *w = wk_self();

	/* Said first: the dispatcher takes the process along once it sees dead. */
	pthread_mutex_lock(&lock);
	if (!atomic_load(&w->dead))
		cw_warn("client ended code=%s why=\"%s\"", code, why);
	atomic_store(&w->dead, true);
	pthread_mutex_unlock(&lock);
	wk_store_begin();
	atomic_fetch_or(&wk_channel()->status, CW_CH_FATAL);
	for (uint32_t i = 0; i < VCUDA_SLOTS; i++)
		wk_wake_slot(i);
	wk_store_end();
	/* Helpers may be anywhere, the dispatcher asleep: the daemon sees the end. */
	_exit(1);
}

CUresult wk_malformed(struct wk_thread *t)
{
	wk_fatal(WK_E_COMMAND, "malformed command");
	return CUDA_ERROR_INVALID_VALUE;
}

void *wk_temp(struct wk_thread *t, size_t size)
{
	struct wk_temp *m;

	if (size > WK_TEMP_MAX - t->temp_used)
		return NULL;
	m = calloc(1, sizeof(*m) + size);
	if (!m)
		return NULL;
	t->temp_used += size;
	m->next = t->temp;
	t->temp = m;
	return m->bytes;
}

static void temp_free(struct wk_thread *t)
{
	while (t->temp) {
		struct wk_temp *m = t->temp;

		t->temp = m->next;
		free(m);
	}
	t->temp_used = 0;
	free(t->image);
	t->image = NULL;
}

/**
 * wk_thread_get() - The guest thread of a slot, made at its first command
 * @slot:	1 .. VCUDA_SLOTS - 1
 *
 * Thread: the dispatcher.
 *
 * Return: it, or NULL where there are as many as there may be.
 */
struct wk_thread *wk_thread_get(uint32_t slot)
{
	struct wk_worker *w = wk_self();
	struct wk_thread *t;

	if (w->threads[slot])
		return w->threads[slot];
	t = nr_threads < w->start.max_threads ? calloc(1, sizeof(*t)) : NULL;
	if (!t)
		return NULL;
	nr_threads++;
	t->slot = slot;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->wake, NULL);
	pthread_cond_init(&t->room, NULL);
	wk_threads_set(slot, t);
	return t;
}

static void rest_drop(struct wk_thread *t)
{
	free(t->rest);
	t->rest = NULL;
	t->rest_len = 0;
}

static void thread_exit(struct wk_thread *t)
{
	wk_helper_end(t);
	wk_streams_of_thread_end(t);
	wk_load_forget(t);
	wk_threads_set(t->slot, NULL);
	rest_drop(t);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->wake);
	pthread_cond_destroy(&t->room);
	free(t);
	nr_threads--;
}

/* Keeps results that the slot has no room for, until the thread's next command. */
static CUresult rest_keep(struct wk_thread *t, const uint8_t *results, uint32_t len)
{
	t->rest = malloc(len);
	if (!t->rest)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memcpy(t->rest, results, len);
	t->rest_len = len;
	return CUDA_SUCCESS;
}

/**
 * wk_reply_rest() - CW_FN_REPLY_REST: a piece of the last command's results
 * @t:		guest thread
 * @in:		offset
 * @out:	blob
 *
 * Return: CUDA_ERROR_INVALID_VALUE where there is nothing at that offset.
 */
CUresult wk_reply_rest(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t at = cw_dec_u64(in);

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	if (at >= t->rest_len)
		return CUDA_ERROR_INVALID_VALUE;
	cw_enc_bytes(out, t->rest + at, cw_min(t->rest_len - at, (uint64_t)CW_REPLY_MAX - 16));
	return CUDA_SUCCESS;
}

/**
 * wk_execute() - Run one command and answer it
 * @t:		guest thread, @t->cmd is its head
 * @fn:		function
 * @args:	arguments, private to us
 * @len:	bytes
 *
 * Thread: dispatcher or the thread's helper.
 */
void wk_execute(struct wk_thread *t, const struct wk_function *fn, const void *args, size_t len)
{
	struct cw_cmd cmd = t->cmd;
	struct cw_dec in;
	struct cw_enc out = { .fatal = true };
	uint8_t results[CW_RESULT_MAX];
	CUresult r;

	if (t->rest && fn->id != CW_FN_REPLY_REST)
		rest_drop(t);
	/* What is made by who needs no context goes with none (kernels of libraries). */
	if (!(fn->flags & WK_FN_CTX))
		t->cmd.ctx = 0;
	cw_dec_init(&in, args, len);
	cw_enc_init(&out, results, cmd.flags & CW_CMD_REPLY ? sizeof(results) : 8);
	r = wk_backend_init();
	if (!r && (fn->flags & WK_FN_CTX))
		r = wk_ctx_enter(cmd.ctx);
	if (!r)
		r = fn->fn(t, &in, &out);
	if (r && wk_is_context_fatal(r))
		wk_ctx_fail(cmd.ctx, r);
	temp_free(t);
	if (!r && cw_enc_ok(&out) && out.p - results > CW_REPLY_MAX)
		r = rest_keep(t, results, (uint32_t)(out.p - results));
	/* Release: whoever may use @t next sees it as we leave it. */
	atomic_store_explicit(&t->busy, false, memory_order_release);
	if (!(cmd.flags & CW_CMD_REPLY)) {
		if (r)
			wk_late(t, cmd.ctx, r);
		return;
	}
	/* What a caller knows after it waited must be as fresh as its answer. */
	if (fn->cls == CW_SYNC)
		wk_events_publish();
	wk_reply(&cmd, fn, r, &out, results);
}

static int function_compare(const void *key, const void *elem)
{
	uint32_t id = *(const uint32_t *)key;
	uint32_t other = ((const struct wk_function *)elem)->id;

	return id < other ? -1 : id > other;
}

static const struct wk_function *function_find(uint32_t id)
{
	if (id <= CW_FN_RESERVED_MAX)
		return wk_protocol_find(id);
	return bsearch(&id, wk_functions, wk_functions_count, sizeof(wk_functions[0]),
		       function_compare);
}

/* Once per function; a client that makes ids up must not fill the log. */
static void unknown_log(uint32_t id)
{
	static uint32_t seen[UNKNOWN_MAX];
	static uint32_t nr_seen;

	for (uint32_t i = 0; i < nr_seen; i++) {
		if (seen[i] == id)
			return;
	}
	if (nr_seen == UNKNOWN_MAX)
		return;
	seen[nr_seen++] = id;
	cw_warn("function unknown to this worker id=0x%08x", id);
}

static void unknown_function(struct wk_thread *t, const struct cw_cmd *cmd)
{
	unknown_log(cmd->id);
	if (cmd->flags & CW_CMD_REPLY)
		wk_reply(cmd, NULL, CUDA_ERROR_NOT_SUPPORTED, NULL, NULL);
	else
		wk_late(t, cmd->ctx, CUDA_ERROR_NOT_SUPPORTED);
}

/*
 * Whether a call that may wait has nothing to wait for, by its query form. With
 * no helper at work the dispatcher is the only one who issues, so that it stays
 * true until the call itself has run, here and now.
 */
static bool need_not_wait(struct wk_thread *t, const struct wk_function *fn, const void *args,
			  size_t len)
{
	struct cw_dec in;
	struct cw_enc out;
	uint8_t none[8];

	if (wk_helpers_busy() || wk_backend_init() || wk_ctx_enter(t->cmd.ctx))
		return false;
	for (size_t i = 0; i < wk_queries_count; i++) {
		if (wk_queries[i].id != fn->id)
			continue;
		cw_dec_init(&in, args, len);
		cw_enc_init(&out, none, sizeof(none));
		return wk_queries[i].fn(t, &in, &out) == CUDA_SUCCESS;
	}
	return false;
}

static bool to_helper(struct wk_thread *t, const struct wk_function *fn, const void *args,
		      size_t len)
{
	if (fn->flags & WK_FN_BINDS)
		return true;
	if (fn->cls == CW_SYNC)
		return !need_not_wait(t, fn, args, len);
	return fn->cls == CW_ASYNC && (t->cmd.flags & CW_CMD_REPLY);
}

/* Not even a thread could be had: the caller is told, now or later. */
static void no_helper(struct wk_thread *t, const struct cw_cmd *cmd, const struct wk_function *fn)
{
	if (cmd->flags & CW_CMD_REPLY)
		wk_reply(cmd, fn, CUDA_ERROR_OUT_OF_MEMORY, NULL, NULL);
	else
		wk_late(t, cmd->ctx, CUDA_ERROR_OUT_OF_MEMORY);
}

/* One thread too many: it is told what the library says without a slot. */
static void no_thread(const struct cw_cmd *cmd)
{
	struct wk_thread nobody = { .slot = cmd->slot };

	if (cmd->flags & CW_CMD_REPLY)
		wk_reply(cmd, NULL, CUDA_ERROR_OUT_OF_MEMORY, NULL, NULL);
	else if (cmd->id != CW_FN_THREAD_EXIT)
		wk_late(&nobody, cmd->ctx, CUDA_ERROR_OUT_OF_MEMORY);
}

/*
 * A card does not stop between two blocks, so launches wait where compute time
 * rests. Nothing is stored meanwhile: a pause may come.
 */
static void let_rest(const struct cw_cmd *cmd)
{
	if (cmd->id != CW_FN_LAUNCH || !wk_quota_held())
		return;
	wk_store_end();
	wk_quota_hold_wait();
	wk_store_begin();
}

static void issue(const struct cw_cmd *cmd, const void *args, size_t len)
{
	struct wk_thread *t;
	const struct wk_function *fn;
	bool idle;

	if (cmd->slot == CW_UPCALL_SLOT || cmd->slot >= VCUDA_SLOTS) {
		wk_fatal(WK_E_SLOT, "no such reply slot");
		return;
	}
	t = wk_thread_get(cmd->slot);
	if (!t) {
		no_thread(cmd);
		return;
	}
	if (!t->bound && atomic_load_explicit(&t->busy, memory_order_acquire)) {
		wk_fatal(WK_E_TURN, "a thread with an unanswered call sent another");
		return;
	}
	if (cmd->id == CW_FN_THREAD_EXIT) {
		thread_exit(t);
		return;
	}
	fn = function_find(cmd->id);
	if (!fn) {
		unknown_function(t, cmd);
		return;
	}
	atomic_fetch_add_explicit(&wk_self()->commands, 1, memory_order_relaxed);
	/* An idle thread's record is the dispatcher's; a helper takes a copy. */
	idle = !t->bound && !atomic_load_explicit(&t->pending, memory_order_acquire);
	if (idle)
		t->cmd = *cmd;
	if (!idle || to_helper(t, fn, args, len)) {
		if (wk_helper_queue(t, cmd, fn, args, len))
			no_helper(t, cmd, fn);
		return;
	}
	wk_execute(t, fn, args, len);
}

/* Looks for the next command for a while; true: it is there. */
static bool spin(struct cw_channel *ch, uint64_t head)
{
	static uint32_t rounds = SPIN_MAX / 2;

	for (uint32_t i = 0; i < rounds; i++) {
		if (atomic_load_explicit(&ch->tail, memory_order_acquire) != head) {
			rounds = cw_min(rounds + rounds / 4, SPIN_MAX);
			return true;
		}
		cw_cpu_relax();
	}
	rounds = cw_max(rounds - rounds / 4, SPIN_MIN);
	return false;
}

/* Sleeps until the process rings, unless something came in the meantime. */
static int park(struct cw_channel *ch, uint64_t head)
{
	struct wk_worker *w = wk_self();
	uint64_t count;
	ssize_t n;

	if (spin(ch, head))
		return 0;
	atomic_fetch_or(&ch->status, CW_CH_IDLE);
	/*
	 * Full fence: the IDLE bit must be visible before tail is read again,
	 * or a thread that appended in between sees no IDLE, sends no doorbell,
	 * and both sides sleep. Pairs with the fence in cg_ring_publish().
	 */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&ch->tail, memory_order_relaxed) != head) {
		atomic_fetch_and(&ch->status, ~(uint32_t)CW_CH_IDLE);
		return 0;
	}
	atomic_fetch_add_explicit(&w->idles, 1, memory_order_relaxed);
	wk_store_end();
	do
		n = read(w->fd_doorbell, &count, sizeof(count));
	while (n < 0 && errno == EINTR);
	wk_store_begin();
	if (n <= 0)
		return n ? -errno : -EPIPE;
	/* A ring without a kick of ours (a pause ending) leaves the bit set. */
	atomic_fetch_and(&ch->status, ~(uint32_t)CW_CH_IDLE);
	return 0;
}

/* Copies the head of the next command out of the ring and judges the copy. */
static bool fetch_head(uint64_t head, uint64_t tail, struct cw_cmd *cmd)
{
	struct wk_worker *w = wk_self();
	uint32_t at = head & (w->ring_size - 1);
	uint64_t left = cw_min(tail - head, (uint64_t)(w->ring_size - at));

	if (tail - head > w->ring_size || left < sizeof(*cmd))
		return false;
	memcpy(cmd, cw_channel_ring(w->channel) + at, sizeof(*cmd));
	if (cmd->size < sizeof(*cmd) || cmd->size % CW_CMD_ALIGN || cmd->size > left)
		return false;
	return cmd->id == CW_CMD_PAD || cmd->size <= CW_CMD_MAX;
}

/* The dispatcher holds the lock of stores while it works; here it lets go. */
static void let_pause(struct wk_worker *w)
{
	if (__builtin_expect(!atomic_load_explicit(&w->pausing, memory_order_relaxed), 1))
		return;
	wk_store_end();
	pthread_mutex_lock(&w->pause_gate);
	pthread_mutex_unlock(&w->pause_gate);
	wk_store_begin();
}

/**
 * wk_dispatch_run() - Serve the ring until the client ends
 *
 * Return: 0 never; -errno where the doorbell failed, -EPROTO where the client
 * broke the rules.
 */
int wk_dispatch_run(void)
{
	struct wk_worker *w = wk_self();
	struct cw_channel *ch = wk_channel();
	static uint8_t args[CW_CMD_MAX];
	uint64_t head = 0, commands = 0;

	wk_store_begin();
	while (!atomic_load_explicit(&w->dead, memory_order_relaxed)) {
		uint64_t tail = atomic_load_explicit(&ch->tail, memory_order_acquire);
		struct cw_cmd cmd;
		size_t len;

		let_pause(w);
		if (tail == head) {
			int err = park(ch, head);

			if (err)
				return err;
			continue;
		}
		if (!fetch_head(head, tail, &cmd)) {
			wk_fatal(WK_E_RING, "ring head, tail or size out of bounds");
			break;
		}
		len = cmd.size - sizeof(cmd);
		if (cmd.id != CW_CMD_PAD)
			memcpy(args, cw_channel_ring(w->channel) +
				     ((head + sizeof(cmd)) & (w->ring_size - 1)), len);
		head += cmd.size;
		/* Release: the bytes are read before the space is given back. */
		atomic_store_explicit(&ch->head, head, memory_order_release);
		if (cmd.id == CW_CMD_PAD)
			continue;
		if (!w->start.direct) {
			let_rest(&cmd);
			let_pause(w);
		}
		/* What is printed between two answers is bounded, too. */
		if (!(++commands % TRIM_COMMANDS))
			wk_printf_pending();
		issue(&cmd, args, len);
	}
	return -EPROTO;
}
