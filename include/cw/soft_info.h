/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a worker recognises the software GPU.
 *
 * Its libcuda.so.1 exports one symbol beyond the driver API, causeway_soft_info.
 * After cuInit() it says where device memory is. Where that is the window the
 * worker handed in (CAUSEWAY_SOFT_ARENA_FD, _BASE, _SIZE), a copy to the window
 * is a copy to the device.
 *
 * The worker calls its preload() once, before cuInit(), while files can still be
 * opened. What the software GPU needs from the file system later (a compiler's
 * library, a folder of compiled code) it opens there. Afterwards it has threads
 * and anonymous memory, executable too, and no file (worker/syscalls.c).
 */
#ifndef CW_SOFT_INFO_H
#define CW_SOFT_INFO_H

#include <stdatomic.h>
#include <stdint.h>

#define CAUSEWAY_SOFT_INFO_VERSION 1

/**
 * struct causeway_soft_host - Limits that the software GPU is to obey
 * @size:	bytes of this structure
 * @total:	bytes of device memory there shall be at most
 * @take:	called before pages of the arena get in use, with their bytes: 0, or
 *		-ENOMEM and they are not used
 * @give:	called when they are not in use any more, and given back to the system
 * @available:	how many bytes take() would still allow
 * @hold:	a futex: no block of a kernel is started while it is not 0
 * @idle:	counts threads that have nothing to do
 * @threads:	receives the number of threads
 *
 * Calls come with locks held: none of them may come back to CUDA.
 */
struct causeway_soft_host {
	uint32_t size;
	uint32_t reserved;
	uint64_t total;
	int (*take)(uint64_t bytes);
	void (*give)(uint64_t bytes);
	uint64_t (*available)(void);
	atomic_uint *hold;
	atomic_uint *idle;
	atomic_uint *threads;
};

/**
 * struct causeway_soft_info - Device memory of the software GPU
 * @size:	bytes of this structure
 * @version:	CAUSEWAY_SOFT_INFO_VERSION
 * @arena_base:	address of device memory, in CUDA and in this process
 * @arena_size:	bytes, 0 before cuInit()
 * @arena_fd:	memfd it is a shared mapping of, -1 before cuInit()
 * @copied:	its count of payload bytes, as cw_copy() keeps it
 * @attach:	gives it limits; before cuInit(), once. @host stays where it is.
 * @preload:	loads the compiler and opens the folder of compiled kernels, for a
 *		sandbox that will close; 0, or -errno: kernels are interpreted
 */
struct causeway_soft_info {
	uint32_t size;
	uint32_t version;
	uint64_t arena_base;
	uint64_t arena_size;
	int32_t arena_fd;
	uint32_t reserved;
	const atomic_ullong *copied;
	void (*attach)(const struct causeway_soft_host *host);
	int (*preload)(void);
};

/*
 * An option of cuModuleLoadDataEx() and cuLibraryLoadData() that only the
 * software GPU knows; its value points to a struct cw_soft_managed. With it,
 * managed variables are placed there and nowhere else.
 */
#define CW_SOFT_JIT_MANAGED 0x43570001u

/**
 * struct cw_soft_managed - Where managed variables go
 * @va:		memory of the caller, mapped and writable while the module lives
 * @size:	its bytes, 0: there is none yet
 * @needs:	set where @size is too little: the bytes that are needed; the load
 *		answers CUDA_ERROR_NOT_SUPPORTED
 */
struct cw_soft_managed {
	uint64_t va;
	uint64_t size;
	uint64_t needs;
};

#endif
