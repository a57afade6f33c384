/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct cudaDeviceProp, described once for every CUDA version.
 *
 * Theory of operation: the struct changed with CUDA 9.2, 10.0, 11.0, 12.0 and
 * 13.0. Each line below is one field: the versions that have it, its type,
 * name and dimension, and the driver attributes its elements are read from.
 * A layout is this list expanded with a prefix P that defines P_ALL, P_UNTIL12
 * and so on, each either keeping the field or dropping it. libcudart expands
 * it once per layout and gets the struct and the table that fills it.
 *
 * CW_PROP_OWN marks fields that are no attribute (name, memory size, UUID).
 */
#ifndef CAUSEWAY_PROPS_H
#define CAUSEWAY_PROPS_H

#define CW_PROP_OWN -1, -1, -1
#define CW_PROP_1(a) a, -1, -1
#define CW_PROP_2(a, b) a, b, -1
#define CW_PROP_3(a, b, c) a, b, c

#define CW_DEVICE_PROP(P)                                                                          \
	P##_ALL(char, name, [256], CW_PROP_OWN)                                                    \
	P##_SINCE10(cudaUUID_t, uuid, , CW_PROP_OWN)                                               \
	P##_SINCE10(char, luid, [8], CW_PROP_OWN)                                                  \
	P##_SINCE10(unsigned int, luidDeviceNodeMask, , CW_PROP_OWN)                               \
	P##_ALL(size_t, totalGlobalMem, , CW_PROP_OWN)                                             \
	P##_ALL(size_t, sharedMemPerBlock, , CW_PROP_1(8))                                         \
	P##_ALL(int, regsPerBlock, , CW_PROP_1(12))                                                \
	P##_ALL(int, warpSize, , CW_PROP_1(10))                                                    \
	P##_ALL(size_t, memPitch, , CW_PROP_1(11))                                                 \
	P##_ALL(int, maxThreadsPerBlock, , CW_PROP_1(1))                                           \
	P##_ALL(int, maxThreadsDim, [3], CW_PROP_3(2, 3, 4))                                       \
	P##_ALL(int, maxGridSize, [3], CW_PROP_3(5, 6, 7))                                         \
	P##_UNTIL12(int, clockRate, , CW_PROP_1(13))                                               \
	P##_ALL(size_t, totalConstMem, , CW_PROP_1(9))                                             \
	P##_ALL(int, major, , CW_PROP_1(75))                                                       \
	P##_ALL(int, minor, , CW_PROP_1(76))                                                       \
	P##_ALL(size_t, textureAlignment, , CW_PROP_1(14))                                         \
	P##_ALL(size_t, texturePitchAlignment, , CW_PROP_1(51))                                    \
	P##_UNTIL12(int, deviceOverlap, , CW_PROP_1(15))                                           \
	P##_ALL(int, multiProcessorCount, , CW_PROP_1(16))                                         \
	P##_UNTIL12(int, kernelExecTimeoutEnabled, , CW_PROP_1(17))                                \
	P##_ALL(int, integrated, , CW_PROP_1(18))                                                  \
	P##_ALL(int, canMapHostMemory, , CW_PROP_1(19))                                            \
	P##_UNTIL12(int, computeMode, , CW_PROP_1(20))                                             \
	P##_ALL(int, maxTexture1D, , CW_PROP_1(21))                                                \
	P##_ALL(int, maxTexture1DMipmap, , CW_PROP_1(77))                                          \
	P##_UNTIL12(int, maxTexture1DLinear, , CW_PROP_1(69))                                      \
	P##_ALL(int, maxTexture2D, [2], CW_PROP_2(22, 23))                                         \
	P##_ALL(int, maxTexture2DMipmap, [2], CW_PROP_2(73, 74))                                   \
	P##_ALL(int, maxTexture2DLinear, [3], CW_PROP_3(70, 71, 72))                               \
	P##_ALL(int, maxTexture2DGather, [2], CW_PROP_2(45, 46))                                   \
	P##_ALL(int, maxTexture3D, [3], CW_PROP_3(24, 25, 26))                                     \
	P##_ALL(int, maxTexture3DAlt, [3], CW_PROP_3(47, 48, 49))                                  \
	P##_ALL(int, maxTextureCubemap, , CW_PROP_1(52))                                           \
	P##_ALL(int, maxTexture1DLayered, [2], CW_PROP_2(42, 43))                                  \
	P##_ALL(int, maxTexture2DLayered, [3], CW_PROP_3(27, 28, 29))                              \
	P##_ALL(int, maxTextureCubemapLayered, [2], CW_PROP_2(53, 54))                             \
	P##_ALL(int, maxSurface1D, , CW_PROP_1(55))                                                \
	P##_ALL(int, maxSurface2D, [2], CW_PROP_2(56, 57))                                         \
	P##_ALL(int, maxSurface3D, [3], CW_PROP_3(58, 59, 60))                                     \
	P##_ALL(int, maxSurface1DLayered, [2], CW_PROP_2(61, 62))                                  \
	P##_ALL(int, maxSurface2DLayered, [3], CW_PROP_3(63, 64, 65))                              \
	P##_ALL(int, maxSurfaceCubemap, , CW_PROP_1(66))                                           \
	P##_ALL(int, maxSurfaceCubemapLayered, [2], CW_PROP_2(67, 68))                             \
	P##_ALL(size_t, surfaceAlignment, , CW_PROP_1(30))                                         \
	P##_ALL(int, concurrentKernels, , CW_PROP_1(31))                                           \
	P##_ALL(int, ECCEnabled, , CW_PROP_1(32))                                                  \
	P##_ALL(int, pciBusID, , CW_PROP_1(33))                                                    \
	P##_ALL(int, pciDeviceID, , CW_PROP_1(34))                                                 \
	P##_ALL(int, pciDomainID, , CW_PROP_1(50))                                                 \
	P##_ALL(int, tccDriver, , CW_PROP_1(35))                                                   \
	P##_ALL(int, asyncEngineCount, , CW_PROP_1(40))                                            \
	P##_ALL(int, unifiedAddressing, , CW_PROP_1(41))                                           \
	P##_UNTIL12(int, memoryClockRate, , CW_PROP_1(36))                                         \
	P##_ALL(int, memoryBusWidth, , CW_PROP_1(37))                                              \
	P##_ALL(int, l2CacheSize, , CW_PROP_1(38))                                                 \
	P##_SINCE11(int, persistingL2CacheMaxSize, , CW_PROP_1(108))                               \
	P##_ALL(int, maxThreadsPerMultiProcessor, , CW_PROP_1(39))                                 \
	P##_ALL(int, streamPrioritiesSupported, , CW_PROP_1(78))                                   \
	P##_ALL(int, globalL1CacheSupported, , CW_PROP_1(79))                                      \
	P##_ALL(int, localL1CacheSupported, , CW_PROP_1(80))                                       \
	P##_ALL(size_t, sharedMemPerMultiprocessor, , CW_PROP_1(81))                               \
	P##_ALL(int, regsPerMultiprocessor, , CW_PROP_1(82))                                       \
	P##_ALL(int, managedMemory, , CW_PROP_1(83))                                               \
	P##_ALL(int, isMultiGpuBoard, , CW_PROP_1(84))                                             \
	P##_ALL(int, multiGpuBoardGroupID, , CW_PROP_1(85))                                        \
	P##_ALL(int, hostNativeAtomicSupported, , CW_PROP_1(86))                                   \
	P##_UNTIL12(int, singleToDoublePrecisionPerfRatio, , CW_PROP_1(87))                        \
	P##_ALL(int, pageableMemoryAccess, , CW_PROP_1(88))                                        \
	P##_ALL(int, concurrentManagedAccess, , CW_PROP_1(89))                                     \
	P##_ALL(int, computePreemptionSupported, , CW_PROP_1(90))                                  \
	P##_ALL(int, canUseHostPointerForRegisteredMem, , CW_PROP_1(91))                           \
	P##_ALL(int, cooperativeLaunch, , CW_PROP_1(95))                                           \
	P##_UNTIL12(int, cooperativeMultiDeviceLaunch, , CW_PROP_1(96))                            \
	P##_ALL(size_t, sharedMemPerBlockOptin, , CW_PROP_1(97))                                   \
	P##_SINCE92(int, pageableMemoryAccessUsesHostPageTables, , CW_PROP_1(100))                 \
	P##_SINCE92(int, directManagedMemAccessFromHost, , CW_PROP_1(101))                         \
	P##_SINCE11(int, maxBlocksPerMultiProcessor, , CW_PROP_1(106))                             \
	P##_SINCE11(int, accessPolicyMaxWindowSize, , CW_PROP_1(109))                              \
	P##_SINCE11(size_t, reservedSharedMemPerBlock, , CW_PROP_1(111))                           \
	P##_SINCE12(int, hostRegisterSupported, , CW_PROP_1(99))                                   \
	P##_SINCE12(int, sparseCudaArraySupported, , CW_PROP_1(112))                               \
	P##_SINCE12(int, hostRegisterReadOnlySupported, , CW_PROP_1(113))                          \
	P##_SINCE12(int, timelineSemaphoreInteropSupported, , CW_PROP_1(114))                      \
	P##_SINCE12(int, memoryPoolsSupported, , CW_PROP_1(115))                                   \
	P##_SINCE12(int, gpuDirectRDMASupported, , CW_PROP_1(116))                                 \
	P##_SINCE12(unsigned int, gpuDirectRDMAFlushWritesOptions, , CW_PROP_1(117))               \
	P##_SINCE12(int, gpuDirectRDMAWritesOrdering, , CW_PROP_1(118))                            \
	P##_SINCE12(unsigned int, memoryPoolSupportedHandleTypes, , CW_PROP_1(119))                \
	P##_SINCE12(int, deferredMappingCudaArraySupported, , CW_PROP_1(121))                      \
	P##_SINCE12(int, ipcEventSupported, , CW_PROP_1(125))                                      \
	P##_SINCE12(int, clusterLaunch, , CW_PROP_1(120))                                          \
	P##_SINCE12(int, unifiedFunctionPointers, , CW_PROP_1(129))                                \
	P##_SINCE13(int, deviceNumaConfig, , CW_PROP_1(130))                                       \
	P##_SINCE13(int, deviceNumaId, , CW_PROP_1(131))                                           \
	P##_SINCE13(int, mpsEnabled, , CW_PROP_1(133))                                             \
	P##_SINCE13(int, hostNumaId, , CW_PROP_1(134))                                             \
	P##_SINCE13(unsigned int, gpuPciDeviceID, , CW_PROP_1(139))                                \
	P##_SINCE13(unsigned int, gpuPciSubsystemID, , CW_PROP_1(140))                             \
	P##_SINCE13(int, hostNumaMultinodeIpcSupported, , CW_PROP_1(143))                          \
	P##_ONLY12(int, reserved2, [2], CW_PROP_OWN)                                               \
	P##_ONLY12(int, reserved1, [1], CW_PROP_OWN)                                               \
	P##_ONLY12(int, reserved, [60], CW_PROP_OWN)                                               \
	P##_SINCE13(int, reserved, [56], CW_PROP_OWN)

#define CW_PROP_DECLARE(type, name, dim, ...) type name dim;
#define CW_PROP_DROP(type, name, dim, ...)

#endif
