/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler's logs: the line and the instruction of an error, how many
 * bytes were filled, a buffer that is too small, and nothing where nothing is
 * to be said.
 */
#include <stdint.h>

#include "driver.h"

#define HEAD ".version 6.3\n.target sm_75\n.address_size 64\n"

static const char bad_instruction[] = HEAD ".visible .entry bad()\n{\n"
					   "	.reg .b32 %r<2>;\n"
					   "	frobnicate.u32 %r1, 1;\n"
					   "	ret;\n}\n";
static const char bad_operand[] = HEAD ".visible .entry bad()\n{\n"
				       "	.reg .b32 %r<2>;\n"
				       "	mov.u32 %r1, 0;\n"
				       "	add.u32 %r1, %r1, %nowhere;\n"
				       "	ret;\n}\n";
static const char bad_directive[] = HEAD "\n\n.nonsense 4;\n";

struct logs {
	char info[4096], error[4096];
	size_t info_filled, error_filled;
};

static CUresult load(const char *ptx, struct logs *l, unsigned int room, int library)
{
	CUjit_option options[] = { CU_JIT_LOG_VERBOSE,
				   CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES,
				   CU_JIT_INFO_LOG_BUFFER,
				   CU_JIT_ERROR_LOG_BUFFER,
				   CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
				   CU_JIT_OPTIMIZATION_LEVEL };
	void *values[] = { (void *)1, (void *)(uintptr_t)sizeof(l->info), l->info,
			   l->error,  (void *)(uintptr_t)room,		  (void *)3 };
	CUlibrary lib;
	CUmodule module;
	CUresult r;

	memset(l->info, 'x', sizeof(l->info));
	memset(l->error, 'x', sizeof(l->error));
	if (library)
		r = cuLibraryLoadData(&lib, ptx, options, values, 6, NULL, NULL, 0);
	else
		r = cuModuleLoadDataEx(&module, ptx, 6, options, values);
	l->info_filled = (uintptr_t)values[1];
	l->error_filled = (uintptr_t)values[4];
	if (!r && library)
		CUDA(cuLibraryUnload(lib));
	else if (!r)
		CUDA(cuModuleUnload(module));
	return r;
}

static void expect(const char *ptx, const char *line, const char *word)
{
	struct logs l;

	for (int library = 0; library < 2; library++) {
		CUDA_IS(load(ptx, &l, sizeof(l.error), library), CUDA_ERROR_INVALID_PTX);
		CHECK(memchr(l.error, 0, sizeof(l.error)));
		if (!strstr(l.error, line) || !strstr(l.error, word))
			prog_fail("no '%s' with '%s' in: %.100s", line, word, l.error);
		CHECK(l.error_filled >= strlen(l.error) && l.error_filled <= sizeof(l.error));
	}
}

static void too_small(void)
{
	struct logs l;

	CUDA_IS(load(bad_instruction, &l, 24, 0), CUDA_ERROR_INVALID_PTX);
	CHECK(memchr(l.error, 0, 24));
	CHECK(l.error[24] == 'x');
	CHECK(!strncmp(l.error, "ptxas", 5));
}

/* A good one after a bad one: its log is its own. */
static void good(void)
{
	struct logs l;
	CUmodule module;

	CUDA(load(driver_ptx, &l, sizeof(l.error), 0));
	CHECK(!l.error[0]);
	CHECK(strstr(l.info, "scale"));
	CHECK(l.info_filled > strlen("scale") && l.info_filled <= sizeof(l.info));
	memset(l.error, 'x', sizeof(l.error));
	CUDA(cuModuleLoadDataEx(&module, driver_ptx, 0, NULL, NULL));
	CHECK(l.error[0] == 'x');
	CUDA(cuModuleUnload(module));
}

int main(int argc, char **argv)
{
	prog_begin(argc, argv, "jit_log", 1);
	driver_begin();
	expect(bad_instruction, "line 7", "frobnicate");
	expect(bad_operand, "line 8", "nowhere");
	expect(bad_directive, "line 6", "nonsense");
	too_small();
	good();
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("logs", 3);
	return prog_end();
}
