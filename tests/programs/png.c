/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PNG files (W3C PNG, second edition), for pictures that go in and come out of
 * test programs.
 *
 * Written images use stored deflate blocks (RFC 1951, 3.2.4): a writer of a
 * page instead of a compressor. Files that are read come from the user, so the
 * reader bounds every length.
 */
#include "png.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char png_magic[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

/* Larger pictures are refused: width * height * 4 stays far below 2^31. */
enum {
	PNG_MAX_SIDE = 16384,
	PNG_MAX_FILE = 256 << 20
};

static uint32_t png_crc(uint32_t crc, const unsigned char *p, size_t n)
{
	while (n--) {
		crc ^= *p++;
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return crc;
}

static void png_be32(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)(v >> 24);
	p[1] = (unsigned char)(v >> 16);
	p[2] = (unsigned char)(v >> 8);
	p[3] = (unsigned char)v;
}

static uint32_t png_get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int png_chunk(FILE *f, const char *type, const unsigned char *data, uint32_t size)
{
	unsigned char head[8], tail[4];
	uint32_t crc;

	png_be32(head, size);
	memcpy(head + 4, type, 4);
	crc = png_crc(0xffffffffu, head + 4, 4);
	crc = ~png_crc(crc, data, size);
	png_be32(tail, crc);
	return fwrite(head, 8, 1, f) == 1 && (!size || fwrite(data, size, 1, f) == 1) &&
	       fwrite(tail, 4, 1, f) == 1;
}

/* Stored zlib stream of rows, each with filter byte 0. Returns its size. */
static size_t png_store(const struct png_image *im, unsigned char *out)
{
	size_t row = (size_t)im->width * (size_t)im->channels;
	size_t left = (row + 1) * (size_t)im->height, in_block = 0, n = 0;
	uint32_t a = 1, b = 0;

	out[n++] = 0x78;
	out[n++] = 0x01;
	for (int y = 0; y < im->height; y++) {
		for (size_t x = 0; x <= row; x++) {
			unsigned char v = x ? im->pixels[(size_t)y * row + x - 1] : 0;

			if (!in_block) {
				in_block = left < 65535 ? left : 65535;
				out[n++] = left <= 65535;
				out[n++] = (unsigned char)in_block;
				out[n++] = (unsigned char)(in_block >> 8);
				out[n++] = (unsigned char)~in_block;
				out[n++] = (unsigned char)(~in_block >> 8);
			}
			out[n++] = v;
			in_block--;
			left--;
			a = (a + v) % 65521;
			b = (b + a) % 65521;
		}
	}
	png_be32(out + n, b << 16 | a);
	return n + 4;
}

/**
 * png_write() - Write an image
 * @path:	file; written whole or not at all
 * @image:	1 or 3 channels of 8 bits
 *
 * Return: 0, -EINVAL, -ENOMEM or the errno of the file.
 */
int png_write(const char *path, const struct png_image *image)
{
	size_t rows = ((size_t)image->width * (size_t)image->channels + 1) * (size_t)image->height;
	unsigned char head[13] = { 0 }, *data;
	size_t size;
	FILE *f;
	int ok;

	if (image->width < 1 || image->height < 1 || image->width > PNG_MAX_SIDE ||
	    image->height > PNG_MAX_SIDE || (image->channels != 1 && image->channels != 3))
		return -EINVAL;
	data = (unsigned char *)malloc(rows + rows / 65535 * 5 + 16);
	if (!data)
		return -ENOMEM;
	size = png_store(image, data);
	png_be32(head, (uint32_t)image->width);
	png_be32(head + 4, (uint32_t)image->height);
	head[8] = 8;
	head[9] = image->channels == 3 ? 2 : 0;
	f = fopen(path, "wb");
	if (!f) {
		free(data);
		return -errno;
	}
	ok = fwrite(png_magic, 8, 1, f) == 1 && png_chunk(f, "IHDR", head, 13) &&
	     png_chunk(f, "IDAT", data, (uint32_t)size) && png_chunk(f, "IEND", head, 0);
	free(data);
	if (fclose(f) || !ok) {
		remove(path);
		return -EIO;
	}
	return 0;
}

