/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bulk data: who may touch which range of the window, and when.
 *
 * Theory of operation (PROTOCOL 4). A copy of any size is COPY_BEGIN, then the
 * bytes, moved by the process (socket) or the daemon (VM), then COPY_END.
 *
 * Direct: the window is the device memory. COPY_BEGIN puts a host function
 * into the copy's stream. When the stream comes to it, the range of the window
 * is granted, and the stream stands still there until COPY_END: whatever is
 * issued later in the stream is later in memory too.
 *
 * Staged: the window is memory that the back end pinned. A block of it is
 * granted at once for a copy in, and after the back end has filled it for a
 * copy out; COPY_END starts the other half.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "cu_driver.h"
#include "cw/log.h"
#include "worker/internal.h"
#include "worker/window.h"

#define COPIES_MAX 256u
/* How often a copy whose stream does not come looks whether it still lives. */
#define STREAM_LOOK_NS 100000000L

/**
 * struct copy - A copy between BEGIN and END
 * @id:		0: free. Low bits are the index, high bits count.
 * @reached:	direct: the stream has come to the copy
 * @done:	END came
 * @ctx:	guest handle of its context
 * @offset:	in the window
 * @span:	bytes of the window from @offset
 */
struct copy {
	uint64_t id;
	enum cw_copy_dir dir;
	bool reached;
	bool done;
	uint64_t ctx;
	uint64_t device;
	uint64_t width, height, pitch;
	uint64_t offset, span;
	void *stream;
};

static struct copy copies[COPIES_MAX];
static uint64_t copies_count;
static pthread_mutex_t copies_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t copies_moved = PTHREAD_COND_INITIALIZER;

/* Over a VM the daemon moves the bytes and has to know what it may touch. */
void wk_grant(uint64_t id, uint64_t offset, uint64_t len, bool write)
{
	struct cw_worker_granted g = {
		.head = { CW_WORKER_VERSION, CW_WORKER_GRANTED },
		.id = id, .offset = offset, .len = len, .write = write,
	};

	if (wk_self()->signal_page)
		wk_control_send(&g, sizeof(g));
}

static struct copy *copy_new(void)
{
	for (uint32_t i = 0; i < COPIES_MAX; i++) {
		if (!copies[i].id) {
			copies[i] = (struct copy){ .id = ++copies_count * COPIES_MAX + i };
			return &copies[i];
		}
	}
	return NULL;
}

/**
 * wk_copies_forget() - A context went, and with it copies its streams never reached
 * @ctx:	guest handle
 */
void wk_copies_forget(uint64_t ctx)
{
	pthread_mutex_lock(&copies_lock);
	for (uint32_t i = 0; i < COPIES_MAX; i++) {
		if (copies[i].id && copies[i].ctx == ctx && copies[i].done && !copies[i].reached)
			copies[i].id = 0;
	}
	pthread_mutex_unlock(&copies_lock);
}

static struct copy *copy_find(uint64_t id)
{
	struct copy *c = &copies[id % COPIES_MAX];

	return id && c->id == id ? c : NULL;
}

/* Whether the span lies in one living allocation of device memory. */
static bool span_is_device(uint64_t addr, uint64_t span)
{
	CUdeviceptr base = 0;
	size_t size = 0;

	return !wk_cu()->cuMemGetAddressRange_v2(&base, &size, addr) && addr >= base &&
	       cw_range_ok(addr - base, span, size);
}

/* Runs on a thread of the back end, in the copy's stream. */
static void copy_in_stream(void *arg)
{
	struct copy *c = arg;

	pthread_mutex_lock(&copies_lock);
	c->reached = true;
	pthread_cond_broadcast(&copies_moved);
	while (!c->done && !atomic_load(&wk_self()->dead))
		pthread_cond_wait(&copies_moved, &copies_lock);
	c->id = 0;
	pthread_mutex_unlock(&copies_lock);
}

static void wait_a_while(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += STREAM_LOOK_NS;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000L;
	}
	pthread_cond_timedwait(&copies_moved, &copies_lock, &ts);
}

/* Waits until the stream has come to the copy, or can't any more. */
static CUresult copy_wait_reached(struct copy *c)
{
	CUresult r = CUDA_SUCCESS;

	pthread_mutex_lock(&copies_lock);
	while (!c->reached) {
		wait_a_while();
		if (c->reached)
			break;
		pthread_mutex_unlock(&copies_lock);
		r = wk_cu()->cuStreamQuery(c->stream);
		pthread_mutex_lock(&copies_lock);
		if (r && r != CUDA_ERROR_NOT_READY && !c->reached) {
			c->done = true; /* should it come all the same */
			break;
		}
		r = CUDA_SUCCESS;
	}
	pthread_mutex_unlock(&copies_lock);
	return r;
}

static CUresult begin_direct(struct copy *c)
{
	struct wk_worker *w = wk_self();
	CUresult r;

	c->span = c->height ? (c->height - 1) * c->pitch + c->width : 0;
	c->offset = c->device - w->start.device_base;
	if (c->device < w->start.device_base ||
	    !cw_range_ok(c->offset, c->span, w->start.window_size) ||
	    !span_is_device(c->device, c->span))
		return CUDA_ERROR_INVALID_VALUE;
	r = wk_cu()->cuLaunchHostFunc(c->stream, copy_in_stream, c);
	if (r)
		return r;
	r = copy_wait_reached(c);
	if (!r)
		wk_grant(c->id, c->offset, c->span, c->dir == CW_COPY_HTOD);
	return r;
}

