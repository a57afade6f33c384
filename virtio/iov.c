/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments of a virtqueue element.
 *
 * Theory of operation: a popped element holds two arrays of segments, readable
 * ones first, then writable ones (virtio 1.3, 2.6.4.2). Each segment is host
 * memory that the guest can still change while we look at it, so nobody keeps
 * a pointer into it: a request header is copied out once with vq_iov_pull()
 * and judged from the copy; payload is moved by cw_copy(), which counts.
 */
#include "virtio/iov.h"

#include <errno.h>
#include <string.h>

#include "cw/copy.h"
#include "cw/util.h"

/**
 * vq_iov_size() - Bytes in a segment list
 * @iov:	segments
 * @n:		number of segments
 *
 * Return: the sum of the lengths. Cannot wrap for a popped element: vq_pop()
 * bounds the length of a chain.
 */
size_t vq_iov_size(const struct vq_seg *iov, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += iov[i].len;
	return sum;
}

/**
 * vq_iov_to_buf() - Copy the start of a segment list into a buffer
 * @iov:	segments, in guest order
 * @n:		number of segments
 * @buf:	destination, at least @len bytes
 * @len:	bytes wanted
 *
 * Return: bytes copied: @len, or fewer where the segments end earlier.
 */
size_t vq_iov_to_buf(const struct vq_seg *iov, size_t n, void *buf, size_t len)
{
	size_t done = 0;

	for (size_t i = 0; i < n && done < len; i++) {
		size_t part = cw_min(iov[i].len, len - done);

		cw_copy((char *)buf + done, iov[i].addr, part);
		done += part;
	}
	return done;
}

/**
 * vq_iov_from_buf() - Copy a buffer to the start of a segment list
 * @iov:	segments, in guest order
 * @n:		number of segments
 * @buf:	source, at least @len bytes
 * @len:	bytes to write
 *
 * Return: bytes copied: @len, or fewer where the segments end earlier.
 */
size_t vq_iov_from_buf(const struct vq_seg *iov, size_t n, const void *buf, size_t len)
{
	size_t done = 0;

	for (size_t i = 0; i < n && done < len; i++) {
		size_t part = cw_min(iov[i].len, len - done);

		cw_copy(iov[i].addr, (const char *)buf + done, part);
		done += part;
	}
	return done;
}

/**
 * vq_iov_discard_front() - Drop bytes from the front of a list
 * @segs:	list, changed in place; segments that end are stepped over
 * @len:	bytes to drop
 *
 * Return: bytes dropped: @len, or fewer where the list ended earlier.
 */
size_t vq_iov_discard_front(struct vq_segs *segs, size_t len)
{
	size_t left = len;

	while (segs->n && left >= segs->seg->len) {
		left -= segs->seg->len;
		segs->seg++;
		segs->n--;
	}
	if (segs->n && left) {
		segs->seg->addr = (char *)segs->seg->addr + left;
		segs->seg->len -= left;
		left = 0;
	}
	return len - left;
}

/**
 * vq_iov_discard_back() - Drop bytes from the end of a list
 * @segs:	list, changed in place
 * @len:	bytes to drop
 *
 * Return: bytes dropped: @len, or fewer where the list was shorter.
 */
size_t vq_iov_discard_back(struct vq_segs *segs, size_t len)
{
	size_t left = len;

	while (segs->n && left >= segs->seg[segs->n - 1].len)
		left -= segs->seg[--segs->n].len;
	if (segs->n && left) {
		segs->seg[segs->n - 1].len -= left;
		left = 0;
	}
	return len - left;
}

/**
 * vq_iov_pull() - Take a header off the front of a readable list
 * @segs:	list; advanced by @len on success, untouched on failure
 * @buf:	destination, at least @len bytes
 * @len:	bytes of the header
 *
 * Return: 0, or -ENODATA where the list is shorter than @len.
 */
int vq_iov_pull(struct vq_segs *segs, void *buf, size_t len)
{
	size_t done = 0;

	if (vq_iov_size(segs->seg, segs->n) < len)
		return -ENODATA;
	for (size_t i = 0; done < len; i++) {
		size_t part = cw_min(segs->seg[i].len, len - done);

		memcpy((char *)buf + done, segs->seg[i].addr, part);
		done += part;
	}
	/* Nobody, the compiler included, looks at guest memory a second time. */
	__asm__ volatile("" ::: "memory");
	vq_iov_discard_front(segs, len);
	return 0;
}

/**
 * vq_iov_put() - Put an answer at the front of a writable list
 * @segs:	list; advanced by @len on success, untouched on failure
 * @buf:	source
 * @len:	bytes
 *
 * Return: 0, or -ENOSPC where the list is shorter than @len.
 */
int vq_iov_put(struct vq_segs *segs, const void *buf, size_t len)
{
	size_t done = 0;

	if (vq_iov_size(segs->seg, segs->n) < len)
		return -ENOSPC;
	for (size_t i = 0; done < len; i++) {
		size_t part = cw_min(segs->seg[i].len, len - done);

		memcpy(segs->seg[i].addr, (const char *)buf + done, part);
		done += part;
	}
	vq_iov_discard_front(segs, len);
	return 0;
}
