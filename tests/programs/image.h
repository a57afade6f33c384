/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture a filter works on: the user's (--in FILE), or a made one.
 */
#ifndef PROGRAMS_IMAGE_H
#define PROGRAMS_IMAGE_H

#include "png.h"
#include "prog.h"

static inline void image_make(struct png_image *im, int width)
{
	unsigned long long seed = 6;

	im->width = width;
	im->height = width * 3 / 4;
	im->channels = 3;
	im->pixels = (unsigned char *)malloc((size_t)im->width * im->height * 3);
	for (int y = 0; y < im->height; y++) {
		for (int x = 0; x < im->width; x++) {
			unsigned char *p = im->pixels + 3 * (y * im->width + x);

			p[0] = (unsigned char)(x * 255 / im->width);
			p[1] = (unsigned char)(y * 255 / im->height);
			p[2] = (x / 8 + y / 8) & 1 ? 255 : (unsigned char)prog_random(&seed);
		}
	}
}

/* Drops alpha, which the writer does not keep. */
static inline void image_flatten(struct png_image *im)
{
	if (im->channels != 4)
		return;
	for (int i = 0; i < im->width * im->height; i++) {
		for (int c = 0; c < 3; c++)
			im->pixels[3 * i + c] = im->pixels[4 * i + c];
	}
	im->channels = 3;
}

static inline void image_load(struct png_image *im, int width)
{
	int err = 0;

	if (prog.in)
		err = png_read(prog.in, im);
	else
		image_make(im, width);
	if (err) {
		prog_fail("cannot read the picture '%s': error %d", prog.in, -err);
		exit(prog_end());
	}
	image_flatten(im);
}

/* Writes the result, where it is wanted, and says what it was. */
static inline void image_done(const struct png_image *im)
{
	if (prog.out)
		CHECK(png_write(prog.out, im) == 0);
	prog_int("width", im->width);
	prog_int("height", im->height);
	prog_int("channels", im->channels);
	prog_int("hash",
		 (long long)prog_hash(im->pixels, (size_t)im->width * im->height * im->channels));
}

#endif
