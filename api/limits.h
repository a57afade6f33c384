/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds of what generated code takes and gives in one call.
 */
#ifndef API_LIMITS_H
#define API_LIMITS_H

/* Elements of an array argument: as many words as the largest command holds. */
#define API_ELEMS_MAX 4096u
/* Elements of an array result, two of which fit what a call may answer, and bytes
 * of one that is not an array. */
#define API_OUT_ELEMS_MAX 2000u
#define API_OUT_BYTES_MAX 1024u
/* A string argument with its zero: mangled names of kernels are long. */
#define API_STRING_MAX 16384u
/* A name that comes back. */
#define API_NAME_MAX 1900u

#endif
