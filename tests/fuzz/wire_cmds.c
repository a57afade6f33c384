/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/wire_cmds.h"

#include "cu_driver.h"

uint64_t fz_objects_make(struct wk_thread *t)
{
	wk_handle_bind(t, CW_H_STREAM, FZ_STREAM, (void *)0x3000);
	for (uint32_t i = 1; i <= FZ_EVENTS; i++)
		wk_handle_bind(t, CW_H_EVENT, FZ_EVENT(i), (void *)(uintptr_t)(0x10000 + 16 * i));
	return wk_handle_out(t, CW_H_FUNCTION, (void *)0x5000);
}

/* Mostly the stream of ours. */
static uint64_t stream(struct fz_input *in)
{
	uint8_t shape = fz_u8(in);

	return shape < 64 ? FZ_STREAM : shape < 128 ? shape & 3 : fz_u64(in);
}

static uint64_t device(struct fz_input *in)
{
	uint8_t shape = fz_u8(in);

	return shape < 64 ? FZ_DEVICE + shape * 256ull
	       : shape < 128 ? FZ_ARENA + (shape - 64) * 256ull
			     : fz_u64(in);
}

static uint64_t size(struct fz_input *in)
{
	uint8_t shape = fz_u8(in);

	return shape < 200 ? shape * 16ull : fz_u64(in);
}

/* What the last answer was, most of the time. */
static uint64_t id_of(struct fz_input *in, uint64_t last)
{
	uint8_t shape = fz_u8(in);

	return shape < 200 ? last + shape / 50 : fz_u64(in);
}

static void put_copy_begin(struct fz_input *in, struct cw_enc *e)
{
	uint8_t shape = fz_u8(in);
	uint64_t width;

	cw_enc_u32(e, 1 + (shape & 1) + (shape > 250));
	cw_enc_u64(e, device(in));
	width = size(in);
	cw_enc_u64(e, width);
	cw_enc_u64(e, 1 + (shape >> 1 & 7));
	cw_enc_u64(e, width + (shape >> 4 & 3) * 16);
	cw_enc_u64(e, stream(in));
}

static void put_launch(struct fz_input *in, struct cw_enc *e, uint64_t kernel)
{
	uint8_t shape = fz_u8(in), blob[32];
	uint32_t attrs = shape & 1 ? 1 + (shape >> 2 & 3) : 0;

	cw_enc_u64(e, kernel);
	for (int i = 0; i < 6; i++)
		cw_enc_u32(e, 1);
	cw_enc_u32(e, 0);
	cw_enc_u32(e, shape >> 1 & 1);
	cw_enc_u64(e, stream(in));
	cw_enc_u32(e, fz_u8(in));
	cw_enc_u32(e, shape == 255 ? 99 : attrs);
	for (uint32_t i = 0; i < attrs; i++) {
		cw_enc_u32(e, fz_u8(in) % 12);
		for (int k = 0; k < CW_ATTR_WORDS; k++)
			cw_enc_u64(e, 1);
	}
	cw_enc_bytes(e, blob, fz_take(in, blob, shape >> 4));
}

static void put_copy3d(struct fz_input *in, struct cw_enc *e)
{
	uint8_t shape = fz_u8(in);
	CUDA_MEMCPY3D m = {
		.WidthInBytes = size(in), .Height = shape & 3, .Depth = shape >> 2 & 3,
		.srcDevice = device(in), .dstDevice = device(in),
		.srcMemoryType = shape & 16 ? CU_MEMORYTYPE_UNIFIED : CU_MEMORYTYPE_DEVICE,
		.dstMemoryType = shape & 32 ? CU_MEMORYTYPE_UNIFIED : CU_MEMORYTYPE_DEVICE,
	};

	if (shape & 64)
		m.srcPitch = m.dstPitch = 256;
	if (shape & 128)
		fz_take(in, (uint8_t *)&m + fz_u8(in) % (sizeof(m) - 8), 8);
	cw_enc_bytes(e, &m, sizeof(m));
	cw_enc_u64(e, stream(in));
}

static void put_load_options(struct fz_input *in, struct cw_enc *e)
{
	uint8_t shape = fz_u8(in);
	uint32_t n = shape & 7;

	cw_enc_u64(e, shape & 8 ? FZ_ARENA : 0);
	cw_enc_u64(e, shape & 8 ? FZ_ARENA_SIZE : 0);
	cw_enc_u32(e, shape & 16 ? 64 : 0);
	cw_enc_u32(e, shape & 32 ? 64 : 0);
	cw_enc_u32(e, shape == 255 ? 99 : n);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t option = fz_u8(in);

		cw_enc_u32(e, option < 200 ? 7 + option % 8 : option);
		cw_enc_u64(e, 1);
	}
}

void fz_cmd_put(struct fz_input *in, struct cw_enc *e, uint32_t id, uint64_t kernel, uint64_t last)
{
	uint8_t blob[256];

	switch (id) {
	case CW_FN_COPY_BEGIN:
		put_copy_begin(in, e);
		break;
	case CW_FN_COPY_END:
	case CW_FN_IMAGE_END:
	case CW_FN_UPCALL_DONE:
		cw_enc_u64(e, id_of(in, last));
		break;
	case CW_FN_IMAGE_BEGIN:
		cw_enc_u64(e, 1 + size(in));
		break;
	case CW_FN_REGION_MAP:
		cw_enc_u64(e, FZ_ARENA);
		cw_enc_u64(e, FZ_ARENA_SIZE);
		cw_enc_u32(e, fz_u8(in));
		break;
	case CW_FN_REGION_UNMAP:
		cw_enc_u64(e, FZ_ARENA + fz_u8(in) / 64 * 4096ull);
		break;
	case CW_FN_CREDIT:
		cw_enc_u32(e, fz_u8(in));
		cw_enc_u32(e, 64 + size(in));
		cw_enc_u64(e, stream(in));
		break;
	case CW_FN_LAUNCH:
		put_launch(in, e, kernel);
		break;
	case CW_FN_HTOD:
		cw_enc_u64(e, device(in));
		cw_enc_u64(e, stream(in));
		cw_enc_bytes(e, blob, fz_take(in, blob, fz_u8(in)));
		break;
	case CW_FN_DTOH:
		cw_enc_u64(e, device(in));
		cw_enc_u64(e, size(in));
		cw_enc_u64(e, stream(in));
		break;
	case CW_FN_DTOD:
		cw_enc_u64(e, device(in));
		cw_enc_u64(e, device(in));
		cw_enc_u64(e, size(in));
		cw_enc_u64(e, stream(in));
		break;
	case CW_FN_COPY3D:
		put_copy3d(in, e);
		break;
	case CW_FN_HOST_FUNC:
		cw_enc_u32(e, fz_u8(in) & 3);
		cw_enc_u64(e, stream(in));
		cw_enc_u64(e, 0x1000);
		cw_enc_u64(e, 0x2000);
		break;
	case CW_FN_MEM_FREE:
		cw_enc_u64(e, device(in));
		break;
	case CW_FN_EVENT_RECORD:
		cw_enc_u64(e, FZ_EVENT(1 + fz_u8(in) % FZ_EVENTS));
		cw_enc_u64(e, stream(in));
		cw_enc_u32(e, fz_u8(in) & 1);
		break;
	case CW_FN_LOAD_OPTIONS:
		put_load_options(in, e);
		break;
	case CW_FN_LOAD_RESULT:
		cw_enc_u32(e, fz_u8(in) % 5);
		cw_enc_u64(e, fz_u8(in));
		break;
	default:
		break;
	}
}
