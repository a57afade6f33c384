/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Module images: any bytes, and containers that are nearly right.
 *
 * Covers: softgpu/fatbin/fatbin.c
 */
#include <lz4.h>
#include <zstd.h>

#include "softgpu/fatbin/fatbin.h"
#include "tests/fuzz/fuzz.h"

#define IMAGE_MAX (64u << 10)
#define TEXT_MAX 4096
#define LISTED 3

struct entry_head {
	uint16_t kind, version;
	uint32_t header_size;
	uint64_t payload_size;
	uint32_t packed_size, options;
	uint16_t minor, major;
	uint32_t arch, name, name_len;
	uint64_t flags, reserved, text_size;
};

/* What came out is text that ends where it says. */
static void image_check(int ret, struct sg_image *image)
{
	if (ret) {
		FZ_REQUIRE(ret < 0);
		return;
	}
	FZ_REQUIRE(image->n && image->n <= SG_IMAGE_MAX);
	for (size_t i = 0; i < image->n; i++)
		FZ_REQUIRE(strlen(image->texts[i].text) == image->texts[i].len);
	fz_plant(image->n == 2 && image->texts[1].len > 600);
	sg_image_free(image);
}

static void read_sized(const void *data, size_t size, unsigned int cc)
{
	struct sg_image image;
	uint32_t magic = 0;
	char *exact = malloc(size + 1);

	memcpy(exact, data, size);
	memcpy(&magic, exact, cw_min(size, sizeof(magic)));
	/* A wrapper's pointers are the program's own: nothing to be forged. */
	if (magic != SG_WRAPPER_MAGIC)
		image_check(sg_image_read_sized(exact, size, cc, &image), &image);
	free(exact);
}

/* A payload, packed as @flags say; returns its bytes. */
static size_t payload_make(struct fz_input *in, uint64_t flags, char *to, size_t room,
			   size_t *ret_text)
{
	char text[TEXT_MAX];
	size_t len = 1 + fz_u16(in) % (TEXT_MAX - 1), n;
	char fill = (char)fz_u8(in);

	memset(text, fill, len);
	fz_take(in, text, cw_min(len, (size_t)fz_u8(in)));
	*ret_text = len;
	if (flags & 0x2000) {
		n = (size_t)LZ4_compress_default(text, to, (int)len, (int)room);
	} else if (flags & 0x8000) {
		n = ZSTD_compress(to, room, text, len, 1);
	} else {
		memcpy(to, text, len);
		n = len;
	}
	return n;
}

static size_t entry_make(struct fz_input *in, char *to)
{
	static const uint64_t kinds[] = { 0, 0x2000, 0x8000, 0xa000, 0x100000, 0x200000 };
	struct entry_head e = { .kind = 1, .version = 0x101, .header_size = sizeof(e) };
	uint8_t lie = fz_u8(in);
	size_t text, n;

	e.flags = kinds[fz_u8(in) % CW_ARRAY_SIZE(kinds)] | kinds[fz_u8(in) % CW_ARRAY_SIZE(kinds)];
	e.arch = 50 + fz_u8(in) % 50;
	n = payload_make(in, e.flags, to + sizeof(e), 2 * TEXT_MAX, &text);
	e.payload_size = (n + 7) & ~7ul;
	memset(to + sizeof(e) + n, 0, e.payload_size - n);
	e.packed_size = (uint32_t)n;
	e.text_size = text;
	if (lie & 1)
		e.kind = fz_u16(in);
	if (lie & 2)
		e.payload_size += fz_u16(in) - 1000u;
	if (lie & 4)
		e.packed_size = fz_u32(in);
	if (lie & 8)
		e.text_size = fz_u8(in) & 1 ? fz_u64(in) : text - 100 + fz_u8(in);
	if (lie & 16)
		e.header_size = fz_u32(in);
	if (lie & 32)
		to[sizeof(e) + fz_u16(in) % (n + 1)] = (char)fz_u8(in);
	memcpy(to, &e, sizeof(e));
	return sizeof(e) + ((n + 7) & ~7ul);
}

/* A container in a block of its own size, so that it may be read unsized. */
static char *fatbin_make(struct fz_input *in, size_t *ret_size)
{
	struct {
		uint32_t magic;
		uint16_t version, header_size;
		uint64_t size;
	} head = { SG_FATBIN_MAGIC, 1, sizeof(head), 0 };
	char *image = malloc(IMAGE_MAX);
	size_t size = sizeof(head);
	unsigned int entries = fz_u8(in) % 4;

	while (entries--)
		size += entry_make(in, image + size);
	head.size = size - sizeof(head);
	switch (fz_u8(in)) {
	case 1:
		head.size = fz_u16(in) % (head.size + 1);
		break;
	case 2:
		head.version = fz_u16(in);
		break;
	case 3:
		head.header_size = (uint16_t)(fz_u8(in) % 16);
		break;
	case 4:
		head.magic = fz_u8(in) ? 0 : 0x464c457f;
		break;
	default:
		break;
	}
	memcpy(image, &head, sizeof(head));
	*ret_size = size;
	return realloc(image, size);
}

static void read_wrapped(struct fz_input *in, unsigned int cc)
{
	char *part[LISTED + 1];
	const void *list[LISTED + 1] = { NULL };
	struct {
		uint32_t magic, version;
		const void *data, *extra;
	} wrapper = { SG_WRAPPER_MAGIC, 1 + fz_u8(in) % 2, NULL, NULL };
	struct sg_image image;
	size_t size;

	for (int i = 0; i <= LISTED; i++)
		part[i] = fatbin_make(in, &size);
	for (int i = 0; i < LISTED && fz_u8(in) % 4; i++)
		list[i] = part[i];
	wrapper.data = fz_u8(in) & 1 ? NULL : part[LISTED];
	wrapper.extra = fz_u8(in) & 1 ? list : NULL;
	image_check(sg_image_read(&wrapper, cc, &image), &image);
	for (int i = 0; i <= LISTED; i++)
		free(part[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fz_input in = { data, size };
	uint8_t shape = fz_u8(&in);
	unsigned int cc = 70 + fz_u8(&in) % 30;
	char *image;
	size_t n;

	switch (shape % 3) {
	case 0:
		read_sized(in.p, in.n, cc);
		break;
	case 1:
		image = fatbin_make(&in, &n);
		read_sized(image, n - (shape & 16 ? fz_u16(&in) % n : 0), cc);
		free(image);
		break;
	default:
		read_wrapped(&in, cc);
		break;
	}
	return 0;
}
