/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries: code that belongs to no context.
 *
 * A library is parsed when it is loaded, and once more in each context that
 * uses it, because variables live in a context. A reset context takes its
 * instance along; the next use makes a fresh one, with fresh variables.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/api/module.h"

/* Taken before the locks of libraries: instances come and go under it. */
static pthread_mutex_t instances_lock = PTHREAD_MUTEX_INITIALIZER;

static void library_destroy(struct sg_object *obj)
{
	struct sg_library *lib = CW_CONTAINER_OF(obj, struct sg_library, obj);
	struct sg_instance *instance;

	for (;;) {
		pthread_mutex_lock(&instances_lock);
		instance = lib->instances;
		if (instance) {
			lib->instances = instance->next;
			instance->library = NULL;
		}
		pthread_mutex_unlock(&instances_lock);
		if (!instance)
			break;
		if (sg_object_take(instance->obj.handle, SG_TYPE_MODULE))
			sg_instance_free(instance);
	}
	sg_kernel_free_list(lib->kernels);
	sg_vars_free(&lib->vars);
	sg_module_free(lib->index);
	sg_image_free(&lib->image);
	pthread_mutex_destroy(&lib->lock);
	free(lib);
}

/**
 * sg_library_forget() - An instance goes with its context
 * @instance:	of a library
 */
void sg_library_forget(struct sg_instance *instance)
{
	struct sg_instance **link;

	pthread_mutex_lock(&instances_lock);
	if (instance->library) {
		link = &instance->library->instances;
		while (*link != instance)
			link = &(*link)->next;
		*link = instance->next;
		instance->library = NULL;
	}
	pthread_mutex_unlock(&instances_lock);
}

static struct sg_instance *find_instance(struct sg_library *lib, const struct sg_ctx *ctx)
{
	struct sg_instance *instance;

	pthread_mutex_lock(&instances_lock);
	for (instance = lib->instances; instance; instance = instance->next) {
		if (instance->obj.ctx == ctx)
			break;
	}
	pthread_mutex_unlock(&instances_lock);
	return instance;
}

/**
 * sg_library_instance() - A library's module in a context
 * @lib:	library
 * @ctx:	active context
 * @ret_instance: made at first use
 *
 * Return: CUDA_SUCCESS or the error of the load.
 */
CUresult sg_library_instance(struct sg_library *lib, struct sg_ctx *ctx,
			     struct sg_instance **ret_instance)
{
	struct sg_load load = { 0 };
	struct sg_instance *instance;
	int err = 0;

	pthread_mutex_lock(&lib->lock);
	instance = find_instance(lib, ctx);
	if (!instance) {
		err = sg_instance_create(ctx, &lib->image, lib, &load, &instance);
		if (!err) {
			pthread_mutex_lock(&instances_lock);
			instance->library = lib;
			instance->next = lib->instances;
			lib->instances = instance;
			pthread_mutex_unlock(&instances_lock);
		}
	}
	pthread_mutex_unlock(&lib->lock);
	if (err)
		return sg_load_error(err);
	*ret_instance = instance;
	return CUDA_SUCCESS;
}

SG_API cuLibraryLoadData(CUlibrary *plib, const void *code, CUjit_option *jit, void **jit_values,
			 unsigned int n_jit, CUlibraryOption *options, void **values,
			 unsigned int n)
{
	struct sg_library *lib;
	struct sg_load load;
	CUresult res;
	int err;

	SG_INIT();
	if (!plib || (n_jit && (!jit || !jit_values)))
		return CUDA_ERROR_INVALID_VALUE;
	lib = calloc(1, sizeof(*lib));
	if (!lib)
		return CUDA_ERROR_OUT_OF_MEMORY;
	lib->obj.destroy = library_destroy;
	pthread_mutex_init(&lib->lock, NULL);
	sg_load_begin(&load, n_jit, jit, jit_values);
	res = sg_image_load(code, &lib->image);
	if (!res) {
		err = sg_image_index(&lib->image, &load, &lib->index);
		if (!err)
			err = sg_vars_place(lib->index, NULL, NULL, &load, &lib->vars);
		if (!err)
			err = sg_load_compile(&load, lib->index);
		if (!err)
			err = sg_object_add(&lib->obj, SG_TYPE_LIBRARY, NULL);
		res = err ? sg_load_error(err) : CUDA_SUCCESS;
	}
	sg_load_end(&load);
	if (res)
		library_destroy(&lib->obj);
	else
		*plib = lib->obj.handle;
	return res;
}

