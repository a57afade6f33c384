/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Initialisation, what every function checks first, and errors.
 */
#include "softgpu/api/state.h"
#include "softgpu/jit/use.h"

#include <errno.h>
#include <stdlib.h>

#include "cw/copy.h"
#include "cw/log.h"
#include "cw/soft_info.h"

static struct {
	pthread_mutex_t lock;
	atomic_bool ready;
	/* Set in a child of fork: nothing of the parent's GPU is there. */
	atomic_bool orphan;
	unsigned cc;
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

static __thread bool in_callback;

/* Before cuInit(), by the worker that has loaded us. */
static void attach_host(const struct causeway_soft_host *host)
{
	if (host->size < sizeof(*host) || atomic_load(&state.ready))
		return;
	sg_mem_attach(host);
	sg_sched_attach(host);
}

CW_EXPORT struct causeway_soft_info causeway_soft_info = {
	.size = sizeof(struct causeway_soft_info),
	.version = CAUSEWAY_SOFT_INFO_VERSION,
	.arena_fd = -1,
	.copied = &cw_copied_bytes,
	.attach = attach_host,
	.preload = sg_jit_preload,
};

static void after_fork(void)
{
	atomic_store(&state.orphan, true);
}

/* "13.0" or "130": major * 10 + minor. */
static unsigned read_cc(void)
{
	const char *env = secure_getenv("CAUSEWAY_SOFT_CC");
	char *end;
	unsigned long major, minor = 0;

	if (!env)
		return 130;
	major = strtoul(env, &end, 10);
	if (*end == '.')
		minor = strtoul(end + 1, &end, 10);
	else if (!*end)
		minor = major % 10, major /= 10;
	if (*end || major < 1 || major > 99 || minor > 9) {
		cw_warn("no compute capability, ignored: CAUSEWAY_SOFT_CC=\"%s\"", env);
		return 130;
	}
	return (unsigned)(major * 10 + minor);
}

static int init_once(void)
{
	int err = sg_mem_open();

	if (err)
		return err;
	state.cc = read_cc();
	err = sg_ctx_init_primary();
	if (err)
		return err;
	pthread_atfork(NULL, NULL, after_fork);
	causeway_soft_info.arena_base = sg_mem_arena_base();
	causeway_soft_info.arena_size = sg_mem_arena_size();
	causeway_soft_info.arena_fd = sg_mem_arena_fd();
	return 0;
}

SG_API cuInit(unsigned int flags)
{
	int err = 0;

	if (atomic_load(&state.orphan))
		return CUDA_ERROR_NOT_INITIALIZED;
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	if (atomic_load(&state.ready))
		return CUDA_SUCCESS;
	pthread_mutex_lock(&state.lock);
	if (!atomic_load(&state.ready)) {
		cw_log_name = "soft";
		err = init_once();
		if (!err)
			atomic_store(&state.ready, true);
	}
	pthread_mutex_unlock(&state.lock);
	return sg_from_errno(err);
}

/**
 * sg_enter() - What every function checks first
 *
 * Takes no lock, so that it is safe in a child of fork.
 *
 * Return: CUDA_SUCCESS where the call may go on.
 */
CUresult sg_enter(void)
{
	CUresult res = sg_enter_lookup();

	return !res && in_callback ? CUDA_ERROR_NOT_PERMITTED : res;
}

/* What is allowed in a host function, too: the same calls as in a guest (callback-ok). */
CUresult sg_enter_lookup(void)
{
	if (atomic_load(&state.orphan) || !atomic_load(&state.ready))
		return CUDA_ERROR_NOT_INITIALIZED;
	return CUDA_SUCCESS;
}

/**
 * sg_enter_any() - The same, with the current context, failed or not
 * @ret_ctx:	an active context
 *
 * Return: CUDA_SUCCESS where the call may go on.
 */
CUresult sg_enter_any(struct sg_ctx **ret_ctx)
{
	CUresult res = sg_enter();
	struct sg_ctx *ctx;

	if (res)
		return res;
	ctx = sg_current();
	if (!ctx)
		return CUDA_ERROR_INVALID_CONTEXT;
	if (!atomic_load(&ctx->active))
		return CUDA_ERROR_CONTEXT_IS_DESTROYED;
	*ret_ctx = ctx;
	return CUDA_SUCCESS;
}

/**
 * sg_enter_ctx() - The same, with a context that has not failed
 * @ret_ctx:	the current context
 *
 * Return: CUDA_SUCCESS where the call may go on.
 */
CUresult sg_enter_ctx(struct sg_ctx **ret_ctx)
{
	CUresult res = sg_enter_any(ret_ctx);

	return res ? res : sg_ctx_error(*ret_ctx);
}

bool sg_in_callback(void)
{
	return in_callback;
}

void sg_set_in_callback(bool on)
{
	in_callback = on;
}

/* Compute capability, major * 10 + minor. */
unsigned sg_cc(void)
{
	return state.cc;
}

/**
 * sg_from_errno() - The one place where our errors become CUDA's
 * @err:	0 or -errno
 *
 * Return: what the program gets.
 */
CUresult sg_from_errno(int err)
{
	static const struct {
		int err;
		CUresult res;
	} table[] = {
		{ 0, CUDA_SUCCESS },
		{ -EINVAL, CUDA_ERROR_INVALID_VALUE },
		{ -ENOMEM, CUDA_ERROR_OUT_OF_MEMORY },
		{ -EADDRINUSE, CUDA_ERROR_OUT_OF_MEMORY },
		{ -ENOENT, CUDA_ERROR_NOT_FOUND },
		{ -ENOEXEC, CUDA_ERROR_NO_BINARY_FOR_GPU },
		{ -E2BIG, CUDA_ERROR_NOT_SUPPORTED },
		{ -EEXIST, CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED },
		{ -ENOTSUP, CUDA_ERROR_NOT_SUPPORTED },
	};

	for (size_t i = 0; i < CW_ARRAY_SIZE(table); i++) {
		if (table[i].err == err)
			return table[i].res;
	}
	return CUDA_ERROR_UNKNOWN;
}
