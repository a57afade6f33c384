/* SPDX-License-Identifier: Apache-2.0 */
/* Events: recorded, asked, waited for by host and stream, and the time between. */
#include "driver.h"

int main(int argc, char **argv)
{
	CUresult (*elapsed)(float *, CUevent, CUevent) = NULL;
	CUevent start, end, plain, never;
	unsigned int word = 0;
	CUstream a, b;
	CUdeviceptr p;
	float ms = -1;

	prog_begin(argc, argv, "events", 1);
	driver_begin();
	CUDA(cuMemAlloc(&p, 8));
	CUDA(cuMemsetD32(p, 0, 2));
	CUDA(cuStreamSynchronize(NULL));
	CUDA(cuStreamCreate(&a, CU_STREAM_NON_BLOCKING));
	CUDA(cuStreamCreate(&b, CU_STREAM_NON_BLOCKING));
	CUDA(cuEventCreate(&start, CU_EVENT_DEFAULT));
	CUDA(cuEventCreate(&end, CU_EVENT_BLOCKING_SYNC));
	CUDA(cuEventCreate(&plain, CU_EVENT_DISABLE_TIMING));
	CUDA(cuEventCreate(&never, CU_EVENT_DEFAULT));

	/* What was never recorded is over, and has no time. */
	CUDA(cuEventQuery(never));
	CUDA(cuEventSynchronize(never));
	CUDA(cuEventRecord(start, a));
	CUDA(cuStreamWaitValue32(a, p, 1, CU_STREAM_WAIT_VALUE_EQ));
	CUDA(cuEventRecordWithFlags(plain, a, CU_EVENT_RECORD_DEFAULT));
	CUDA(cuEventRecord(end, a));
	CUDA(cuStreamWaitEvent(b, end, 0));
	CUDA(cuMemsetD32Async(p + 4, 5, 1, b));
	CUDA(cuEventSynchronize(start));
	CUDA_IS(cuEventQuery(end), CUDA_ERROR_NOT_READY);
	CUDA_IS(cuStreamQuery(b), CUDA_ERROR_NOT_READY);
	word = 1;
	CUDA(cuMemcpyHtoD(p, &word, 4));
	CUDA(cuEventSynchronize(end));
	CUDA(cuStreamSynchronize(b));
	CUDA(cuMemcpyDtoH(&word, p + 4, 4));
	CHECK(word == 5);
	CUDA(cuEventElapsedTime(&ms, start, end));
	CHECK(ms >= 0);
	elapsed = driver_old("cuEventElapsedTime", 2000);
	CUDA_IS(elapsed(&ms, start, plain), CUDA_ERROR_INVALID_HANDLE);
	CUDA_IS(elapsed(&ms, start, never), CUDA_ERROR_INVALID_HANDLE);
	CUDA(cuEventDestroy(start));
	CUDA(cuEventDestroy(end));
	CUDA(cuEventDestroy(plain));
	CUDA(cuEventDestroy(never));
	CUDA(cuStreamDestroy(a));
	CUDA(cuStreamDestroy(b));
	CUDA(cuMemFree(p));
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("word", word);
	return prog_end();
}
