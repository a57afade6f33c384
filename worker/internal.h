/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's own state and the seams between its files.
 *
 * Threads: the dispatcher reads the ring and issues in order; one helper per
 * guest thread runs what may wait; the control thread talks to the daemon;
 * host functions come on threads of the back end.
 */
#ifndef WORKER_INTERNAL_H
#define WORKER_INTERNAL_H

#include <pthread.h>

#include "cw/device_info.h"
#include "cw/worker_proto.h"
#include "uapi/linux/virtio_cuda.h"
#include "worker/wk.h"

/* Stable codes of what ends a client; daemon/codes.h has the daemon's. */
#define WK_E_COMMAND "CW-E0211" /* arguments of a command are malformed */
#define WK_E_SLOT "CW-E0212"	/* a command names no reply slot */
#define WK_E_RING "CW-E0213"	/* head, tail or a size lies outside of the ring */
#define WK_E_TURN "CW-E0214"	/* a thread calls while its last call is unanswered */

struct cw_gauge;
struct wk_job;
struct wk_pts;
struct wk_temp;

#define CW_PRIMARIES 8

/**
 * struct wk_thread - A guest thread, as the worker stands for it
 * @slot:	its reply slot
 * @bound:	its commands all run on its helper (SEMANTICS 2)
 * @captures:	it has begun and not ended; helper only
 * @cmd:	head of the command that runs now
 * @temp:	memory of the current command, see wk_temp()
 * @image:	of the current load command, see wk_image_in()
 * @rest:	results of its last command, where the slot had no room for all
 * @rest_len:	their bytes
 * @streams:	that stand for its per-thread default streams
 * @busy:	a call that is answered is with the helper; only a bound thread may
 *		send another
 * @pending:	commands that are not answered are with the helper: so many; what
 *		follows them goes there too, bound or not any more
 * @lock:	protects the queue of the helper
 * @first, @last: jobs for the helper, in ring order
 * @queued:	how many
 * @room:	there are fewer again
 */
struct wk_thread {
	uint32_t slot;
	atomic_bool bound;
	uint32_t captures;
	struct cw_cmd cmd;
	struct wk_temp *temp;
	size_t temp_used;
	void *image;
	uint8_t *rest;
	uint32_t rest_len;
	struct wk_load *load; /* of load.c, NULL before the first load */
	struct wk_pts *streams;
	pthread_t helper;
	bool helper_started;
	bool helper_quit;
	atomic_bool busy;
	_Atomic uint32_t pending;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_cond_t room;
	struct wk_job *first;
	struct wk_job *last;
	uint32_t queued;
};

/**
 * struct wk_worker - The process; one, reached by wk_self()
 * @channel:	mapped whole, in order
 * @window:	mapped at @start.device_base where direct, else anywhere
 * @start:	as the daemon sent it
 * @store_lock:	held for reading around stores to guest memory; a pause takes it
 *		for writing. Readers may nest, and one may wait for a lock whose
 *		holder is about to read: the default kind of lock never holds a
 *		reader up while another reads. It must stay of that kind.
 * @ram:	files of the guest's memory, as START has them
 * @nr_ram:	their number
 * @brokered:	the daemon judges each mapping of a file
 * @pausing:	the dispatcher, which stores all the time, shall let go of it and
 *		pass @pause_gate
 */
struct wk_worker {
	void *channel;
	size_t channel_size;
	uint32_t ring_size;
	int fd_control;
	int fd_doorbell;
	int fd_signal;
	int fd_window;
	_Atomic uint64_t *signal_page;
	struct cw_gauge *gauge;
	uint8_t *window;
	struct cw_info *info;
	struct cw_worker_start start;
	int ram[2 * CW_WORKER_MAX_RAM];
	uint32_t nr_ram;
	bool brokered;
	struct wk_thread *threads[VCUDA_SLOTS];
	pthread_rwlock_t store_lock;
	atomic_bool pausing;
	pthread_mutex_t pause_gate;
	_Atomic uint64_t commands;
	_Atomic uint64_t launches;
	_Atomic uint64_t idles;
	_Atomic uint64_t wakes;
	atomic_bool dead;
};

struct wk_worker *wk_self(void);
static inline struct cw_channel *wk_channel(void)
{
	return wk_self()->channel;
}

/* map.c: the one place where a client's memory is mapped. */
void *wk_map_segs(const struct cw_worker_seg *segs, uint32_t n, const int *fds, uint32_t nfds,
		  void *at, uint64_t len, int prot);
