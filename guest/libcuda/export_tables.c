/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Export tables: what NVIDIA's runtime and libraries ask for by UUID.
 *
 * Provenance: the tables and the meaning of their slots are described in
 * public, permissively licensed projects (ZLUDA; LUPINE, formerly SCUDA) and
 * were confirmed by watching what unmodified programs call. They are served
 * here, in the guest, for interoperability: the integrity check covers guest
 * addresses, the guest's pid and thread. Programs on Causeway's own libcudart
 * never come here. The check itself is in cw/cudart_check.h.
 *
 * A table is an array of pointers; slot 0 is its size in bytes unless said
 * otherwise. A slot nobody has a meaning for answers NOT_SUPPORTED.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cw/cudart_check.h"
#include "cw/log.h"
#include "cw/stat.h"
#include "guest/libcuda/client.h"

#define CALLBACK_FLAGS 1024 /* more than there are runtime callbacks */

static CUresult unknown_slot(void)
{
	return cg_refused("a slot of an export table");
}

#define FN(f) ((void *)(uintptr_t)(f))
#define UNKNOWN FN(unknown_slot)

/* ---- 6BD5FB6C: the runtime's interface */

static CUresult runtime_load(CUmodule *ret, const void *wrapper)
{
	return cuModuleLoadData(ret, wrapper);
}

static CUresult runtime_primary(CUcontext *ret, CUdevice dev)
{
	if (!ret)
		return CUDA_ERROR_INVALID_VALUE;
	if (!cg_device(dev))
		return CUDA_ERROR_INVALID_DEVICE;
	*ret = cg_ctx_primary(dev);
	return CUDA_SUCCESS;
}

static CUresult runtime_load_ex(CUmodule *ret, const void *wrapper, void *a, void *b,
				unsigned int c)
{
	return cuModuleLoadData(ret, wrapper);
}

static void runtime_unregistered(const void *wrapper)
{
}

static CUresult runtime_load_bare(const void *fatbin, CUmodule *ret, void *a, void *b,
				  unsigned int c)
{
	return cuModuleLoadData(ret, fatbin);
}

static CUresult runtime_compilers(void)
{
	return CUDA_SUCCESS;
}

static void *const table_runtime[14] = {
	(void *)sizeof(table_runtime), FN(runtime_load), FN(runtime_primary), UNKNOWN, UNKNOWN,
	UNKNOWN, FN(runtime_load_ex), FN(runtime_unregistered), FN(runtime_load_bare), UNKNOWN,
	UNKNOWN, UNKNOWN, FN(runtime_compilers), UNKNOWN,
};

/* ---- A094798C: flags that say whether a profiler listens: never */

static uint32_t callback_flags[CALLBACK_FLAGS];
static uint32_t callback_more[16];

static CUresult callbacks_a(void **buf, size_t *n)
{
	*buf = callback_flags;
	*n = CALLBACK_FLAGS;
	return CUDA_SUCCESS;
}

static CUresult callbacks_b(void **buf, size_t *n)
{
	*buf = callback_more;
	*n = 14;
	return CUDA_SUCCESS;
}

static void *const table_callbacks[8] = {
	(void *)sizeof(table_callbacks), UNKNOWN, FN(callbacks_a), UNKNOWN, UNKNOWN, UNKNOWN,
	FN(callbacks_b), UNKNOWN,
};

/* ---- 42D85A81: current context without callbacks */

static void *const table_tls[4] = {
	(void *)sizeof(table_tls), UNKNOWN, FN(cg_ctx_get_current), UNKNOWN,
};

/* ---- C693336E: values that libraries keep per context; no size slot */

typedef void (*storage_dtor)(CUcontext ctx, void *key, void *value);

struct storage {
	struct storage *next;
	CUcontext ctx;
	void *key;
	void *value;
	storage_dtor dtor;
};

static struct storage *storages;
static pthread_mutex_t storage_lock = PTHREAD_MUTEX_INITIALIZER;

static CUcontext storage_ctx(CUcontext ctx)
{
	return ctx ? ctx : (CUcontext)(uintptr_t)cg_ctx_now();
}

static CUresult storage_put(CUcontext ctx, void *key, void *value, storage_dtor dtor)
{
	struct storage *s;

	ctx = storage_ctx(ctx);
	if (!ctx)
		return CUDA_ERROR_INVALID_CONTEXT;
	s = malloc(sizeof(*s));
	if (!s)
		return CUDA_ERROR_OUT_OF_MEMORY;
	pthread_mutex_lock(&storage_lock);
	*s = (struct storage){ storages, ctx, key, value, dtor };
	storages = s;
	pthread_mutex_unlock(&storage_lock);
	return CUDA_SUCCESS;
}

