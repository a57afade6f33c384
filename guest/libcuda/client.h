/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest library's own state: one client per process.
 */
#ifndef GUEST_LIBCUDA_CLIENT_H
#define GUEST_LIBCUDA_CLIENT_H

#include <pthread.h>

#include "guest/libcuda/prims.h"
#include "cuda_proto.h"
#include "guest/libcuda/cg.h"
#include "guest/libcuda/transport.h"

#define CG_CTX_DEPTH 64

/**
 * struct cg_thread - A thread of this process, as the worker knows it
 * @slot:	its reply slot
 * @seq:	of the last command that wanted an answer
 * @spin:	rounds to spin for an answer before sleeping; adapts
 * @in_callback: inside a host function
 * @ctx:	stack of contexts (guest handles), @depth of them
 * @lent:	handles of a borrowed output, until the next call that borrows
 * @buf:	where commands are encoded
 */
struct cg_thread {
	uint32_t slot;
	uint32_t spin;
	uint64_t seq;
	bool in_callback;
	struct cw_slot *reply;
	uint32_t depth;
	uint64_t ctx[CG_CTX_DEPTH];
	struct cg_load *load; /* of load.c, NULL before the first load */
	CUgraphNode lent[CW_RESULT_MAX / 8];
	_Alignas(64) uint8_t buf[CW_CMD_MAX];
};

/**
 * enum cg_phase - Life of the client
 * @CG_NEW:	before cuInit. Only functions that need nothing.
 * @CG_READY:	channel open.
 * @CG_FORKED:	this is a child of fork(): everything answers NOT_INITIALIZED
 *		without touching a lock.
 * @CG_FAILED:	cuInit failed; it may be tried again.
 */
enum cg_phase {
	CG_NEW,
	CG_READY,
	CG_FORKED,
	CG_FAILED,
};

/**
 * struct cg_client - The process's client
 * @ring_lock:	order of commands is the order of taking it; nobody sleeps
 *		holding it
 * @tail:	copy of channel->tail that only we write
 * @info:	private copy of the device table
 * @stat:	counters for tests and the bench
 */
struct cg_client {
	_Atomic int phase;
	const struct cg_transport *tr;
	struct cg_open open;
	struct cw_channel *channel;
	uint8_t *ring;
	uint32_t ring_size;
	pthread_mutex_t ring_lock;
	uint64_t tail;
	struct cw_info info;
	atomic_bool complained;
	bool no_spin; /* tests and the bench: sleep at once */
	struct {
		_Atomic uint64_t commands;
		_Atomic uint64_t waits; /* commands whose caller waited */
		_Atomic uint64_t kicks;
		_Atomic uint64_t sleeps;
		_Atomic uint64_t credits; /* waits for launches to end */
		_Atomic uint64_t full; /* pauses for space in the ring */
	} stat;
};

struct cg_client *cg_client(void);

/* Why there is no GPU: the first time only, though runtimes try again and again. */
#define cg_complain(...)                                                                           \
	do {                                                                                       \
		if (!atomic_exchange(&cg_client()->complained, true))                              \
			cw_error(__VA_ARGS__);                                                     \
	} while (0)

/* thread.c */
struct cg_thread *cg_thread_self(void);
struct cg_thread *cg_thread_peek(void);

/* ring.c */
CUresult cg_ring_publish(struct cg_thread *t, struct cw_cmd *cmd, const struct cw_enc *enc);
CUresult cg_wait_reply(struct cg_thread *t, uint64_t seq);

/* call.c: a command of the protocol instead of the function's own. */
CUresult cg_proto(struct cg_call *c, enum cw_fn id, enum cw_class cls);
void cg_proto_again(struct cg_call *c);

/* device.c */
void cg_visible_devices(struct cw_info *info);

/* client.c */
bool cg_client_dead(void);
CUresult cg_client_lost(void);
CUresult cg_client_start(void);

/* load.c */
void cg_managed_gone(uint64_t owner);
void cg_managed_drop_context(CUcontext ctx);

/* context.c */
uint64_t cg_ctx_now(void);
CUresult cg_ctx_error(uint64_t ctx);

/* stream.c */
CUresult cg_stream_wait(const struct cg_fn *fn, uint64_t stream);

/* stat.c */
extern const struct cw_stat_table cg_stat_table;

/* export_tables.c */
void cg_tables_context_gone(CUcontext ctx);

/* launch.c */
void cg_launch_forget(void);

/* region.c: whether an address means the same to the worker. */
bool cg_is_shared(uint64_t addr, uint64_t bytes);
bool cg_is_device(uint64_t addr);

/* arena.c: pieces of the region arena. */
uint64_t cg_arena_alloc(uint64_t len);
void cg_arena_free(uint64_t va, uint64_t len);

#endif
