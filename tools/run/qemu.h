/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stock QEMU as the VMM.
 */
#ifndef TOOLS_RUN_QEMU_H
#define TOOLS_RUN_QEMU_H

/* QEMU to start: CAUSEWAY_QEMU or the usual name. */
const char *ct_qemu_name(void);

/* virtiofsd to start, or NULL where there is none. */
const char *ct_virtiofsd_path(void);

#endif
