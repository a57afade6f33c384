/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device code: single precision mathematics and what needs no polynomial.
 *
 * Theory of operation: nvcc links NVIDIA's libdevice here. We have none, so a
 * function is one PTX instruction, a builtin of clang that becomes one, or a
 * short own algorithm: reduce the argument, evaluate a polynomial, put the
 * exponent back. float functions compute in double where that is the simplest
 * way to a correctly rounded result but for rare ties; the fast forms (__sinf,
 * __expf) are the approximate instructions, as in CUDA.
 */
#ifndef CAUSEWAY_MATH_H
#define CAUSEWAY_MATH_H

CW_DEVICE float fabsf(float x) { return __builtin_fabsf(x); }
CW_DEVICE double fabs(double x) { return __builtin_fabs(x); }
CW_DEVICE float sqrtf(float x) { return __nvvm_sqrt_rn_f(x); }
CW_DEVICE double sqrt(double x) { return __nvvm_sqrt_rn_d(x); }
CW_DEVICE float __fsqrt_rn(float x) { return __nvvm_sqrt_rn_f(x); }
CW_DEVICE float rsqrtf(float x) { return __nvvm_rsqrt_approx_f(x); }
CW_DEVICE double rsqrt(double x) { return 1.0 / __nvvm_sqrt_rn_d(x); }
CW_DEVICE float fmaf(float a, float b, float c) { return __nvvm_fma_rn_f(a, b, c); }
CW_DEVICE double fma(double a, double b, double c) { return __nvvm_fma_rn_d(a, b, c); }
CW_DEVICE float fminf(float a, float b) { return __nvvm_fmin_f(a, b); }
CW_DEVICE float fmaxf(float a, float b) { return __nvvm_fmax_f(a, b); }
CW_DEVICE double fmin(double a, double b) { return __nvvm_fmin_d(a, b); }
CW_DEVICE double fmax(double a, double b) { return __nvvm_fmax_d(a, b); }
CW_DEVICE float floorf(float x) { return __nvvm_floor_f(x); }
CW_DEVICE double floor(double x) { return __nvvm_floor_d(x); }
CW_DEVICE float ceilf(float x) { return __nvvm_ceil_f(x); }
CW_DEVICE double ceil(double x) { return __nvvm_ceil_d(x); }
CW_DEVICE float truncf(float x) { return __nvvm_trunc_f(x); }
CW_DEVICE double trunc(double x) { return __nvvm_trunc_d(x); }
CW_DEVICE float rintf(float x) { return __builtin_rintf(x); }
CW_DEVICE double rint(double x) { return __builtin_rint(x); }
CW_DEVICE float roundf(float x) { return truncf(x + __builtin_copysignf(0.49999997f, x)); }
CW_DEVICE double round(double x)
{
	return trunc(x + __builtin_copysign(0.49999999999999994, x));
}
CW_DEVICE float copysignf(float x, float y) { return __builtin_copysignf(x, y); }
CW_DEVICE double copysign(double x, double y) { return __builtin_copysign(x, y); }
CW_DEVICE float __saturatef(float x) { return __nvvm_saturate_f(x); }
CW_DEVICE float fdividef(float a, float b) { return __nvvm_div_approx_f(a, b); }
CW_DEVICE float __fdividef(float a, float b) { return __nvvm_div_approx_f(a, b); }
CW_DEVICE float __frcp_rn(float x) { return __nvvm_rcp_rn_f(x); }
CW_DEVICE float __fmul_rn(float a, float b) { return __nvvm_mul_rn_f(a, b); }
CW_DEVICE float __fadd_rn(float a, float b) { return __nvvm_add_rn_f(a, b); }
CW_DEVICE double __dadd_rn(double a, double b) { return __nvvm_add_rn_d(a, b); }
CW_DEVICE double __dmul_rn(double a, double b) { return __nvvm_mul_rn_d(a, b); }
CW_DEVICE int __float2int_rn(float x) { return __nvvm_f2i_rn(x); }
CW_DEVICE int __float2int_rz(float x) { return __nvvm_f2i_rz(x); }
CW_DEVICE unsigned int __float2uint_rn(float x) { return __nvvm_f2ui_rn(x); }
CW_DEVICE float __int2float_rn(int x) { return __nvvm_i2f_rn(x); }

CW_DEVICE int abs(int x) { return x < 0 ? -x : x; }
CW_DEVICE int min(int a, int b) { return a < b ? a : b; }
CW_DEVICE int max(int a, int b) { return a > b ? a : b; }
CW_DEVICE unsigned int min(unsigned int a, unsigned int b) { return a < b ? a : b; }
CW_DEVICE unsigned int max(unsigned int a, unsigned int b) { return a > b ? a : b; }
CW_DEVICE long long min(long long a, long long b) { return a < b ? a : b; }
CW_DEVICE long long max(long long a, long long b) { return a > b ? a : b; }
CW_DEVICE float min(float a, float b) { return fminf(a, b); }
CW_DEVICE float max(float a, float b) { return fmaxf(a, b); }
CW_DEVICE double min(double a, double b) { return fmin(a, b); }
CW_DEVICE double max(double a, double b) { return fmax(a, b); }

/* The approximate instructions. 1.4427f is log2(e), 0.6931f its inverse. */
CW_DEVICE float __sinf(float x) { return __nvvm_sin_approx_f(x); }
CW_DEVICE float __cosf(float x) { return __nvvm_cos_approx_f(x); }
CW_DEVICE float __tanf(float x) { return __nvvm_div_approx_f(__sinf(x), __cosf(x)); }
CW_DEVICE float exp2f(float x) { return __nvvm_ex2_approx_f(x); }
CW_DEVICE float __expf(float x) { return __nvvm_ex2_approx_f(x * 1.44269504f); }
CW_DEVICE float __exp10f(float x) { return __nvvm_ex2_approx_f(x * 3.32192809f); }
CW_DEVICE float __log2f(float x) { return __nvvm_lg2_approx_f(x); }
CW_DEVICE float __logf(float x) { return __nvvm_lg2_approx_f(x) * 0.693147181f; }
CW_DEVICE float __log10f(float x) { return __nvvm_lg2_approx_f(x) * 0.301029996f; }
CW_DEVICE float __powf(float x, float y)
{
	return __nvvm_ex2_approx_f(y * __nvvm_lg2_approx_f(x));
}

#endif
