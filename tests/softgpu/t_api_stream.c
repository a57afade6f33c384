/* SPDX-License-Identifier: Apache-2.0 */
/* softgpu/api/stream.c, event.c, hostfn.c: order, and who never waits for whom. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "tests/softgpu/soft.h"

static CUdeviceptr flag_alloc(void)
{
	CUdeviceptr p = soft_alloc(4);

	OK(cuMemsetD32_v2(p, 0, 1));
	OK(cuCtxSynchronize());
	return p;
}

static CUstream stream_new(unsigned flags)
{
	CUstream stream = NULL;

	OK(cuStreamCreate(&stream, flags));
	return stream;
}

TEST(a_kernel_in_one_stream_releases_a_spinning_one_in_another)
{
	CUdeviceptr flag;
	CUstream a, b;

	soft_start();
	flag = flag_alloc();
	a = stream_new(CU_STREAM_NON_BLOCKING);
	b = stream_new(CU_STREAM_NON_BLOCKING);
	OK(soft_launch("spin", 200, 64, a, flag, 1));
	CHECK_EQ(cuStreamQuery(a), CUDA_ERROR_NOT_READY);
	OK(soft_launch("store", 1, 1, b, flag, 1));
	OK(cuStreamSynchronize(a));
	OK(cuStreamQuery(b));
}

TEST(the_host_releases_a_spinning_kernel_through_pinned_memory)
{
	volatile unsigned *flag;
	void *p;

	soft_start();
	OK(cuMemHostAlloc(&p, 4, 0));
	flag = p;
	*flag = 0;
	OK(soft_launch("spin", 1, 1, NULL, (CUdeviceptr)p, 1));
	CHECK_EQ(cuStreamQuery(NULL), CUDA_ERROR_NOT_READY);
	*flag = 1;
	OK(cuCtxSynchronize());
	OK(cuMemFreeHost(p));
}

static sem_t sem;
static atomic_int order;
static int seen[4];

static void wait_then_note(void *data)
{
	sem_wait(&sem);
	seen[(long)data] = atomic_fetch_add(&order, 1) + 1;
}

static void note(void *data)
{
	seen[(long)data] = atomic_fetch_add(&order, 1) + 1;
}

static void order_start(void)
{
	soft_start();
	sem_init(&sem, 0, 0);
	atomic_store(&order, 0);
	memset(seen, 0, sizeof(seen));
}

TEST(a_host_function_that_waits_holds_up_no_other_stream)
{
	CUstream a, b;
	CUdeviceptr p;
	unsigned out;

	order_start();
	a = stream_new(CU_STREAM_NON_BLOCKING);
	b = stream_new(CU_STREAM_NON_BLOCKING);
	p = soft_alloc(4);
	OK(cuLaunchHostFunc(a, wait_then_note, (void *)0));
	OK(cuLaunchHostFunc(b, note, (void *)1));
	OK(soft_launch("store", 1, 1, b, p, 3));
	OK(cuMemcpyDtoHAsync_v2(&out, p, 4, b));
	OK(cuStreamSynchronize(b));
	CHECK_EQ(out, 3);
	CHECK_EQ(seen[1], 1);
	sem_post(&sem);
	OK(cuStreamSynchronize(a));
	CHECK_EQ(seen[0], 2);
}

TEST(the_null_stream_is_ordered_with_blocking_streams)
{
	CUstream a, b;

	order_start();
	a = stream_new(CU_STREAM_DEFAULT);
	b = stream_new(CU_STREAM_DEFAULT);
	OK(cuLaunchHostFunc(a, wait_then_note, (void *)0));
	OK(cuLaunchHostFunc(NULL, note, (void *)1));
	OK(cuLaunchHostFunc(b, note, (void *)2));
	CHECK_EQ(cuStreamQuery(b), CUDA_ERROR_NOT_READY);
	sem_post(&sem);
	OK(cuCtxSynchronize());
	CHECK_EQ(seen[0], 1);
	CHECK_EQ(seen[1], 2);
	CHECK_EQ(seen[2], 3);
}

TEST(the_per_thread_stream_is_one_of_the_blocking_ones)
{
	CUstream other;

	order_start();
	other = stream_new(CU_STREAM_DEFAULT);
	OK(cuLaunchHostFunc_ptsz(NULL, wait_then_note, (void *)0));
	OK(cuLaunchHostFunc(other, note, (void *)1));
	OK(cuStreamSynchronize(other));
	CHECK_EQ(seen[1], 1);
	OK(cuLaunchHostFunc(CU_STREAM_LEGACY, note, (void *)2));
	CHECK_EQ(cuStreamQuery(CU_STREAM_PER_THREAD), CUDA_ERROR_NOT_READY);
	sem_post(&sem);
	OK(cuStreamSynchronize(NULL));
	CHECK_EQ(seen[0], 2);
	CHECK_EQ(seen[2], 3);
}

static void *thread_main(void *arg)
{
	unsigned long long id = 0;

	if (!cuCtxSetCurrent(soft_ctx) && !cuStreamGetId(CU_STREAM_PER_THREAD, &id) &&
	    !cuLaunchHostFunc_ptsz(NULL, note, (void *)1) && !cuStreamSynchronize_ptsz(NULL))
		*(unsigned long long *)arg = id;
	return NULL;
}

TEST(each_thread_has_a_default_stream_of_its_own)
{
	unsigned long long mine, other = 0;
	pthread_t thread;

	order_start();
	OK(cuStreamGetId(CU_STREAM_PER_THREAD, &mine));
	OK(cuLaunchHostFunc_ptsz(NULL, wait_then_note, (void *)0));
	CHECK_EQ(pthread_create(&thread, NULL, thread_main, &other), 0);
	pthread_join(thread, NULL);
	CHECK(other && other != mine);
	CHECK_EQ(seen[1], 1);
	sem_post(&sem);
	OK(cuStreamSynchronize_ptsz(NULL));
}

TEST(a_stream_waits_for_an_event_of_another)
{
	CUstream a, b;
	CUevent event;

	order_start();
	a = stream_new(CU_STREAM_NON_BLOCKING);
	b = stream_new(CU_STREAM_NON_BLOCKING);
	OK(cuEventCreate(&event, 0));
	OK(cuStreamWaitEvent(b, event, 0));
	OK(cuLaunchHostFunc(a, wait_then_note, (void *)0));
	OK(cuEventRecord(event, a));
	OK(cuStreamWaitEvent(b, event, 0));
	OK(cuLaunchHostFunc(b, note, (void *)1));
	/* The wait is for what was recorded then, not for this. */
	OK(cuEventRecord(event, b));
	CHECK_EQ(cuEventQuery(event), CUDA_ERROR_NOT_READY);
	sem_post(&sem);
	OK(cuEventSynchronize(event));
	CHECK_EQ(seen[0], 1);
	CHECK_EQ(seen[1], 2);
}

