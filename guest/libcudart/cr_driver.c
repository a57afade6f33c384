/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binding of the driver.
 *
 * Like NVIDIA's runtime we open libcuda.so.1 by bare name at the first call
 * that needs it, never at link or load time, so that a program may run its
 * --help where no driver is. Functions are looked up by their exported names:
 * the name with its suffix says which version of the function it is.
 */
#include "cr_driver.h"

#include <dlfcn.h>
#include <errno.h>

#include "cw/log.h"

struct cr_driver cr_driver;

static CUresult cr_missing(void)
{
	return CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER;
}

static const struct {
	const char *name;
	size_t offset;
} cr_driver_names[] = {
#define D(name) { #name, offsetof(struct cr_driver, name) },
#include "driver.def"
#undef D
};

/**
 * cr_driver_bind() - Open the driver and look its functions up
 *
 * Thread: called once, under the lock of cr_init().
 *
 * Return: 0, or -ENOENT where there is no libcuda.so.1.
 */
int cr_driver_bind(void)
{
	void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!lib) {
		cw_debug("no driver: %s", dlerror());
		return -ENOENT;
	}
	for (size_t i = 0; i < CW_ARRAY_SIZE(cr_driver_names); i++) {
		void *fn = dlsym(lib, cr_driver_names[i].name);

		if (!fn) {
			cw_debug("driver lacks function=%s", cr_driver_names[i].name);
			fn = (void *)cr_missing;
		}
		*(void **)((char *)&cr_driver + cr_driver_names[i].offset) = fn;
	}
	return 0;
}
