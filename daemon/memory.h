/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory files: making them, judging those that a client sent, and looking
 * for their mappings in another process.
 */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct cd_file_range - A piece of a file, named so that maps can be searched
 * @dev:	device of the file
 * @ino:	inode of the file
 * @offset:	first byte
 * @len:	bytes
 */
struct cd_file_range {
	dev_t dev;
	ino_t ino;
	uint64_t offset;
	uint64_t len;
};

int cd_memfd_create(const char *name, uint64_t size, unsigned int seals);
bool cd_memfd_is_safe(int fd, uint64_t size);
int cd_file_range(int fd, uint64_t offset, uint64_t len, struct cd_file_range *ret);
int cd_maps_has(pid_t pid, const struct cd_file_range *ranges, uint32_t n);

#endif
