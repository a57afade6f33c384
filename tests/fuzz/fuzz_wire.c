/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client may write into its ring: heads, commands of the protocol and
 * of every CUDA function, read by the worker's own dispatcher over a back end
 * that does nothing but look at what it is given.
 *
 * The input is a list of commands that are nearly right; see step(). Its first
 * byte says what there is before: enum setup.
 *
 * Covers: worker/dispatch.c worker/reply.c worker/handle.c worker/launch.c
 * worker/copy.c worker/event.c worker/region.c worker/context.c worker/hand.c
 * worker/load.c worker/protocol.c worker/window.c
 */
#include <stdarg.h>
#include <sys/mman.h>

#include "cu_driver.h"
#include "cw/log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/wire_cmds.h"
#include "tests/wire/loop.h"
#include "worker/internal.h"
#include "worker/window.h"

#define RING VCUDA_RING_MIN
#define WINDOW (1u << 16)
#define BLOCKS_MAX 65536

extern char __start_fz_data[] __attribute__((weak));
extern char __stop_fz_data[] __attribute__((weak));
extern char __start_fz_bss[] __attribute__((weak));
extern char __stop_fz_bss[] __attribute__((weak));

struct loop loop;
static struct cu_driver driver;
static struct wk_worker worker;
static struct cw_info info;
static void *blocks[BLOCKS_MAX];
static size_t nr_blocks;
static uint64_t kernel; /* of fz_objects_make() */
static uint8_t setup;
static _Atomic uint64_t signal_page[2];

/**
 * enum setup - Bits of an input's first byte
 * @SETUP_REGION:	a region is attached
 * @SETUP_OBJECTS:	a kernel, a stream and events are known
 * @SETUP_SIGNAL:	as in a VM: the daemon is told of grants and wakes
 * @SETUP_DIRECT:	the window is device memory
 */
enum setup {
	SETUP_REGION = 1,
	SETUP_OBJECTS = 2,
	SETUP_SIGNAL = 4,
	SETUP_DIRECT = 8,
};

/* ---- memory of the worker, see worker.h */

static void *block_add(void *p)
{
	FZ_REQUIRE(p && nr_blocks < BLOCKS_MAX);
	blocks[nr_blocks++] = p;
	return p;
}

static void block_del(const void *p)
{
	for (size_t i = nr_blocks; p && i-- > 0;) {
		if (blocks[i] != p)
			continue;
		blocks[i] = blocks[--nr_blocks];
		return;
	}
	FZ_REQUIRE(!p);
}

void *fz_malloc(size_t size);
void *fz_calloc(size_t n, size_t size);
void *fz_realloc(void *p, size_t size);
char *fz_strdup(const char *s);
void fz_free(void *p);
int fz_wait(void);

void *fz_malloc(size_t size)
{
	return block_add(malloc(size ? size : 1));
}

void *fz_calloc(size_t n, size_t size)
{
	return block_add(calloc(n ? n : 1, size ? size : 1));
}

void *fz_realloc(void *p, size_t size)
{
	block_del(p);
	return block_add(realloc(p, size ? size : 1));
}

char *fz_strdup(const char *s)
{
	return block_add(strdup(s));
}

void fz_free(void *p)
{
	block_del(p);
	free(p);
}

int fz_wait(void)
{
	pthread_exit(NULL);
}

/* ---- what the worker's other files would be */

struct wk_worker *wk_self(void)
{
	return &worker;
}

const struct cu_driver *wk_cu(void)
{
	return &driver;
}

CUresult wk_backend_init(void)
{
	return CUDA_SUCCESS;
}

bool wk_backend_ready(void)
{
	return true;
}

bool wk_backend_is_soft(void)
{
	return loop.variant & 2;
}

uint64_t wk_backend_copied(void)
{
	return 0;
}

int wk_control_send(const void *msg, size_t size)
{
	return 0;
}

int wk_helper_queue(struct wk_thread *t, const struct cw_cmd *cmd, const struct wk_function *fn,
		    const void *args, size_t len)
{
	t->cmd = *cmd;
	wk_execute(t, fn, args, len);
	return 0;
}

void wk_helper_end(struct wk_thread *t)
{
}

uint32_t wk_helpers_busy(void)
{
	return loop.variant & 1;
}

