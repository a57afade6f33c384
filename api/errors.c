/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results in words.
 */
#include "api/errors.h"

#include <stddef.h>

CUresult api_error_text(CUresult result, const char **ret_name, const char **ret_text)
{
	const struct api_result *found = NULL;

	for (unsigned int i = 0; i < api_results_count; i++) {
		if (api_results[i].result == result)
			found = &api_results[i];
	}
	if (ret_name)
		*ret_name = found ? found->name : NULL;
	if (ret_text)
		*ret_text = found ? found->text : NULL;
	return found && (ret_name || ret_text) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
