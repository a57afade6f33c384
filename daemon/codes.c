/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/codes.h"

static const struct {
	const char *name;
	const char *text;
} codes[] = {
#define CD_CODE_ROW(id, code, what) [id] = { code, what },
	CD_CODES(CD_CODE_ROW)
#undef CD_CODE_ROW
};
_Static_assert(CW_ARRAY_SIZE(codes) == CD_CODE_COUNT, "a row per code");

/**
 * cd_code_name() - The code as people search for it
 * @code:	enum cd_code
 *
 * Return: "CW-E0101"; constant.
 */
const char *cd_code_name(enum cd_code code)
{
	return codes[code].name;
}

/**
 * cd_code_text() - What the code stands for, in a few words
 * @code:	enum cd_code
 *
 * Return: constant text.
 */
const char *cd_code_text(enum cd_code code)
{
	return codes[code].text;
}
