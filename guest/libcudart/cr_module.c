/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration of fat binaries, and their loading at first use.
 *
 * Theory of operation: constructors that the compiler made call
 * __cudaRegister* before main(), once per source file; nothing is loaded
 * there. The first launch of a kernel or use of a symbol loads the fat binary
 * it is in as a driver library, which is of no context: the driver brings it
 * into each context that uses it. Only managed variables need their image as
 * soon as there is a context, because the host reads their address from
 * memory. One lock guards it all; looking up what is loaded takes none.
 *
 * cudaDeviceReset() unloads the images (cr_module_drop_all()), so that the
 * next use finds variables with their initial values, as after a start.
 */
#include "cr_module.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cr_map.h"
#include "cr_register.h"
#include "cw/log.h"

/** struct cr_var - A __device__, __constant__ or __managed__ variable */
struct cr_var {
	struct cr_image *image;
	const void *host;
	const char *name;
	size_t size;
	void **managed; /* where the host finds its address; NULL if not managed */
	struct cr_var *next;
};

/**
 * struct cr_image - A registered fat binary
 * @wrapper:	struct of the program with the fat binary's address
 * @lib:	driver's library once loaded
 * @kernels:	its functions
 * @vars:	its variables
 * @has_managed: whether one of them is managed
 */
struct cr_image {
	const void *wrapper;
	CUlibrary lib;
	struct cr_kernel *kernels;
	struct cr_var *vars;
	bool has_managed;
	struct cr_image *next;
};

static struct {
	pthread_mutex_t lock;
	struct cr_image *images;
	struct cr_map kernels;
	struct cr_map vars;
	atomic_bool managed_pending;
} cr_registry = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Lock held, context current. */
static int cr_image_load(struct cr_image *image)
{
	CUlibraryOption option = CU_LIBRARY_BINARY_IS_PRESERVED;
	void *yes = (void *)1;
	int err;

	if (image->lib)
		return 0;
	err = cr_drv()->cuLibraryLoadData(&image->lib, image->wrapper, NULL, NULL, 0, &option, &yes,
					  1);
	if (err) {
		image->lib = NULL;
		cw_debug("fat binary does not load err=%d", err);
	}
	return err;
}

/**
 * cr_kernel_find() - Registered kernel of a host function
 *
 * Return: the kernel, or NULL.
 */
struct cr_kernel *cr_kernel_find(const void *func)
{
	return cr_map_get(&cr_registry.kernels, func);
}

/**
 * cr_kernel_resolve() - Driver's handle of a registered kernel
 *
 * Loads its image at first use. Context current.
 *
 * Return: 0 or an error.
 */
int cr_kernel_resolve(struct cr_kernel *kernel, CUkernel *ret_kernel)
{
	CUkernel handle = atomic_load_explicit(&kernel->handle, memory_order_acquire);
	int err = 0;

	if (__builtin_expect(!handle, 0)) {
		pthread_mutex_lock(&cr_registry.lock);
		/* No image: its library was closed while the program kept the handle. */
		err = kernel->image ? cr_image_load(kernel->image)
				    : (int)cudaErrorInvalidDeviceFunction;
		if (!err)
			err = cr_drv()->cuLibraryGetKernel(&handle, kernel->image->lib,
							   kernel->name);
		if (!err)
			atomic_store_explicit(&kernel->handle, handle, memory_order_release);
		pthread_mutex_unlock(&cr_registry.lock);
		if (err == CUDA_ERROR_NOT_FOUND)
			err = cudaErrorInvalidDeviceFunction;
	}
	if (!err)
		*ret_kernel = handle;
	return err;
}

/**
 * cr_kernel_get() - Driver's handle for what a program calls a function
 * @func:	address of a __global__ function, or a cudaKernel_t
 * @ret_kernel:	driver's kernel
 *
 * Return: 0, cudaErrorInvalidDeviceFunction, or an error of the load.
 */
int cr_kernel_get(const void *func, CUkernel *ret_kernel)
{
	struct cr_kernel *kernel = cr_kernel_find(func);

	return kernel ? cr_kernel_resolve(kernel, ret_kernel) : (int)cudaErrorInvalidDeviceFunction;
}

