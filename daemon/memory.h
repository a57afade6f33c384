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

/**
 * struct cd_mapping - Where a process may have a piece of a file mapped
 * @va:		address of its first byte
 * @range:	the piece
 */
struct cd_mapping {
	uint64_t va;
	struct cd_file_range range;
};

/**
 * struct cd_maps_query - What is looked for in the map of a process
 * @pid:	the process
 * @range:	pieces of files
 * @nr_ranges:	their number
 * @fine:	mappings of these pieces that do not count
 * @nr_fine:	their number
 */
struct cd_maps_query {
	pid_t pid;
	const struct cd_file_range *range;
	uint32_t nr_ranges;
	const struct cd_mapping *fine;
	uint32_t nr_fine;
};

int cd_memfd_create(const char *name, uint64_t size, unsigned int seals);
bool cd_memfd_is_safe(int fd, uint64_t size);
int cd_file_range(int fd, uint64_t offset, uint64_t len, struct cd_file_range *ret);
bool cd_ranges_overlap(const struct cd_file_range *a, const struct cd_file_range *b);
int cd_maps_has(const struct cd_maps_query *q);

#endif
