/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of the CUDA runtime API.
 *
 * Layouts are those of the CUDA version in CUDART_VERSION (default: 13.0) on
 * 64-bit Linux and part of the ABI. They are written from the public
 * documentation of the API.
 */
#ifndef CAUSEWAY_DRIVER_TYPES_H
#define CAUSEWAY_DRIVER_TYPES_H

#include <stddef.h>

#include "host_defines.h"
#include "vector_types.h"

#ifndef CUDART_VERSION
#define CUDART_VERSION 13000
#endif

#include "causeway/enums.h"
#include "causeway/props.h"

typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;
typedef struct CUfunc_st *cudaFunction_t;
typedef struct CUkern_st *cudaKernel_t;
typedef struct CUlib_st *cudaLibrary_t;
typedef struct CUmemPoolHandle_st *cudaMemPool_t;
typedef struct cudaArray *cudaArray_t;
typedef const struct cudaArray *cudaArray_const_t;

typedef void (*cudaHostFn_t)(void *userData);
typedef void (*cudaStreamCallback_t)(cudaStream_t stream, cudaError_t status, void *userData);

#ifndef CU_UUID_HAS_BEEN_DEFINED
#define CU_UUID_HAS_BEEN_DEFINED
typedef struct CUuuid_st {
	char bytes[16];
} CUuuid;
#endif
typedef struct CUuuid_st cudaUUID_t;

#define CUDA_IPC_HANDLE_SIZE 64
typedef struct cudaIpcEventHandle_st {
	char reserved[CUDA_IPC_HANDLE_SIZE];
} cudaIpcEventHandle_t;
typedef struct cudaIpcMemHandle_st {
	char reserved[CUDA_IPC_HANDLE_SIZE];
} cudaIpcMemHandle_t;

enum cudaChannelFormatKind {
	cudaChannelFormatKindSigned = 0,
	cudaChannelFormatKindUnsigned = 1,
	cudaChannelFormatKindFloat = 2,
	cudaChannelFormatKindNone = 3,
};

struct cudaChannelFormatDesc {
	int x;
	int y;
	int z;
	int w;
	enum cudaChannelFormatKind f;
};

struct cudaPitchedPtr {
	void *ptr;
	size_t pitch;
	size_t xsize;
	size_t ysize;
};

struct cudaExtent {
	size_t width;
	size_t height;
	size_t depth;
};

struct cudaPos {
	size_t x;
	size_t y;
	size_t z;
};

struct cudaMemcpy3DParms {
	cudaArray_t srcArray;
	struct cudaPos srcPos;
	struct cudaPitchedPtr srcPtr;
	cudaArray_t dstArray;
	struct cudaPos dstPos;
	struct cudaPitchedPtr dstPtr;
	struct cudaExtent extent;
	enum cudaMemcpyKind kind;
};

struct cudaMemcpy3DPeerParms {
	cudaArray_t srcArray;
	struct cudaPos srcPos;
	struct cudaPitchedPtr srcPtr;
	int srcDevice;
	cudaArray_t dstArray;
	struct cudaPos dstPos;
	struct cudaPitchedPtr dstPtr;
	int dstDevice;
	struct cudaExtent extent;
};

/*
 * Before CUDA 11 the struct began with memoryType; 10.x had type after it, and
 * isManaged and allocation flags moved away with 11. 13 added reserved words.
 */
struct cudaPointerAttributes {
#if CUDART_VERSION < 11000
	enum cudaMemoryType memoryType;
#if CUDART_VERSION >= 10000
	enum cudaMemoryType type;
#endif
	int device;
	void *devicePointer;
	void *hostPointer;
	int isManaged;
#else
	enum cudaMemoryType type;
	int device;
	void *devicePointer;
	void *hostPointer;
#if CUDART_VERSION >= 13000
	long reserved[8];
#endif
#endif
};