/* ---- the back end: loop_driver, and for the rest functions that do nothing */

void loop_check(bool ok, const char *what)
{
}

void loop_pod(void *p, size_t n)
{
	memset(p, 1, n);
}

bool loop_is_pod(const void *p, size_t n)
{
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)p)[i]);
	return true;
}

bool loop_untouched(const void *p, size_t n)
{
	return true;
}

__attribute__((no_sanitize("undefined"))) static CUresult back_nothing(void)
{
	return CUDA_SUCCESS;
}

/* What the input wants the back end to say. */
static CUresult verdict(void)
{
	switch (loop.variant >> 5) {
	case 5:
		return CUDA_ERROR_INVALID_VALUE;
	case 6:
		return CUDA_ERROR_ILLEGAL_ADDRESS;
	case 7:
		return CUDA_ERROR_NOT_READY;
	default:
		return CUDA_SUCCESS;
	}
}

static CUresult back_verdict(void)
{
	return verdict();
}

/* Where the window is device memory, all allocations lie on each other in it. */
static CUresult back_alloc(CUdeviceptr *ptr, size_t size)
{
	*ptr = FZ_DEVICE + size % 65536 * 4096;
	if (worker.start.direct) {
		*ptr = worker.start.device_base;
		return size <= WINDOW ? verdict() : CUDA_ERROR_OUT_OF_MEMORY;
	}
	return size ? verdict() : CUDA_ERROR_INVALID_VALUE;
}

static CUresult back_range(CUdeviceptr *base, size_t *size, CUdeviceptr ptr)
{
	if (verdict())
		return verdict();
	if (base)
		*base = ptr & ~4095ull;
	if (size)
		*size = 65536;
	return CUDA_SUCCESS;
}

static CUresult back_param(CUfunction f, size_t i, size_t *offset, size_t *size)
{
	if (i > 2)
		return CUDA_ERROR_INVALID_VALUE;
	*offset = i * 8;
	*size = 8;
	return CUDA_SUCCESS;
}

static CUresult back_ctx(CUcontext *ctx, unsigned int flags, CUdevice dev)
{
	*ctx = (CUcontext)(uintptr_t)(0x1000 + 16 * (flags % 8));
	return CUDA_SUCCESS;
}

static CUresult back_primary(CUcontext *ctx, CUdevice dev)
{
	*ctx = (CUcontext)(uintptr_t)(0x2000 + 16 * dev);
	return CUDA_SUCCESS;
}

static CUresult back_stream(CUstream *stream, unsigned int flags)
{
	static uintptr_t last = 0x100000;

	*stream = (CUstream)(last += 16);
	return CUDA_SUCCESS;
}

static CUresult back_dtoh(void *dst, CUdeviceptr src, size_t size, CUstream stream)
{
	memset(dst, 5, size);
	return CUDA_SUCCESS;
}

static CUresult back_htod(CUdeviceptr dst, const void *src, size_t size, CUstream stream)
{
	loop_is_pod(src, size);
	return verdict();
}

static CUresult back_host_func(CUstream stream, CUhostFn fn, void *data)
{
	fn(data);
	return CUDA_SUCCESS;
}

static CUresult back_host_pointer(CUdeviceptr *ptr, void *host, unsigned int flags)
{
	*ptr = (uintptr_t)host;
	return CUDA_SUCCESS;
}

static void driver_make(void)
{
	void **member = (void **)&driver;

	driver = loop_driver;
	for (size_t i = 0; i < sizeof(driver) / sizeof(*member); i++) {
		if (!member[i])
			member[i] = (void *)back_nothing;
	}
	driver.cuMemAlloc_v2 = back_alloc;
	driver.cuMemGetAddressRange_v2 = back_range;
	driver.cuFuncGetParamInfo = back_param;
	driver.cuCtxCreate_v2 = back_ctx;
	driver.cuDevicePrimaryCtxRetain = back_primary;
	driver.cuStreamCreate = back_stream;
	driver.cuMemcpyDtoHAsync_v2 = back_dtoh;
	driver.cuMemcpyHtoDAsync_v2 = back_htod;
	driver.cuLaunchHostFunc = back_host_func;
	driver.cuMemHostGetDevicePointer_v2 = back_host_pointer;
	driver.cuEventQuery = (void *)back_verdict;
	driver.cuEventRecord = (void *)back_verdict;
	driver.cuMemHostRegister_v2 = (void *)back_verdict;
	driver.cuMemHostUnregister = (void *)back_verdict;
	driver.cuLaunchKernel = (void *)back_verdict;
	driver.cuLaunchKernelEx = (void *)back_verdict;
	driver.cuCtxSynchronize = (void *)back_verdict;
	driver.cuMemcpyAsync = (void *)back_verdict;
}