static CUresult copy3d_rows(const struct copy *c, void *host, uint64_t rows, bool to_device)
{
	CUDA_MEMCPY2D m = { .WidthInBytes = c->width, .Height = rows };

	m.dstMemoryType = to_device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
	m.srcMemoryType = to_device ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
	m.dstDevice = m.srcDevice = c->device;
	m.dstHost = host;
	m.srcHost = host;
	m.dstPitch = to_device ? c->pitch : c->width;
	m.srcPitch = to_device ? c->width : c->pitch;
	return wk_cu()->cuMemcpy2DAsync_v2(&m, c->stream);
}

/* Staged: as many bytes or rows as a block holds; the process comes again. */
static CUresult begin_staged(struct copy *c)
{
	uint64_t most = wk_self()->start.window_size / 16;
	CUresult r;

	if (c->height == 1)
		c->width = cw_min(c->width, most);
	if (!c->width || c->width > most)
		return CUDA_ERROR_INVALID_VALUE;
	c->height = cw_min(c->height, most / c->width);
	c->span = c->width * c->height;
	if (wk_window_alloc(c->span, &c->offset))
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (c->dir == CW_COPY_DTOH) {
		r = copy3d_rows(c, wk_self()->window + c->offset, c->height, false);
		if (!r)
			r = wk_cu()->cuStreamSynchronize(c->stream);
		if (r) {
			wk_window_free(c->offset);
			return r;
		}
	}
	c->pitch = c->width; /* of the window; the device's is in no more use for DtoH */
	wk_grant(c->id, c->offset, c->span, c->dir == CW_COPY_HTOD);
	return CUDA_SUCCESS;
}

static void copy_drop(struct copy *c)
{
	pthread_mutex_lock(&copies_lock);
	c->id = 0;
	pthread_mutex_unlock(&copies_lock);
}

/**
 * wk_copy_begin() - CW_FN_COPY_BEGIN
 * @t:		guest thread
 * @in:		direction, device address, width, height, pitch, stream
 * @out:	id, window offset, width, rows, pitch in the window
 *
 * Return: CUDA_SUCCESS when the range is granted.
 */
CUresult wk_copy_begin(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	struct copy *c, want = { .dir = cw_dec_u32(in) };
	bool direct = wk_self()->start.direct;
	uint64_t pitch;
	CUresult r;

	want.device = cw_dec_u64(in);
	want.width = cw_dec_u64(in);
	want.height = cw_dec_u64(in);
	want.pitch = cw_dec_u64(in);
	uint64_t stream = cw_dec_u64(in);

	if (!cw_dec_ok(in) || (want.dir != CW_COPY_HTOD && want.dir != CW_COPY_DTOH))
		return wk_malformed(t);
	/* 2^40 each keeps every product and sum below inside 64 bits. */
	if (want.width >> 40 || want.height >> 20 || want.pitch >> 40 || !want.height ||
	    (want.height > 1 && want.pitch < want.width))
		return CUDA_ERROR_INVALID_VALUE;
	if (!wk_handle_in(t, CW_H_STREAM, stream, &want.stream))
		return CUDA_ERROR_INVALID_HANDLE;
	if (wk_stream_captures(want.stream))
		return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
	pthread_mutex_lock(&copies_lock);
	c = copy_new();
	if (c) {
		want.id = c->id;
		want.ctx = t->cmd.ctx;
		*c = want;
	}
	pthread_mutex_unlock(&copies_lock);
	if (!c)
		return CUDA_ERROR_OUT_OF_MEMORY;
	pitch = c->pitch;
	r = direct ? begin_direct(c) : begin_staged(c);
	if (r) {
		if (!direct || !c->done)
			copy_drop(c);
		return r;
	}
	cw_enc_u64(out, c->id);
	cw_enc_u64(out, c->offset);
	cw_enc_u64(out, c->width);
	cw_enc_u64(out, c->height);
	cw_enc_u64(out, c->pitch);
	if (!direct)
		c->pitch = pitch;
	return CUDA_SUCCESS;
}

static CUresult end_staged(struct copy *c)
{
	CUresult r = CUDA_SUCCESS;

	if (c->dir == CW_COPY_HTOD) {
		r = copy3d_rows(c, wk_self()->window + c->offset, c->height, true);
		if (!r)
			r = wk_cu()->cuStreamSynchronize(c->stream);
	}
	wk_window_free(c->offset);
	copy_drop(c);
	return r;
}

/**
 * wk_copy_end() - CW_FN_COPY_END: the bytes have been moved
 * @t:		guest thread
 * @in:		id
 * @out:	nothing
 *
 * Return: result of the copy; CUDA_ERROR_INVALID_VALUE for an unknown id.
 */
CUresult wk_copy_end(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t id = cw_dec_u64(in);
	struct copy *c;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	wk_grant(id, 0, 0, false);
	pthread_mutex_lock(&copies_lock);
	c = copy_find(id);
	if (c && wk_self()->start.direct) {
		c->done = true;
		pthread_cond_broadcast(&copies_moved);
	}
	pthread_mutex_unlock(&copies_lock);
	if (!c)
		return CUDA_ERROR_INVALID_VALUE;
	return wk_self()->start.direct ? CUDA_SUCCESS : end_staged(c);
}