struct cudaFuncAttributes {
	size_t sharedSizeBytes;
	size_t constSizeBytes;
	size_t localSizeBytes;
	int maxThreadsPerBlock;
	int numRegs;
	int ptxVersion;
	int binaryVersion;
	int cacheModeCA;
	int maxDynamicSharedSizeBytes;
	int preferredShmemCarveout;
#if CUDART_VERSION >= 12000
	int clusterDimMustBeSet;
	int requiredClusterWidth;
	int requiredClusterHeight;
	int requiredClusterDepth;
	int clusterSchedulingPolicyPreference;
	int nonPortableClusterSizeAllowed;
	int reserved[16];
#endif
};

struct cudaMemLocation {
	enum cudaMemLocationType type;
	int id;
};

struct cudaMemAccessDesc {
	struct cudaMemLocation location;
	enum cudaMemAccessFlags flags;
};

struct cudaMemPoolProps {
	enum cudaMemAllocationType allocType;
	enum cudaMemAllocationHandleType handleTypes;
	struct cudaMemLocation location;
	void *win32SecurityAttributes;
	size_t maxSize;
	unsigned short usage;
	unsigned char reserved[54];
};

struct cudaMemPoolPtrExportData {
	unsigned char reserved[64];
};

/*
 * One attribute of a launch. The value is the driver's union: 64 bytes, kept
 * whole; the members here are the ones test programs use.
 */
typedef enum cudaLaunchAttributeID {
	cudaLaunchAttributeIgnore = 0,
	cudaLaunchAttributeCooperative = 2,
	cudaLaunchAttributeClusterDimension = 4,
	cudaLaunchAttributePriority = 8,
} cudaLaunchAttributeID;

typedef union cudaLaunchAttributeValue {
	char pad[64];
	int cooperative;
	struct {
		unsigned int x, y, z;
	} clusterDim;
	int priority;
} cudaLaunchAttributeValue;

typedef struct cudaLaunchAttribute_st {
	cudaLaunchAttributeID id;
	char pad[8 - sizeof(cudaLaunchAttributeID)];
	cudaLaunchAttributeValue val;
} cudaLaunchAttribute;

typedef struct cudaLaunchConfig_st {
	dim3 gridDim;
	dim3 blockDim;
	size_t dynamicSmemBytes;
	cudaStream_t stream;
	cudaLaunchAttribute *attrs;
	unsigned int numAttrs;
} cudaLaunchConfig_t;

/* The layout of this CUDA version: see causeway/props.h. */
#define CW_PROP_USER_ALL CW_PROP_DECLARE
#if CUDART_VERSION >= 13000
#define CW_PROP_USER_UNTIL12 CW_PROP_DROP
#define CW_PROP_USER_SINCE13 CW_PROP_DECLARE
#else
#define CW_PROP_USER_UNTIL12 CW_PROP_DECLARE
#define CW_PROP_USER_SINCE13 CW_PROP_DROP
#endif
#if CUDART_VERSION >= 9020
#define CW_PROP_USER_SINCE92 CW_PROP_DECLARE
#else
#define CW_PROP_USER_SINCE92 CW_PROP_DROP
#endif
#if CUDART_VERSION >= 10000
#define CW_PROP_USER_SINCE10 CW_PROP_DECLARE
#else
#define CW_PROP_USER_SINCE10 CW_PROP_DROP
#endif
#if CUDART_VERSION >= 11000
#define CW_PROP_USER_SINCE11 CW_PROP_DECLARE
#else
#define CW_PROP_USER_SINCE11 CW_PROP_DROP
#endif
#if CUDART_VERSION >= 12000
#define CW_PROP_USER_SINCE12 CW_PROP_DECLARE
#else
#define CW_PROP_USER_SINCE12 CW_PROP_DROP
#endif
#if CUDART_VERSION >= 12000 && CUDART_VERSION < 13000
#define CW_PROP_USER_ONLY12 CW_PROP_DECLARE
#else
#define CW_PROP_USER_ONLY12 CW_PROP_DROP
#endif

struct cudaDeviceProp {
	CW_DEVICE_PROP(CW_PROP_USER)
};

#endif
