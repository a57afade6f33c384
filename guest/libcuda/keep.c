/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Things that outlive a call: files read for it, texts and lists it lends out
 * (SEMANTICS 5, borrowed outputs).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/libcuda/client.h"
#include "guest_fns.h"

#define INTERN_BUCKETS 256u

struct text {
	struct text *next;
	size_t len;
	char bytes[];
};

static struct text *texts[INTERN_BUCKETS];
static pthread_mutex_t text_lock = PTHREAD_MUTEX_INITIALIZER;

static CUresult read_all(int fd, void **ret)
{
	struct stat st;
	char *bytes;
	size_t got = 0;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return CUDA_ERROR_FILE_NOT_FOUND;
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return CUDA_ERROR_OUT_OF_MEMORY;
	while (got < (size_t)st.st_size) {
		n = read(fd, bytes + got, (size_t)st.st_size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	bytes[got] = 0;
	*ret = bytes;
	return CUDA_SUCCESS;
}

CUresult cg_file_read(const char *path, void **ret_bytes)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	CUresult r;

	if (fd < 0)
		return path ? CUDA_ERROR_FILE_NOT_FOUND : CUDA_ERROR_INVALID_VALUE;
	r = read_all(fd, ret_bytes);
	close(fd);
	return r;
}

void cg_file_drop(void *bytes)
{
	free(bytes);
}

const char *cg_intern(const char *text, size_t len)
{
	uint32_t h = 0;
	struct text *t;

	for (size_t i = 0; i < len; i++)
		h = h * 31 + (uint8_t)text[i];
	h %= INTERN_BUCKETS;
	pthread_mutex_lock(&text_lock);
	for (t = texts[h]; t; t = t->next) {
		if (t->len == len && !memcmp(t->bytes, text, len))
			break;
	}
	if (!t) {
		t = malloc(sizeof(*t) + len + 1);
		if (t) {
			t->next = texts[h];
			t->len = len;
			memcpy(t->bytes, text, len);
			t->bytes[len] = 0;
			texts[h] = t;
		}
	}
	pthread_mutex_unlock(&text_lock);
	return t ? t->bytes : "";
}

const CUgraphNode *cg_borrow(const uint64_t *handles, size_t bytes)
{
	struct cg_thread *t = cg_thread_self();

	memcpy(t->lent, handles, cw_min(bytes, sizeof(t->lent)));
	return t->lent;
}

/* ---- reserved device addresses: the same here as there, or not at all */

static bool in_device_arena(uint64_t at, size_t size)
{
	const struct cg_open *o = &cg_client()->open;

	return at >= o->device_base && cw_range_ok(at - o->device_base, size, o->device_size);
}

void cg_reserved_free(CUdeviceptr ptr, size_t size)
{
	if (!in_device_arena(ptr, size))
		munmap((void *)(uintptr_t)ptr, size);
}

/**
 * cuMemAddressReserve() - Reserve device addresses, here too
 *
 * A range that the guest has in use is given back: out of memory, rather than
 * a device pointer that is also an address of the program.
 */
CW_EXPORT CUresult cuMemAddressReserve(CUdeviceptr *ptr, size_t size, size_t alignment,
				       CUdeviceptr addr, unsigned long long flags)
{
	CUresult r;
	void *got;

	if (!ptr)
		return CUDA_ERROR_INVALID_VALUE;
	r = call_cuMemAddressReserve(ptr, size, alignment, addr, flags);
	if (r || in_device_arena(*ptr, size))
		return r;
	got = mmap((void *)(uintptr_t)*ptr, size, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | 0x100000 /* FIXED_NOREPLACE */, -1,
		   0);
	if ((uintptr_t)got == *ptr)
		return CUDA_SUCCESS;
	if (got != MAP_FAILED)
		munmap(got, size);
	/* Only the worker's half: ours was never there. */
	call_cuMemAddressFree(*ptr, size);
	return CUDA_ERROR_OUT_OF_MEMORY;
}
