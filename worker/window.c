/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window's blocks, and images of modules, which travel through it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cu_driver.h"
#include "cw/copy.h"
#include "cw/log.h"
#include "worker/internal.h"
#include "worker/window.h"

#define BLOCKS_MAX 1024u
#define BLOCK_ALIGN 4096u
#define IMAGES_MAX 64u

struct block {
	uint64_t offset;
	uint64_t len;
};

struct image {
	uint64_t id;
	uint64_t offset;
	uint64_t len;
};

static struct block blocks[BLOCKS_MAX]; /* sorted by offset */
static uint32_t nr_blocks;
static struct image images[IMAGES_MAX];
static uint64_t images_count;
static pthread_mutex_t window_lock = PTHREAD_MUTEX_INITIALIZER;

CUresult wk_bulk_init(void)
{
	struct wk_worker *w = wk_self();
	uint64_t size = w->start.window_size;

	if (w->start.direct) {
		/* The back end has mapped it, where its own pointers lead. */
		w->window = (uint8_t *)(uintptr_t)w->start.device_base;
		return CUDA_SUCCESS;
	}
	if (!size)
		return CUDA_SUCCESS; /* a probe */
	struct cw_worker_seg seg = { .fd = 0, .len = size };

	w->window = wk_map_segs(&seg, 1, &w->fd_window, 1, NULL, size, 3);
	return w->window ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

static int staged_alloc(uint64_t len, uint64_t *ret)
{
	uint64_t at = 0;
	uint32_t i;

	len = cw_align_up(cw_max(len, (uint64_t)1), BLOCK_ALIGN);
	if (nr_blocks == BLOCKS_MAX)
		return -ENOMEM;
	for (i = 0; i < nr_blocks && blocks[i].offset - at < len; i++)
		at = blocks[i].offset + blocks[i].len;
	if (!cw_range_ok(at, len, wk_self()->start.window_size))
		return -ENOMEM;
	memmove(&blocks[i + 1], &blocks[i], (nr_blocks - i) * sizeof(blocks[0]));
	blocks[i] = (struct block){ at, len };
	nr_blocks++;
	*ret = at;
	return 0;
}

int wk_window_alloc(uint64_t len, uint64_t *ret)
{
	struct wk_worker *w = wk_self();
	CUdeviceptr ptr;
	int err;

	if (w->start.direct) {
		if (wk_cu()->cuMemAlloc_v2(&ptr, len))
			return -ENOMEM;
		*ret = ptr - w->start.device_base;
		return 0;
	}
	pthread_mutex_lock(&window_lock);
	err = staged_alloc(len, ret);
	pthread_mutex_unlock(&window_lock);
	return err;
}

void wk_window_free(uint64_t offset)
{
	struct wk_worker *w = wk_self();

	if (w->start.direct) {
		wk_cu()->cuMemFree_v2(w->start.device_base + offset);
		return;
	}
	pthread_mutex_lock(&window_lock);
	for (uint32_t i = 0; i < nr_blocks; i++) {
		if (blocks[i].offset == offset) {
			memmove(&blocks[i], &blocks[i + 1],
				(--nr_blocks - i) * sizeof(blocks[0]));
			break;
		}
	}
	pthread_mutex_unlock(&window_lock);
}

static struct image *image_find(uint64_t id)
{
	struct image *m = &images[id % IMAGES_MAX];

	return id && m->id == id ? m : NULL;
}

/**
 * wk_image_begin() - CW_FN_IMAGE_BEGIN: room for an image
 * @t:		guest thread
 * @in:		bytes
 * @out:	id, window offset
 *
 * Return: CUDA_ERROR_OUT_OF_MEMORY where there is none.
 */
CUresult wk_image_begin(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t len = cw_dec_u64(in);
	struct image m = { .len = len };
	struct image *at = NULL;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	if (!len || len > wk_self()->start.max_image || wk_window_alloc(len, &m.offset))
		return CUDA_ERROR_OUT_OF_MEMORY;
	pthread_mutex_lock(&window_lock);
	for (uint32_t i = 0; i < IMAGES_MAX && !at; i++) {
		if (!images[i].id) {
			at = &images[i];
			m.id = ++images_count * IMAGES_MAX + i;
			*at = m;
		}
	}
	pthread_mutex_unlock(&window_lock);
	if (!at) {
		wk_window_free(m.offset);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	wk_grant(m.id | CW_GRANT_IMAGE, m.offset, m.len, true);
	cw_enc_u64(out, m.id);
	cw_enc_u64(out, m.offset);
	return CUDA_SUCCESS;
}

/**
 * wk_image_end() - CW_FN_IMAGE_END: the room is not needed any more
 * @t:		guest thread
 * @in:		id
 * @out:	nothing
 *
 * Return: CUDA_ERROR_INVALID_VALUE for an unknown id.
 */
CUresult wk_image_end(struct wk_thread *t, struct cw_dec *in, struct cw_enc *out)
{
	uint64_t id = cw_dec_u64(in), offset = 0;
	struct image *m;

	if (!cw_dec_ok(in))
		return wk_malformed(t);
	wk_grant(id | CW_GRANT_IMAGE, 0, 0, false);
	pthread_mutex_lock(&window_lock);
	m = image_find(id);
	if (m) {
		offset = m->offset;
		m->id = 0;
	}
	pthread_mutex_unlock(&window_lock);
	if (!m)
		return CUDA_ERROR_INVALID_VALUE;
	wk_window_free(offset);
	return CUDA_SUCCESS;
}

const void *wk_image_in(struct wk_thread *t, struct cw_dec *in, size_t *ret_len)
{
	uint64_t id = cw_dec_u64(in);
	struct image m = { 0 }, *found;
	const void *src;

	*ret_len = 0;
	if (id) {
		pthread_mutex_lock(&window_lock);
		found = image_find(id);
		if (found)
			m = *found;
		pthread_mutex_unlock(&window_lock);
		src = m.id ? wk_self()->window + m.offset : NULL;
	} else {
		size_t len;

		src = cw_dec_bytes(in, CW_CMD_MAX, &len);
		m.len = len;
	}
	if (!src || !cw_dec_ok(in))
		return NULL;
	t->image = malloc(m.len + 1);
	if (!t->image)
		return NULL;
	/* Private from here on; and text gets the end it may lack. */
	cw_copy(t->image, src, m.len);
	((char *)t->image)[m.len] = 0;
	*ret_len = m.len;
	return t->image;
}
