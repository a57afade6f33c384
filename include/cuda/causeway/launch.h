/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clang's code for <<<>>> calls.
 *
 * Up to -target-sdk-version=9.1 that is cudaConfigureCall, cudaSetupArgument
 * and cudaLaunch; from 9.2 on the two functions below and cudaLaunchKernel.
 */
#ifndef CAUSEWAY_LAUNCH_H
#define CAUSEWAY_LAUNCH_H

extern "C" {
unsigned int __cudaPushCallConfiguration(dim3 gridDim, dim3 blockDim, size_t sharedMem = 0,
					 cudaStream_t stream = 0);
cudaError_t __cudaPopCallConfiguration(dim3 *gridDim, dim3 *blockDim, size_t *sharedMem,
				       void *stream);
}

#endif
