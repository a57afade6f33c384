/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a module image to PTX text: see fatbin.h.
 *
 * The container's layout is not documented by its maker; it was measured
 * with files made by nvcc 11 to 13.
 */
#include "softgpu/fatbin/fatbin.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifdef SG_LZ4
#include <lz4.h>
#endif
#ifdef SG_ZSTD
#include <zstd.h>
#endif

#include "cw/util.h"

#define ELF_MAGIC 0x464c457fu
#define ENTRY_KIND_PTX 1
#define ENTRY_MIN 64
#define ENTRY_LZ4 0x2000ull
#define ENTRY_ZSTD 0x8000ull
/* .target sm_90a, sm_100f: usable on exactly this device, on this family. */
#define ENTRY_EXACT 0x100000ull
#define ENTRY_FAMILY 0x200000ull
/* No PTX file comes near this; an entry that claims more is a lie. */
#define TEXT_MAX (1ull << 30)

struct wrapper {
	uint32_t magic;
	uint32_t version;
	const void *data;
	const void *extra;
};

struct fatbin_header {
	uint32_t magic;
	uint16_t version;
	uint16_t header_size;
	uint64_t size;
};

/* As much of an entry's header as is looked at. */
struct fatbin_entry {
	uint16_t kind;
	uint16_t version;
	uint32_t header_size;
	uint64_t payload_size;
	uint32_t packed_size;
	uint32_t options;
	uint16_t minor, major;
	uint32_t arch;
	uint32_t name, name_len;
	uint64_t flags;
	uint64_t reserved;
	uint64_t text_size;
};

static bool entry_usable(const struct fatbin_entry *e, unsigned cc)
{
	if (e->kind != ENTRY_KIND_PTX || e->arch > cc)
		return false;
	if (e->flags & ENTRY_EXACT)
		return e->arch == cc;
	if (e->flags & ENTRY_FAMILY)
		return e->arch / 10 == cc / 10;
	return true;
}

/* Length without the NULs that pad an uncompressed text. */
static size_t text_length(const char *text, size_t size)
{
	const char *end = memchr(text, 0, size);

	return end ? (size_t)(end - text) : size;
}

/* Built without a library, nothing compressed with it can be read. */
static bool lz4_inflate(const struct fatbin_entry *e, const char *payload, char *text)
{
#ifdef SG_LZ4
	return e->packed_size <= INT32_MAX &&
	       LZ4_decompress_safe(payload, text, (int)e->packed_size, (int)e->text_size) ==
		       (int)e->text_size;
#else
	return false;
#endif
}

static bool zstd_inflate(const struct fatbin_entry *e, const char *payload, char *text)
{
#ifdef SG_ZSTD
	return ZSTD_decompress(text, e->text_size, payload, e->packed_size) == e->text_size;
#else
	return false;
#endif
}

static bool zstd_says_size(const struct fatbin_entry *e, const char *payload)
{
#ifdef SG_ZSTD
	return ZSTD_getFrameContentSize(payload, e->packed_size) == e->text_size;
#else
	return false;
#endif
}

/* Whether the size said can be true, before memory is spent on it. */
static bool size_plausible(const struct fatbin_entry *e, const char *payload)
{
	if (!e->text_size || e->text_size > TEXT_MAX || !e->packed_size ||
	    e->packed_size > e->payload_size)
		return false;
	/* LZ4 makes at most 255 bytes of one. */
	if (e->flags & ENTRY_LZ4)
		return e->text_size <= e->packed_size * 255ull;
	return zstd_says_size(e, payload);
}

static char *inflate(const struct fatbin_entry *e, const char *payload)
{
	char *text;
	bool ok;

	if (!size_plausible(e, payload))
		return NULL;
	text = malloc(e->text_size + 1);
	if (!text)
		return NULL;
	ok = e->flags & ENTRY_LZ4 ? lz4_inflate(e, payload, text) : zstd_inflate(e, payload, text);
	if (!ok) {
		free(text);
		return NULL;
	}
	return text;
}

