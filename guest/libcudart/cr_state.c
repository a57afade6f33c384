/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State of the process and of its threads; which context a call works in.
 *
 * Theory of operation: the runtime has no contexts of its own. A call works in
 * the context that is current to its thread; where none is, the primary
 * context of the thread's device is retained once per process and made
 * current. A program that mixes both APIs so sees one state. cudaDeviceReset()
 * clears "retained"; the next call of any thread, which may still have the old
 * handle current, retains it again.
 */
#include "cr.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cr_module.h"
#include "cw/log.h"

__thread int cr_era = CR_V13;

static struct {
	pthread_mutex_t lock;
	atomic_bool done;
	int error; /* of initialisation; valid when done */
	int count;
	struct cr_device devices[CR_MAX_DEVICES];
	pthread_key_t key;
} cr_process = { .lock = PTHREAD_MUTEX_INITIALIZER };

static __thread struct cr_thread cr_self;
static __thread bool cr_self_known;

/* Argument buffers of CUDA 9.0 launches are all a thread owns. */
static void cr_thread_exit(void *arg)
{
	struct cr_thread *t = arg;

	for (int i = 0; i < CR_CONFIG_DEPTH; i++) {
		free(t->configs[i].args);
		t->configs[i].args = NULL;
	}
}

static void cr_make_key(void)
{
	pthread_key_create(&cr_process.key, cr_thread_exit);
}

/**
 * cr_thread() - State of the calling thread
 */
struct cr_thread *cr_thread(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!cr_self_known) {
		pthread_once(&once, cr_make_key);
		pthread_setspecific(cr_process.key, &cr_self);
		cr_self_known = true;
	}
	return &cr_self;
}

static int cr_init_devices(void)
{
	const struct cr_driver *drv = cr_drv();
	int err = drv->cuInit(0);

	if (!err)
		err = drv->cuDeviceGetCount(&cr_process.count);
	if (!err && !cr_process.count)
		err = CUDA_ERROR_NO_DEVICE;
	cr_process.count = cw_min(cr_process.count, CR_MAX_DEVICES);
	for (int i = 0; !err && i < cr_process.count; i++)
		err = drv->cuDeviceGet(&cr_process.devices[i].dev, i);
	return err;
}

/**
 * cr_init() - Bind the driver and find its devices, once per process
 *
 * A failure is kept: like NVIDIA's runtime, a process that failed to start
 * CUDA stays without it.
 *
 * Return: 0 or an error, in today's numbers.
 */
int cr_init(void)
{
	if (atomic_load_explicit(&cr_process.done, memory_order_acquire))
		return cr_process.error;
	pthread_mutex_lock(&cr_process.lock);
	if (!atomic_load_explicit(&cr_process.done, memory_order_relaxed)) {
		cw_log_name = "libcudart";
		cr_process.error =
			cr_driver_bind() ? cudaErrorInsufficientDriver : cr_init_devices();
		/* Pairs with the acquire above: devices are written before. */
		atomic_store_explicit(&cr_process.done, true, memory_order_release);
	}
	pthread_mutex_unlock(&cr_process.lock);
	return cr_process.error;
}

/**
 * cr_device_count() - Devices found by cr_init()
 */
int cr_device_count(void)
{
	return cr_process.count;
}

/**
 * cr_device() - A device by its ordinal
 *
 * Return: the device, or NULL where there is no such.
 */
struct cr_device *cr_device(int ordinal)
{
	if (ordinal < 0 || ordinal >= cr_process.count)
		return NULL;
	return &cr_process.devices[ordinal];
}

/**
 * cr_retained_devices() - How many primary contexts the process holds
 */
int cr_retained_devices(void)
{
	int n = 0;

	for (int i = 0; i < cr_process.count; i++)
		n += cr_process.devices[i].retained;
	return n;
}

/**
 * cr_primary() - Primary context of a device, retained if it is not yet
 * @ordinal:	device
 * @ret_ctx:	the context
 *
 * Return: 0 or an error.
 */
int cr_primary(int ordinal, CUcontext *ret_ctx)
{
	struct cr_device *d = cr_device(ordinal);
	int err = 0;

	if (!d)
		return cudaErrorInvalidDevice;
	if (!__atomic_load_n(&d->retained, __ATOMIC_ACQUIRE)) {
		pthread_mutex_lock(&cr_process.lock);
		if (!d->retained) {
			err = cr_drv()->cuDevicePrimaryCtxRetain(&d->primary, d->dev);
			/* After primary: who sees the flag sees the handle. */
			__atomic_store_n(&d->retained, !err, __ATOMIC_RELEASE);
		}
		pthread_mutex_unlock(&cr_process.lock);
	}
	if (!err)
		*ret_ctx = d->primary;
	return err;
}

/**
 * cr_use_device() - Make a device's primary context current to this thread
 */
int cr_use_device(int ordinal)
{
	CUcontext ctx;
	int err = cr_primary(ordinal, &ctx);

	return err ? err : (int)cr_drv()->cuCtxSetCurrent(ctx);
}

/**
 * cr_context() - See to it that this thread has a context that works
 *
 * Return: 0 or an error.
 */
int cr_context(void)
{
	CUcontext ctx = NULL;

	if (cr_drv()->cuCtxGetCurrent(&ctx) || !ctx)
		return cr_use_device(cr_thread()->device);
	for (int i = 0; i < cr_process.count; i++) {
		struct cr_device *d = &cr_process.devices[i];

		if (d->primary == ctx && !__atomic_load_n(&d->retained, __ATOMIC_ACQUIRE))
			return cr_use_device(i);
	}
	return 0;
}

/**
 * cr_current_device() - Driver's handle of the device this thread works on
 */
int cr_current_device(CUdevice *ret_dev)
{
	return cr_drv()->cuCtxGetDevice(ret_dev);
}

/**
 * cr_enter() - What every call that needs a context begins with
 *
 * Return: cudaSuccess, or an error, recorded and in the caller's numbers.
 */
cudaError_t cr_enter(void)
{
	int err = cr_init();

	if (!err)
		err = cr_context();
	if (!err && cr_module_managed_pending())
		err = cr_module_load_managed();
	return err ? cr_ret(err) : cudaSuccess;
}
