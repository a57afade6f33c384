/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon says of itself in its card file.
 */
#ifndef TOOLS_LIST_CARD_H
#define TOOLS_LIST_CARD_H

#include "cw/card.h"
#include "tools/list/procs.h"

/**
 * card_vm_of() - Entry of a daemon
 * @daemon:	process
 * @ret:	a copy of it
 *
 * Return: 0, or -ENOENT where it has none, or one that we may not read.
 */
int card_vm_of(const struct proc *daemon, struct cw_card_vm *ret);

/* Bytes of device memory of the client with that worker; 0 for an unknown one. */
unsigned long long card_client_memory(const struct cw_card_vm *vm, pid_t worker);

#endif
