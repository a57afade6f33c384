/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State of the driver API: process, contexts, streams, events, code.
 */
#ifndef SOFTGPU_API_STATE_H
#define SOFTGPU_API_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "cuda_proto.h"
#include "cw/cuda.h"
#include "cw/util.h"
#include "soft_names.h"
#include "softgpu/api/object.h"
#include "softgpu/fatbin/fatbin.h"
#include "softgpu/ir/module.h"
#include "softgpu/mem/heap.h"
#include "softgpu/mem/mem.h"
#include "softgpu/sched/sched.h"

/* A function that programs call. */
#define SG_API CW_EXPORT CUresult

#define SG_DEVICE_COUNT 1
#define SG_DRIVER_VERSION 13000

/* Numbers of the device that more than one file needs. */
#define SG_MAX_THREADS_PER_BLOCK 1024
#define SG_MAX_THREADS_PER_SM 2048
#define SG_MAX_BLOCKS_PER_SM 32
#define SG_REGS_PER_BLOCK 65536
#define SG_REGS_PER_THREAD 32
#define SG_SHARED_DEFAULT 49152
#define SG_SHARED_OPTIN 232448
#define SG_SHARED_PER_SM 233472
#define SG_SHARED_RESERVED 1024
#define SG_PARAM_MAX 32764

struct sg_output;

/**
 * struct sg_ctx - A context
 * @obj:	handle; a primary context has one from cuInit() on
 * @active:	false: destroyed, or a primary context nobody retains
 * @primary:	of device 0
 * @retained:	cuDevicePrimaryCtxRetain() less Release()
 * @flags:	CUctx_flags
 * @api_version: what cuCtxGetApiVersion() answers
 * @generation:	grows with each reset, so that cached code is not used again
 * @group:	its streams' order and failure
 * @legacy:	its NULL stream
 * @objects:	all that dies with it
 * @local:	values kept for libraries (cuGetExportTable)
 * @output:	what device printf wrote and nobody has seen yet
 * @limits:	cuCtxSetLimit()
 * @cache_config: cuCtxSetCacheConfig()
 * @shared_config: cuCtxSetSharedMemConfig()
 * @heap_lock:	guards the device heap
 * @heap:	device malloc
 * @heap_base:	its first byte, 0 before first use
 */
struct sg_ctx {
	struct sg_object obj;
	atomic_bool active;
	bool primary;
	unsigned retained;
	unsigned flags;
	unsigned api_version;
	uint64_t id;
	atomic_ullong generation;
	struct sg_group *group;
	struct sg_stream *legacy;
	struct sg_object *objects;
	struct sg_local *local;
	struct sg_output *output;
	size_t limits[CU_LIMIT_MAX];
	CUfunc_cache cache_config;
	CUsharedconfig shared_config;
	pthread_mutex_t heap_lock;
	struct sg_heap heap;
	uint64_t heap_base;
};

/* CUstream */
struct sg_ustream {
	struct sg_object obj;
	struct sg_stream *queue;
	uint64_t id;
	unsigned flags;
	int priority;
};

/**
 * struct sg_event - CUevent
 * @mark:	last cuEventRecord(), NULL before
 * @lock:	guards @mark
 * @flags:	CUevent_flags
 */
struct sg_event {
	struct sg_object obj;
	pthread_mutex_t lock;
	struct sg_mark *mark;
	unsigned flags;
};

/* Memory of a module's variables, 0 where there are none; see place.c. */
struct sg_vars {
	uint64_t plain;
	uint64_t managed;
};

/**
 * struct sg_instance - A module in a context: CUmodule
 * @m:		parsed text with placed variables
 * @vars:	memory of the variables
 * @kernels:	its functions that have handles
 * @library:	library it is an instance of, or NULL
 * @next:	in the library
 */
struct sg_instance {
	struct sg_object obj;
	struct sg_module *m;
	struct sg_vars vars;
	struct sg_kernel *kernels;
	struct sg_library *library;
	struct sg_instance *next;
};

/**
 * struct sg_library - CUlibrary
 * @image:	texts, kept to make instances from
 * @index:	parsed; answers names and layouts; only its managed variables
 *		are placed
 * @vars:	memory of these
 * @instances:	one for each context that has used it
 * @kernels:	its kernels that have handles
 */
struct sg_library {
	struct sg_object obj;
	pthread_mutex_t lock;
	struct sg_image image;
	struct sg_module *index;
	struct sg_vars vars;
	struct sg_instance *instances;
	struct sg_kernel *kernels;
};

