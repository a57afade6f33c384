/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked before there is a context: versions, names of errors, functions
 * by name, and the device in all the ways there are to describe it.
 */
#include "driver.h"

static void ask_library(void)
{
	CUresult (*version_of)(int *) = driver_old("cuDriverGetVersion", 2020);
	CUresult (*lookup)(const char *, void **, int, cuuint64_t) =
		driver_old("cuGetProcAddress", 11030);
	CUdriverProcAddressQueryResult found;
	const char *text;
	void *f;
	int version;

	CUDA(version_of(&version));
	CHECK(version >= 12000);
	CUDA(cuGetErrorName(CUDA_ERROR_NOT_FOUND, &text));
	CHECK(!strcmp(text, "CUDA_ERROR_NOT_FOUND"));
	CUDA(cuGetErrorString(CUDA_ERROR_NOT_FOUND, &text));
	CHECK(strlen(text) > 4);
	CUDA_IS(cuGetErrorName((CUresult)77777, &text), CUDA_ERROR_INVALID_VALUE);
	CUDA(lookup("cuMemAlloc", &f, 11030, 0));
	CHECK(f == (void *)cuMemAlloc);
	CUDA(cuGetProcAddress("cuNoSuchThing", &f, 12000, 0, &found));
	CHECK(!f && found == CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
	CUDA(cuGetProcAddress("cuLibraryLoadData", &f, 11000, 0, &found));
	CHECK(!f && found == CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
}

static void ask_names(CUdevice dev)
{
	char name[128] = "", bus[32] = "";
	CUdevice same = -1;
	CUuuid id;
	int sum = 0;

	CUDA(cuDeviceGetName(name, sizeof(name), dev));
	CHECK(name[0]);
	CUDA(cuDeviceGetUuid(&id, dev));
	for (size_t i = 0; i < sizeof(id); i++)
		sum |= ((const char *)&id)[i];
	CHECK(sum);
	CUDA(cuDeviceGetPCIBusId(bus, sizeof(bus), dev));
	CHECK(strlen(bus) == 12 && bus[4] == ':');
	CUDA(cuDeviceGetByPCIBusId(&same, bus));
	CHECK(same == dev);
}

static void ask_numbers(CUdevice dev)
{
	CUdevprop prop;
	size_t bytes = 0, width = 0;
	int threads = 0, major = 0, minor = 0, value = -1;

	CUDA(cuDeviceTotalMem(&bytes, dev));
	CHECK(bytes >= 64 << 20);
	CUDA(cuDeviceGetAttribute(&threads, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, dev));
	CHECK(threads >= 512);
	CUDA(cuDeviceComputeCapability(&major, &minor, dev));
	CUDA(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, dev));
	CHECK(major == value);
	CUDA(cuDeviceGetProperties(&prop, dev));
	CHECK(prop.maxThreadsPerBlock == threads && prop.SIMDWidth == 32);
	CUDA(cuDeviceCanAccessPeer(&value, dev, dev));
	CHECK(!value);
	CUDA_IS(cuDeviceGetP2PAttribute(&value, CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED, dev, dev),
		CUDA_ERROR_INVALID_DEVICE);
	CUDA(cuDeviceGetTexture1DLinearMaxWidth(&width, CU_AD_FORMAT_FLOAT, 1, dev));
	CUDA(cuDeviceGetExecAffinitySupport(&value, CU_EXEC_AFFINITY_TYPE_SM_COUNT, dev));
	CHECK(value == 0 || value == 1);
}

int main(int argc, char **argv)
{
	CUdevice dev;
	int n = 0;

	prog_begin(argc, argv, "devices", 1);
	CUDA_IS(cuDeviceGetCount(&n), CUDA_ERROR_NOT_INITIALIZED);
	CUDA(cuInit(0));
	ask_library();
	CUDA(cuDeviceGetCount(&n));
	CHECK(n >= 1);
	CUDA_IS(cuDeviceGet(&dev, n), CUDA_ERROR_INVALID_DEVICE);
	CUDA(cuDeviceGet(&dev, 0));
	ask_names(dev);
	ask_numbers(dev);
	prog_int("device", dev);
	return prog_end();
}
