/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Primary contexts: how often each is retained, and its flags (SEMANTICS 8).
 */
#include "guest/libcuda/client.h"

static struct {
	unsigned int retained;
	unsigned int flags;
} primaries[CW_INFO_DEVICES];
static pthread_mutex_t primary_lock = PTHREAD_MUTEX_INITIALIZER;

/* One more reference to a device's primary context; the first makes it. */
void cg_primary_retained(CUdevice dev)
{
	pthread_mutex_lock(&primary_lock);
	primaries[dev].retained++;
	pthread_mutex_unlock(&primary_lock);
	cg_ctx_born(cg_ctx_primary(dev), dev, primaries[dev].flags, 1);
}

/**
 * cg_primary_released() - A reference to a primary context was given back
 * @dev:	device
 * @reset:	it was reset: gone whatever the count
 */
void cg_primary_released(CUdevice dev, int reset)
{
	bool gone;

	if (!cg_device(dev))
		return;
	pthread_mutex_lock(&primary_lock);
	if (primaries[dev].retained && !reset)
		primaries[dev].retained--;
	gone = reset || !primaries[dev].retained;
	pthread_mutex_unlock(&primary_lock);
	if (gone)
		cg_ctx_gone(cg_ctx_primary(dev));
}

CUresult cg_primary_state(CUdevice dev, unsigned int *flags, int *active)
{
	if (!cg_device(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	pthread_mutex_lock(&primary_lock);
	if (flags)
		*flags = primaries[dev].flags;
	if (active)
		*active = primaries[dev].retained > 0;
	pthread_mutex_unlock(&primary_lock);
	return CUDA_SUCCESS;
}

CUresult cg_primary_set_flags(CUdevice dev, unsigned int flags)
{
	if (!cg_device(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	if (flags & ~CU_CTX_FLAGS_MASK)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&primary_lock);
	primaries[dev].flags = flags;
	pthread_mutex_unlock(&primary_lock);
	return CUDA_SUCCESS;
}
