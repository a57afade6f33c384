/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Export tables: what NVIDIA's runtime and libraries ask for beside the API.
 *
 * Known from public open-source projects and from watching which slots
 * unmodified programs call; nicknames are ours. A slot nobody was seen to
 * call answers NOT_SUPPORTED.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cw/cudart_check.h"
#include "cw/log.h"
#include "softgpu/api/local.h"

typedef void (*slot)(void);

static CUresult unknown_slot(void)
{
	cw_debug("a slot of an export table that is not known was called");
	return CUDA_ERROR_NOT_SUPPORTED;
}

#define UNKNOWN ((slot)unknown_slot)
/* Slot 0 of most tables: its size in bytes. */
#define TABLE_SIZE(table) ((slot)sizeof(table))

/* 6BD5FB6C: the runtime's own way to load code and to name the context */

static CUresult runtime_load(CUmodule *ret, const void *wrapper)
{
	return cuModuleLoadData(ret, wrapper);
}

static CUresult runtime_primary(CUcontext *ret, CUdevice dev)
{
	SG_INIT();
	if (!ret)
		return CUDA_ERROR_INVALID_VALUE;
	if (dev < 0 || dev >= SG_DEVICE_COUNT)
		return CUDA_ERROR_INVALID_DEVICE;
	*ret = sg_primary()->obj.handle;
	return CUDA_SUCCESS;
}

static CUresult runtime_load_args(CUmodule *ret, const void *wrapper, void *a, void *b, unsigned c)
{
	return cuModuleLoadData(ret, wrapper);
}

static void runtime_unregistered(void *wrapper)
{
}

static CUresult runtime_load_bare(const void *fatbin, CUmodule *ret, void *a, void *b, unsigned c)
{
	return cuModuleLoadData(ret, fatbin);
}

static CUresult runtime_load_compilers(void)
{
	return CUDA_SUCCESS;
}

static const slot table_runtime[13] = {
	TABLE_SIZE(table_runtime), (slot)runtime_load, (slot)runtime_primary, UNKNOWN, UNKNOWN,
	UNKNOWN, (slot)runtime_load_args, (slot)runtime_unregistered, (slot)runtime_load_bare,
	UNKNOWN, UNKNOWN, UNKNOWN, (slot)runtime_load_compilers,
};

/* A094798C: flags that say which runtime calls a profiler wants to see: none */

static uint32_t hook_flags[1024];
static uint32_t hook_words[14];

static CUresult hooks_flags(void **buf, size_t *n)
{
	*buf = hook_flags;
	*n = CW_ARRAY_SIZE(hook_flags);
	return CUDA_SUCCESS;
}

static CUresult hooks_words(void **buf, size_t *n)
{
	*buf = hook_words;
	*n = CW_ARRAY_SIZE(hook_words);
	return CUDA_SUCCESS;
}

static const slot table_hooks[7] = {
	TABLE_SIZE(table_hooks), UNKNOWN, (slot)hooks_flags, UNKNOWN, UNKNOWN, UNKNOWN,
	(slot)hooks_words,
};

/* 42D85A81: the thread's context */

static CUresult tls_context(CUcontext *ret)
{
	return cuCtxGetCurrent(ret);
}

static const slot table_tls[4] = { TABLE_SIZE(table_tls), UNKNOWN, (slot)tls_context, UNKNOWN };

/* C693336E: values kept in a context; no size slot */

static CUresult local_put(CUcontext ctx, void *key, void *value, sg_local_dtor dtor)
{
	return sg_local_put(ctx, key, value, dtor);
}

static CUresult local_delete(CUcontext ctx, void *key)
{
	return sg_local_delete(ctx, key);
}

static CUresult local_get(void **value, CUcontext ctx, void *key)
{
	return sg_local_get(ctx, key, value);
}

static const slot table_local[4] = {
	(slot)local_put, (slot)local_delete, (slot)local_get, NULL,
};

/* 263E8860: checks of a context */

static CUresult check_context(CUcontext ctx, uint32_t *flag, void **other)
{
	*flag = 0;
	return CUDA_SUCCESS;
}

static CUresult check_process(void)
{
	return CUDA_SUCCESS;
}

static const slot table_context[4] = {
	TABLE_SIZE(table_context), UNKNOWN, (slot)check_context, (slot)check_process,
};

/* D4082055: see cw/cudart_check.h */

static CUresult integrity(uint32_t version, uint64_t seconds, uint8_t *answer);

static const slot table_check[3] = { TABLE_SIZE(table_check), (slot)integrity, UNKNOWN };

