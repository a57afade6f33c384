/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/limits.h"

#define CT_LIMIT_SETTER(name, arg, id, help)                                                       \
	int ct_limit_##id(void *ctx, const char *value)                                            \
	{                                                                                          \
		return ct_strv_addf(&((struct ct_limits *)ctx)->args, "--" name "=%s", value);     \
	}
CT_LIMITS(CT_LIMIT_SETTER)
