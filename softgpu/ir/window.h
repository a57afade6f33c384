/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generic addresses of what is not global memory. Above the 47 bits of user
 * addresses, below 2^48 (programs keep tags in the top 16 bits of pointers).
 * The embedder hands out no device address in [SG_SHARED_WINDOW, 2^48).
 */
#ifndef SOFTGPU_IR_WINDOW_H
#define SOFTGPU_IR_WINDOW_H

#define SG_SHARED_WINDOW 0x0000800000000000ull
#define SG_LOCAL_WINDOW 0x0000900000000000ull
#define SG_PARAM_WINDOW 0x0000a00000000000ull
#define SG_CODE_WINDOW 0x0000b00000000000ull
#define SG_WINDOW_SIZE 0x0000100000000000ull

#endif
