/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The back end: some libcuda.so.1, named by absolute path, bound by dlopen.
 *
 * Loaded at the start, as nothing can be opened later; initialised at the first
 * command that needs it, so that a client that only asks for devices costs no
 * more than its process. Profile nvidia initialises at the start, too: a driver
 * opens devices then.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cu_driver.h"
#include "cw/gauge.h"
#include "cw/log.h"
#include "cw/soft_info.h"
#include "worker/internal.h"

static struct cu_driver backend_driver;
static void *backend_handle;
static pthread_mutex_t backend_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int backend_state; /* 0: not yet, 1: ready, 2: failed */
static CUresult backend_result;
static bool backend_loaded;

const struct cu_driver *wk_cu(void)
{
	return &backend_driver;
}

static void *backend_lookup(void *arg, const char *symbol)
{
	return dlsym(arg, symbol);
}

/* The soft GPU takes the window as its memory (DESIGN 5). */
static void backend_offer_window(const struct cw_worker_start *start, int fd)
{
	char text[32];

	/* The client's library prints its calls; those made for them are not its. */
	unsetenv("CAUSEWAY_TRACE");
	if (!start->direct || fd < 0)
		return;
	snprintf(text, sizeof(text), "%d", fd);
	setenv("CAUSEWAY_SOFT_ARENA_FD", text, 1);
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)start->device_base);
	setenv("CAUSEWAY_SOFT_ARENA_BASE", text, 1);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)start->window_size);
	setenv("CAUSEWAY_SOFT_ARENA_SIZE", text, 1);
}

/* The soft GPU takes credit for each page itself; it knows best which it uses. */
static void backend_attach(void)
{
	static struct causeway_soft_host host = {
		.size = sizeof(host),
		.take = wk_quota_take,
		.give = wk_quota_give,
		.available = wk_quota_free,
	};
	const struct causeway_soft_info *info = dlsym(backend_handle, "causeway_soft_info");
	struct wk_worker *w = wk_self();

	if (!info || info->size < sizeof(*info) || !w->gauge || !w->start.direct)
		return;
	host.total = w->start.max_memory ? w->start.max_memory : w->start.window_size;
	host.hold = &w->gauge->hold;
	host.idle = &w->gauge->idle;
	host.threads = &w->gauge->threads;
	info->attach(&host);
}

/**
 * wk_backend_load() - Open the back end's library and bind its functions
 * @path:	absolute path
 *
 * Return: CUDA_SUCCESS, or CUDA_ERROR_SHARED_OBJECT_INIT_FAILED with a line in
 * the log.
 */
CUresult wk_backend_load(const char *path)
{
	struct wk_worker *w = wk_self();

	if (path[0] != '/') {
		cw_error("back end must be an absolute path path=\"%s\"", path);
		return CUDA_ERROR_SHARED_OBJECT_INIT_FAILED;
	}
	backend_offer_window(&w->start, w->fd_window);
	backend_handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!backend_handle) {
		cw_error("back end cannot be loaded why=\"%s\"", dlerror());
		return CUDA_ERROR_SHARED_OBJECT_INIT_FAILED;
	}
	cu_driver_bind(&backend_driver, backend_lookup, backend_handle);
	if (!backend_driver.cuInit || !backend_driver.cuLaunchKernel) {
		cw_error("back end is no libcuda path=\"%s\"", path);
		return CUDA_ERROR_SHARED_OBJECT_INIT_FAILED;
	}
	backend_attach();
	if (!w->start.direct)
		wk_charge(&backend_driver);
	return CUDA_SUCCESS;
}

/**
 * wk_backend_open() - Load the back end while files can still be opened
 * @path:	absolute path
 *
 * A failure is remembered and answered by wk_backend_init().
 *
 * Return: CUDA_SUCCESS, or what wk_backend_load() said.
 */
CUresult wk_backend_open(const char *path)
{
	const struct causeway_soft_info *info;

	backend_result = wk_backend_load(path);
	backend_loaded = true;
	if (backend_result)
		return backend_result;
	/* The software GPU opens now what it may need later: its compiler. */
	info = dlsym(backend_handle, "causeway_soft_info");
	if (info && info->size >= sizeof(*info) && info->preload())
		cw_info("kernels are interpreted: no compiler");
	return CUDA_SUCCESS;
}

/**
 * wk_backend_init() - Make the back end ready, once
 *
 * Thread: any.
 *
 * Return: CUDA_SUCCESS, or what loading or cuInit said, again each time.
 */
CUresult wk_backend_init(void)
{
	if (__builtin_expect(atomic_load_explicit(&backend_state, memory_order_acquire) == 1, 1))
		return CUDA_SUCCESS;
	pthread_mutex_lock(&backend_lock);
	if (!backend_state) {
		if (!backend_loaded)
			wk_backend_open(wk_self()->start.back_end);
		if (!backend_result)
			backend_result = backend_driver.cuInit(0);
		if (!backend_result)
			backend_result = wk_bulk_init();
		backend_state = backend_result ? 2 : 1;
	}
	pthread_mutex_unlock(&backend_lock);
	return backend_result;
}

/* Whether it is ours, by whatever path it was named. */
bool wk_backend_is_soft(void)
{
	return backend_handle && dlsym(backend_handle, "causeway_soft_info");
}

/* Payload bytes that the software GPU has moved; 0 for another back end. */
uint64_t wk_backend_copied(void)
{
	const struct causeway_soft_info *info =
		backend_handle ? dlsym(backend_handle, "causeway_soft_info") : NULL;

	return info && info->size >= sizeof(*info) ? atomic_load(info->copied) : 0;
}

bool wk_backend_ready(void)
{
	return atomic_load_explicit(&backend_state, memory_order_acquire) == 1;
}
