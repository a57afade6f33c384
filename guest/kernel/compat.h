/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What changed between Linux 6.1 and today, in one place.
 */
#ifndef VCUDA_COMPAT_H
#define VCUDA_COMPAT_H

#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/version.h>
#include <linux/virtio_config.h>

/* Highest order that alloc_pages() serves. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define VCUDA_TOP_ORDER MAX_PAGE_ORDER
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define VCUDA_TOP_ORDER MAX_ORDER
#else
#define VCUDA_TOP_ORDER (MAX_ORDER - 1)
#endif

static inline void vcuda_vma_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void vcuda_vma_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

static inline int vcuda_find_two_vqs(struct virtio_device *vdev, struct virtqueue *vqs[2],
				     vq_callback_t *const callbacks[2],
				     const char *const names[2])
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	struct virtqueue_info info[] = {
		{ names[0], callbacks[0] },
		{ names[1], callbacks[1] },
	};

	return virtio_find_vqs(vdev, 2, vqs, info, NULL);
#else
	vq_callback_t *calls[] = { callbacks[0], callbacks[1] };

	return virtio_find_vqs(vdev, 2, vqs, calls, names, NULL);
#endif
}

#endif