void *wk_map_channel(const struct cw_worker_seg *segs, uint32_t n, const int *fds, uint32_t nfds);
int wk_reserve(uint64_t base, uint64_t size);
void wk_map_fence(void);

/* control.c */
int wk_control_recv(void *buf, size_t size, int *fds, uint32_t *nfds);
int wk_control_send(const void *msg, size_t size);
int wk_control_start(void);

/* backend.c */
CUresult wk_backend_load(const char *path);
CUresult wk_backend_open(const char *path);
CUresult wk_backend_init(void);
bool wk_backend_ready(void);
bool wk_backend_is_soft(void);
uint64_t wk_backend_copied(void);
CUresult wk_bulk_init(void);

/* quota.c */
int wk_quota_take(uint64_t bytes);
void wk_quota_give(uint64_t bytes);
uint64_t wk_quota_free(void);
bool wk_quota_held(void);
void wk_quota_hold_wait(void);

/* charge.c */
struct cu_driver;
void wk_charge(struct cu_driver *cu);

/* dispatch.c */
int wk_dispatch_run(void);
void wk_execute(struct wk_thread *t, const struct wk_function *fn, const void *args,
		size_t len);
struct wk_thread *wk_thread_get(uint32_t slot);
void wk_fatal(const char *code, const char *why);

/* protocol.c: table of the protocol's own commands. */
const struct wk_function *wk_protocol_find(uint32_t id);

/* reply.c */
void wk_reply(const struct cw_cmd *cmd, const struct wk_function *fn, CUresult r,
	      const struct cw_enc *out, const uint8_t *data);
void wk_store_begin(void);
void wk_store_end(void);
void wk_wake_slot(uint32_t slot);
void wk_late(struct wk_thread *t, uint64_t ctx, CUresult r);
void wk_ctx_fail(uint64_t ctx, CUresult r);
bool wk_is_context_fatal(CUresult r);

/* pause.c */
void wk_pause(bool on);
void wk_call_begin(void);
void wk_call_end(void);

/* helper.c */
int wk_helper_queue(struct wk_thread *t, const struct cw_cmd *cmd, const struct wk_function *fn,
		    const void *args, size_t len);
void wk_helper_end(struct wk_thread *t);
uint32_t wk_helpers_busy(void);

/* context.c */
CUresult wk_ctx_enter(uint64_t ctx);
bool wk_stream_captures(CUstream stream);
bool wk_stream_per_thread(struct wk_thread *t, CUstream *ret);
void wk_streams_of_thread_end(struct wk_thread *t);
void wk_threads_set(uint32_t slot, struct wk_thread *t);
void wk_ctx_objects_drop(uint64_t ctx);
void wk_ctx_unknown(void);

/* handle.c */
void wk_handle_drop_context(uint64_t ctx);
void wk_handle_primary(CUdevice dev, CUcontext host);
size_t wk_handle_contexts(void ***ret);
uint64_t wk_handle_context(enum cw_handle_type type, uint64_t h);

/* launch.c, credit.c, bulk.c, region.c, callback.c, printf.c: protocol commands */
CUresult wk_launch(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_credit(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
void wk_credit_count(uint32_t credit, CUstream stream);
void wk_credit_forget(void);
CUresult wk_event_record(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_event_poll(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
void wk_events_publish(void);
void wk_events_try_publish(void);
void wk_copies_forget(uint64_t ctx);
void wk_events_forget(uint64_t ctx);
void wk_event_unwatch(uint64_t handle);
CUresult wk_copy_begin(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_copy_end(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_image_begin(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_image_end(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_htod(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_dtoh(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_dtod(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_copy3d(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_region_map(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_region_unmap(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_host_func(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_upcall_done(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_reply_rest(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_printf_fetch(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
int wk_printf_start(void);
int wk_printf_fd(int which);
uint32_t wk_printf_pending(void);

/* load.c: protocol commands, and the end of a thread. */
CUresult wk_load_set(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
CUresult wk_load_tell(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out);
void wk_load_forget(struct wk_thread *t);

/* Regions: attached by the control thread, used by REGION_MAP. */
uint32_t wk_region_attach(const struct cw_worker_attach *msg, const struct cw_worker_seg *segs,
			  const int *fds, uint32_t nfds);
uint32_t wk_region_detach(uint32_t region);
bool wk_region_covers(uint64_t va, uint64_t len);

#endif
