/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries under measurement.
 */
#include "tools/bench/cuda.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/daemon.h"

static const char count_ptx[] =
	".version 6.3\n.target sm_75\n.address_size 64\n"
	".visible .entry count(.param .u64 p)\n{\n"
	"\t.reg .b64 %rd<3>;\n\t.reg .b32 %r<3>;\n"
	"\tld.param.u64 %rd1, [p];\n\tcvta.to.global.u64 %rd2, %rd1;\n"
	"\tld.global.u32 %r1, [%rd2];\n\tadd.u32 %r2, %r1, 1;\n"
	"\tst.global.u32 [%rd2], %r2;\n\tret;\n}\n";

static struct ct_daemon own_daemon;
static const char *native_path; /* of --native */

bool bench_ok(CUresult r, const char *what)
{
	if (r)
		ct_error("%s: CUDA error %d", what, r);
	return !r;
}

static int symbols_bind(struct bench_cuda *cu)
{
#define X(name, params)                                                                            \
	cu->name = (CUresult(*) params)dlsym(cu->lib, #name);                                      \
	if (!cu->name) {                                                                           \
		ct_error("the library lacks %s", #name);                                           \
		return -1;                                                                         \
	}
	BENCH_FUNCTIONS(X)
#undef X
	return 0;
}

static int cuda_load(struct bench_cuda *cu, const char *path)
{
	cu->lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!cu->lib) {
		ct_error("%s", dlerror());
		return -1;
	}
	return symbols_bind(cu);
}

int bench_cuda_open(struct bench_cuda *cu, const char *path)
{
	static const CUuuid stat_id = { CW_STAT_UUID_BYTES };

	if (cuda_load(cu, path))
		return -1;
	if (cu->cuGetExportTable((const void **)&cu->stat, &stat_id))
		cu->stat = NULL;
	if (!BENCH_OK(cu->cuInit(0)) || !BENCH_OK(cu->cuDevicePrimaryCtxRetain(&cu->ctx, 0)) ||
	    !BENCH_OK(cu->cuCtxSetCurrent(cu->ctx)) ||
	    !BENCH_OK(cu->cuModuleLoadData(&cu->module, count_ptx)) ||
	    !BENCH_OK(cu->cuModuleGetFunction(&cu->count_kernel, cu->module, "count")) ||
	    !BENCH_OK(cu->cuMemAlloc_v2(&cu->counter, 4096)) ||
	    !BENCH_OK(cu->cuMemsetD32_v2(cu->counter, 0, 1024)))
		return -1;
	return 0;
}

static void daemon_stop(void)
{
	ct_daemon_stop(&own_daemon);
}

int bench_way_to_gpu(void)
{
	if (getenv("CAUSEWAY_SOCKET") || !access("/dev/vcuda0", F_OK))
		return 0;
	setenv("CAUSEWAY_TEST_HOOKS", "1", 1);
	if (ct_daemon_start_client(&own_daemon, "soft", NULL))
		return -1;
	atexit(daemon_stop);
	setenv("CAUSEWAY_SOCKET", own_daemon.socket, 1);
	return 0;
}

bool bench_in_vm(void)
{
	return !getenv("CAUSEWAY_SOCKET") && !access("/dev/vcuda0", F_OK);
}

static int guest_path(char path[PATH_MAX])
{
	if (!ct_path(path, PATH_MAX, "lib/causeway/guest/libcuda.so.1"))
		return 0;
	/* In a guest of causeway run it is where the loader looks. */
	if (bench_in_vm()) {
		strcpy(path, "libcuda.so.1");
		return 0;
	}
	ct_error("%s is missing", path);
	return -1;
}

int bench_cuda_bind(struct bench_cuda *cu)
{
	char path[PATH_MAX];

	return guest_path(path) ? -1 : cuda_load(cu, path);
}

struct bench_cuda *bench_guest(void)
{
	static struct bench_cuda cu;
	char path[PATH_MAX];

	if (cu.counter)
		return &cu;
	if (guest_path(path) || bench_way_to_gpu() || bench_cuda_open(&cu, path))
		return NULL;
	return &cu;
}

void bench_set_native(const char *path)
{
	native_path = path;
}

struct bench_cuda *bench_native(void)
{
	static struct bench_cuda cu;
	char path[PATH_MAX];

	if (cu.counter)
		return &cu;
	if (native_path)
		snprintf(path, sizeof(path), "%s", native_path);
	else if (ct_path(path, sizeof(path), "lib/causeway/soft/libcuda.so.1"))
		return NULL;
	if (bench_cuda_open(&cu, path))
		return NULL;
	return &cu;
}