/* Append one text, which the image then owns. */
static int image_add(struct sg_image *image, char *text, size_t len)
{
	struct sg_source *texts;

	if (image->n == SG_IMAGE_MAX)
		return -E2BIG;
	texts = realloc(image->texts, (image->n + 1) * sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	text[len] = '\0';
	texts[image->n++] = (struct sg_source){ .text = text, .len = len };
	image->texts = texts;
	return 0;
}

static int image_add_copy(struct sg_image *image, const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	int err;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	err = image_add(image, copy, len);
	if (err)
		free(copy);
	return err;
}

static int image_add_entry(struct sg_image *image, const struct fatbin_entry *e,
			   const char *payload)
{
	char *text;
	int err;

	if (e->payload_size > TEXT_MAX)
		return -EINVAL;
	if (!(e->flags & (ENTRY_LZ4 | ENTRY_ZSTD)))
		return image_add_copy(image, payload, text_length(payload, e->payload_size));
	text = inflate(e, payload);
	if (!text)
		return -EINVAL;
	err = image_add(image, text, text_length(text, e->text_size));
	if (err)
		free(text);
	return err;
}

/* Add the best PTX of one container; one without any adds nothing. */
static int read_fatbin(const char *data, size_t size, unsigned cc, struct sg_image *image)
{
	struct fatbin_header head;
	struct fatbin_entry best = { 0 };
	const char *payload = NULL;
	uint64_t off;

	if (size < sizeof(head))
		return -EINVAL;
	memcpy(&head, data, sizeof(head));
	if (head.magic != SG_FATBIN_MAGIC || head.version != 1 ||
	    head.header_size < sizeof(head) || head.header_size > size ||
	    head.size > size - head.header_size)
		return -EINVAL;
	size = head.header_size + head.size;
	for (off = head.header_size; off < size;) {
		struct fatbin_entry e;

		if (size - off < ENTRY_MIN)
			return -EINVAL;
		memcpy(&e, data + off, sizeof(e));
		if (e.header_size < ENTRY_MIN || !cw_range_ok(off, e.header_size, size) ||
		    !cw_range_ok(off + e.header_size, e.payload_size, size))
			return -EINVAL;
		if (entry_usable(&e, cc) && (!payload || e.arch > best.arch)) {
			best = e;
			payload = data + off + e.header_size;
		}
		off += e.header_size + e.payload_size;
	}
	return payload ? image_add_entry(image, &best, payload) : 0;
}

/*
 * A wrapper: one container, or with relocatable code a container (that may be
 * empty) and a NULL-terminated list of further ones.
 */
static int read_wrapper(const struct wrapper *wrapper, unsigned cc, struct sg_image *image)
{
	const void *const *list = wrapper->extra;
	int err = 0;

	if (wrapper->data)
		err = read_fatbin(wrapper->data, SIZE_MAX, cc, image);
	if (wrapper->version != 2 || !list || err == -ENOMEM || image->n)
		return err;
	for (size_t i = 0; list[i] && i < SG_IMAGE_MAX; i++) {
		uint32_t magic;

		memcpy(&magic, list[i], sizeof(magic));
		if (magic != SG_FATBIN_MAGIC)
			continue;
		err = read_fatbin(list[i], SIZE_MAX, cc, image);
		if (err)
			return err;
	}
	return 0;
}

/* Whether this is text at all. */
static int check_text(const char *data, size_t size)
{
	/* Text is what has no control characters at its start but white space. */
	for (size_t i = 0; i < cw_min(size, (size_t)8) && data[i]; i++) {
		if ((unsigned char)data[i] < ' ' && !strchr("\t\n\r\v\f", data[i]))
			return -EINVAL;
		if ((unsigned char)data[i] >= 0x7f)
			return -EINVAL;
	}
	return size && data[0] ? 0 : -EINVAL;
}

/**
 * sg_image_read_sized() - PTX of an image of known length
 * @data:	image; a wrapper's pointers are followed
 * @size:	bytes that may be read; SIZE_MAX where the image says itself
 * @cc:		compute capability of the device, major * 10 + minor
 * @ret_image:	the texts, freed with sg_image_free()
 *
 * Return: 0, -EINVAL for what is no image, -ENOEXEC for one without PTX that
 * this device can run, -E2BIG, -ENOMEM.
 */
int sg_image_read_sized(const void *data, size_t size, unsigned cc, struct sg_image *ret_image)
{
	struct sg_image image = { 0 };
	struct wrapper wrapper;
	uint32_t magic = 0;
	int err;

	if (!data)
		return -EINVAL;
	/* A text may be shorter than a magic number. */
	for (size_t i = 0; i < cw_min(size, sizeof(magic)); i++) {
		((char *)&magic)[i] = ((const char *)data)[i];
		if (!((const char *)data)[i])
			break;
	}
	if (magic == SG_WRAPPER_MAGIC && size >= sizeof(wrapper)) {
		memcpy(&wrapper, data, sizeof(wrapper));
		err = read_wrapper(&wrapper, cc, &image);
	} else if (magic == SG_FATBIN_MAGIC) {
		err = read_fatbin(data, size, cc, &image);
	} else {
		err = magic == ELF_MAGIC ? -ENOEXEC : check_text(data, size);
		if (!err)
			err = image_add_copy(&image, data, strnlen(data, size));
	}
	if (!err && !image.n)
		err = -ENOEXEC;
	if (err) {
		sg_image_free(&image);
		return err;
	}
	*ret_image = image;
	return 0;
}

/**
 * sg_image_read() - PTX of an image as cuModuleLoadData() gets it
 * @data:	image
 * @cc:		compute capability of the device, major * 10 + minor
 * @ret_image:	the texts, freed with sg_image_free()
 *
 * Return: as sg_image_read_sized().
 */
int sg_image_read(const void *data, unsigned cc, struct sg_image *ret_image)
{
	return sg_image_read_sized(data, SIZE_MAX, cc, ret_image);
}

/**
 * sg_image_free() - Free the texts
 * @image:	from sg_image_read(), or all zero
 */
void sg_image_free(struct sg_image *image)
{
	for (size_t i = 0; i < image->n; i++)
		free((char *)image->texts[i].text);
	free(image->texts);
	*image = (struct sg_image){ 0 };
}
