/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/env.h"

#include <string.h>

#include "cw/util.h"

/*
 * SEMANTICS 6: switches of the driver that concern the program alone. Paths
 * (caches, core dumps) and what chooses devices are the host's.
 */
static const char *const allowed[] = {
	"CUDA_AUTO_BOOST",
	"CUDA_CACHE_DISABLE",
	"CUDA_DEVICE_MAX_CONNECTIONS",
	"CUDA_DEVICE_MAX_COPY_CONNECTIONS",
	"CUDA_DISABLE_JIT",
	"CUDA_DISABLE_PTX_JIT",
	"CUDA_FORCE_JIT",
	"CUDA_FORCE_PTX_JIT",
	"CUDA_GRAPHS_USE_NODE_PRIORITY",
	"CUDA_MODULE_DATA_LOADING",
	"CUDA_MODULE_LOADING",
	"CUDA_SCALE_LAUNCH_QUEUES",
};

static bool env_is_allowed(const char *var)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(allowed); i++) {
		size_t len = strlen(allowed[i]);

		if (!strncmp(var, allowed[i], len) && var[len] == '=')
			return true;
	}
	return false;
}

/**
 * cd_env_filter() - Keep what a client may decide for its worker
 * @env:	NAME=VALUE strings, each terminated; shortened in place
 * @len:	bytes; the last one is a terminator
 *
 * Return: bytes left.
 */
uint32_t cd_env_filter(char *env, uint32_t len)
{
	uint32_t kept = 0;

	for (uint32_t at = 0; at < len;) {
		uint32_t size = (uint32_t)strlen(env + at) + 1;

		if (env_is_allowed(env + at)) {
			memmove(env + kept, env + at, size);
			kept += size;
		}
		at += size;
	}
	memset(env + kept, 0, len - kept);
	return kept;
}
