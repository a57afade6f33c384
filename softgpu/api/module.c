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

#define LOG_SIZE 2048

/**
 * struct placing - Variables of a module get one allocation together
 * @lib:	library it is an instance of, which has the managed ones already
 * @managed_only: placing a library: the others get numbers that mean nothing
 * @base:	first byte of the allocation
 * @size:	bytes
 * @used:	bytes given out
 */
struct placing {
	const struct sg_library *lib;
	bool managed_only;
	uint64_t base, size, used;
};

/* Whether the variable gets a part of the allocation. */
static bool takes_part(const struct placing *p, const struct sg_var_info *info)
{
	return p->managed_only ? info->managed : !(p->lib && info->managed);
}

static uint64_t place(void *opaque, const struct sg_var_info *info)
{
	struct placing *p = opaque;
	struct sg_var_info placed;
	uint64_t addr;

	if (info->external)
		return 0;
	if (!takes_part(p, info)) {
		if (p->managed_only)
			return info->align;
		return sg_module_find_var(p->lib->index, info->name, &placed) ? 0 : placed.addr;
	}
	addr = cw_align_up(p->base + p->used, cw_max(info->align, 1u));
	if (!p->base || !cw_range_ok(addr - p->base, info->size, p->size))
		return 0;
	p->used = addr - p->base + info->size;
	return addr;
}

/* What lies elsewhere has its bytes already, or needs none. */
static int write_bytes(void *opaque, uint64_t addr, const void *bytes, size_t len)
{
	struct placing *p = opaque;

	if (cw_range_ok(addr - p->base, len, p->size))
		memcpy((void *)addr, bytes, len);
	return 0;
}

/* Bytes that the variables need, in whatever order they come. */
static int vars_size(const struct sg_module *m, const struct placing *p, uint64_t *ret_size,
		     uint64_t *ret_align)
{
	size_t n = sg_module_var_count(m);

	*ret_size = 0;
	*ret_align = 16;
	for (size_t i = 0; i < n; i++) {
		struct sg_var_info info, found;

		sg_module_var(m, i, &info);
		if (info.external) {
			/* Another text of the same module may define it. */
			if (!sg_module_find_var(m, info.name, &found) && !found.external)
				continue;
			cw_warn("a module needs a variable no module defines name=\"%s\"",
				info.name);
			return -ENOENT;
		}
		if (!takes_part(p, &info))
			continue;
		if (info.size > sg_mem_total())
			return -ENOMEM;
		*ret_size += info.size + info.align;
		*ret_align = cw_max(*ret_align, (uint64_t)info.align);
	}
	return 0;
}

/* Allocate as @info says and place the variables there. */
static int place_vars(struct sg_module *m, struct placing *p, struct sg_mem_info *info)
{
	struct sg_placer placer = { place, write_bytes, p };
	char log[LOG_SIZE] = "";
	uint64_t align;
	int err = vars_size(m, p, &info->size, &align);

	if (!err && info->size)
		err = sg_mem_alloc(info, align);
	if (err)
		return err;
	p->base = info->size ? info->base : 0;
	p->size = info->size;
	err = sg_module_place(m, &placer, log, sizeof(log));
	if (err)
		cw_warn("cannot place a module's variables error=\"%s\"", log);
	return err;
}

/**
 * sg_library_place() - Place the managed variables of a library
 * @lib:	its index is not placed yet; managed is set
 *
 * They belong to no context: a program uses them before there is one, and
 * what it writes then must still be there when a kernel runs.
 *
 * Return: 0 or -errno.
 */
int sg_library_place(struct sg_library *lib)
{
	struct sg_mem_info info = { .kind = SG_MEM_MANAGED };
	struct placing p = { .managed_only = true };
	uint64_t size, align;
	int err = vars_size(lib->index, &p, &size, &align);

	if (err || !size)
		return err;
	err = place_vars(lib->index, &p, &info);
	lib->managed = p.base;
	return err;
}

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
 * @ret_module:	not placed yet
 *
 * Return: 0, -EINVAL, -EEXIST, -ENOMEM; the reason is logged.
 */
