/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of modules: how long they are, and how they cross.
 *
 * A program gives a pointer and no length. Here the length is read out of the
 * image's own head, as the driver does; the image is the program's own memory,
 * so a wrong one hurts nobody else. The worker believes none of it.
 */
#include <elf.h>
#include <string.h>

#include "guest/libcuda/client.h"

#define WRAPPER_MAGIC 0x466243b1u
#define FATBIN_MAGIC 0xba55ed50u
#define INLINE_IMAGE_MAX (CW_INLINE_MAX - 1024)

struct wrapper {
	uint32_t magic;
	uint32_t version;
	const void *data;
	const void *extra;
};

struct fatbin {
	uint32_t magic;
	uint16_t version;
	uint16_t header_size;
	uint64_t size;
};

static uint64_t elf_len(const void *image)
{
	const Elf64_Ehdr *e = image;
	const Elf64_Shdr *s = (const void *)((const char *)image + e->e_shoff);
	uint64_t end = e->e_shoff + (uint64_t)e->e_shnum * e->e_shentsize;

	end = cw_max(end, e->e_phoff + (uint64_t)e->e_phnum * e->e_phentsize);
	for (int i = 0; i < e->e_shnum; i++) {
		if (s[i].sh_type != SHT_NOBITS)
			end = cw_max(end, (uint64_t)(s[i].sh_offset + s[i].sh_size));
	}
	return end;
}

/* Bytes of an image, and where they begin; 0 for something that is none. */
static uint64_t image_len(const void **image)
{
	const struct wrapper *w = *image;
	const struct fatbin *f;
	uint32_t magic;

	memcpy(&magic, *image, sizeof(magic));
	if (magic == WRAPPER_MAGIC) {
		*image = w->data;
		if (!w->data)
			return 0;
		memcpy(&magic, *image, sizeof(magic));
	}
	if (magic == FATBIN_MAGIC) {
		f = *image;
		return f->header_size + f->size;
	}
	if (!memcmp(*image, ELFMAG, SELFMAG))
		return elf_len(*image);
	return strlen(*image) + 1;
}

/* Through the window, as any other large copy; the call's encoder starts anew. */
static CUresult send_window(struct cg_call *c, const void *image, uint64_t len, uint64_t *ret_id)
{
	uint64_t id, offset;
	CUresult r;

	cg_proto_again(c);
	cw_enc_u64(&c->enc, len);
	r = cg_proto(c, CW_FN_IMAGE_BEGIN, CW_SYNC);
	if (r)
		return r;
	id = cw_dec_u64(&c->dec);
	offset = cw_dec_u64(&c->dec);
	if (cg_client()->tr->copy(CW_COPY_HTOD, (void *)image, offset, len,
				  id | CW_GRANT_IMAGE)) {
		cg_image_done(id);
		return CUDA_ERROR_INVALID_IMAGE;
	}
	*ret_id = id;
	return CUDA_SUCCESS;
}

CUresult cg_image_send(struct cg_call *c, const void *image, uint64_t *ret_id)
{
	uint64_t len;
	CUresult r;

	*ret_id = 0;
	if (!image)
		return CUDA_ERROR_INVALID_VALUE;
	len = image_len(&image);
	if (!len)
		return CUDA_ERROR_INVALID_IMAGE;
	if (len > INLINE_IMAGE_MAX) {
		/* What was encoded before us must not be lost. */
		uint8_t before[512];
		size_t n = (size_t)(c->enc.p - c->t->buf);

		if (n > sizeof(before))
			return CUDA_ERROR_INVALID_VALUE;
		memcpy(before, c->t->buf, n);
		r = send_window(c, image, len, ret_id);
		cg_proto_again(c);
		memcpy(c->t->buf, before, n);
		c->enc.p += n;
		cw_enc_u64(&c->enc, *ret_id);
		return r;
	}
	cw_enc_u64(&c->enc, 0);
	cw_enc_bytes(&c->enc, image, len);
	return CUDA_SUCCESS;
}

void cg_image_done(uint64_t id)
{
	static const struct cg_fn fn = { .name = "image", .flags = CG_FN_NO_CTX };
	struct cg_call c;

	if (!id || cg_call_begin(&c, &fn))
		return;
	cw_enc_u64(&c.enc, id);
	cg_proto(&c, CW_FN_IMAGE_END, CW_ASYNC);
}
