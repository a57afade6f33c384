/* SPDX-License-Identifier: Apache-2.0 */
/* softgpu/fatbin/fatbin.c: from an image to PTX text. */
#include <errno.h>
#include <lz4.h>
#include <zstd.h>

#include "cw/util.h"
#include "softgpu/fatbin/fatbin.h"
#include "tests/tap.h"

#define PTX_75 ".version 6.3\n.target sm_75\n// the text for seventy-five\n"
#define PTX_90 ".version 8.0\n.target sm_90\n// another text, for ninety\n"

enum { RAW, LZ4 = 0x2000, ZSTD = 0x8000 };

/* A container under construction, in memory of exactly its size. */
static unsigned char *bin;
static size_t bin_size;

static void put(size_t off, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		bin[off + i] = (unsigned char)(value >> (8 * i));
}

static void begin(void)
{
	free(bin);
	bin_size = 16;
	bin = calloc(1, bin_size);
	put(0, SG_FATBIN_MAGIC, 4);
	put(4, 1, 2);
	put(6, 16, 2);
}

static void add(unsigned kind, unsigned arch, uint64_t flags, const char *text)
{
	char packed[512] = "";
	size_t len = strlen(text), n = len + 1, at = bin_size;

	memcpy(packed, text, n);
	if (flags & LZ4)
		n = (size_t)LZ4_compress_default(text, packed, (int)len, sizeof(packed));
	if (flags & ZSTD)
		n = ZSTD_compress(packed, sizeof(packed), text, len, 3);
	bin_size += 64 + cw_align_up(n, 8);
	bin = realloc(bin, bin_size);
	memset(bin + at, 0, bin_size - at);
	put(at, kind, 2);
	put(at + 2, 0x101, 2);
	put(at + 4, 64, 4);
	put(at + 8, cw_align_up(n, 8), 8);
	put(at + 28, arch, 4);
	put(at + 40, flags | 0x11, 8);
	if (flags & (LZ4 | ZSTD)) {
		put(at + 16, n, 4);
		put(at + 56, len, 8);
	}
	memcpy(bin + at + 64, packed, n);
	put(8, bin_size - 16, 8);
}

static int read_cc(unsigned cc, struct sg_image *image)
{
	*image = (struct sg_image){ 0 };
	return sg_image_read_sized(bin, bin_size, cc, image);
}

static void expect(unsigned cc, const char *text)
{
	struct sg_image image;

	CHECK_EQ(read_cc(cc, &image), 0);
	CHECK_EQ(image.n, 1);
	CHECK_STR(image.texts[0].text, text);
	CHECK_EQ(image.texts[0].len, strlen(text));
	sg_image_free(&image);
}

TEST(text_is_found_raw_and_in_both_compressions)
{
	static const int flags[] = { RAW, LZ4, ZSTD };

	for (size_t i = 0; i < CW_ARRAY_SIZE(flags); i++) {
		begin();
		add(2, 75, 0, "\177ELF machine code");
		add(1, 75, (uint64_t)flags[i], PTX_75);
		expect(130, PTX_75);
	}
}

TEST(the_highest_usable_text_is_taken)
{
	begin();
	add(1, 75, ZSTD, PTX_75);
	add(1, 90, LZ4, PTX_90);
	expect(130, PTX_90);
	expect(90, PTX_90);
	expect(89, PTX_75);
}

TEST(an_arch_specific_text_is_for_exactly_that_arch)
{
	begin();
	add(1, 75, 0, PTX_75);
	add(1, 90, 0x100000, PTX_90);
	expect(130, PTX_75);
	expect(90, PTX_90);
}

TEST(machine_code_alone_is_no_binary_for_this_device)
{
	struct sg_image image;

	begin();
	add(2, 75, 0, "\177ELF machine code");
	CHECK_EQ(read_cc(130, &image), -ENOEXEC);
	CHECK_EQ(sg_image_read("\177ELF\2\1\1", 130, &image), -ENOEXEC);
	begin();
	add(1, 90, 0, PTX_90);
	CHECK_EQ(read_cc(75, &image), -ENOEXEC);
}

