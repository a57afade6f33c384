/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream says of itself, what may be set for it, and that no capture is
 * going on; then waits for values in memory, in both widths and as a batch.
 */
#include "driver.h"

static void ask(CUcontext ctx)
{
	unsigned long long id = 0, other = 0;
	int least, greatest, priority = 99;
	unsigned int flags = 99;
	CUcontext same = NULL;
	CUstream low, high;
	CUdevice dev = -1;

	CUDA(cuCtxGetStreamPriorityRange(&least, &greatest));
	CUDA(cuStreamCreateWithPriority(&high, CU_STREAM_NON_BLOCKING, greatest));
	CUDA(cuStreamCreate(&low, CU_STREAM_DEFAULT));
	CUDA(cuStreamGetPriority(high, &priority));
	CHECK(priority == greatest);
	CUDA(cuStreamGetFlags(high, &flags));
	CHECK(flags == CU_STREAM_NON_BLOCKING);
	CUDA(cuStreamGetFlags(low, &flags));
	CHECK(flags == CU_STREAM_DEFAULT);
	CUDA(cuStreamGetId(high, &id));
	CUDA(cuStreamGetId(low, &other));
	CHECK(id != other);
	CUDA(cuStreamGetCtx(low, &same));
	CHECK(same == ctx);
	CUDA(cuStreamGetDevice(low, &dev));
	CHECK(dev == 0);
	CUDA(cuStreamQuery(low));
	CUDA(cuCtxSynchronize());
	CUDA(cuStreamDestroy(low));
	CUDA(cuStreamDestroy(high));
}

static void set(void)
{
	CUstreamAttrValue value, back;
	CUstream from, to;

	CUDA(cuStreamCreate(&from, 0));
	CUDA(cuStreamCreate(&to, 0));
	memset(&value, 0, sizeof(value));
	value.syncPolicy = CU_SYNC_POLICY_BLOCKING_SYNC;
	CUDA(cuStreamSetAttribute(from, CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY, &value));
	CUDA(cuStreamCopyAttributes(to, from));
	memset(&back, 0xff, sizeof(back));
	CUDA(cuStreamGetAttribute(to, CU_LAUNCH_ATTRIBUTE_PRIORITY, &back));
	CHECK(back.priority == 0);
	CUDA(cuStreamDestroy(from));
	CUDA(cuStreamDestroy(to));
}

static void no_capture(void)
{
	CUresult (*info)(CUstream, CUstreamCaptureStatus *, cuuint64_t *) =
		driver_old("cuStreamGetCaptureInfo", 10010);
	CUresult (*info2)(CUstream, CUstreamCaptureStatus *, cuuint64_t *, CUgraph *,
			  const CUgraphNode **, size_t *) =
		driver_old("cuStreamGetCaptureInfo", 11030);
	CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
	CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_ACTIVE;
	CUstream stream;

	CUDA(cuStreamCreate(&stream, 0));
	CUDA(cuStreamIsCapturing(stream, &status));
	CHECK(status == CU_STREAM_CAPTURE_STATUS_NONE);
	status = CU_STREAM_CAPTURE_STATUS_ACTIVE;
	CUDA(info(stream, &status, NULL));
	CHECK(status == CU_STREAM_CAPTURE_STATUS_NONE);
	status = CU_STREAM_CAPTURE_STATUS_ACTIVE;
	CUDA(info2(stream, &status, NULL, NULL, NULL, NULL));
	CHECK(status == CU_STREAM_CAPTURE_STATUS_NONE);
	CUDA(cuThreadExchangeStreamCaptureMode(&mode));
	CHECK(mode == CU_STREAM_CAPTURE_MODE_GLOBAL);
	CUDA(cuThreadExchangeStreamCaptureMode(&mode));
	CHECK(mode == CU_STREAM_CAPTURE_MODE_RELAXED);
	CUDA(cuStreamDestroy(stream));
}

static void wait_for_values(void)
{
	CUstreamBatchMemOpParams batch[2] = { 0 };
	CUstream waits, writes;
	unsigned int words[4];
	CUdeviceptr p;

	CUDA(cuMemAlloc(&p, sizeof(words)));
	CUDA(cuMemsetD32(p, 0, 4));
	CUDA(cuStreamCreate(&waits, CU_STREAM_NON_BLOCKING));
	CUDA(cuStreamCreate(&writes, CU_STREAM_NON_BLOCKING));
	CUDA(cuStreamSynchronize(NULL));
	CUDA(cuStreamWaitValue32(waits, p, 5, CU_STREAM_WAIT_VALUE_EQ));
	CUDA(cuStreamWaitValue64(waits, p + 8, 6, CU_STREAM_WAIT_VALUE_GEQ));
	CUDA(cuMemsetD32Async(p + 4, 77, 1, waits));
	CUDA_IS(cuStreamQuery(waits), CUDA_ERROR_NOT_READY);
	CUDA(cuStreamWriteValue32(writes, p, 5, 0));
	CUDA(cuStreamWriteValue64(writes, p + 8, 7, 0));
	CUDA(cuStreamSynchronize(waits));
	batch[0].writeValue.operation = CU_STREAM_MEM_OP_WRITE_VALUE_32;
	batch[0].writeValue.address = p;
	batch[0].writeValue.value = 9;
	batch[1].waitValue.operation = CU_STREAM_MEM_OP_WAIT_VALUE_32;
	batch[1].waitValue.address = p;
	batch[1].waitValue.value = 9;
	CUDA(cuStreamBatchMemOp(writes, 2, batch, 0));
	CUDA(cuStreamSynchronize(writes));
	CUDA(cuMemcpyDtoH(words, p, sizeof(words)));
	CHECK(words[0] == 9 && words[1] == 77 && words[2] == 7);
	CUDA(cuStreamDestroy(waits));
	CUDA(cuStreamDestroy(writes));
	CUDA(cuMemFree(p));
}

int main(int argc, char **argv)
{
	CUresult (*synchronize)(CUcontext);
	CUcontext ctx;

	prog_begin(argc, argv, "streams", 1);
	ctx = driver_begin();
	synchronize = driver_old("cuCtxSynchronize", 13000);
	CUDA(synchronize(ctx));
	ask(ctx);
	set();
	no_capture();
	wait_for_values();
	CUDA(cuDevicePrimaryCtxRelease(0));
	prog_int("streams", 2);
	return prog_end();
}