/* Takes the first record out that matches; NULL where there is none. */
static struct storage *storage_take(CUcontext ctx, const void *key, bool any_key)
{
	struct storage **at = &storages, *s;

	pthread_mutex_lock(&storage_lock);
	while (*at && !((*at)->ctx == ctx && (any_key || (*at)->key == key)))
		at = &(*at)->next;
	s = *at;
	if (s)
		*at = s->next;
	pthread_mutex_unlock(&storage_lock);
	return s;
}

static CUresult storage_delete(CUcontext ctx, void *key)
{
	struct storage *s = storage_take(storage_ctx(ctx), key, false);

	free(s);
	return s ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

static CUresult storage_get(void **ret, CUcontext ctx, void *key)
{
	CUresult r = CUDA_ERROR_INVALID_HANDLE;

	*ret = NULL;
	ctx = storage_ctx(ctx);
	if (!ctx)
		return CUDA_ERROR_INVALID_CONTEXT;
	pthread_mutex_lock(&storage_lock);
	for (struct storage *s = storages; s; s = s->next) {
		if (s->ctx == ctx && s->key == key) {
			*ret = s->value;
			r = CUDA_SUCCESS;
			break;
		}
	}
	pthread_mutex_unlock(&storage_lock);
	return r;
}

/**
 * cg_tables_context_gone() - A context ended: what was kept with it ends too
 * @ctx:	its handle
 */
void cg_tables_context_gone(CUcontext ctx)
{
	struct storage *s;

	while ((s = storage_take(ctx, NULL, true))) {
		if (s->dtor)
			s->dtor(s->ctx, s->key, s->value);
		free(s);
	}
}

static void *const table_storage[4] = {
	FN(storage_put), FN(storage_delete), FN(storage_get), NULL,
};

/* ---- 263E8860: context checks */

static CUresult check_context(CUcontext ctx, uint32_t *flag, void **other)
{
	if (flag)
		*flag = 0;
	return CUDA_SUCCESS;
}

static CUresult check_nothing(void)
{
	return CUDA_SUCCESS;
}

static void *const table_checks[4] = {
	(void *)sizeof(table_checks), UNKNOWN, FN(check_context), FN(check_nothing),
};

/* ---- D4082055: the integrity check */

static CUresult integrity(uint32_t version, uint64_t seconds, uint8_t ret[16]);

static void *const table_integrity[3] = {
	(void *)sizeof(table_integrity), FN(integrity), UNKNOWN,
};

static CUresult integrity(uint32_t version, uint64_t seconds, uint8_t ret[16])
{
	uint8_t message[CW_CUDART_CHECK_HEAD + CW_INFO_DEVICES * CW_CUDART_CHECK_DEVICE];
	size_t len = CW_CUDART_CHECK_HEAD;
	struct cw_cudart_facts facts = {
		.version = version, .pid = (uint32_t)getpid(),
		.thread = (uint32_t)pthread_self(), .seconds = seconds,
		.table_runtime = (uintptr_t)table_runtime,
		.table_check = (uintptr_t)table_integrity,
		.function = (uintptr_t)table_integrity[1],
	};
	int driver;

	cg_driver_version(&driver);
	facts.driver_version = (uint32_t)driver;
	cw_cudart_head(message, &facts);
	for (CUdevice d = 0; cg_device(d); d++) {
		const struct cw_device_info *info = cg_device(d);
		const int32_t pci[3] = {
			info->attr[CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID],
			info->attr[CU_DEVICE_ATTRIBUTE_PCI_BUS_ID],
			info->attr[CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID],
		};

		cw_cudart_device(message + len, info->uuid, pci);
		len += CW_CUDART_CHECK_DEVICE;
	}
	cw_cudart_answer(version, message, len, ret);
	return CUDA_SUCCESS;
}

/* ---- 21318C60 and 6E163FBE: what cuBLASLt and cuFFT ask of tools' tables */

static CUresult tools_context_id(CUcontext ctx, uint64_t *out)
{
	*out = 1;
	return CUDA_SUCCESS;
}

static CUresult tools_stream_value(CUcontext ctx, uint64_t value, uint64_t *out)
{
	*out = 0;
	return CUDA_SUCCESS;
}

static CUresult tools_stream_id(CUcontext ctx, CUstream stream, uint64_t *out)
{
	unsigned long long id;
	CUresult r = cg_stream_info(stream, NULL, NULL, &id, NULL);

	*out = r ? 0 : id;
	return r;
}

static void *const table_tools[95] = {
	[0] = (void *)sizeof(table_tools),
	[1 ... 3] = UNKNOWN,
	[4] = FN(tools_context_id),
	[5 ... 38] = UNKNOWN,
	[39] = FN(tools_stream_value),
	[40 ... 50] = UNKNOWN,
	[51] = FN(tools_stream_id),
	[52 ... 94] = UNKNOWN,
};

/* Calls back once per kernel of a module; the number is the result. */
static unsigned int tools_functions(CUcontext ctx, CUmodule mod,
				    void (*cb)(void *user, CUfunction f), void *user)
{
	CUfunction functions[256];
	unsigned int n = 0;

	if (cuModuleGetFunctionCount(&n, mod) || !n || n > CW_ARRAY_SIZE(functions) ||
	    cuModuleEnumerateFunctions(functions, n, mod))
		return 0;
	for (unsigned int i = 0; i < n; i++)
		cb(user, functions[i]);
	return n;
}

static void *const table_module[8] = {
	(void *)sizeof(table_module), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
	FN(tools_functions),
};

static const struct {
	uint8_t uuid[16];
	const void *table;
} tables[] = {
	{ { 0x6b, 0xd5, 0xfb, 0x6c, 0x5b, 0xf4, 0xe7, 0x4a, 0x89, 0x87, 0xd9, 0x39, 0x12, 0xfd,
	    0x9d, 0xf9 },
	  table_runtime },
	{ { 0xa0, 0x94, 0x79, 0x8c, 0x2e, 0x74, 0x2e, 0x74, 0x93, 0xf2, 0x08, 0x00, 0x20, 0x0c,
	    0x0a, 0x66 },
	  table_callbacks },
	{ { 0x42, 0xd8, 0x5a, 0x81, 0x23, 0xf6, 0xcb, 0x47, 0x82, 0x98, 0xf6, 0xe7, 0x8a, 0x3a,
	    0xec, 0xdc },
	  table_tls },
	{ { 0xc6, 0x93, 0x33, 0x6e, 0x11, 0x21, 0xdf, 0x11, 0xa8, 0xc3, 0x68, 0xf3, 0x55, 0xd8,
	    0x95, 0x93 },
	  table_storage },
	{ { 0x26, 0x3e, 0x88, 0x60, 0x7c, 0xd2, 0x61, 0x43, 0x92, 0xf6, 0xbb, 0xd5, 0x00, 0x6d,
	    0xfa, 0x7e },
	  table_checks },
	{ { 0xd4, 0x08, 0x20, 0x55, 0xbd, 0xe6, 0x70, 0x4b, 0x8d, 0x34, 0xba, 0x12, 0x3c, 0x66,
	    0xe1, 0xf2 },
	  table_integrity },
	{ { 0x21, 0x31, 0x8c, 0x60, 0x97, 0x14, 0x32, 0x48, 0x8c, 0xa6, 0x41, 0xff, 0x73, 0x24,
	    0xc8, 0xf2 },
	  table_tools },
	{ { 0x6e, 0x16, 0x3f, 0xbe, 0xb9, 0x58, 0x44, 0x4d, 0x83, 0x5c, 0xe1, 0x82, 0xaf, 0xf1,
	    0x99, 0x1e },
	  table_module },
	/* Ours: counters for tests and the bench. */
	{ CW_STAT_UUID_BYTES, &cg_stat_table },
};

/**
 * cuGetExportTable() - A table by its UUID
 * @ret:	the table
 * @id:		16 bytes
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_VALUE for one that is not served.
 */
CW_EXPORT CUresult cuGetExportTable(const void **ret, const CUuuid *id)
{
	if (!ret || !id)
		return CUDA_ERROR_INVALID_VALUE;
	*ret = NULL;
	for (size_t i = 0; i < CW_ARRAY_SIZE(tables); i++) {
		if (!memcmp(tables[i].uuid, id, sizeof(tables[i].uuid))) {
			*ret = tables[i].table;
			return CUDA_SUCCESS;
		}
	}
	return CUDA_ERROR_INVALID_VALUE;
}
