/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels and functions: handles, attributes, occupancy.
 */
#include <stdlib.h>

#include "cw/log.h"
#include "softgpu/api/module.h"

/* Guards the lists of handles and what they remember. */
static pthread_mutex_t lists_lock = PTHREAD_MUTEX_INITIALIZER;

static void kernel_destroy(struct sg_object *obj)
{
	free(CW_CONTAINER_OF(obj, struct sg_kernel, obj));
}

/**
 * sg_kernel_handle() - The handle of a kernel, the same one each time
 * @list:	the owner's
 * @owner:	library or instance is set
 * @entry:	which
 * @ret_kernel:	found or made
 *
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY.
 */
CUresult sg_kernel_handle(struct sg_kernel **list, const struct sg_kernel *owner,
			  struct sg_entry *entry, struct sg_kernel **ret_kernel)
{
	struct sg_kernel *kernel;

	pthread_mutex_lock(&lists_lock);
	for (kernel = *list; kernel && kernel->entry != entry;)
		kernel = kernel->next;
	if (!kernel) {
		kernel = calloc(1, sizeof(*kernel));
		if (kernel) {
			kernel->obj.destroy = kernel_destroy;
			kernel->library = owner->library;
			kernel->instance = owner->instance;
			kernel->entry = entry;
			kernel->carveout = CU_SHAREDMEM_CARVEOUT_DEFAULT;
			kernel->dyn_shared = -1;
		}
		if (kernel && sg_object_add(&kernel->obj, SG_TYPE_KERNEL, NULL)) {
			free(kernel);
			kernel = NULL;
		}
		if (kernel) {
			kernel->next = *list;
			*list = kernel;
		}
	}
	pthread_mutex_unlock(&lists_lock);
	*ret_kernel = kernel;
	return kernel ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/**
 * sg_kernel_free_list() - Free all handles of an owner
 * @list:	first one
 */
void sg_kernel_free_list(struct sg_kernel *list)
{
	while (list) {
		struct sg_kernel *next = list->next;

		sg_object_take(list->obj.handle, SG_TYPE_KERNEL);
		free(list);
		list = next;
	}
}

/**
 * sg_kernel_entry() - What a handle means in a context
 * @ctx:	active
 * @kernel:	of a library or of a module
 * @ret_entry:	placed
 *
 * Return: CUDA_SUCCESS, or why the library could not be loaded there.
 */
CUresult sg_kernel_entry(struct sg_ctx *ctx, struct sg_kernel *kernel, struct sg_entry **ret_entry)
{
	uint64_t generation = atomic_load(&ctx->generation);
	struct sg_instance *instance;
	struct sg_entry *entry;
	CUresult res;

	if (kernel->instance) {
		*ret_entry = kernel->entry;
		return CUDA_SUCCESS;
	}
	pthread_mutex_lock(&lists_lock);
	entry = kernel->cached_key == generation ? kernel->cached : NULL;
	pthread_mutex_unlock(&lists_lock);
	if (entry) {
		*ret_entry = entry;
		return CUDA_SUCCESS;
	}
	res = sg_library_instance(kernel->library, ctx, &instance);
	if (res)
		return res;
	entry = sg_module_find_entry(instance->m, sg_entry_info(kernel->entry)->name);
	if (!entry)
		return CUDA_ERROR_NOT_FOUND;
	pthread_mutex_lock(&lists_lock);
	kernel->cached = entry;
	kernel->cached_key = generation;
	pthread_mutex_unlock(&lists_lock);
	*ret_entry = entry;
	return CUDA_SUCCESS;
}

/**
 * sg_kernel_usage() - What a kernel needs; prepares it
 * @ctx:	active
 * @kernel:	of a library or of a module
 * @ret_usage:	its needs
 *
 * Return: CUDA_SUCCESS, or why the kernel cannot run.
 */
CUresult sg_kernel_usage(struct sg_ctx *ctx, struct sg_kernel *kernel,
			 struct sg_entry_usage *ret_usage)
{
	char log[2048] = "";
	struct sg_entry *entry;
	CUresult res = sg_kernel_entry(ctx, kernel, &entry);
	int err;

