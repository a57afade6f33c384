/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules: PTX placed into the memory of a context.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cw/log.h"
#include "softgpu/api/module.h"

/**
 * sg_image_load() - PTX of an image, with the error a program expects
 * @data:	from the program
 * @ret_image:	the texts
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_IMAGE, CUDA_ERROR_NO_BINARY_FOR_GPU,
 * CUDA_ERROR_OUT_OF_MEMORY.
 */
CUresult sg_image_load(const void *data, struct sg_image *ret_image)
{
	int err;

	if (!data)
		return CUDA_ERROR_INVALID_VALUE;
	err = sg_image_read(data, sg_cc(), ret_image);
	if (err == -EINVAL)
		return CUDA_ERROR_INVALID_IMAGE;
	if (err == -ENOEXEC)
		cw_warn("an image holds no PTX this device can run cc=%u.%u", sg_cc() / 10,
			sg_cc() % 10);
	return sg_from_errno(err);
}

/**
 * sg_image_index() - Parse an image's texts
 * @image:	texts
 * @load:	gets the message of a failure
 * @ret_module:	not placed yet
 *
 * Return: 0, -EINVAL, -EEXIST, -ENOMEM; the reason is logged.
 */
int sg_image_index(const struct sg_image *image, struct sg_load *load,
		   struct sg_module **ret_module)
{
	char log[SG_LOAD_LOG] = "";
	int err;

	if (image->n == 1)
		err = sg_module_parse(image->texts[0].text, image->texts[0].len, ret_module, log,
				      sizeof(log));
	else
		err = sg_module_link(image->texts, image->n, ret_module, log, sizeof(log));
	if (err) {
		cw_warn("cannot use a PTX text error=\"%s\"", log);
		sg_load_fail(load, log);
	}
	return err;
}

static void instance_destroy(struct sg_object *obj)
{
	struct sg_instance *instance = CW_CONTAINER_OF(obj, struct sg_instance, obj);

	if (instance->library)
		sg_library_forget(instance);
	sg_instance_free(instance);
}

/**
 * sg_instance_create() - Parse and place a module
 * @ctx:	where
 * @image:	texts
 * @lib:	library it is an instance of, or NULL
 * @load:	what the program wants of the load
 * @ret_instance: with a handle
 *
 * Return: 0 or -errno of the parser, -ENOMEM.
 */
int sg_instance_create(struct sg_ctx *ctx, const struct sg_image *image, struct sg_library *lib,
		       struct sg_load *load, struct sg_instance **ret_instance)
{
	struct sg_instance *instance = calloc(1, sizeof(*instance));
	int err;

	if (!instance)
		return -ENOMEM;
	instance->obj.destroy = instance_destroy;
	err = sg_image_index(image, load, &instance->m);
	if (!err)
		err = sg_vars_place(instance->m, lib, ctx, load, &instance->vars);
	if (!err)
		err = sg_load_compile(load, instance->m);
	if (!err)
		err = sg_object_add(&instance->obj, SG_TYPE_MODULE, ctx);
	if (err) {
		sg_instance_free(instance);
		return err;
	}
	*ret_instance = instance;
	return 0;
}

/**
 * sg_instance_free() - Free a module
 * @instance:	nothing of it runs; its handle is gone
 */
void sg_instance_free(struct sg_instance *instance)
{
	sg_kernel_free_list(instance->kernels);
	sg_vars_free(&instance->vars);
	sg_module_free(instance->m);
	free(instance);
}

/* What a failed load says. */
static CUresult load_error(int err)
{
	switch (err) {
	case -EINVAL:
	case -EEXIST:
		return CUDA_ERROR_INVALID_PTX;
	case -ENOENT:
		return CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND;
	default:
		return sg_from_errno(err);
	}
}

CUresult sg_load_error(int err)
{
	return load_error(err);
}

SG_API cuModuleLoadDataEx(CUmodule *pmodule, const void *data, unsigned int n,
			  CUjit_option *options, void **values)
{
	struct sg_instance *instance;
	struct sg_image image;
	struct sg_load load;
	struct sg_ctx *ctx;
	CUresult res;
	int err;

	SG_CTX(ctx);
	if (!pmodule || (n && (!options || !values)))
		return CUDA_ERROR_INVALID_VALUE;
	sg_load_begin(&load, n, options, values);
	res = sg_image_load(data, &image);
	if (!res) {
		err = sg_instance_create(ctx, &image, NULL, &load, &instance);
		sg_image_free(&image);
		res = err ? load_error(err) : CUDA_SUCCESS;
	}
	sg_load_end(&load);
	if (!res)
		*pmodule = instance->obj.handle;
	return res;
}

SG_API cuModuleLoadData(CUmodule *pmodule, const void *data)
{
	return cuModuleLoadDataEx(pmodule, data, 0, NULL, NULL);
}

SG_API cuModuleLoadFatBinary(CUmodule *pmodule, const void *data)
{
	return cuModuleLoadData(pmodule, data);
}

/**
 * sg_file_read() - A file with a NUL behind it
 * @name:	path
 * @ret_data:	freed with free()
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_FILE_NOT_FOUND, CUDA_ERROR_OUT_OF_MEMORY.
 */
