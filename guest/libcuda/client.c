/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client: from cuInit to the end of the process.
 *
 * Theory of operation. cuInit picks the way out (CAUSEWAY_SOCKET, else
 * /dev/vcuda0), reserves the address ranges that must mean the same on both
 * sides (PROTOCOL 4, address identity) and opens the channel. If the other
 * side cannot have a range, the next candidate is tried. There is no thread
 * and no open file before cuInit; a forked child has no client.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/trace.h"
#include "cw/log.h"
#include "cw/tsan.h"
#include "guest/libcuda/client.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define GIB (1ull << 30)
#define TIB (1ull << 40)

/*
 * Where the arenas may lie: each legal for plain and ASan programs, the last two
 * for TSan programs as well, whose shadow memory leaves no room for the others.
 */
static const struct arena_pair {
	uint64_t region_base, region_size;
	uint64_t device_base, device_size;
} arena_pairs[] = {
	{ 0x200000000000, TIB, 0x210000000000, TIB },
	{ 0x300000000000, TIB, 0x310000000000, TIB },
	{ 0x380000000000, 256 * GIB, 0x388000000000, 256 * GIB },
	{ 0x550000000000, 64 * GIB, 0x551000000000, 256 * GIB },
	{ 0x550000000000, 8 * GIB, 0x550400000000, 64 * GIB },
};

static struct cg_client client = { .ring_lock = PTHREAD_MUTEX_INITIALIZER };
static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;

struct cg_client *cg_client(void)
{
	return &client;
}

static void forked(void)
{
	if (client.phase != CG_READY)
		return;
	client.phase = CG_FORKED;
	if (client.tr->forked)
		client.tr->forked();
}

static bool arena_reserve(uint64_t base, uint64_t size)
{
	void *want = (void *)(uintptr_t)base;
	void *got;

	if (!cw_address_legal(base, size))
		return false;
	got = mmap(want, size, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (got == want) {
		madvise(got, size, MADV_DONTFORK);
		return true;
	}
	if (got != MAP_FAILED)
		munmap(got, size);
	return false;
}

static int open_at(const struct arena_pair *a)
{
	int err = -EADDRINUSE;

	if (!arena_reserve(a->region_base, a->region_size))
		return err;
	if (arena_reserve(a->device_base, a->device_size)) {
		client.open = (struct cg_open){
			.ring_size = VCUDA_RING_DEFAULT,
			.region_base = a->region_base, .region_size = a->region_size,
			.device_base = a->device_base, .device_size = a->device_size,
		};
		err = client.tr->open(&client.open);
		if (err)
			munmap((void *)(uintptr_t)a->device_base, a->device_size);
	}
	if (err)
		munmap((void *)(uintptr_t)a->region_base, a->region_size);
	return err;
}

static int client_open(void)
{
	int err = -EADDRINUSE;

	client.tr = secure_getenv("CAUSEWAY_SOCKET") ? &cg_transport_socket : &cg_transport_node;
	for (size_t i = 0; i < CW_ARRAY_SIZE(arena_pairs) && err == -EADDRINUSE; i++)
		err = open_at(&arena_pairs[i]);
	if (err == -EADDRINUSE)
		cg_complain("no address range is free on both sides: is memory limited?");
	return err;
}

/**
 * cg_client_start() - Open the client, once
 *
 * Return: CUDA_SUCCESS; CUDA_ERROR_NO_DEVICE where there is none, with one line
 * in the log; CUDA_ERROR_DEVICE_UNAVAILABLE where it has as many clients as it
 * may have; CUDA_ERROR_NOT_INITIALIZED in a forked child.
 */
CUresult cg_client_start(void)
{
	static bool atfork_done;
	CUresult r = CUDA_ERROR_NO_DEVICE;
	int err;

	if (client.phase == CG_FORKED)
		return CUDA_ERROR_NOT_INITIALIZED;
	pthread_mutex_lock(&start_lock);
	if (client.phase == CG_READY) {
		r = CUDA_SUCCESS;
		goto out;
	}
	cw_log_name = "libcuda";
	if (!atfork_done)
		pthread_atfork(NULL, NULL, forked);
	atfork_done = true;
	err = client_open();
	if (err) {
		r = err == -EBUSY ? CUDA_ERROR_DEVICE_UNAVAILABLE : CUDA_ERROR_NO_DEVICE;
		goto out;
	}
	client.channel = client.open.channel;
	client.ring = cw_channel_ring(client.channel);
	client.ring_size = client.open.ring_size;
	client.tail = 0;
	/* A private copy: what is checked once must not change afterwards. */
	memcpy(&client.info, (char *)client.channel + VCUDA_INFO_OFFSET, sizeof(client.info));
	client.info.count = cw_min(client.info.count, (uint32_t)CW_INFO_DEVICES);
	cg_visible_devices(&client.info);
	client.phase = CG_READY;
	r = client.info.count ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
out:
	pthread_mutex_unlock(&start_lock);
	return r;
}

CW_EXPORT CUresult cuInit(unsigned int flags)
{
	CUresult r = flags ? CUDA_ERROR_INVALID_VALUE : cg_client_start();

	if (api_trace_on())
		api_trace_line("cuInit(Flags=%u) = %d", flags, r);
	return r;
}

/**
 * cg_client_lost() - Nothing will be answered any more
 *
 * Says so, once, and makes every later call find out by itself.
 *
 * Return: CUDA_ERROR_LAUNCH_FAILED.
 */
CUresult cg_client_lost(void)
{
	static atomic_bool said;

	atomic_fetch_or(&client.channel->status, CW_CH_FATAL);
	if (!atomic_exchange(&said, true))
		cw_error("the GPU has gone away: the log of vhost-user-cuda says why; "
			 "start the program again");
	return CUDA_ERROR_LAUNCH_FAILED;
}

/* Whether nothing will be answered any more. */
bool cg_client_dead(void)
{
	return atomic_load_explicit(&client.channel->status, memory_order_relaxed) & CW_CH_FATAL;
}