TEST(elapsed_time_is_real_and_in_order)
{
	CUevent from, to, none;
	float ms = -1;

	order_start();
	OK(cuEventCreate(&from, 0));
	OK(cuEventCreate(&to, 0));
	OK(cuEventCreate(&none, CU_EVENT_DISABLE_TIMING));
	CHECK_EQ(cuEventElapsedTime(&ms, from, to), CUDA_ERROR_INVALID_HANDLE);
	OK(cuEventRecord(from, NULL));
	OK(cuLaunchHostFunc(NULL, wait_then_note, NULL));
	OK(cuEventRecord(to, NULL));
	CHECK_EQ(cuEventElapsedTime(&ms, from, to), CUDA_ERROR_NOT_READY);
	sem_post(&sem);
	OK(cuEventSynchronize(to));
	OK(cuEventElapsedTime(&ms, from, to));
	CHECK(ms > 0);
	CHECK_EQ(cuEventElapsedTime(&ms, from, none), CUDA_ERROR_INVALID_HANDLE);
}

static CUresult inside;

static void call_cuda(void *data)
{
	size_t a, b;

	inside = cuMemGetInfo_v2(&a, &b);
}

TEST(a_host_function_may_not_call_cuda)
{
	order_start();
	inside = CUDA_SUCCESS;
	OK(cuLaunchHostFunc(NULL, call_cuda, NULL));
	OK(cuCtxSynchronize());
	CHECK_EQ(inside, CUDA_ERROR_NOT_PERMITTED);
}

TEST(a_stream_waits_for_a_word_and_writes_one)
{
	CUdeviceptr words;
	CUstream a, b;

	order_start();
	a = stream_new(CU_STREAM_NON_BLOCKING);
	b = stream_new(CU_STREAM_NON_BLOCKING);
	words = soft_alloc(16);
	OK(cuMemsetD32_v2(words, 0, 4));
	OK(cuStreamWaitValue32_v2(a, words, 5, CU_STREAM_WAIT_VALUE_GEQ));
	OK(cuLaunchHostFunc(a, note, (void *)0));
	CHECK_EQ(cuStreamQuery(a), CUDA_ERROR_NOT_READY);
	OK(cuStreamWriteValue64_v2(b, words, 6, 0));
	OK(cuStreamSynchronize(a));
	CHECK_EQ(seen[0], 1);
	CHECK_EQ(cuStreamWriteValue32_v2(b, words + 2, 1, 0), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuStreamWriteValue32_v2(b, 4096, 1, 0), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuStreamWaitValue32_v2(b, words, 1, 77), CUDA_ERROR_INVALID_VALUE);
}

TEST(handles_that_are_gone_or_of_another_kind_are_invalid)
{
	CUstream stream;
	CUevent event;

	soft_start();
	stream = stream_new(0);
	OK(cuEventCreate(&event, 0));
	CHECK_EQ(cuStreamSynchronize((CUstream)event), CUDA_ERROR_INVALID_HANDLE);
	CHECK_EQ(cuEventQuery((CUevent)stream), CUDA_ERROR_INVALID_HANDLE);
	OK(cuStreamDestroy_v2(stream));
	CHECK_EQ(cuStreamDestroy_v2(stream), CUDA_ERROR_INVALID_HANDLE);
	CHECK_EQ(cuStreamQuery(stream), CUDA_ERROR_INVALID_HANDLE);
	OK(cuEventDestroy_v2(event));
	CHECK_EQ(cuEventDestroy_v2(event), CUDA_ERROR_INVALID_HANDLE);
	CHECK_EQ(cuEventRecord((CUevent)(uintptr_t)0x123456789abc, NULL),
		 CUDA_ERROR_INVALID_HANDLE);
}

TEST(flags_priority_and_capture_status_are_told)
{
	CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_ACTIVE;
	int least, greatest, priority;
	unsigned flags;
	CUstream stream;

	soft_start();
	OK(cuCtxGetStreamPriorityRange(&least, &greatest));
	CHECK(greatest < least);
	OK(cuStreamCreateWithPriority(&stream, CU_STREAM_NON_BLOCKING, -100));
	OK(cuStreamGetPriority(stream, &priority));
	CHECK_EQ(priority, greatest);
	OK(cuStreamGetFlags(stream, &flags));
	CHECK_EQ(flags, CU_STREAM_NON_BLOCKING);
	OK(cuStreamIsCapturing(stream, &status));
	CHECK_EQ(status, CU_STREAM_CAPTURE_STATUS_NONE);
}

TAP_MAIN()