int sg_image_index(const struct sg_image *image, struct sg_module **ret_module)
{
	char log[LOG_SIZE] = "";
	int err;

	if (image->n == 1)
		err = sg_module_parse(image->texts[0].text, image->texts[0].len, ret_module, log,
				      sizeof(log));
	else
		err = sg_module_link(image->texts, image->n, ret_module, log, sizeof(log));
	if (err)
		cw_warn("cannot use a PTX text error=\"%s\"", log);
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
 * @ret_instance: with a handle
 *
 * Return: 0 or -errno of the parser, -ENOMEM.
 */
int sg_instance_create(struct sg_ctx *ctx, const struct sg_image *image, struct sg_library *lib,
		       struct sg_instance **ret_instance)
{
	struct sg_mem_info info = { .kind = SG_MEM_MODULE, .owner = ctx };
	struct sg_instance *instance = calloc(1, sizeof(*instance));
	struct placing p = { .lib = lib };
	int err;

	if (!instance)
		return -ENOMEM;
	instance->obj.destroy = instance_destroy;
	err = sg_image_index(image, &instance->m);
	if (!err) {
		err = place_vars(instance->m, &p, &info);
		instance->vars = p.base;
	}
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
	if (instance->vars)
		sg_mem_release(instance->vars, SG_MEM_BIT(SG_MEM_MODULE), NULL);
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

SG_API cuModuleLoadData(CUmodule *pmodule, const void *data)
{
	struct sg_instance *instance;
	struct sg_image image;
	struct sg_ctx *ctx;
	CUresult res;
	int err;

	SG_CTX(ctx);
	if (!pmodule)
		return CUDA_ERROR_INVALID_VALUE;
	res = sg_image_load(data, &image);
	if (res)
		return res;
	err = sg_instance_create(ctx, &image, NULL, &instance);
	sg_image_free(&image);
	if (err)
		return load_error(err);
	*pmodule = instance->obj.handle;
	return CUDA_SUCCESS;
}

/* Nothing is compiled here that an option could change; logs are empty. */
static void answer_options(unsigned n, const CUjit_option *options, void **values)
{
	for (unsigned i = 0; options && values && i < n; i++) {
		bool is_log = options[i] == CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES ||
			      options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES;

		if (is_log)
			values[i] = NULL;
		if (options[i] == CU_JIT_WALL_TIME)
			*(float *)&values[i] = 0;
	}
}

SG_API cuModuleLoadDataEx(CUmodule *pmodule, const void *data, unsigned int n,
			  CUjit_option *options, void **values)
{
	CUresult res = cuModuleLoadData(pmodule, data);

	answer_options(n, options, values);
	return res;
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
	SG_INIT();
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

SG_API cuModuleEnumerateFunctions(CUfunction *funcs, unsigned int n, CUmodule handle)
{
	struct sg_instance *instance;
	CUresult res = CUDA_SUCCESS;

	SG_INIT();
	instance = sg_object_find(handle, SG_TYPE_MODULE);
	if (!instance)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!funcs)
		return CUDA_ERROR_INVALID_VALUE;
	for (size_t i = 0; i < n && i < sg_module_entry_count(instance->m) && !res; i++) {
		struct sg_kernel *kernel;

		res = sg_kernel_handle(&instance->kernels,
				       &(struct sg_kernel){ .instance = instance },
				       sg_module_entry(instance->m, i), &kernel);
		if (!res)
			funcs[i] = kernel->obj.handle;
	}
	return res;
}

SG_API cuModuleGetGlobal_v2(CUdeviceptr *dptr, size_t *bytes, CUmodule handle, const char *name)
{
	struct sg_instance *instance;
	struct sg_var_info info;
	struct sg_ctx *ctx;

	SG_CTX(ctx);
	if (!name || (!dptr && !bytes))
		return CUDA_ERROR_INVALID_VALUE;
	instance = sg_object_find(handle, SG_TYPE_MODULE);
	if (!instance)
		return CUDA_ERROR_INVALID_HANDLE;
	if (sg_module_find_var(instance->m, name, &info))
		return CUDA_ERROR_NOT_FOUND;
	if (dptr)
		*dptr = info.addr;
	if (bytes)
		*bytes = info.size;
	return CUDA_SUCCESS;
}