/**
 * cr_kernel_adopt() - Accept a handle of the driver where a function is wanted
 * @handle:	given to the program by cudaGetKernel() or cudaLibraryGetKernel()
 *
 * Return: 0 or cudaErrorMemoryAllocation.
 */
int cr_kernel_adopt(CUkernel handle)
{
	struct cr_kernel *k;
	int err = 0;

	pthread_mutex_lock(&cr_registry.lock);
	if (!cr_map_get(&cr_registry.kernels, handle)) {
		k = calloc(1, sizeof(*k));
		if (k) {
			k->host = handle;
			k->handle = handle;
		}
		if (!k || cr_map_put(&cr_registry.kernels, handle, k)) {
			free(k);
			err = cudaErrorMemoryAllocation;
		}
	}
	pthread_mutex_unlock(&cr_registry.lock);
	return err;
}

/**
 * cr_symbol_get() - Where a variable lies in the current context
 * @symbol:	its address on the host
 * @ret_ptr:	device address
 * @ret_size:	bytes
 *
 * Return: 0, cudaErrorInvalidSymbol, or an error of the load.
 */
int cr_symbol_get(const void *symbol, CUdeviceptr *ret_ptr, size_t *ret_size)
{
	struct cr_var *var = cr_map_get(&cr_registry.vars, symbol);
	int err;

	if (!var)
		return cudaErrorInvalidSymbol;
	pthread_mutex_lock(&cr_registry.lock);
	err = cr_image_load(var->image);
	pthread_mutex_unlock(&cr_registry.lock);
	if (err)
		return err;
	if (var->managed)
		err = cr_drv()->cuLibraryGetManaged(ret_ptr, ret_size, var->image->lib, var->name);
	else
		err = cr_drv()->cuLibraryGetGlobal(ret_ptr, ret_size, var->image->lib, var->name);
	return err == CUDA_ERROR_NOT_FOUND ? (int)cudaErrorInvalidSymbol : err;
}

/**
 * cr_module_managed_pending() - Whether an image with managed variables waits
 */
bool cr_module_managed_pending(void)
{
	return atomic_load_explicit(&cr_registry.managed_pending, memory_order_relaxed);
}

static int cr_image_bind_managed(struct cr_image *image)
{
	int err = cr_image_load(image);

	for (struct cr_var *v = image->vars; !err && v; v = v->next) {
		CUdeviceptr ptr;
		size_t size;

		if (!v->managed)
			continue;
		err = cr_drv()->cuLibraryGetManaged(&ptr, &size, image->lib, v->name);
		if (!err)
			*v->managed = (void *)(uintptr_t)ptr;
	}
	return err;
}

/**
 * cr_module_load_managed() - Load images with managed variables, tell the host
 *
 * Context current.
 *
 * Return: 0 or the first error; the rest is tried again by the next call.
 */
int cr_module_load_managed(void)
{
	int err = 0;

	pthread_mutex_lock(&cr_registry.lock);
	for (struct cr_image *i = cr_registry.images; !err && i; i = i->next) {
		if (i->has_managed && !i->lib)
			err = cr_image_bind_managed(i);
	}
	if (!err)
		atomic_store_explicit(&cr_registry.managed_pending, false, memory_order_relaxed);
	pthread_mutex_unlock(&cr_registry.lock);
	return err;
}

static void cr_image_unload(struct cr_image *image)
{
	for (struct cr_kernel *k = image->kernels; k; k = k->next)
		atomic_store_explicit(&k->handle, NULL, memory_order_release);
	if (image->lib)
		cr_drv()->cuLibraryUnload(image->lib);
	image->lib = NULL;
}

/**
 * cr_module_drop_all() - Unload every image; the next use loads it afresh
 */
void cr_module_drop_all(void)
{
	pthread_mutex_lock(&cr_registry.lock);
	for (struct cr_image *i = cr_registry.images; i; i = i->next) {
		cr_image_unload(i);
		if (i->has_managed)
			atomic_store_explicit(&cr_registry.managed_pending, true,
					      memory_order_relaxed);
	}
	pthread_mutex_unlock(&cr_registry.lock);
}

