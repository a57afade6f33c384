/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which guest kernel to boot.
 */
#ifndef TOOLS_RUN_KERNEL_H
#define TOOLS_RUN_KERNEL_H

#include <limits.h>
#include <stddef.h>

/**
 * struct ct_kernel - A guest kernel
 * @image:	bzImage
 * @modules:	folder that has kernel/drivers/..., or empty: all built in
 * @version:	its version, "6.1.0-56-cloud-amd64", or empty where not known
 */
struct ct_kernel {
	char image[PATH_MAX];
	char modules[PATH_MAX];
	char version[128];
};

/**
 * ct_kernel_find() - Find the guest kernel and look whether it is one
 * @k:		filled
 * @wanted:	--kernel: a bzImage, a folder with vmlinuz and modules/, or the name
 *		of one in the cache or its start ("6.12"); NULL: CAUSEWAY_KERNEL,
 *		else the cache's default
 *
 * Return: 0, or a negative errno after a line on stderr.
 */
int ct_kernel_find(struct ct_kernel *k, const char *wanted);

/* Folder of the fetched kernels. */
void ct_kernel_cache(char *buf, size_t len);

#endif
