/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stock QEMU as the VMM: where it is, and the command line that boots the guest.
 */
#include "tools/run/qemu.h"

#include <stdlib.h>
#include <unistd.h>

#include "cw/util.h"

const char *ct_qemu_name(void)
{
	const char *own = getenv("CAUSEWAY_QEMU");

	return own && *own ? own : "qemu-system-x86_64";
}

const char *ct_virtiofsd_path(void)
{
	static const char *const paths[] = {"/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd"};
	const char *own = getenv("CAUSEWAY_VIRTIOFSD");

	if (own && *own)
		return own;
	for (size_t i = 0; i < CW_ARRAY_SIZE(paths); i++) {
		if (!access(paths[i], X_OK))
			return paths[i];
	}
	return NULL;
}
