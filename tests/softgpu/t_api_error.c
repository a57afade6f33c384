/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of kernels: sticky until the context is reset, never a crash. */
#include "tests/softgpu/soft.h"

/* The context has failed with @error and says so everywhere. */
static void expect_sticky(CUresult error)
{
	CUdeviceptr p;
	CUstream stream;
	size_t a, b;

	CHECK_EQ(cuCtxSynchronize(), error);
	CHECK_EQ(cuCtxSynchronize(), error);
	CHECK_EQ(cuMemAlloc_v2(&p, 4), error);
	CHECK_EQ(cuStreamCreate(&stream, 0), error);
	CHECK_EQ(cuMemGetInfo_v2(&a, &b), error);
	CHECK_EQ(cuStreamSynchronize(NULL), error);
	CHECK_EQ(cuStreamQuery(NULL), error);
}

/* After a reset everything works. */
static void expect_healed(void)
{
	unsigned out = 0;
	CUdeviceptr p;

	soft_start();
	p = soft_alloc(4);
	OK(soft_launch("store", 1, 1, NULL, p, 5));
	OK(cuMemcpyDtoH_v2(&out, p, 4));
	CHECK_EQ(out, 5);
}

TEST(an_access_to_nowhere_is_an_illegal_address)
{
	soft_start();
	OK(soft_launch("store", 1, 1, NULL, 4096, 1));
	expect_sticky(CUDA_ERROR_ILLEGAL_ADDRESS);
	expect_healed();
}

TEST(the_last_byte_is_inside_and_the_next_is_not)
{
	CUdeviceptr p;

	soft_start();
	p = soft_alloc(1001);
	OK(soft_launch("store_byte", 1, 1, NULL, p + 1000, 1));
	OK(cuCtxSynchronize());
	OK(soft_launch("store_byte", 1, 1, NULL, p + 1001, 1));
	expect_sticky(CUDA_ERROR_ILLEGAL_ADDRESS);
	expect_healed();
}

TEST(an_access_to_freed_memory_is_an_illegal_address)
{
	CUdeviceptr p;

	soft_start();
	p = soft_alloc(1 << 20);
	OK(cuMemFree_v2(p));
	OK(soft_launch("store", 1, 1, NULL, p, 1));
	expect_sticky(CUDA_ERROR_ILLEGAL_ADDRESS);
	expect_healed();
}

TEST(host_memory_nobody_registered_is_an_illegal_address)
{
	static unsigned word;

	soft_start();
	OK(soft_launch("store", 1, 1, NULL, (CUdeviceptr)&word, 1));
	expect_sticky(CUDA_ERROR_ILLEGAL_ADDRESS);
	CHECK_EQ(word, 0);
	expect_healed();
}

TEST(a_misaligned_access_is_said_to_be_one)
{
	soft_start();
	OK(soft_launch("store", 1, 1, NULL, soft_alloc(64) + 1, 1));
	expect_sticky(CUDA_ERROR_MISALIGNED_ADDRESS);
	expect_healed();
}

TEST(a_trap_is_a_launch_failure)
{
	soft_start();
	OK(cuLaunchKernel(soft_kernel("trap_now"), 4, 1, 1, 32, 1, 1, 0, NULL, NULL, NULL));
	expect_sticky(CUDA_ERROR_LAUNCH_FAILED);
	expect_healed();
}

TEST(a_fault_ends_kernels_that_would_spin_for_ever)
{
	CUstream stream;
	CUdeviceptr p;

	soft_start();
	OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	p = soft_alloc(4);
	OK(cuMemsetD32_v2(p, 0, 1));
	OK(soft_launch("spin", 100, 32, stream, p, 1));
	OK(soft_launch("store", 1, 1, NULL, 4096, 1));
	expect_sticky(CUDA_ERROR_ILLEGAL_ADDRESS);
	expect_healed();
}

TEST(a_reset_ends_kernels_that_would_spin_for_ever)
{
	CUdeviceptr p;

	soft_start();
	p = soft_alloc(4);
	OK(cuMemsetD32_v2(p, 0, 1));
	OK(soft_launch("spin", 100, 32, NULL, p, 1));
	expect_healed();
}

static int host_calls;

static void host_function(void *data)
{
	host_calls++;
}

static CUresult callback_status;

static void callback(CUstream stream, CUresult status, void *data)
{
	callback_status = status;
}

TEST(after_a_fault_callbacks_are_told_and_host_functions_not_called)
{
	CUdeviceptr flag;
	CUstream stream;

	soft_start();
	host_calls = 0;
	callback_status = CUDA_SUCCESS;
	flag = soft_alloc(4);
	OK(cuMemsetD32_v2(flag, 0, 1));
	OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	/* Queued behind a kernel that only the fault ends. */
	OK(soft_launch("spin", 1, 1, stream, flag, 1));
	OK(cuLaunchHostFunc(stream, host_function, NULL));
	OK(cuStreamAddCallback(stream, callback, NULL, 0));
	OK(soft_launch("store", 1, 1, NULL, 4096, 1));
	CHECK_EQ(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
	CHECK_EQ(host_calls, 0);
	CHECK_EQ(callback_status, CUDA_ERROR_ILLEGAL_ADDRESS);
	expect_healed();
}

TEST(an_event_behind_a_fault_is_complete_and_says_the_error)
{
	CUevent event;

	soft_start();
	OK(cuEventCreate(&event, 0));
	OK(soft_launch("store", 1, 1, NULL, 4096, 1));
	cuEventRecord(event, NULL);
	CHECK_EQ(cuEventSynchronize(event), CUDA_ERROR_ILLEGAL_ADDRESS);
	expect_healed();
}

TAP_MAIN()
