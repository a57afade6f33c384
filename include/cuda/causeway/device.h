/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device code: barriers, fences, clocks, loads, output.
 */
#ifndef CAUSEWAY_DEVICE_H
#define CAUSEWAY_DEVICE_H

/* __syncthreads() is a builtin of clang. */
CW_DEVICE int __syncthreads_count(int p) { return __nvvm_bar0_popc(p); }
CW_DEVICE int __syncthreads_and(int p) { return __nvvm_bar0_and(p); }
CW_DEVICE int __syncthreads_or(int p) { return __nvvm_bar0_or(p); }

CW_DEVICE void __threadfence_block(void) { __nvvm_membar_cta(); }
CW_DEVICE void __threadfence(void) { __nvvm_membar_gl(); }
CW_DEVICE void __threadfence_system(void) { __nvvm_membar_sys(); }

CW_DEVICE int clock(void) { return __nvvm_read_ptx_sreg_clock(); }
CW_DEVICE long long clock64(void) { return __nvvm_read_ptx_sreg_clock64(); }
CW_DEVICE unsigned long long globaltimer(void)
{
	unsigned long long ns;

	__asm__ volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
	return ns;
}
CW_DEVICE void __nanosleep(unsigned int ns) { __asm__ volatile("nanosleep.u32 %0;" ::"r"(ns)); }
CW_DEVICE void __trap(void) { __asm__ volatile("trap;"); }
CW_DEVICE void __brkpt(void) { __asm__ volatile("brkpt;"); }

/* The cache hint is the device's business; the value is that of a plain load. */
template <typename T> CW_DEVICE T __ldg(const T *p) { return *p; }

CW_DEVICE int __popc(unsigned int v) { return __builtin_popcount(v); }
CW_DEVICE int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
CW_DEVICE int __clz(int v) { return v ? __builtin_clz((unsigned int)v) : 32; }
CW_DEVICE int __clzll(long long v) { return v ? __builtin_clzll((unsigned long long)v) : 64; }
CW_DEVICE int __ffs(int v) { return __builtin_ffs(v); }
CW_DEVICE int __ffsll(long long v) { return __builtin_ffsll(v); }
CW_DEVICE unsigned int __brev(unsigned int v) { return __builtin_bitreverse32(v); }
CW_DEVICE unsigned long long __brevll(unsigned long long v) { return __builtin_bitreverse64(v); }
CW_DEVICE unsigned int __byte_perm(unsigned int a, unsigned int b, unsigned int s)
{
	return __nvvm_prmt(a, b, s);
}
CW_DEVICE int __mul24(int a, int b)
{
	return (int)((unsigned int)(a << 8 >> 8) * (unsigned int)(b << 8 >> 8));
}
CW_DEVICE unsigned int __umulhi(unsigned int a, unsigned int b)
{
	return (unsigned int)((unsigned long long)a * b >> 32);
}
CW_DEVICE int __mulhi(int a, int b) { return (int)((long long)a * b >> 32); }

CW_DEVICE float __int_as_float(int v) { return __builtin_bit_cast(float, v); }
CW_DEVICE int __float_as_int(float v) { return __builtin_bit_cast(int, v); }
CW_DEVICE unsigned int __float_as_uint(float v) { return __builtin_bit_cast(unsigned int, v); }
CW_DEVICE float __uint_as_float(unsigned int v) { return __builtin_bit_cast(float, v); }
CW_DEVICE double __longlong_as_double(long long v) { return __builtin_bit_cast(double, v); }
CW_DEVICE long long __double_as_longlong(double v) { return __builtin_bit_cast(long long, v); }

/* clang turns printf() in device code into this and packs the arguments. */
extern "C" {
__device__ int vprintf(const char *format, const char *arguments);
__device__ __attribute__((noreturn)) void __assertfail(const char *message, const char *file,
						       unsigned int line, const char *function,
						       size_t char_size);
__device__ void *malloc(size_t size);
__device__ void free(void *ptr);
__device__ int printf(const char *format, ...);
}

/* What the C library's assert() calls. */
__device__ static inline __attribute__((noreturn)) void
__assert_fail(const char *message, const char *file, unsigned int line, const char *function)
{
	__assertfail(message, file, line, function, sizeof(char));
}

#endif
