/* SPDX-License-Identifier: Apache-2.0 */
/* softgpu/api/launch.c, grid.c, kernel.c: kernels and what they are refused. */
#include "tests/softgpu/soft.h"

#define N 1000

static void add_vectors(bool as_buffer)
{
	float a[N], b[N], c[N];
	CUdeviceptr da, db, dc;
	int n = N;
	void *params[] = { &da, &db, &dc, &n };
	struct {
		CUdeviceptr a, b, c;
		int n;
	} buffer;
	size_t size = 28;
	void *extra[] = { CU_LAUNCH_PARAM_BUFFER_POINTER, &buffer, CU_LAUNCH_PARAM_BUFFER_SIZE,
			  &size, CU_LAUNCH_PARAM_END };

	soft_start();
	for (int i = 0; i < N; i++)
		a[i] = (float)i, b[i] = (float)(2 * i);
	da = soft_alloc(sizeof(a));
	db = soft_alloc(sizeof(b));
	dc = soft_alloc(sizeof(c));
	buffer.a = da, buffer.b = db, buffer.c = dc, buffer.n = n;
	OK(cuMemcpyHtoD_v2(da, a, sizeof(a)));
	OK(cuMemcpyHtoD_v2(db, b, sizeof(b)));
	OK(cuLaunchKernel(soft_kernel("add"), (N + 127) / 128, 1, 1, 128, 1, 1, 0, NULL,
			  as_buffer ? NULL : params, as_buffer ? extra : NULL));
	OK(cuMemcpyDtoH_v2(c, dc, sizeof(c)));
	for (int i = 0; i < N; i++)
		CHECK_EQ(c[i], 3 * i);
	OK(cuMemFree_v2(da));
	OK(cuMemFree_v2(db));
	OK(cuMemFree_v2(dc));
}

TEST(vectors_are_added)
{
	add_vectors(false);
}

TEST(parameters_may_come_as_one_buffer)
{
	add_vectors(true);
}

static CUresult shape(unsigned gx, unsigned gy, unsigned bx, unsigned by, unsigned bz,
		      unsigned shared)
{
	return cuLaunchKernel(soft_kernel("nothing"), gx, gy, 1, bx, by, bz, shared, NULL, NULL,
			      NULL);
}

TEST(bad_shapes_are_refused_at_once_and_leave_no_mark)
{
	soft_start();
	CHECK_EQ(shape(0, 1, 1, 1, 1, 0), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(shape(1, 65536, 1, 1, 1, 0), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(shape(1, 1, 0, 1, 1, 0), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(shape(1, 1, 1025, 1, 1, 0), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(shape(1, 1, 1, 1, 65, 0), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(shape(1, 1, 64, 32, 1, 0), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(shape(1, 1, 1, 1, 1, 49153), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(shape(1, 1, 1024, 1, 1, 49152), CUDA_SUCCESS);
	OK(cuCtxSynchronize());
}

TEST(more_threads_than_the_kernel_allows_are_out_of_resources)
{
	CUfunction func;

	soft_start();
	func = soft_kernel("bounded");
	CHECK_EQ(cuLaunchKernel(func, 1, 1, 1, 65, 1, 1, 0, NULL, NULL, NULL),
		 CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
	OK(cuLaunchKernel(func, 1, 1, 1, 64, 1, 1, 0, NULL, NULL, NULL));
	OK(cuCtxSynchronize());
}

TEST(shared_memory_beyond_the_default_must_be_asked_for)
{
	CUfunction func;
	int value;

	soft_start();
	func = soft_kernel("nothing");
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, func));
	CHECK_EQ(value, 49152);
	CHECK_EQ(shape(1, 1, 1, 1, 1, 100000), CUDA_ERROR_INVALID_VALUE);
	OK(cuFuncSetAttribute(func, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 100000));
	OK(shape(1, 1, 1, 1, 1, 100000));
	CHECK_EQ(shape(1, 1, 1, 1, 1, 100001), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuFuncSetAttribute(func, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 232449),
		 CUDA_ERROR_INVALID_VALUE);
	OK(cuCtxSynchronize());
}

TEST(missing_parameters_and_wrong_handles_are_refused)
{
	int not_a_handle = 0;

	soft_start();
	CHECK_EQ(cuLaunchKernel(soft_kernel("fill"), 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL),
		 CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuLaunchKernel((CUfunction)&not_a_handle, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL),
		 CUDA_ERROR_INVALID_HANDLE);
	CHECK_EQ(cuLaunchKernel((CUfunction)soft_module, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL),
		 CUDA_ERROR_INVALID_HANDLE);
	CHECK_EQ(cuLaunchKernel(soft_kernel("nothing"), 1, 1, 1, 1, 1, 1, 0, (CUstream)99, NULL,
				NULL),
		 CUDA_ERROR_INVALID_HANDLE);
}

TEST(launch_attributes_that_change_the_meaning_are_refused)
{
	CUlaunchAttribute attr = { .id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION };
	CUlaunchConfig config = { 1, 1, 1, 1, 1, 1, 0, NULL, &attr, 1 };

	soft_start();
	attr.value.clusterDim.x = 2;
	attr.value.clusterDim.y = attr.value.clusterDim.z = 1;
	CHECK_EQ(cuLaunchKernelEx(&config, soft_kernel("nothing"), NULL, NULL),
		 CUDA_ERROR_INVALID_CLUSTER_SIZE);
	attr.value.clusterDim.x = 1;
	OK(cuLaunchKernelEx(&config, soft_kernel("nothing"), NULL, NULL));
	attr.id = (CUlaunchAttributeID)999;
	CHECK_EQ(cuLaunchKernelEx(&config, soft_kernel("nothing"), NULL, NULL),
		 CUDA_ERROR_INVALID_VALUE);
	OK(cuCtxSynchronize());
}

TEST(parameter_layout_and_attributes_are_told)
{
	CUfunction func;
	size_t offset, size;
	int value;

	soft_start();
	func = soft_kernel("add");
	OK(cuFuncGetParamInfo(func, 3, &offset, &size));
	CHECK_EQ(offset, 24);
	CHECK_EQ(size, 4);
	CHECK_EQ(cuFuncGetParamInfo(func, 4, &offset, &size), CUDA_ERROR_INVALID_VALUE);
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, func));
	CHECK_EQ(value, 1024);
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, func));
	CHECK_EQ(value, 32);
	OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&value, func, 256, 0));
	CHECK_EQ(value, 8);
	OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&value, func, 32, 100000));
	CHECK_EQ(value, 2);
}

TEST(many_small_launches_are_all_done_in_order)
{
	unsigned out;
	CUdeviceptr p;

	soft_start();
	p = soft_alloc(4);
	for (unsigned i = 0; i < 3000; i++)
		OK(soft_launch("store", 1, 1, NULL, p, i));
	OK(cuMemcpyDtoH_v2(&out, p, 4));
	CHECK_EQ(out, 2999);
}

TAP_MAIN()
