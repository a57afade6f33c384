/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount namespace of one's own, for whoever serves files to a guest.
 */
#ifndef TOOLS_RUN_NAMESPACE_H
#define TOOLS_RUN_NAMESPACE_H

#include <stdbool.h>

/**
 * ct_namespace_enter() - Leave for a mount namespace of one's own
 *
 * Whoever is not root, or root without the right to, becomes master of a user
 * namespace for it that has one user, itself under its own number. Programs
 * that are executed there keep that power, and may call setgroups() without
 * effect: nobody may in such a namespace, and virtiofsd insists on it.
 *
 * Context: a child that is about to execute a helper; single-threaded.
 * Return: 0 or a negative errno.
 */
int ct_namespace_enter(void);

/* Mounts @from, with all that is mounted below it, read-only at @to. */
int ct_namespace_bind(const char *from, const char *to);

/* Mounts an empty tmpfs at @path. */
int ct_namespace_tmpfs(const char *path);

/* Makes what is mounted at @path, and below it, read-only. */
int ct_namespace_seal(const char *path);

#endif