TEST(plain_text_is_copied)
{
	struct sg_image image;
	char text[] = PTX_75;

	CHECK_EQ(sg_image_read(text, 130, &image), 0);
	memset(text, 'x', sizeof(text) - 1);
	CHECK_STR(image.texts[0].text, PTX_75);
	sg_image_free(&image);
	CHECK_EQ(sg_image_read("//", 130, &image), 0);
	sg_image_free(&image);
}

TEST(a_wrapper_of_relocatable_code_gives_all_its_texts)
{
	struct sg_image image;
	unsigned char *a, *b;
	struct {
		uint32_t magic, version;
		const void *data;
		const void *const *list;
	} wrapper = { SG_WRAPPER_MAGIC, 1, NULL, NULL };

	begin();
	add(1, 75, ZSTD, PTX_75);
	a = bin, bin = NULL;
	wrapper.data = a;
	CHECK_EQ(sg_image_read(&wrapper, 130, &image), 0);
	CHECK_EQ(image.n, 1);
	sg_image_free(&image);
	begin();
	add(1, 90, LZ4, PTX_90);
	b = bin, bin = NULL;
	begin();
	wrapper.version = 2;
	wrapper.data = bin;
	wrapper.list = (const void *const[]){ a, b, NULL };
	CHECK_EQ(sg_image_read(&wrapper, 130, &image), 0);
	CHECK_EQ(image.n, 2);
	CHECK_STR(image.texts[0].text, PTX_75);
	CHECK_STR(image.texts[1].text, PTX_90);
	sg_image_free(&image);
	free(a);
	free(b);
}

TEST(every_truncation_is_refused)
{
	struct sg_image image;
	size_t whole;

	begin();
	add(1, 75, ZSTD, PTX_75);
	add(1, 90, LZ4, PTX_90);
	whole = bin_size;
	for (size_t n = 4; n < whole; n++) {
		unsigned char *cut = malloc(n);
		int err;

		memcpy(cut, bin, n);
		err = sg_image_read_sized(cut, n, 130, &image);
		free(cut);
		CHECK_EQ(err, -EINVAL);
	}
}

TEST(a_lie_about_sizes_is_refused)
{
	static const struct {
		size_t off, bytes;
		uint64_t value;
	} lies[] = {
		{ 4, 2, 2 },		{ 6, 2, 0 },		{ 6, 2, 15 },
		{ 8, 8, UINT64_MAX },	{ 8, 8, 1 },		{ 20, 4, 0 },
		{ 20, 4, UINT32_MAX },	{ 24, 8, UINT64_MAX },	{ 24, 8, UINT64_MAX - 63 },
		{ 32, 4, UINT32_MAX },	{ 32, 4, 0 },		{ 72, 8, UINT64_MAX },
		{ 72, 8, 0 },		{ 72, 8, 1 },
	};

	for (size_t i = 0; i < CW_ARRAY_SIZE(lies); i++) {
		struct sg_image image;

		begin();
		add(1, 75, ZSTD, PTX_75);
		put(lies[i].off, lies[i].value, lies[i].bytes);
		CHECK_EQ(read_cc(130, &image), -EINVAL);
	}
}

TEST(random_damage_is_survived)
{
	uint32_t seed = 7;

	for (int i = 0; i < 20000; i++) {
		struct sg_image image;

		begin();
		add(1, 75, i & 1 ? LZ4 : ZSTD, PTX_75);
		for (int j = 0; j < 3; j++) {
			seed = seed * 1664525 + 1013904223;
			bin[4 + (seed >> 8) % (bin_size - 4)] = (unsigned char)(seed >> 24);
		}
		if (!read_cc(130, &image))
			sg_image_free(&image);
	}
}

TEST(what_is_no_image_is_said_to_be_none)
{
	struct sg_image image;

	CHECK_EQ(sg_image_read(NULL, 130, &image), -EINVAL);
	CHECK_EQ(sg_image_read("", 130, &image), -EINVAL);
	CHECK_EQ(sg_image_read("\1\2\3\4", 130, &image), -EINVAL);
	CHECK_EQ(sg_image_read("\xff\xfe", 130, &image), -EINVAL);
}

TAP_MAIN()