/**
 * struct sg_kernel - CUkernel (of a library) or CUfunction (of a module)
 * @next:	of the same owner
 * @library:	owner, or NULL
 * @instance:	owner, or NULL
 * @entry:	the owner's; for a library the one of its index
 * @cached:	a library's kernel: entry in the context of @cached_key
 * @cached_key:	generation of that context, 0 for none
 * @dyn_shared:	MAX_DYNAMIC_SHARED_SIZE_BYTES
 * @carveout:	PREFERRED_SHARED_MEMORY_CARVEOUT
 */
struct sg_kernel {
	struct sg_object obj;
	struct sg_kernel *next;
	struct sg_library *library;
	struct sg_instance *instance;
	struct sg_entry *entry;
	struct sg_entry *cached;
	uint64_t cached_key;
	atomic_int dyn_shared;
	atomic_int carveout;
	atomic_int nonportable_cluster;
};

/* Exports that the guest library refuses, so that api/ has no prototype. */
CUresult cuCtxSetFlags(unsigned int flags);
CUresult cuStreamGetCaptureInfo_v3(CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id,
				   CUgraph *graph, const CUgraphNode **deps,
				   const CUgraphEdgeData **edges, size_t *n);
CUresult cuStreamGetCtx_v2(CUstream handle, CUcontext *pctx, CUgreenCtx *green);

/* state.c */
CUresult sg_enter(void);
CUresult sg_enter_lookup(void);
CUresult sg_enter_ctx(struct sg_ctx **ret_ctx);
CUresult sg_enter_any(struct sg_ctx **ret_ctx);
CUresult sg_from_errno(int err);
bool sg_in_callback(void);
void sg_set_in_callback(bool on);
unsigned sg_cc(void);
const CUuuid *sg_uuid(void);
int sg_device_attribute(CUdevice_attribute attr);

/* context.c */
struct sg_ctx *sg_primary(void);
struct sg_ctx *sg_current(void);
CUresult sg_ctx_error(const struct sg_ctx *ctx);
int sg_ctx_init_primary(void);

/* stream.c */
CUresult sg_stream_queue(struct sg_ctx *ctx, CUstream stream, struct sg_stream **ret_queue);
struct sg_ustream *sg_stream_thread(struct sg_ctx *ctx);

/* module.c, library.c */
void sg_instance_free(struct sg_instance *instance);
CUresult sg_image_load(const void *data, struct sg_image *ret_image);
CUresult sg_kernel_handle(struct sg_kernel **list, const struct sg_kernel *owner,
			  struct sg_entry *entry, struct sg_kernel **ret_kernel);
void sg_kernel_free_list(struct sg_kernel *list);
CUresult sg_kernel_entry(struct sg_ctx *ctx, struct sg_kernel *kernel,
			 struct sg_entry **ret_entry);
CUresult sg_kernel_usage(struct sg_ctx *ctx, struct sg_kernel *kernel,
			 struct sg_entry_usage *ret_usage);
CUresult sg_library_instance(struct sg_library *lib, struct sg_ctx *ctx,
			     struct sg_instance **ret_instance);

/* local.c: values kept in a context for libraries */
void sg_local_clear(struct sg_ctx *ctx);

/* output.c: device printf */
struct sg_output *sg_output_create(void);
void sg_output_destroy(struct sg_output *out);
void sg_output_add(struct sg_output *out, const char *text, size_t len, size_t limit);
void sg_output_flush(struct sg_ctx *ctx);

/* pool.c */
void sg_pool_freed(void *pool, uint64_t size);
int sg_mem_alloc_wait(struct sg_ctx *ctx, struct sg_mem_info *info);

/* CUDA stream 0 as the per-thread variants mean it. */
static inline CUstream sg_ptsz(CUstream stream)
{
	return stream ? stream : CU_STREAM_PER_THREAD;
}

/* Enter with a usable context, or return what is wrong. */
#define SG_CTX(ctx)                                                                                \
	do {                                                                                       \
		CUresult sg_res_ = sg_enter_ctx(&(ctx));                                           \
		if (sg_res_)                                                                       \
			return sg_res_;                                                            \
	} while (0)

/* Enter with an initialised library, or return what is wrong. */
#define SG_INIT()                                                                                  \
	do {                                                                                       \
		CUresult sg_res_ = sg_enter();                                                     \
		if (sg_res_)                                                                       \
			return sg_res_;                                                            \
	} while (0)

/* The same for look-ups, which host functions may make. */
#define SG_LOOKUP()                                                                                \
	do {                                                                                       \
		CUresult sg_res_ = sg_enter_lookup();                                              \
		if (sg_res_)                                                                       \
			return sg_res_;                                                            \
	} while (0)

#endif
