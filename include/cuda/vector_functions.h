/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_int2() and its family, for host and device code.
 */
#ifndef CAUSEWAY_VECTOR_FUNCTIONS_H
#define CAUSEWAY_VECTOR_FUNCTIONS_H

#include "host_defines.h"
#include "vector_types.h"

#ifdef __cplusplus
#define CW_VECTOR_MAKE(name, type)                                                                 \
	static inline CW_HOST_DEVICE name##1 make_##name##1(type x)                                \
	{                                                                                          \
		return name##1{ x };                                                               \
	}                                                                                          \
	static inline CW_HOST_DEVICE name##2 make_##name##2(type x, type y)                        \
	{                                                                                          \
		return name##2{ x, y };                                                            \
	}                                                                                          \
	static inline CW_HOST_DEVICE name##3 make_##name##3(type x, type y, type z)                \
	{                                                                                          \
		return name##3{ x, y, z };                                                         \
	}                                                                                          \
	static inline CW_HOST_DEVICE name##4 make_##name##4(type x, type y, type z, type w)        \
	{                                                                                          \
		return name##4{ x, y, z, w };                                                      \
	}

CW_VECTOR_MAKE(char, signed char)
CW_VECTOR_MAKE(uchar, unsigned char)
CW_VECTOR_MAKE(short, short)
CW_VECTOR_MAKE(ushort, unsigned short)
CW_VECTOR_MAKE(int, int)
CW_VECTOR_MAKE(uint, unsigned int)
CW_VECTOR_MAKE(long, long)
CW_VECTOR_MAKE(ulong, unsigned long)
CW_VECTOR_MAKE(longlong, long long)
CW_VECTOR_MAKE(ulonglong, unsigned long long)
CW_VECTOR_MAKE(float, float)
CW_VECTOR_MAKE(double, double)
#undef CW_VECTOR_MAKE
#endif

#endif