static CUresult integrity(uint32_t version, uint64_t seconds, uint8_t *answer)
{
	struct cw_cudart_facts facts = {
		.driver_version = SG_DRIVER_VERSION,
		.version = version,
		.pid = (uint32_t)getpid(),
		.thread = (uint32_t)(uintptr_t)pthread_self(),
		.table_runtime = (uintptr_t)table_runtime,
		.table_check = (uintptr_t)table_check,
		.function = (uintptr_t)integrity,
		.seconds = seconds,
	};
	uint8_t message[CW_CUDART_CHECK_HEAD + SG_DEVICE_COUNT * CW_CUDART_CHECK_DEVICE];
	int32_t pci[3] = {
		sg_device_attribute(CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID),
		sg_device_attribute(CU_DEVICE_ATTRIBUTE_PCI_BUS_ID),
		sg_device_attribute(CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID),
	};

	if (!answer)
		return CUDA_ERROR_INVALID_VALUE;
	cw_cudart_head(message, &facts);
	cw_cudart_device(message + CW_CUDART_CHECK_HEAD, sg_uuid(), pci);
	cw_cudart_answer(version, message, sizeof(message), answer);
	return CUDA_SUCCESS;
}

/* 21318C60: a context's number, a stream's number */

static CUresult tools_context_id(CUcontext handle, uint64_t *id)
{
	*id = 1;
	return CUDA_SUCCESS;
}

static CUresult tools_stream_state(CUcontext handle, uint64_t object, uint64_t *state)
{
	*state = 0;
	return CUDA_SUCCESS;
}

static CUresult tools_stream_object(CUcontext handle, CUstream stream, uint64_t *object)
{
	unsigned long long id;
	CUresult res = cuStreamGetId(stream, &id);

	if (!res)
		*object = id;
	return res;
}

#define TOOLS_SLOTS 95
static slot table_tools[TOOLS_SLOTS];
static pthread_once_t tools_once = PTHREAD_ONCE_INIT;

static void tools_fill(void)
{
	for (int i = 0; i < TOOLS_SLOTS; i++)
		table_tools[i] = UNKNOWN;
	table_tools[0] = TABLE_SIZE(table_tools);
	table_tools[4] = (slot)tools_context_id;
	table_tools[39] = (slot)tools_stream_state;
	table_tools[51] = (slot)tools_stream_object;
}

/* 6E163FBE: the functions of a module */

static int modules_functions(CUcontext ctx, CUmodule module,
			     void (*cb)(void *user, CUfunction func), void *user)
{
	CUfunction funcs[64];
	unsigned n = 0;

	if (cuModuleGetFunctionCount(&n, module) || n > CW_ARRAY_SIZE(funcs) ||
	    cuModuleEnumerateFunctions(funcs, n, module))
		return 0;
	for (unsigned i = 0; i < n; i++)
		cb(user, funcs[i]);
	return (int)n;
}

static const slot table_modules[8] = {
	TABLE_SIZE(table_modules), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
	(slot)modules_functions,
};

static const struct {
	uint8_t id[16];
	const slot *table;
} tables[] = {
	{ { 0x6b, 0xd5, 0xfb, 0x6c, 0x5b, 0xf4, 0xe7, 0x4a, 0x89, 0x87, 0xd9, 0x39, 0x12, 0xfd,
	    0x9d, 0xf9 }, table_runtime },
	{ { 0xa0, 0x94, 0x79, 0x8c, 0x2e, 0x74, 0x2e, 0x74, 0x93, 0xf2, 0x08, 0x00, 0x20, 0x0c,
	    0x0a, 0x66 }, table_hooks },
	{ { 0x42, 0xd8, 0x5a, 0x81, 0x23, 0xf6, 0xcb, 0x47, 0x82, 0x98, 0xf6, 0xe7, 0x8a, 0x3a,
	    0xec, 0xdc }, table_tls },
	{ { 0xc6, 0x93, 0x33, 0x6e, 0x11, 0x21, 0xdf, 0x11, 0xa8, 0xc3, 0x68, 0xf3, 0x55, 0xd8,
	    0x95, 0x93 }, table_local },
	{ { 0x26, 0x3e, 0x88, 0x60, 0x7c, 0xd2, 0x61, 0x43, 0x92, 0xf6, 0xbb, 0xd5, 0x00, 0x6d,
	    0xfa, 0x7e }, table_context },
	{ { 0xd4, 0x08, 0x20, 0x55, 0xbd, 0xe6, 0x70, 0x4b, 0x8d, 0x34, 0xba, 0x12, 0x3c, 0x66,
	    0xe1, 0xf2 }, table_check },
	{ { 0x21, 0x31, 0x8c, 0x60, 0x97, 0x14, 0x32, 0x48, 0x8c, 0xa6, 0x41, 0xff, 0x73, 0x24,
	    0xc8, 0xf2 }, table_tools },
	{ { 0x6e, 0x16, 0x3f, 0xbe, 0xb9, 0x58, 0x44, 0x4d, 0x83, 0x5c, 0xe1, 0x82, 0xaf, 0xf1,
	    0x99, 0x1e }, table_modules },
};

SG_API cuGetExportTable(const void **table, const CUuuid *id)
{
	if (!table || !id)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_once(&tools_once, tools_fill);
	*table = NULL;
	for (size_t i = 0; i < CW_ARRAY_SIZE(tables); i++) {
		if (!memcmp(tables[i].id, id, sizeof(*id)))
			*table = tables[i].table;
	}
	return *table ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
