/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes an initramfs: a cpio archive of the "newc" kind (the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst).
 */
#ifndef TOOLS_RUN_CPIO_H
#define TOOLS_RUN_CPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct ct_cpio - An archive being written
 * @fd:		file it goes to
 * @size:	bytes written so far
 * @err:	first error; once set, everything else does nothing
 * @err_path:	file it happened at
 * @left_out:	what mirroring leaves out, for the guest has it; or NULL
 *
 * Errors stick, so that a caller adds all it has and asks once.
 */
struct ct_cpio {
	int fd;
	uint64_t size;
	int err;
	char *err_path;
	bool (*left_out)(const char *path);
	void *seen;
	unsigned int ino;
};

/**
 * struct ct_cpio_node - What an entry is
 * @mode:	type and permissions, as in struct stat
 */
struct ct_cpio_node {
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

void ct_cpio_init(struct ct_cpio *c, int fd);

/* Adds an entry with @len bytes of content (a link's target, a file's data). */
void ct_cpio_data(struct ct_cpio *c, const char *path, struct ct_cpio_node node, const void *data,
		  size_t len);

/* Adds a folder. */
void ct_cpio_dir(struct ct_cpio *c, const char *path, mode_t mode);

/* Adds the host's file @from as @path with mode @mode; owner root. */
void ct_cpio_file(struct ct_cpio *c, const char *from, const char *path, mode_t mode);

/**
 * ct_cpio_mirror() - Add a path of the host under the same name
 * @c:		archive
 * @path:	absolute
 *
 * Each folder above it, and each link on the way with what it points to, comes
 * along, so that the path leads to the same file in the guest. A folder comes
 * without what is in it.
 */
void ct_cpio_mirror(struct ct_cpio *c, const char *path);

/* The same, and where it is a folder with everything below it. */
void ct_cpio_mirror_tree(struct ct_cpio *c, const char *path);

/**
 * ct_cpio_finish() - Write the trailer and free what the archive holds
 * @c:		archive
 *
 * Return: 0 or the first error; then @c->err_path, which the caller frees.
 */
int ct_cpio_finish(struct ct_cpio *c);

#endif
