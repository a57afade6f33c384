/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments of a virtqueue element, and the memory moves over them.
 *
 * vq_iov_to_buf() and vq_iov_from_buf() move payload and count it (cw/copy.h);
 * vq_iov_pull() and vq_iov_put() move headers and answers, which are not
 * payload, and step over what they moved.
 */
#ifndef VIRTIO_IOV_H
#define VIRTIO_IOV_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct vq_seg - A run of host memory that the guest named
 * @addr:	first byte. The guest may store to it at any time.
 * @len:	bytes, not 0 in an element that vq_pop() returned
 */
struct vq_seg {
	void *addr;
	size_t len;
};

/**
 * struct vq_segs - A segment list that is consumed from its front
 * @seg:	next segment
 * @n:		segments left
 */
struct vq_segs {
	struct vq_seg *seg;
	size_t n;
};

size_t vq_iov_size(const struct vq_seg *iov, size_t n);
size_t vq_iov_to_buf(const struct vq_seg *iov, size_t n, void *buf, size_t len);
size_t vq_iov_from_buf(const struct vq_seg *iov, size_t n, const void *buf, size_t len);
size_t vq_iov_discard_front(struct vq_segs *segs, size_t len);
size_t vq_iov_discard_back(struct vq_segs *segs, size_t len);
int vq_iov_pull(struct vq_segs *segs, void *buf, size_t len);
int vq_iov_put(struct vq_segs *segs, const void *buf, size_t len);

#endif
