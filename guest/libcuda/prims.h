/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Primitives of the guest library that the description calls by name, beyond
 * those of guest/libcuda/cg.h. Each serves several functions.
 */
#ifndef GUEST_LIBCUDA_PRIMS_H
#define GUEST_LIBCUDA_PRIMS_H

#include "guest/libcuda/cg.h"

CUresult cg_driver_version(int *ret);

/* Primary contexts: flags and state live in the guest. */
void cg_primary_retained(CUdevice dev);
CUresult cg_primary_set_flags(CUdevice dev, unsigned int flags);
CUresult cg_primary_state(CUdevice dev, unsigned int *ret_flags, int *ret_active);
/* After a release (@reset 0) or reset (@reset 1) that succeeded. */
void cg_primary_released(CUdevice dev, int reset);

/* Streams, as far as the guest knows them by itself; any result may be NULL. */
void cg_stream_born(CUstream stream, unsigned int flags, int priority);
void cg_stream_gone(CUstream stream);
CUresult cg_stream_info(CUstream stream, unsigned int *ret_flags, int *ret_priority,
			unsigned long long *ret_id, CUcontext *ret_ctx);

/* Events: recorded as a command of the protocol, so that their state is known
 * here without a crossing (guest/libcuda/event.c). */
void cg_event_born(CUevent event);
CUresult cg_event_record(const struct cg_fn *fn, CUevent event, CUstream stream,
			 unsigned int flags);
bool cg_event_known(CUevent event);

/* Captures open in this process; idle: there is none. */
bool cg_capture_idle(void);
void cg_capture_open(void);
void cg_capture_close(void);

/* Range map: a new allocation of the current context; a variable of a module,
 * which goes with it (@size 0: nothing to note). */
void cg_range_new(enum cg_range_kind kind, CUdeviceptr base, uint64_t size);
void cg_range_global(CUdeviceptr base, uint64_t size, uint64_t module);
/* Whether a program may have a variable's address; see load.c. */
CUresult cg_global_usable(CUdeviceptr ptr);
CUresult cg_pointer_attrs(unsigned int n, const CUpointer_attribute *attributes, void **data,
			  CUdeviceptr ptr);
CUresult cg_range_attrs(void **data, const size_t *sizes, const CUmem_range_attribute *attributes,
			size_t n, CUdeviceptr ptr, size_t count);
CUresult cg_host_flags(unsigned int *ret, const void *p);
/* Hints on managed memory: success where the range is managed. */
CUresult cg_managed_hint(CUdeviceptr ptr, size_t count);
/* Addresses reserved with cuMemAddressReserve go back. */
void cg_reserved_free(CUdeviceptr ptr, size_t size);

/* A module or library is gone with its variables. */
void cg_module_gone(uint64_t module);
/* Around a load: the compiler's options and logs, managed variables (load.c). */
CUresult cg_load_begin(unsigned int n, CUjit_option *options, void **values);
bool cg_load_again(CUresult *r);
void cg_load_done(uint64_t owner, bool in_context);
/* A whole file of the guest, terminated by a zero byte. */
CUresult cg_file_read(const char *path, void **ret_bytes);
void cg_file_drop(void *bytes);

/* A text that stays as long as the process; @text is a blob of a reply. */
const char *cg_intern(const char *text, size_t len);
/* Handles lent to the thread until its next call that borrows. */
const CUgraphNode *cg_borrow(const uint64_t *handles, size_t bytes);

/**
 * cg_layout_read() - Parameter layout behind a function's handle
 * @d:		reply; as wk_function_layout() encodes it
 * @ret:	room for CG_PARAMS_MAX entries
 *
 * Return: parameters; 0 and a fatal decoder where there are too many.
 */
static inline uint32_t cg_layout_read(struct cw_dec *d, struct cg_layout_param *ret)
{
	uint64_t n = cw_dec_u64(d);

	if (n > CG_PARAMS_MAX) {
		d->fatal = true;
		return 0;
	}
	for (uint64_t i = 0; i < n; i++) {
		uint64_t word = cw_dec_u64(d);

		ret[i].offset = (uint32_t)word;
		ret[i].size = (uint32_t)(word >> 32);
	}
	return (uint32_t)n;
}

#endif