static unsigned char *png_slurp(const char *path, size_t *ret_size)
{
	FILE *f = fopen(path, "rb");
	unsigned char *data = NULL;
	long size = -1;

	if (!f)
		return NULL;
	if (!fseek(f, 0, SEEK_END))
		size = ftell(f);
	rewind(f);
	if (size > 0 && size <= PNG_MAX_FILE)
		data = (unsigned char *)malloc((size_t)size);
	if (data && fread(data, 1, (size_t)size, f) != (size_t)size) {
		free(data);
		data = NULL;
	}
	fclose(f);
	*ret_size = (size_t)size;
	return data;
}

/* Takes the header apart. Returns channels, or -EINVAL for what we don't read. */
static int png_header(const unsigned char *p, struct png_image *im)
{
	static const int channels[7] = { 1, 0, 3, 0, 0, 0, 4 };
	uint32_t w = png_get32(p), h = png_get32(p + 4);

	if (!w || !h || w > PNG_MAX_SIDE || h > PNG_MAX_SIDE)
		return -EINVAL;
	if (p[8] != 8 || p[9] > 6 || !channels[p[9]] || p[12])
		return -EINVAL;
	im->width = (int)w;
	im->height = (int)h;
	im->channels = channels[p[9]];
	return 0;
}

/* Collects all IDAT in place at the front of the file's bytes. */
static int png_gather(unsigned char *file, size_t size, struct png_image *im, size_t *ret_idat)
{
	size_t at = 8, idat = 0;
	int seen = 0;

	if (size < 8 || memcmp(file, png_magic, 8))
		return -EINVAL;
	while (size - at >= 12) {
		uint32_t len = png_get32(file + at);
		const unsigned char *data = file + at + 8;

		if (len > size - at - 12)
			return -EINVAL;
		if (!memcmp(data - 4, "IHDR", 4) && len == 13 && !seen++) {
			if (png_header(data, im))
				return -EINVAL;
		} else if (!memcmp(data - 4, "IDAT", 4)) {
			memmove(file + idat, data, len);
			idat += len;
		} else if (!memcmp(data - 4, "IEND", 4)) {
			break;
		}
		at += 12 + (size_t)len;
	}
	*ret_idat = idat;
	return seen && idat ? 0 : -EINVAL;
}

static int png_paeth(int a, int b, int c)
{
	int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);

	return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/* Undoes the row filters (PNG, 9.2) of raw into pixels. */
static int png_unfilter(const unsigned char *raw, struct png_image *im)
{
	size_t bpp = (size_t)im->channels, row = (size_t)im->width * bpp;

	for (int y = 0; y < im->height; y++) {
		const unsigned char *in = raw + (size_t)y * (row + 1);
		unsigned char *out = im->pixels + (size_t)y * row;

		for (size_t x = 0; x < row; x++) {
			int a = x >= bpp ? out[x - bpp] : 0;
			int b = y ? out[(ptrdiff_t)x - (ptrdiff_t)row] : 0;
			int c = y && x >= bpp ? out[(ptrdiff_t)(x - bpp) - (ptrdiff_t)row] : 0;
			const int add[5] = { 0, a, b, (a + b) / 2, png_paeth(a, b, c) };

			if (in[0] > 4)
				return -EINVAL;
			out[x] = (unsigned char)(in[1 + x] + add[in[0]]);
		}
	}
	return 0;
}

/**
 * png_read() - Read an image
 * @path:	file
 * @ret_image:	image; the caller frees pixels
 *
 * Return: 0, -EINVAL for a file that is no PNG of ours to read, -ENOENT.
 */
int png_read(const char *path, struct png_image *ret_image)
{
	struct png_image im = { 0 };
	size_t size = 0, idat = 0, raw_size;
	unsigned char *file = png_slurp(path, &size), *raw = NULL;
	int err = file ? png_gather(file, size, &im, &idat) : -ENOENT;

	if (!err) {
		raw_size = ((size_t)im.width * (size_t)im.channels + 1) * (size_t)im.height;
		raw = (unsigned char *)malloc(raw_size);
		im.pixels = (unsigned char *)malloc(raw_size);
		err = raw && im.pixels ? 0 : -ENOMEM;
		/* Two bytes of zlib header before the deflate stream. */
		if (!err && (idat < 6 || png_inflate(file + 2, idat - 2, raw, raw_size)))
			err = -EINVAL;
		if (!err)
			err = png_unfilter(raw, &im);
	}
	free(raw);
	free(file);
	if (err) {
		free(im.pixels);
		return err;
	}
	*ret_image = im;
	return 0;
}
