/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: modules, their variables, the compiler's log.
 */
#include "probe.h"

#include <stdint.h>
#include <string.h>

static const char bad_ptx[] = ".version 6.3\n.target sm_75\n.address_size 64\n"
			      ".visible .entry bad()\n{\n"
			      "	.reg .b32 %r<2>;\n"
			      "	frobnicate.u32 %r1, 1;\n"
			      "	ret;\n}\n";

static const char managed_ptx[] =
	".version 6.3\n.target sm_75\n.address_size 64\n"
	".visible .global .attribute(.managed) .align 4 .u32 word = 3;\n"
	".visible .entry nothing()\n{\n	ret;\n}\n";

static CUresult load_bad(char *log, size_t size)
{
	CUjit_option options[] = { CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
	void *values[] = { log, (void *)(uintptr_t)size };
	CUmodule module;

	return cuModuleLoadDataEx(&module, bad_ptx, 2, options, values);
}

static void bad_module(void)
{
	char log[1024] = "";

	probe_begin();
	probe_say_result("", load_bad(log, sizeof(log)));
}

static void jit_log(void)
{
	char log[1024] = "";

	probe_begin();
	load_bad(log, sizeof(log));
	log[strcspn(log, "\n")] = '\0';
	probe_say("%s", log);
}

/* A managed variable has one address for both sides. */
static void managed_variable(void)
{
	CUdeviceptr p = 0;
	CUmodule module;
	int managed = -1;
	size_t size = 0;
	CUresult r;

	probe_begin();
	PROBE(cuModuleLoadData(&module, managed_ptx));
	r = cuModuleGetGlobal(&p, &size, module, "word");
	if (r) {
		probe_say_result("", r);
		return;
	}
	PROBE(cuPointerGetAttribute(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, p));
	probe_say("managed %d, value %u", managed, *(unsigned int *)(uintptr_t)p);
}

static void param_info(void)
{
	size_t offset = 0, size = 0;
	CUresult r;

	probe_begin();
	r = cuFuncGetParamInfo(probe_kernel("gate"), 0, &offset, &size);
	probe_say_result("", r);
	probe_say(", %zu at %zu", size, offset);
	probe_say_result("second", cuFuncGetParamInfo(probe_kernel("gate"), 1, &offset, &size));
}

const struct probe probes_module[] = {
	{ "bad_module", "3", "cuModuleLoadDataEx of PTX with an unknown instruction?",
	  "INVALID_PTX (218)", "programs that look at the number see another one", bad_module },
	{ "jit_log", "3", "and the first line of the error log?",
	  "ptxas application ptx input, line 7; error   : *",
	  "the soft GPU's log is in another form than the compiler's", jit_log },
	{ "managed_variable", "7", "a `__managed__` variable of a module?",
	  "managed 1, value 3", "managed variables are not memory of both sides",
	  managed_variable },
	{ "param_info", "5", "does the driver tell the layout of a kernel's parameters?",
	  "SUCCESS (0), 8 at 0, second INVALID_VALUE (1)",
	  "the worker has to read layouts from images", param_info },
	{ 0 },
};
