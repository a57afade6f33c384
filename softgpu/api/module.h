/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between module.c, library.c and kernel.c.
 */
#ifndef SOFTGPU_API_MODULE_H
#define SOFTGPU_API_MODULE_H

#include "cw/soft_info.h"
#include "softgpu/api/state.h"

/* Bytes of a message of softgpu/ptx. */
#define SG_LOAD_LOG 2048

/**
 * struct sg_load - What a program wants of a load
 * @log:	the compiler's information and its errors: where they go, bytes
 *		there, bytes used, where to say how many
 * @verbose:	information is wanted
 * @managed:	where managed variables go, NULL: anywhere
 */
struct sg_load {
	struct {
		char *text;
		size_t room;
		size_t used;
		void **filled;
	} log[2];
	bool verbose;
	struct cw_soft_managed *managed;
};

/* load.c */
void sg_load_begin(struct sg_load *load, unsigned int n, const CUjit_option *options,
		   void **values);
void sg_load_fail(struct sg_load *load, const char *text);
int sg_load_compile(struct sg_load *load, const struct sg_module *m);
void sg_load_end(struct sg_load *load);

/* place.c */
int sg_vars_place(struct sg_module *m, const struct sg_library *lib, void *owner,
		  struct sg_load *load, struct sg_vars *ret_vars);
void sg_vars_free(struct sg_vars *vars);

int sg_image_index(const struct sg_image *image, struct sg_load *load,
		   struct sg_module **ret_module);
CUresult sg_file_read(const char *name, void **ret_data);
CUresult sg_load_error(int err);
int sg_instance_create(struct sg_ctx *ctx, const struct sg_image *image, struct sg_library *lib,
		       struct sg_load *load, struct sg_instance **ret_instance);
CUresult sg_var_answer(const struct sg_module *m, const char *name, bool managed,
		       CUdeviceptr *dptr, size_t *bytes);
CUresult sg_kernels_list(struct sg_kernel **list, const struct sg_kernel *owner,
			 const struct sg_module *m, unsigned int n, void **handles);
void sg_library_forget(struct sg_instance *instance);

#endif
