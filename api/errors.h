/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and meanings of CUresult values, in the guest library and in the
 * software GPU alike.
 */
#ifndef API_ERRORS_H
#define API_ERRORS_H

#include "cw/cuda.h"
#include "cw/util.h"

struct api_result {
	CUresult result;
	const char *name;
	const char *text;
};

extern CW_HIDDEN const struct api_result api_results[];
extern CW_HIDDEN const unsigned int api_results_count;

/**
 * api_error_text() - cuGetErrorName and cuGetErrorString
 * @result:	any value
 * @ret_name:	its name, or NULL where the caller does not want it
 * @ret_text:	its meaning, or NULL where the caller does not want it
 *
 * Return: CUDA_ERROR_INVALID_VALUE for a value that is no result (what is
 * wanted is set to NULL then), or where nothing is wanted.
 */
CUresult api_error_text(CUresult result, const char **ret_name, const char **ret_text);

#endif
