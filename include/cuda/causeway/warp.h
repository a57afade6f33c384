/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device code: functions of a warp, all with a member mask.
 *
 * The clamp word of shfl holds the width: ((32 - width) << 8) | bound, where
 * the bound is 0 for shfl.up and 31 for the others (PTX ISA, shfl.sync).
 */
#ifndef CAUSEWAY_WARP_H
#define CAUSEWAY_WARP_H

CW_DEVICE void __syncwarp(unsigned int mask = 0xffffffffu) { __nvvm_bar_warp_sync(mask); }
CW_DEVICE int __all_sync(unsigned int mask, int p) { return __nvvm_vote_all_sync(mask, p); }
CW_DEVICE int __any_sync(unsigned int mask, int p) { return __nvvm_vote_any_sync(mask, p); }
CW_DEVICE int __uni_sync(unsigned int mask, int p) { return __nvvm_vote_uni_sync(mask, p); }
CW_DEVICE unsigned int __ballot_sync(unsigned int mask, int p)
{
	return __nvvm_vote_ballot_sync(mask, p);
}
CW_DEVICE unsigned int __activemask(void)
{
	unsigned int mask;

	__asm__ volatile("activemask.b32 %0;" : "=r"(mask));
	return mask;
}
CW_DEVICE unsigned int __lane_id(void) { return __nvvm_read_ptx_sreg_laneid(); }

#define CW_SHFL_INT(fn, builtin, bound)                                                            \
	CW_DEVICE int fn(unsigned int mask, int v, int lane, int width = 32)                       \
	{                                                                                          \
		return builtin(mask, v, lane, ((32 - width) << 8) | bound);                        \
	}                                                                                          \
	CW_DEVICE unsigned int fn(unsigned int mask, unsigned int v, int lane, int width = 32)     \
	{                                                                                          \
		return (unsigned int)fn(mask, (int)v, lane, width);                                \
	}                                                                                          \
	CW_DEVICE float fn(unsigned int mask, float v, int lane, int width = 32)                   \
	{                                                                                          \
		return __int_as_float(fn(mask, __float_as_int(v), lane, width));                   \
	}                                                                                          \
	CW_DEVICE unsigned long long fn(unsigned int mask, unsigned long long v, int lane,         \
					int width = 32)                                            \
	{                                                                                          \
		unsigned int lo = fn(mask, (unsigned int)v, lane, width);                          \
		unsigned int hi = fn(mask, (unsigned int)(v >> 32), lane, width);                  \
                                                                                                   \
		return (unsigned long long)hi << 32 | lo;                                          \
	}                                                                                          \
	CW_DEVICE long long fn(unsigned int mask, long long v, int lane, int width = 32)           \
	{                                                                                          \
		return (long long)fn(mask, (unsigned long long)v, lane, width);                    \
	}                                                                                          \
	CW_DEVICE double fn(unsigned int mask, double v, int lane, int width = 32)                 \
	{                                                                                          \
		return __longlong_as_double(fn(mask, __double_as_longlong(v), lane, width));       \
	}

CW_SHFL_INT(__shfl_sync, __nvvm_shfl_sync_idx_i32, 31)
CW_SHFL_INT(__shfl_up_sync, __nvvm_shfl_sync_up_i32, 0)
CW_SHFL_INT(__shfl_down_sync, __nvvm_shfl_sync_down_i32, 31)
CW_SHFL_INT(__shfl_xor_sync, __nvvm_shfl_sync_bfly_i32, 31)
#undef CW_SHFL_INT

CW_DEVICE unsigned int __match_any_sync(unsigned int mask, unsigned int v)
{
	return __nvvm_match_any_sync_i32(mask, v);
}

#endif
