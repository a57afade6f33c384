/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-up of functions by name, version and flavour.
 */
#include "api/procaddr.h"

#include <string.h>

/* First symbol of a base name, or api_procs_count. */
static unsigned int first_of(const char *name)
{
	unsigned int low = 0, high = api_procs_count;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (strcmp(api_procs[mid].base, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

CUresult api_proc_address(const char *name, void **pfn, int version, cuuint64_t flags,
			  CUdriverProcAddressQueryResult *status)
{
	const struct api_proc *best = NULL;
	bool known = false;

	if (!name || !pfn || flags & ~3ull || flags == 3)
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned int i = first_of(name); i < api_procs_count; i++) {
		const struct api_proc *p = &api_procs[i];

		if (strcmp(p->base, name))
			break;
		known = true;
		if (p->version > version)
			continue;
		/* Plain symbols come first: a per-thread one replaces them. */
		if (!p->per_thread || flags == CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM)
			best = p;
	}
	*pfn = best ? (void *)best->address : NULL;
	if (status)
		*status = best	  ? CU_GET_PROC_ADDRESS_SUCCESS
			  : known ? CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT
				  : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
	return CUDA_SUCCESS;
}