SG_API cuLibraryLoadFromFile(CUlibrary *plib, const char *name, CUjit_option *jit,
			     void **jit_values, unsigned int n_jit, CUlibraryOption *options,
			     void **values, unsigned int n)
{
	CUresult res;
	void *data;

	SG_INIT();
	if (!name)
		return CUDA_ERROR_INVALID_VALUE;
	res = sg_file_read(name, &data);
	if (res)
		return res;
	res = cuLibraryLoadData(plib, data, jit, jit_values, n_jit, options, values, n);
	free(data);
	return res;
}

SG_API cuLibraryUnload(CUlibrary handle)
{
	struct sg_object *obj;
	struct sg_ctx *ctx;

	SG_INIT();
	if (!sg_object_find(handle, SG_TYPE_LIBRARY))
		return CUDA_ERROR_INVALID_HANDLE;
	ctx = sg_primary();
	/* Kernels that are queued still need their code. */
	for (struct sg_instance *i = ((struct sg_library *)sg_object_find(handle, SG_TYPE_LIBRARY))
					     ->instances;
	     i; i = i->next) {
		ctx = i->obj.ctx;
		if (atomic_load(&ctx->active))
			sg_group_wait(ctx->group);
	}
	obj = sg_object_take(handle, SG_TYPE_LIBRARY);
	if (!obj)
		return CUDA_ERROR_INVALID_HANDLE;
	obj->destroy(obj);
	return CUDA_SUCCESS;
}

SG_API cuLibraryGetKernel(CUkernel *pkernel, CUlibrary handle, const char *name)
{
	struct sg_library *lib;
	struct sg_kernel *kernel;
	struct sg_entry *entry;
	CUresult res;

	SG_INIT();
	if (!pkernel || !name)
		return CUDA_ERROR_INVALID_VALUE;
	lib = sg_object_find(handle, SG_TYPE_LIBRARY);
	if (!lib)
		return CUDA_ERROR_INVALID_HANDLE;
	entry = sg_module_find_entry(lib->index, name);
	if (!entry)
		return CUDA_ERROR_NOT_FOUND;
	res = sg_kernel_handle(&lib->kernels, &(struct sg_kernel){ .library = lib }, entry,
			       &kernel);
	if (!res)
		*pkernel = kernel->obj.handle;
	return res;
}

SG_API cuLibraryGetKernelCount(unsigned int *count, CUlibrary handle)
{
	struct sg_library *lib;

	SG_INIT();
	lib = sg_object_find(handle, SG_TYPE_LIBRARY);
	if (!lib)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	*count = (unsigned)sg_module_entry_count(lib->index);
	return CUDA_SUCCESS;
}

SG_API cuLibraryEnumerateKernels(CUkernel *kernels, unsigned int n, CUlibrary handle)
{
	struct sg_library *lib;

	SG_INIT();
	lib = sg_object_find(handle, SG_TYPE_LIBRARY);
	if (!lib)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!kernels)
		return CUDA_ERROR_INVALID_VALUE;
	return sg_kernels_list(&lib->kernels, &(struct sg_kernel){ .library = lib }, lib->index, n,
			       (void **)kernels);
}

/* Instance of a library in the current context. */
static CUresult current_instance(CUlibrary handle, struct sg_instance **ret_instance)
{
	struct sg_library *lib;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	lib = sg_object_find(handle, SG_TYPE_LIBRARY);
	if (!lib)
		return CUDA_ERROR_INVALID_HANDLE;
	return sg_library_instance(lib, ctx, ret_instance);
}

SG_API cuLibraryGetModule(CUmodule *pmodule, CUlibrary handle)
{
	struct sg_instance *instance;
	CUresult res = current_instance(handle, &instance);

	if (res)
		return res;
	if (!pmodule)
		return CUDA_ERROR_INVALID_VALUE;
	*pmodule = instance->obj.handle;
	return CUDA_SUCCESS;
}

SG_API cuLibraryGetGlobal(CUdeviceptr *dptr, size_t *bytes, CUlibrary handle, const char *name)
{
	struct sg_instance *instance;
	CUresult res = current_instance(handle, &instance);

	return res ? res : sg_var_answer(instance->m, name, false, dptr, bytes);
}

/* Needs no context: programs ask before they have one. */
SG_API cuLibraryGetManaged(CUdeviceptr *dptr, size_t *bytes, CUlibrary handle, const char *name)
{
	struct sg_library *lib;

	SG_INIT();
	lib = sg_object_find(handle, SG_TYPE_LIBRARY);
	if (!lib)
		return CUDA_ERROR_INVALID_HANDLE;
	return sg_var_answer(lib->index, name, true, dptr, bytes);
}

