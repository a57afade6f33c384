/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled kernels on disk: cache.c; what names them: key.c.
 */
#ifndef SOFTGPU_JIT_RUN_CACHE_H
#define SOFTGPU_JIT_RUN_CACHE_H

#include <nettle/sha2.h>

#include "softgpu/jit/run/unit.h"

struct sg_jit_key {
	uint8_t bytes[SHA256_DIGEST_SIZE];
};

/* Open the folder, if there is to be one. */
void sg_jit_cache_open(void);
struct sg_jit_image *sg_jit_cache_get(const struct sg_jit_key *key);
void sg_jit_cache_put(const struct sg_jit_key *key, const struct sg_jit_image *im);

/* key.c. @compiler: what identifies the compiler's build. */
void sg_jit_key_make(const struct sg_jit_request *rq, const char *compiler,
		     struct sg_jit_key *ret_key);

#endif