void **__cudaRegisterFatBinary(void *wrapper)
{
	struct cr_image *image = calloc(1, sizeof(*image));

	if (!image) {
		cw_error("no memory to register a fat binary");
		return NULL;
	}
	image->wrapper = wrapper;
	pthread_mutex_lock(&cr_registry.lock);
	image->next = cr_registry.images;
	cr_registry.images = image;
	pthread_mutex_unlock(&cr_registry.lock);
	return (void **)image;
}

/* Managed variables are found by the next call that enters (cr_enter()). */
void __cudaRegisterFatBinaryEnd(void **handle)
{
}

char __cudaInitModule(void **handle)
{
	return cr_enter() == cudaSuccess;
}

void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name,
			    int threads, uint3 *tid, uint3 *bid, dim3 *block, dim3 *grid, int *warp)
{
	struct cr_image *image = (struct cr_image *)handle;
	struct cr_kernel *k = image ? calloc(1, sizeof(*k)) : NULL;

	if (!k)
		return;
	k->image = image;
	k->host = host;
	k->name = name;
	pthread_mutex_lock(&cr_registry.lock);
	k->next = image->kernels;
	image->kernels = k;
	if (cr_map_put(&cr_registry.kernels, host, k))
		cw_error("no memory to register kernel=%s", name);
	pthread_mutex_unlock(&cr_registry.lock);
}

static void cr_register_var(void **handle, const void *host, const char *name, size_t size,
			    void **managed)
{
	struct cr_image *image = (struct cr_image *)handle;
	struct cr_var *v = image ? calloc(1, sizeof(*v)) : NULL;

	if (!v)
		return;
	v->image = image;
	v->host = host;
	v->name = name;
	v->size = size;
	v->managed = managed;
	pthread_mutex_lock(&cr_registry.lock);
	v->next = image->vars;
	image->vars = v;
	if (managed) {
		image->has_managed = true;
		atomic_store_explicit(&cr_registry.managed_pending, true, memory_order_relaxed);
	}
	if (cr_map_put(&cr_registry.vars, host, v))
		cw_error("no memory to register variable=%s", name);
	pthread_mutex_unlock(&cr_registry.lock);
}

void __cudaRegisterVar(void **handle, char *host, char *device, const char *name, int ext,
		       size_t size, int constant, int global)
{
	cr_register_var(handle, host, name, size, NULL);
}

/* The symbol is the word that holds the variable's address. */
void __cudaRegisterManagedVar(void **handle, void **host, char *device, const char *name, int ext,
			      size_t size, int constant, int global)
{
	cr_register_var(handle, host, name, size, host);
}

/* A variable of the host that kernels may use by its address: nothing to do. */
void __cudaRegisterHostVar(void **handle, const char *name, char *host, size_t size)
{
}

/* Forgets an entry's key, unless another image took it over since. */
static void cr_forget(struct cr_map *map, const void *key, const void *value)
{
	if (cr_map_get(map, key) == value)
		cr_map_put(map, key, NULL);
}

void __cudaUnregisterFatBinary(void **handle)
{
	struct cr_image *image = (struct cr_image *)handle;

	if (!image)
		return;
	pthread_mutex_lock(&cr_registry.lock);
	for (struct cr_image **p = &cr_registry.images; *p; p = &(*p)->next) {
		if (*p == image) {
			*p = image->next;
			break;
		}
	}
	cr_image_unload(image);
	while (image->kernels) {
		struct cr_kernel *k = image->kernels;

		/*
		 * The entry is not freed: a launch on another thread may hold
		 * it, and programs keep what __cudaGetKernel() gave.
		 */
		image->kernels = k->next;
		k->image = NULL;
		cr_forget(&cr_registry.kernels, k->host, k);
	}
	while (image->vars) {
		struct cr_var *v = image->vars;

		image->vars = v->next;
		cr_forget(&cr_registry.vars, v->host, v);
		free(v);
	}
	pthread_mutex_unlock(&cr_registry.lock);
	free(image);
}
