/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind cuGetProcAddress, cuGetErrorName and function ids.
 */
#include "api/errors.h"
#include "api/fn_ids.h"
#include "api/procaddr.h"
#include "tests/tap.h"
#include "wire/fn.h"

/* The symbol that is found, "" for none. */
static const char *found(const char *name, int version, cuuint64_t flags)
{
	void *pfn = (void *)1;

	CHECK_EQ(api_proc_address(name, &pfn, version, flags, NULL), CUDA_SUCCESS);
	for (unsigned int i = 0; pfn && i < api_procs_count; i++) {
		if (api_procs[i].address == pfn)
			return api_procs[i].symbol;
	}
	return "";
}

TEST(the_newest_variant_that_is_not_too_new_is_found)
{
	CHECK_STR(found("cuMemAlloc", 3020, 0), "cuMemAlloc_v2");
	CHECK_STR(found("cuMemAlloc", 13000, 0), "cuMemAlloc_v2");
	CHECK_STR(found("cuCtxCreate", 3020, 0), "cuCtxCreate_v2");
	CHECK_STR(found("cuCtxCreate", 12040, 0), "cuCtxCreate_v3");
	CHECK_STR(found("cuCtxCreate", 12050, 0), "cuCtxCreate_v4");
	CHECK_STR(found("cuDeviceGetUuid", 9020, 0), "cuDeviceGetUuid");
	CHECK_STR(found("cuGetProcAddress", 11030, 0), "cuGetProcAddress");
	CHECK_STR(found("cuGetProcAddress", 12000, 0), "cuGetProcAddress_v2");
}

TEST(the_per_thread_flavour_is_found_where_there_is_one)
{
	CHECK_STR(found("cuMemcpyHtoD", 7000, 2), "cuMemcpyHtoD_v2_ptds");
	CHECK_STR(found("cuStreamQuery", 7000, 2), "cuStreamQuery_ptsz");
	CHECK_STR(found("cuStreamQuery", 7000, 1), "cuStreamQuery");
	CHECK_STR(found("cuMemAlloc", 13000, 2), "cuMemAlloc_v2");
}

TEST(what_is_not_found_is_success_with_a_reason)
{
	CUdriverProcAddressQueryResult status;
	void *pfn = (void *)1;

	CHECK_STR(found("", 0, 0), "");
	CHECK_EQ(api_proc_address("cuGLInit", &pfn, 13000, 0, &status), CUDA_SUCCESS);
	CHECK(!pfn);
	CHECK_EQ(status, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
	CHECK_EQ(api_proc_address("cuGraphAddNode", &pfn, 12000, 0, &status), CUDA_SUCCESS);
	CHECK(!pfn);
	CHECK_EQ(status, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
	CHECK_EQ(api_proc_address("cuInit", &pfn, 13000, 4, NULL), CUDA_ERROR_INVALID_VALUE);
}

TEST(every_symbol_is_there_once)
{
	CHECK_EQ(api_procs_count, 637);
	for (unsigned int i = 1; i < api_procs_count; i++)
		CHECK(strcmp(api_procs[i - 1].base, api_procs[i].base) <= 0);
}

TEST(results_have_names_and_words)
{
	const char *name, *text;

	CHECK_EQ(api_error_text(CUDA_ERROR_ILLEGAL_ADDRESS, &name, &text), CUDA_SUCCESS);
	CHECK_STR(name, "CUDA_ERROR_ILLEGAL_ADDRESS");
	CHECK_STR(text, "an illegal memory access was encountered");
	CHECK_EQ(api_error_text((CUresult)12345, &name, NULL), CUDA_ERROR_INVALID_VALUE);
	CHECK(!name);
	CHECK_EQ(api_results_count, 101);
}

TEST(ids_are_the_hash_that_the_wire_uses)
{
	CHECK_EQ(API_FN_cuMemAlloc, (int)cw_fn_hash("cuMemAlloc"));
	CHECK_STR(api_fn_name(cw_fn_hash("cuLaunchKernel")), "cuLaunchKernel");
	CHECK(!api_fn_name(77));
}

TAP_MAIN()