CUresult sg_file_read(const char *name, void **ret_data)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	char *data = NULL;
	struct stat st;
	size_t done = 0;

	if (fd < 0)
		return CUDA_ERROR_FILE_NOT_FOUND;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		data = calloc(1, (size_t)st.st_size + sizeof(struct sg_source));
	while (data && done < (size_t)st.st_size) {
		ssize_t n = read(fd, data + done, (size_t)st.st_size - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	if (!data)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*ret_data = data;
	return CUDA_SUCCESS;
}

SG_API cuModuleLoad(CUmodule *pmodule, const char *name)
{
	void *data;
	CUresult res;

	SG_INIT();
	if (!name)
		return CUDA_ERROR_INVALID_VALUE;
	res = sg_file_read(name, &data);
	if (res)
		return res;
	res = cuModuleLoadData(pmodule, data);
	free(data);
	return res;
}

SG_API cuModuleUnload(CUmodule handle)
{
	struct sg_instance *instance;
	struct sg_ctx *ctx;
	CUresult res = sg_enter_any(&ctx);

	if (res)
		return res;
	instance = sg_object_find(handle, SG_TYPE_MODULE);
	if (!instance || instance->library)
		return CUDA_ERROR_INVALID_HANDLE;
	sg_group_wait(ctx->group);
	instance = sg_object_take(handle, SG_TYPE_MODULE);
	if (!instance)
		return CUDA_ERROR_INVALID_HANDLE;
	sg_output_flush(ctx);
	sg_instance_free(instance);
	return CUDA_SUCCESS;
}

SG_API cuModuleGetLoadingMode(CUmoduleLoadingMode *mode)
{
	SG_LOOKUP();
	if (!mode)
		return CUDA_ERROR_INVALID_VALUE;
	*mode = CU_MODULE_LAZY_LOADING;
	return CUDA_SUCCESS;
}

SG_API cuModuleGetFunction(CUfunction *pfunc, CUmodule handle, const char *name)
{
	struct sg_instance *instance;
	struct sg_kernel *kernel;
	struct sg_entry *entry;
	struct sg_ctx *ctx;
	CUresult res;

	SG_CTX(ctx);
	if (!pfunc || !name || !*name)
		return CUDA_ERROR_INVALID_VALUE;
	instance = sg_object_find(handle, SG_TYPE_MODULE);
	if (!instance)
		return CUDA_ERROR_INVALID_HANDLE;
	entry = sg_module_find_entry(instance->m, name);
	if (!entry)
		return CUDA_ERROR_NOT_FOUND;
	res = sg_kernel_handle(&instance->kernels, &(struct sg_kernel){ .instance = instance },
			       entry, &kernel);
	if (!res)
		*pfunc = kernel->obj.handle;
	return res;
}

SG_API cuModuleGetFunctionCount(unsigned int *count, CUmodule handle)
{
	struct sg_instance *instance;

	SG_INIT();
	instance = sg_object_find(handle, SG_TYPE_MODULE);
	if (!instance)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	*count = (unsigned)sg_module_entry_count(instance->m);
	return CUDA_SUCCESS;
}

/**
 * sg_kernels_list() - Handles of a module's kernels
 * @list:	of the owner
 * @owner:	who they belong to
 * @m:		its text
 * @n:		places in @handles
 * @handles:	CUkernel or CUfunction
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_OUT_OF_MEMORY.
 */
CUresult sg_kernels_list(struct sg_kernel **list, const struct sg_kernel *owner,
			 const struct sg_module *m, unsigned int n, void **handles)
{
	CUresult res = CUDA_SUCCESS;

	for (size_t i = 0; i < n && i < sg_module_entry_count(m) && !res; i++) {
		struct sg_kernel *kernel;

		res = sg_kernel_handle(list, owner, sg_module_entry(m, i), &kernel);
		if (!res)
			handles[i] = kernel->obj.handle;
	}
	return res;
}

SG_API cuModuleEnumerateFunctions(CUfunction *funcs, unsigned int n, CUmodule handle)
{
	struct sg_instance *instance;

	SG_INIT();
	instance = sg_object_find(handle, SG_TYPE_MODULE);
	if (!instance)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!funcs)
		return CUDA_ERROR_INVALID_VALUE;
	return sg_kernels_list(&instance->kernels, &(struct sg_kernel){ .instance = instance },
			       instance->m, n, (void **)funcs);
}

/**
 * sg_var_answer() - Address and size of a variable
 * @m:		placed
 * @name:	of the variable
 * @managed:	it must be a managed one
 * @dptr, @bytes: one of them may be NULL
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_VALUE, CUDA_ERROR_NOT_FOUND.
 */
CUresult sg_var_answer(const struct sg_module *m, const char *name, bool managed,
		       CUdeviceptr *dptr, size_t *bytes)
{
	struct sg_var_info info;

	if (!name || (!dptr && !bytes))
		return CUDA_ERROR_INVALID_VALUE;
	if (sg_module_find_var(m, name, &info) || (managed && !info.managed))
		return CUDA_ERROR_NOT_FOUND;
	if (dptr)
		*dptr = info.addr;
	if (bytes)
		*bytes = info.size;
	return CUDA_SUCCESS;
}

SG_API cuModuleGetGlobal_v2(CUdeviceptr *dptr, size_t *bytes, CUmodule handle, const char *name)
{
	struct sg_instance *instance;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	instance = sg_object_find(handle, SG_TYPE_MODULE);
	if (!instance)
		return CUDA_ERROR_INVALID_HANDLE;
	return sg_var_answer(instance->m, name, false, dptr, bytes);
}