	if (res)
		return res;
	err = sg_entry_prepare(entry, log, sizeof(log));
	if (err) {
		cw_warn("cannot run kernel=\"%s\" error=\"%s\"", sg_entry_info(entry)->name, log);
		return sg_load_error(err);
	}
	sg_entry_usage(entry, ret_usage);
	return CUDA_SUCCESS;
}

static struct sg_kernel *find(const void *handle)
{
	return sg_object_find(handle, SG_TYPE_KERNEL);
}

/* Most dynamic shared memory, where the program has not asked for more. */
static int dyn_shared_max(struct sg_kernel *kernel, const struct sg_entry_usage *usage)
{
	int set = atomic_load(&kernel->dyn_shared);

	if (set >= 0)
		return set;
	return usage->static_shared < SG_SHARED_DEFAULT
		       ? (int)(SG_SHARED_DEFAULT - usage->static_shared)
		       : 0;
}

static CUresult get_attribute(int *value, CUfunction_attribute attr, const void *handle)
{
	struct sg_entry_usage usage;
	struct sg_kernel *kernel;
	struct sg_module *m;
	struct sg_ctx *ctx;
	CUresult res;

	SG_CTX(ctx);
	kernel = find(handle);
	if (!kernel)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!value || (unsigned)attr >= CU_FUNC_ATTRIBUTE_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	res = sg_kernel_usage(ctx, kernel, &usage);
	if (res)
		return res;
	m = sg_entry_module(kernel->entry);
	switch (attr) {
	case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
		*value = (int)usage.max_threads;
		break;
	case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
		*value = (int)usage.static_shared;
		break;
	case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
		*value = (int)usage.const_bytes;
		break;
	case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
		*value = (int)usage.local_bytes;
		break;
	case CU_FUNC_ATTRIBUTE_NUM_REGS:
		*value = SG_REGS_PER_THREAD;
		break;
	case CU_FUNC_ATTRIBUTE_PTX_VERSION:
		*value = (int)sg_module_target(m);
		break;
	case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
		*value = (int)sg_cc();
		break;
	case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
		*value = dyn_shared_max(kernel, &usage);
		break;
	case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
		*value = atomic_load(&kernel->carveout);
		break;
	case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
		*value = atomic_load(&kernel->nonportable_cluster);
		break;
	default:
		*value = 0;
	}
	return CUDA_SUCCESS;
}

static CUresult set_attribute(CUfunction_attribute attr, int value, const void *handle)
{
	struct sg_entry_usage usage;
	struct sg_kernel *kernel;
	struct sg_ctx *ctx;
	CUresult res;

	SG_CTX(ctx);
	kernel = find(handle);
	if (!kernel)
		return CUDA_ERROR_INVALID_HANDLE;
	switch (attr) {
	case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
		res = sg_kernel_usage(ctx, kernel, &usage);
		if (res)
			return res;
		if (value < 0 || (uint64_t)value + usage.static_shared > SG_SHARED_OPTIN)
			return CUDA_ERROR_INVALID_VALUE;
		atomic_store(&kernel->dyn_shared, value);
		return CUDA_SUCCESS;
	case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
		if (value < -1 || value > 100)
			return CUDA_ERROR_INVALID_VALUE;
		atomic_store(&kernel->carveout, value);
		return CUDA_SUCCESS;
	case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
		atomic_store(&kernel->nonportable_cluster, value != 0);
		return CUDA_SUCCESS;
	case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

SG_API cuFuncGetAttribute(int *value, CUfunction_attribute attr, CUfunction func)
{
	return get_attribute(value, attr, func);
}

SG_API cuFuncSetAttribute(CUfunction func, CUfunction_attribute attr, int value)
{
	return set_attribute(attr, value, func);
}

SG_API cuKernelGetAttribute(int *value, CUfunction_attribute attr, CUkernel kernel, CUdevice dev)
{
	return get_attribute(value, attr, kernel);
}

SG_API cuKernelSetAttribute(CUfunction_attribute attr, int value, CUkernel kernel, CUdevice dev)
{
	return set_attribute(attr, value, kernel);
}

/* A hint, once the handle is known to be right. */
static CUresult hint(const void *handle)
{
	SG_INIT();
	return find(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

SG_API cuFuncSetCacheConfig(CUfunction func, CUfunc_cache config)
{
	return hint(func);
}

SG_API cuFuncSetSharedMemConfig(CUfunction func, CUsharedconfig config)
{
	return hint(func);
}

SG_API cuKernelSetCacheConfig(CUkernel kernel, CUfunc_cache config, CUdevice dev)
{
	return hint(kernel);
}

SG_API cuKernelGetFunction(CUfunction *pfunc, CUkernel handle)
{
	struct sg_instance *instance;
	struct sg_kernel *kernel, *func;
	struct sg_entry *entry;
	struct sg_ctx *ctx;
	CUresult res;

	SG_CTX(ctx);
	kernel = find(handle);
	if (!kernel)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!pfunc)
		return CUDA_ERROR_INVALID_VALUE;
	if (kernel->instance) {
		*pfunc = (CUfunction)handle;
		return CUDA_SUCCESS;
	}
	res = sg_library_instance(kernel->library, ctx, &instance);
	if (!res)
		res = sg_kernel_entry(ctx, kernel, &entry);
	if (res)
		return res;
	res = sg_kernel_handle(&instance->kernels, &(struct sg_kernel){ .instance = instance },
			       entry, &func);
	if (res)
		return res;
	if (atomic_load(&kernel->dyn_shared) >= 0)
		atomic_store(&func->dyn_shared, atomic_load(&kernel->dyn_shared));
	*pfunc = func->obj.handle;
	return CUDA_SUCCESS;
}

SG_API cuKernelGetLibrary(CUlibrary *plib, CUkernel handle)
{
	struct sg_kernel *kernel;

	SG_INIT();
	kernel = find(handle);
	if (!kernel || !kernel->library)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!plib)
		return CUDA_ERROR_INVALID_VALUE;
	*plib = kernel->library->obj.handle;
	return CUDA_SUCCESS;
}

SG_API cuFuncGetModule(CUmodule *pmodule, CUfunction handle)
{
	struct sg_instance *instance;
	struct sg_kernel *kernel;
	struct sg_ctx *ctx;
	CUresult res = CUDA_SUCCESS;

	SG_CTX(ctx);
	kernel = find(handle);
	if (!kernel)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!pmodule)
		return CUDA_ERROR_INVALID_VALUE;
	instance = kernel->instance;
	if (!instance)
		res = sg_library_instance(kernel->library, ctx, &instance);
	if (!res)
		*pmodule = instance->obj.handle;
	return res;
}

static CUresult get_name(const char **name, const void *handle)
{
	struct sg_kernel *kernel;

	SG_INIT();
	kernel = find(handle);
	if (!kernel)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!name)
		return CUDA_ERROR_INVALID_VALUE;
	*name = sg_entry_info(kernel->entry)->name;
	return CUDA_SUCCESS;
}

SG_API cuFuncGetName(const char **name, CUfunction func)
{
	return get_name(name, func);
}

SG_API cuKernelGetName(const char **name, CUkernel kernel)
{
	return get_name(name, kernel);
}

static CUresult get_param(const void *handle, size_t index, size_t *offset, size_t *size)
{
	const struct sg_entry_info *info;
	struct sg_kernel *kernel;

	SG_INIT();
	kernel = find(handle);
	if (!kernel)
		return CUDA_ERROR_INVALID_HANDLE;
	info = sg_entry_info(kernel->entry);
	if (!offset || index >= info->nparams)
		return CUDA_ERROR_INVALID_VALUE;
	*offset = info->params[index].offset;
	if (size)
		*size = info->params[index].size;
	return CUDA_SUCCESS;
}

SG_API cuFuncGetParamInfo(CUfunction func, size_t index, size_t *offset, size_t *size)
{
	return get_param(func, index, offset, size);
}

SG_API cuKernelGetParamInfo(CUkernel kernel, size_t index, size_t *offset, size_t *size)
{
	return get_param(kernel, index, offset, size);
}

SG_API cuFuncIsLoaded(CUfunctionLoadingState *loaded, CUfunction func)
{
	if (!loaded)
		return CUDA_ERROR_INVALID_VALUE;
	*loaded = CU_FUNCTION_LOADING_STATE_LOADED;
	return hint(func);
}

SG_API cuFuncLoad(CUfunction func)
{
	struct sg_entry_usage usage;
	struct sg_kernel *kernel;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	kernel = find(func);
	return kernel ? sg_kernel_usage(ctx, kernel, &usage) : CUDA_ERROR_INVALID_HANDLE;
}
