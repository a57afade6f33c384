/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device code: exponential, logarithm and circular functions.
 *
 * Double results are within a few units in the last place for arguments of
 * ordinary size (circular functions: |x| < 2^20); float results are the double
 * ones rounded. Coefficients are Taylor's, on intervals short enough for them.
 */
#ifndef CAUSEWAY_MATH_DOUBLE_H
#define CAUSEWAY_MATH_DOUBLE_H

/* 2^n for n in the range of normal numbers. */
CW_DEVICE double cw_pow2(int n) { return __longlong_as_double((long long)(n + 1023) << 52); }

CW_DEVICE double exp(double x)
{
	if (x != x)
		return x;
	if (x > 709.782712893384)
		return __builtin_inf();
	if (x < -745.2)
		return 0.0;
	/* x = n ln2 + r, |r| <= ln2/2; ln2 in two parts keeps r exact. */
	double n = __builtin_rint(x * 1.4426950408889634074);
	double r = fma(n, -6.93147180369123816490e-01, x);
	double p = 1.0;

	r = fma(n, -1.90821492927058770002e-10, r);
	for (int i = 14; i > 0; i--)
		p = fma(p, r / i, 1.0);
	/* In two steps, so that results below the normal range come out. */
	int k = (int)n;

	return p * cw_pow2(k / 2) * cw_pow2(k - k / 2);
}

CW_DEVICE double log(double x)
{
	if (x != x || x < 0)
		return __builtin_nan("");
	if (x == 0)
		return -__builtin_inf();
	if (x == __builtin_inf())
		return x;
	int scale = x < 2.2250738585072014e-308 ? 54 : 0;
	long long bits = __double_as_longlong(scale ? x * 18014398509481984.0 : x);
	int e = (int)(bits >> 52) - 1023 - scale;
	double m = __longlong_as_double((bits & 0xfffffffffffffLL) | 0x3ff0000000000000LL);

	if (m > 1.4142135623730951) {
		m *= 0.5;
		e++;
	}
	/* log m = 2 atanh(s), s = (m-1)/(m+1), |s| < 0.1716. */
	double s = (m - 1.0) / (m + 1.0);
	double s2 = s * s;
	double p = 0.0;

	for (int i = 25; i > 1; i -= 2)
		p = fma(p, s2, 1.0 / i);
	p = fma(p * s2, 2.0 * s, 2.0 * s);
	return fma((double)e, 6.93147180369123816490e-01,
		   fma((double)e, 1.90821492927058770002e-10, p));
}

/* Sine and cosine of r, |r| <= pi/4. */
CW_DEVICE double cw_sin_poly(double r)
{
	double r2 = r * r;
	double p = 1.0;

	for (int i = 16; i > 0; i -= 2)
		p = fma(p, -r2 / (i * (i + 1.0)), 1.0);
	return p * r;
}

CW_DEVICE double cw_cos_poly(double r)
{
	double r2 = r * r;
	double p = 1.0;

	for (int i = 16; i > 0; i -= 2)
		p = fma(p, -r2 / (i * (i - 1.0)), 1.0);
	return p;
}

/* x minus the nearest multiple of pi/2, pi/2 in three parts; *q the multiple. */
CW_DEVICE double cw_reduce(double x, int *q)
{
	double n = __builtin_rint(x * 6.36619772367581382433e-01);
	double r = fma(n, -1.57079632673412561417e+00, x);

	r = fma(n, -6.07710050630396597660e-11, r);
	r = fma(n, -2.02226624879595063154e-21, r);
	*q = (int)(long long)n & 3;
	return r;
}

CW_DEVICE double cw_circular(double x, int shift)
{
	int q;
	double r = cw_reduce(x, &q);
	double v;

	if (!(__builtin_fabs(x) < __builtin_inf()))
		return __builtin_nan("");
	q += shift;
	v = q & 1 ? cw_cos_poly(r) : cw_sin_poly(r);
	return q & 2 ? -v : v;
}

CW_DEVICE double sin(double x) { return cw_circular(x, 0); }
CW_DEVICE double cos(double x) { return cw_circular(x, 1); }
CW_DEVICE double tan(double x) { return sin(x) / cos(x); }
CW_DEVICE double exp2(double x) { return exp(x * 6.93147180559945309417e-01); }
CW_DEVICE double log2(double x) { return log(x) * 1.4426950408889634074; }
CW_DEVICE double log10(double x) { return log(x) * 4.34294481903251827651e-01; }

CW_DEVICE double tanh(double x)
{
	double e;

	if (__builtin_fabs(x) > 20)
		return __builtin_copysign(1.0, x);
	e = exp(2 * x);
	return (e - 1) / (e + 1);
}

CW_DEVICE double pow(double x, double y)
{
	double whole = trunc(y);
	double v;

	if (y == 0 || x == 1)
		return 1.0;
	if (x == 0)
		return y > 0 ? 0.0 : __builtin_inf();
	if (x > 0)
		return exp(y * log(x));
	if (whole != y)
		return __builtin_nan("");
	v = exp(y * log(-x));
	return whole - 2 * trunc(whole / 2) != 0 ? -v : v;
}

CW_DEVICE float expf(float x) { return (float)exp(x); }
CW_DEVICE float logf(float x) { return (float)log(x); }
CW_DEVICE float log2f(float x) { return (float)log2(x); }
CW_DEVICE float log10f(float x) { return (float)log10(x); }
CW_DEVICE float sinf(float x) { return (float)sin(x); }
CW_DEVICE float cosf(float x) { return (float)cos(x); }
CW_DEVICE float tanf(float x) { return (float)tan(x); }
CW_DEVICE float tanhf(float x) { return (float)tanh(x); }
CW_DEVICE float powf(float x, float y) { return (float)pow(x, y); }

#endif