/* ---- inputs */

static void put_word(struct fz_input *in, struct cw_enc *e)
{
	static const char text[] = "name", zeros[256];
	uint8_t shape = fz_u8(in), blob[256];
	uint64_t word;
	size_t n;

	switch (shape % 12) {
	case 0:
		cw_enc_u64(e, fz_u64(in));
		break;
	case 1:
	case 2:
		cw_enc_u64(e, cw_handle(fz_u8(in) % CW_H_TYPES, shape >> 6, 1, shape >> 4 & 3));
		break;
	case 3:
		/* What an answer held, mostly a handle. */
		memcpy(&word, cw_channel_slot(worker.channel, 1)->data + (shape >> 4) * 8, 8);
		cw_enc_u64(e, word);
		break;
	case 4:
		n = fz_u8(in);
		fz_take(in, blob, n);
		cw_enc_bytes(e, blob, n);
		break;
	case 5:
		cw_enc_bytes(e, zeros, fz_u8(in));
		break;
	case 6:
		cw_enc_str(e, text);
		break;
	case 7:
		cw_enc_u64(e, ~0ull << (shape >> 4) * 4);
		break;
	case 8:
		cw_enc_u64(e, FZ_ARENA + (shape >> 4) * 4096);
		break;
	default:
		cw_enc_u64(e, shape >> 4);
		break;
	}
}

/* Serves what is in the ring; it ends where it would sleep. */
static void *serve(void *arg)
{
	wk_dispatch_run();
	return NULL;
}

static void region_give(void)
{
	struct cw_worker_seg seg = { .len = FZ_ARENA_SIZE };
	struct cw_worker_attach attach = {
		.region = 1, .va = FZ_ARENA, .len = FZ_ARENA_SIZE, .nr_segs = 1
	};
	int fd = memfd_create("region", MFD_CLOEXEC);

	FZ_REQUIRE(fd >= 0 && !ftruncate(fd, FZ_ARENA_SIZE));
	wk_region_attach(&attach, &seg, &fd, 1);
	close(fd);
}

/* What comes from the daemon, and threads that sleep. */
static void control(uint8_t shape)
{
	switch (shape & 3) {
	case 0:
		wk_region_detach(shape >> 2 & 3);
		break;
	case 1:
		region_give();
		break;
	default:
		atomic_store(&cw_channel_slot(worker.channel, 1 + (shape >> 2 & 1))->sleeping, 1);
		break;
	}
}

/* One command, or several bytes of anything. */
static void step(struct fz_input *in)
{
	uint8_t *ring = cw_channel_ring(worker.channel);
	struct cw_channel *ch = worker.channel;
	struct cw_cmd cmd = { .slot = 1, .seq = 1 };
	struct cw_enc e;
	uint8_t shape = fz_u8(in);
	uint16_t which = fz_u16(in);
	uint64_t last;

	if (which == 0xffff) {
		control(shape);
		return;
	}

	cw_enc_init(&e, ring + sizeof(cmd), CW_CMD_MAX - sizeof(cmd));
	cmd.id = which & 0x8000 ? which % 24 : wk_functions[which % wk_functions_count].id;
	if (which >> 14 == 3) {
		memcpy(&last, cw_channel_slot(ch, 1)->data, sizeof(last));
		fz_cmd_put(in, &e, cmd.id, kernel, last);
	} else {
		for (uint8_t n = fz_u8(in) % 24; n; n--)
			put_word(in, &e);
	}
	cmd.size = (uint32_t)cw_align_up((size_t)(e.p - ring), CW_CMD_ALIGN);
	cmd.flags = shape & 1;
	cmd.slot = 1 + (shape >> 1 & 1);
	cmd.ctx = shape & 4 ? cw_handle(CW_H_CONTEXT, CW_H_PRIMARY, 1, 0) : 0;
	if (shape & 8)
		cmd.ctx = cw_handle(CW_H_CONTEXT, CW_H_BY_WORKER, 1, shape >> 6);
	loop.variant = fz_u8(in);
	atomic_store(&ch->tail, cmd.size);
	if (shape & 16) {
		fz_take(in, (uint8_t *)&cmd + fz_u8(in) % 28, 4);
		if (shape & 32)
			atomic_store(&ch->tail, fz_u64(in));
	}
	memcpy(ring, &cmd, sizeof(cmd));
	serve(NULL);
}

