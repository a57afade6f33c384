/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PNG files, small: writes 8 bit grey or RGB uncompressed, reads 8 bit grey,
 * RGB and RGBA without interlace.
 */
#ifndef PROGRAMS_PNG_H
#define PROGRAMS_PNG_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct png_image {
	int width;
	int height;
	int channels; /* 1, 3 or 4 */
	unsigned char *pixels;
};

int png_write(const char *path, const struct png_image *image);
int png_read(const char *path, struct png_image *ret_image);
int png_inflate(const unsigned char *in, size_t size, unsigned char *out, size_t room);

#ifdef __cplusplus
}
#endif

#endif
