/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --root=host: what of this machine's files a guest sees.
 */
#ifndef TOOLS_RUN_HOSTROOT_H
#define TOOLS_RUN_HOSTROOT_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/run/kernel.h"

/* Where the tree is put together, in a mount namespace that only it has. */
#define CT_HOSTROOT_AT "/run"

/**
 * ct_hostroot_assemble() - Put the tree together at CT_HOSTROOT_AT
 * @why:	receives what failed
 * @len:	bytes of @why
 *
 * To be called in a mount namespace of its own, as root of it: a tmpfs there
 * gets read-only mounts of the folders, copies of the links, and the files of
 * /etc that are on the list. Nothing of /home, /root, /var or /run is in it,
 * also where a link of the host leads there: links stay links, and lead to
 * nothing in the guest.
 *
 * Return: 0 or a negative errno.
 */
int ct_hostroot_assemble(char *why, size_t len);

/**
 * ct_hostroot_shows() - Whether that tree has a path
 * @path:	absolute, each folder on the way being no link
 *
 * Return: true where the guest sees it and it need not be packed.
 */
bool ct_hostroot_shows(const char *path);

/* Whether a kernel has what the guest needs for it: virtiofs and overlayfs. */
bool ct_hostroot_fits(const struct ct_kernel *kernel);

#endif