static void *input_run(void *arg)
{
	struct fz_input *in = arg;

	kernel = 0;
	if (setup & SETUP_OBJECTS)
		kernel = fz_objects_make(wk_thread_get(1));
	while (in->n && !atomic_load(&worker.dead))
		step(in);
	return NULL;
}

static void worker_open(void)
{
	worker = (struct wk_worker){
		.ring_size = RING, .fd_control = -1, .fd_doorbell = -1, .fd_signal = -1,
		.fd_window = -1, .info = &info, .store_lock = PTHREAD_RWLOCK_INITIALIZER,
	};
	worker.start.window_size = WINDOW;
	worker.start.max_threads = VCUDA_SLOTS;
	worker.start.max_objects = 1 << 20;
	worker.start.max_callbacks = 1 << 16;
	worker.start.max_image = WINDOW;
	worker.start.region_base = FZ_ARENA;
	worker.start.region_size = FZ_ARENA_SIZE;
	worker.channel_size = VCUDA_CHANNEL_SIZE(RING);
	worker.channel = mmap(NULL, worker.channel_size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	info.count = 1;
	FZ_REQUIRE(worker.channel != MAP_FAILED);
	worker.fd_window = memfd_create("window", MFD_CLOEXEC);
	FZ_REQUIRE(worker.fd_window >= 0 && !ftruncate(worker.fd_window, WINDOW));
	if (setup & SETUP_DIRECT) {
		void *at = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED,
				worker.fd_window, 0);

		FZ_REQUIRE(at != MAP_FAILED);
		worker.start.direct = 1;
		worker.start.device_base = (uintptr_t)at;
	}
	if (setup & SETUP_SIGNAL)
		worker.signal_page = signal_page;
	FZ_REQUIRE(!wk_bulk_init() && worker.window);
}

static void worker_close(void)
{
	munmap((void *)FZ_ARENA, FZ_ARENA_SIZE);
	munmap(worker.channel, worker.channel_size);
	munmap(worker.window, WINDOW);
	close(worker.fd_window);
}

/*
 * The worker's variables as they were at the start: see worker.h. Between them
 * are gaps that sanitizers guard, so no memcpy().
 */
__attribute__((no_sanitize("address", "undefined"))) static void state_reset(void)
{
	static char *saved;
	size_t size = (size_t)(__stop_fz_data - __start_fz_data);
	volatile uint64_t *bss = (void *)__start_fz_bss;
	volatile char *data = __start_fz_data;

	if (!saved && size) {
		saved = malloc(size);
		for (size_t i = 0; i < size; i++)
			((volatile char *)saved)[i] = data[i];
	}
	for (size_t i = 0; i < size; i++)
		data[i] = ((volatile char *)saved)[i];
	for (; bss && (char *)(bss + 1) <= __stop_fz_bss; bss++)
		*bss = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fz_input in = { data, size };
	pthread_t thread;

	fz_quiet();
	state_reset();
	loop = (struct loop){ .forged = true };
	driver_make();
	setup = fz_u8(&in);
	worker_open();
	if (setup & SETUP_REGION && !wk_reserve(FZ_ARENA, FZ_ARENA_SIZE))
		region_give();
	/* A thread of its own: what is thread-local is fresh as well. */
	FZ_REQUIRE(!pthread_create(&thread, NULL, input_run, &in));
	pthread_join(thread, NULL);
	fz_plant(atomic_load(&worker.launches) == 2 && atomic_load(&worker.commands) == 5);
	while (nr_blocks)
		free(blocks[--nr_blocks]);
	worker_close();
	return 0;
}
