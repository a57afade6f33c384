/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs PTX text into a fat binary for clang's -fcuda-include-gpubinary.
 *
 * The container is a header of 16 bytes and one entry: a header of 64 bytes,
 * then the text, NUL terminated and padded to 8. Little endian.
 */
#include "tools/cc/fatbin.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ct.h"

#define FATBIN_MAGIC 0xba55ed50u

struct fatbin_header {
	uint32_t magic;
	uint16_t version;
	uint16_t header_size;
	uint64_t size; /* of all entries */
};

struct fatbin_entry {
	uint16_t kind; /* 1: PTX */
	uint16_t version;
	uint32_t header_size;
	uint64_t size; /* of the payload, padded */
	uint32_t compressed_size;
	uint32_t options;
	uint16_t minor; /* PTX ISA version */
	uint16_t major;
	uint32_t arch;
	uint32_t name;
	uint32_t name_size;
	uint64_t flags; /* 1: 64 bits; 0x10: Linux */
	uint64_t reserved;
	uint64_t uncompressed_size;
};

_Static_assert(sizeof(struct fatbin_header) == 16, "ABI");
_Static_assert(sizeof(struct fatbin_entry) == 64, "ABI");

static char *fatbin_read(const char *path, size_t *ret_padded)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	long size;

	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	if (size > 0) {
		*ret_padded = ((size_t)size + 8) & ~(size_t)7;
		text = calloc(1, *ret_padded);
	}
	if (text && fread(text, 1, (size_t)size, f) != (size_t)size) {
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

static int fatbin_write(const char *path, const char *text, size_t padded, unsigned int arch)
{
	struct fatbin_header head = { FATBIN_MAGIC, 1, sizeof(head),
				      sizeof(struct fatbin_entry) + padded };
	struct fatbin_entry entry = {
		.kind = 1,
		.version = 0x0101,
		.header_size = sizeof(entry),
		.size = padded,
		.arch = arch,
		.flags = 0x11,
	};
	const char *version = strstr(text, ".version");
	unsigned int major = 0;
	unsigned int minor = 0;
	FILE *f;
	int bad;

	if (!version || sscanf(version, ".version %u.%u", &major, &minor) != 2)
		return -EINVAL;
	entry.major = (uint16_t)major;
	entry.minor = (uint16_t)minor;
	f = fopen(path, "wb");
	if (!f)
		return -errno;
	bad = fwrite(&head, sizeof(head), 1, f) != 1 || fwrite(&entry, sizeof(entry), 1, f) != 1 ||
	      fwrite(text, padded, 1, f) != 1;
	if (fclose(f) || bad) {
		remove(path);
		return -EIO;
	}
	return 0;
}

int cc_fatbin_pack(unsigned int arch, const char *ptx, const char *out)
{
	size_t padded = 0;
	char *text = fatbin_read(ptx, &padded);
	int err;

	if (!text) {
		ct_error("cannot read '%s': %s", ptx, strerror(errno));
		return -EIO;
	}
	err = fatbin_write(out, text, padded, arch);
	if (err)
		ct_error("cannot write '%s': %s", out, strerror(-err));
	free(text);
	return err;
}
