/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stock QEMU as the VMM.
 */
#ifndef TOOLS_RUN_QEMU_H
#define TOOLS_RUN_QEMU_H

#include <stdbool.h>

struct ct_run;
struct ct_vm;

/* QEMU to start: CAUSEWAY_QEMU or the usual name. */
const char *ct_qemu_name(void);

/* virtiofsd to start, or NULL where there is none. */
const char *ct_virtiofsd_path(void);

/* Makes @vm one that has nothing. */
void ct_vm_init(struct ct_vm *vm);

/**
 * ct_qemu_start() - Start the VM with everything it needs beside it
 * @vm:		after ct_vm_init() and ct_shares_start(); filled
 * @run:	what was asked for
 * @initrd:	memfd with the initramfs
 *
 * Return: 0 or a negative errno after a line on stderr; then, too, the caller
 * calls ct_qemu_stop().
 */
int ct_qemu_start(struct ct_vm *vm, const struct ct_run *run, int initrd);

/**
 * ct_qemu_stop() - End the VM and its helpers, whatever state they are in
 * @vm:		VM
 *
 * Return: false where the GPU daemon had ended before by itself.
 */
bool ct_qemu_stop(struct ct_vm *vm);

#endif
