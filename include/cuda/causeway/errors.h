/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of the CUDA runtime, described once.
 *
 * E(name, number, number before CUDA 10.1, text). CUDA 10.1 gave the errors
 * the numbers of the driver's results; programs built before that compare with
 * the old ones. -1: the error had no number then.
 */
#ifndef CAUSEWAY_ERRORS_H
#define CAUSEWAY_ERRORS_H

#define CW_CUDART_ERRORS(E) \
	E(cudaSuccess, 0, 0, "no error") \
	E(cudaErrorInvalidValue, 1, 11, "invalid argument") \
	E(cudaErrorMemoryAllocation, 2, 2, "out of memory") \
	E(cudaErrorInitializationError, 3, 3, "initialization error") \
	E(cudaErrorCudartUnloading, 4, 29, "driver shutting down") \
	E(cudaErrorProfilerDisabled, 5, 55, \
	  "profiler disabled while using external profiling tool") \
	E(cudaErrorProfilerNotInitialized, 6, 56, "profiler not initialized") \
	E(cudaErrorProfilerAlreadyStarted, 7, 57, "profiler already started") \
	E(cudaErrorProfilerAlreadyStopped, 8, 58, "profiler already stopped") \
	E(cudaErrorInvalidConfiguration, 9, 9, "invalid configuration argument") \
	E(cudaErrorInvalidPitchValue, 12, 12, "invalid pitch argument") \
	E(cudaErrorInvalidSymbol, 13, 13, "invalid device symbol") \
	E(cudaErrorInvalidHostPointer, 16, 16, "invalid host pointer") \
	E(cudaErrorInvalidDevicePointer, 17, 17, "invalid device pointer") \
	E(cudaErrorInvalidTexture, 18, 18, "invalid texture reference") \
	E(cudaErrorInvalidTextureBinding, 19, 19, "texture is not bound to a pointer") \
	E(cudaErrorInvalidChannelDescriptor, 20, 20, "invalid channel descriptor") \
	E(cudaErrorInvalidMemcpyDirection, 21, 21, "invalid copy direction for memcpy") \
	E(cudaErrorAddressOfConstant, 22, 22, "address of constant") \
	E(cudaErrorTextureFetchFailed, 23, 23, "fetch from texture failed") \
	E(cudaErrorTextureNotBound, 24, 24, "cannot fetch from a texture that is not bound") \
	E(cudaErrorSynchronizationError, 25, 25, "incorrect use of __syncthreads()") \
	E(cudaErrorInvalidFilterSetting, 26, 26, \
	  "linear filtering not supported for non-float type") \
	E(cudaErrorInvalidNormSetting, 27, 27, \
	  "read as normalized float not supported for 32-bit non float type") \
	E(cudaErrorMixedDeviceExecution, 28, 28, \
	  "device emulation mode and device execution mode cannot be mixed") \
	E(cudaErrorNotYetImplemented, 31, 31, "feature not yet implemented") \
	E(cudaErrorMemoryValueTooLarge, 32, 32, \
	  "memory size or pointer value too large to fit in 32 bit") \
	E(cudaErrorStubLibrary, 34, -1, "CUDA driver is a stub library") \
	E(cudaErrorInsufficientDriver, 35, 35, \
	  "CUDA driver version is insufficient for CUDA runtime version") \
	E(cudaErrorCallRequiresNewerDriver, 36, -1, \
	  "API call is not supported in the installed CUDA driver") \
	E(cudaErrorInvalidSurface, 37, 37, "invalid surface reference") \
	E(cudaErrorDuplicateVariableName, 43, 43, \
	  "duplicate global variable looked up by string name") \
	E(cudaErrorDuplicateTextureName, 44, 44, "duplicate texture looked up by string name") \
	E(cudaErrorDuplicateSurfaceName, 45, 45, "duplicate surface looked up by string name") \
	E(cudaErrorDevicesUnavailable, 46, 46, \
	  "CUDA-capable device(s) is/are busy or unavailable") \
	E(cudaErrorIncompatibleDriverContext, 49, 49, "incompatible driver context") \
	E(cudaErrorMissingConfiguration, 52, 1, "__global__ function call is not configured") \
	E(cudaErrorPriorLaunchFailure, 53, 5, "unspecified launch failure in prior launch") \
	E(cudaErrorLaunchMaxDepthExceeded, 65, 65, \
	  "launch would exceed maximum depth of nested launches") \
	E(cudaErrorLaunchFileScopedTex, 66, 66, \
	  "launch failed because kernel uses unsupported, file-scoped textures " \
	  "(texture objects are supported)") \
	E(cudaErrorLaunchFileScopedSurf, 67, 67, \
	  "launch failed because kernel uses unsupported, file-scoped surfaces " \
	  "(surface objects are supported)") \
	E(cudaErrorSyncDepthExceeded, 68, 68, \
	  "cudaDeviceSynchronize failed because caller's grid depth exceeds " \
	  "cudaLimitDevRuntimeSyncDepth") \
	E(cudaErrorLaunchPendingCountExceeded, 69, 69, \
	  "launch failed because launch would exceed cudaLimitDevRuntimePendingLaunchCount") \
	E(cudaErrorInvalidDeviceFunction, 98, 8, "invalid device function") \
	E(cudaErrorNoDevice, 100, 38, "no CUDA-capable device is detected") \
	E(cudaErrorInvalidDevice, 101, 10, "invalid device ordinal") \
	E(cudaErrorDeviceNotLicensed, 102, -1, "device doesn't have valid Grid license") \
	E(cudaErrorSoftwareValidityNotEstablished, 103, -1, "integrity checks failed") \
	E(cudaErrorStartupFailure, 127, 127, "startup failure in cuda runtime") \
	E(cudaErrorInvalidKernelImage, 200, 47, "device kernel image is invalid") \
	E(cudaErrorDeviceUninitialized, 201, -1, "invalid device context") \
	E(cudaErrorMapBufferObjectFailed, 205, 14, "mapping of buffer object failed") \
	E(cudaErrorUnmapBufferObjectFailed, 206, 15, "unmapping of buffer object failed") \
	E(cudaErrorArrayIsMapped, 207, -1, "array is mapped") \
	E(cudaErrorAlreadyMapped, 208, -1, "resource already mapped") \
	E(cudaErrorNoKernelImageForDevice, 209, 48, \
	  "no kernel image is available for execution on the device") \
	E(cudaErrorAlreadyAcquired, 210, -1, "resource already acquired") \
	E(cudaErrorNotMapped, 211, -1, "resource not mapped") \
	E(cudaErrorNotMappedAsArray, 212, -1, "resource not mapped as array") \
	E(cudaErrorNotMappedAsPointer, 213, -1, "resource not mapped as pointer") \
	E(cudaErrorECCUncorrectable, 214, 39, "uncorrectable ECC error encountered") \
	E(cudaErrorUnsupportedLimit, 215, 42, "limit is not supported on this architecture") \
	E(cudaErrorDeviceAlreadyInUse, 216, 54, \
	  "exclusive-thread device already in use by a different thread") \
	E(cudaErrorPeerAccessUnsupported, 217, 64, \
	  "peer access is not supported between these two devices") \
	E(cudaErrorInvalidPtx, 218, 78, "a PTX JIT compilation failed") \
	E(cudaErrorInvalidGraphicsContext, 219, 79, "invalid OpenGL or DirectX context") \
	E(cudaErrorNvlinkUncorrectable, 220, 80, \
	  "uncorrectable NVLink error detected during the execution") \
	E(cudaErrorJitCompilerNotFound, 221, 81, "PTX JIT compiler library not found") \
	E(cudaErrorUnsupportedPtxVersion, 222, -1, \
	  "the provided PTX was compiled with an unsupported toolchain.") \
	E(cudaErrorJitCompilationDisabled, 223, -1, "PTX JIT compilation was disabled") \
	E(cudaErrorUnsupportedExecAffinity, 224, -1, \
	  "the provided execution affinity is not supported") \
	E(cudaErrorUnsupportedDevSideSync, 225, -1, \
	  "the provided PTX contains unsupported call to cudaDeviceSynchronize") \
	E(cudaErrorContained, 226, -1, "a contained error was encountered") \
	E(cudaErrorInvalidSource, 300, -1, "device kernel image is invalid") \
	E(cudaErrorFileNotFound, 301, -1, "file not found") \
	E(cudaErrorSharedObjectSymbolNotFound, 302, 40, "shared object symbol not found") \
	E(cudaErrorSharedObjectInitFailed, 303, 41, "shared object initialization failed") \
	E(cudaErrorOperatingSystem, 304, 63, \
	  "OS call failed or operation not supported on this OS") \
	E(cudaErrorInvalidResourceHandle, 400, 33, "invalid resource handle") \
	E(cudaErrorIllegalState, 401, 84, \
	  "the operation cannot be performed in the present state") \
	E(cudaErrorLossyQuery, 402, -1, "attempted introspection would be semantically lossy") \
	E(cudaErrorSymbolNotFound, 500, -1, "named symbol not found") \
	E(cudaErrorNotReady, 600, 34, "device not ready") \
	E(cudaErrorIllegalAddress, 700, 77, "an illegal memory access was encountered") \
	E(cudaErrorLaunchOutOfResources, 701, 7, "too many resources requested for launch") \
	E(cudaErrorLaunchTimeout, 702, 6, "the launch timed out and was terminated") \
	E(cudaErrorLaunchIncompatibleTexturing, 703, -1, \
	  "launch uses incompatible texturing mode") \
	E(cudaErrorPeerAccessAlreadyEnabled, 704, 50, "peer access is already enabled") \
	E(cudaErrorPeerAccessNotEnabled, 705, 51, "peer access has not been enabled") \
	E(cudaErrorSetOnActiveProcess, 708, 36, \
	  "cannot set while device is active in this process") \
	E(cudaErrorContextIsDestroyed, 709, -1, "context is destroyed") \
	E(cudaErrorAssert, 710, 59, "device-side assert triggered") \
	E(cudaErrorTooManyPeers, 711, 60, "peer mapping resources exhausted") \
	E(cudaErrorHostMemoryAlreadyRegistered, 712, 61, \
	  "part or all of the requested memory range is already mapped") \
	E(cudaErrorHostMemoryNotRegistered, 713, 62, \
	  "pointer does not correspond to a registered memory region") \
	E(cudaErrorHardwareStackError, 714, 72, "hardware stack error") \
	E(cudaErrorIllegalInstruction, 715, 73, "an illegal instruction was encountered") \
	E(cudaErrorMisalignedAddress, 716, 74, "misaligned address") \
	E(cudaErrorInvalidAddressSpace, 717, 75, \
	  "operation not supported on global/shared address space") \
	E(cudaErrorInvalidPc, 718, 76, "invalid program counter") \
	E(cudaErrorLaunchFailure, 719, 4, "unspecified launch failure") \
	E(cudaErrorCooperativeLaunchTooLarge, 720, 82, "too many blocks in cooperative launch") \
	E(cudaErrorTensorMemoryLeak, 721, -1, "a block exited without freeing its tensor memory") \
	E(cudaErrorNotPermitted, 800, 70, "operation not permitted") \
	E(cudaErrorNotSupported, 801, 71, "operation not supported") \
	E(cudaErrorSystemNotReady, 802, 83, "system not yet initialized") \
	E(cudaErrorSystemDriverMismatch, 803, -1, \
	  "system has unsupported display driver / cuda driver combination") \
	E(cudaErrorCompatNotSupportedOnDevice, 804, -1, \
	  "forward compatibility was attempted on non supported HW") \
	E(cudaErrorMpsConnectionFailed, 805, -1, \
	  "MPS client failed to connect to the MPS control daemon or the MPS server") \
	E(cudaErrorMpsRpcFailure, 806, -1, \
	  "the remote procedural call between the MPS server and the MPS client failed") \
	E(cudaErrorMpsServerNotReady, 807, -1, \
	  "MPS server is not ready to accept new MPS client requests") \
	E(cudaErrorMpsMaxClientsReached, 808, -1, \
	  "the hardware resources required to create MPS client have been exhausted") \
	E(cudaErrorMpsMaxConnectionsReached, 809, -1, \
	  "the hardware resources required to support device connections have been exhausted") \
	E(cudaErrorMpsClientTerminated, 810, -1, \
	  "the MPS client has been terminated by the server") \
	E(cudaErrorCdpNotSupported, 811, -1, "the requested CDP functionality is not supported") \
	E(cudaErrorCdpVersionMismatch, 812, -1, "the requested CDP version does not match") \
	E(cudaErrorStreamCaptureUnsupported, 900, 900, \
	  "operation not permitted when stream is capturing") \
	E(cudaErrorStreamCaptureInvalidated, 901, 901, \
	  "operation failed due to a previous error during capture") \
	E(cudaErrorStreamCaptureMerge, 902, 902, \
	  "operation would result in a merge of separate capture sequences") \
	E(cudaErrorStreamCaptureUnmatched, 903, 903, \
	  "capture was not ended in the same stream as it began") \
	E(cudaErrorStreamCaptureUnjoined, 904, 904, "capturing stream has unjoined work") \
	E(cudaErrorStreamCaptureIsolation, 905, 905, \
	  "dependency created on uncaptured work in another stream") \
	E(cudaErrorStreamCaptureImplicit, 906, 906, \
	  "operation would make the legacy stream depend on a capturing blocking stream") \
	E(cudaErrorCapturedEvent, 907, 907, \
	  "operation not permitted on an event last recorded in a capturing stream") \
	E(cudaErrorStreamCaptureWrongThread, 908, -1, \
	  "attempt to terminate a thread-local capture sequence from another thread") \
	E(cudaErrorTimeout, 909, -1, "wait operation timed out") \
	E(cudaErrorGraphExecUpdateFailure, 910, -1, \
	  "the graph update was not performed because it included changes which " \
	  "violated constraints") \
	E(cudaErrorExternalDevice, 911, -1, \
	  "an async error has occured in external entity outside of CUDA") \
	E(cudaErrorInvalidClusterSize, 912, -1, \
	  "a kernel launch error has occurred due to cluster misconfiguration") \
	E(cudaErrorFunctionNotLoaded, 913, -1, \
	  "the function handle is not loaded when calling an API that requires a loaded function") \
	E(cudaErrorInvalidResourceType, 914, -1, \
	  "the resource type is not valid for the operation") \
	E(cudaErrorInvalidResourceConfiguration, 915, -1, \
	  "the resource configuration is not valid for the operation") \
	E(cudaErrorUnknown, 999, 30, "unknown error") \
	E(cudaErrorApiFailureBase, 10000, 10000, "api failure base")

#endif
