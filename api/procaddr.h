/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind cuGetProcAddress, in the guest library and in the
 * software GPU alike.
 */
#ifndef API_PROCADDR_H
#define API_PROCADDR_H

#include "cw/cuda.h"
#include "cw/util.h"

/**
 * struct api_proc - An exported symbol; generated
 * @base:	name without version and flavour
 * @symbol:	exported name
 * @version:	CUDA version that brought it, as 12040
 * @per_thread:	1: stream 0 means the per-thread default stream
 * @refused:	1: exported, answers NOT_SUPPORTED
 * @address:	the function
 */
struct api_proc {
	const char *base;
	const char *symbol;
	int version;
	char per_thread;
	char refused;
	const void *address;
};

/* Sorted by base name, then flavour, then version. */
extern CW_HIDDEN const struct api_proc api_procs[];
extern CW_HIDDEN const unsigned int api_procs_count;

/**
 * api_proc_address() - cuGetProcAddress
 * @name:	base name; the empty one is asked for and not found
 * @pfn:	address, NULL where not found
 * @version:	the caller's CUDA version
 * @flags:	CUdriverProcAddress_flags
 * @status:	why not; may be NULL
 *
 * Gives the newest variant that is not newer than @version, of the per-thread
 * flavour where asked for and there is one.
 *
 * Return: CUDA_SUCCESS also where nothing was found, as documented.
 */
CUresult api_proc_address(const char *name, void **pfn, int version, cuuint64_t flags,
			  CUdriverProcAddressQueryResult *status);

#endif
