/* SPDX-License-Identifier: Apache-2.0 */
#include "softgpu/ir/type.h"

#include <string.h>

const struct sg_type_info sg_type_info[SG_TYPE_COUNT] = {
#define SG_TYPE(id, word, size, class) [SG_##id] = { word, size, SG_CLASS_##class },
#include "softgpu/ir/types.def"
#undef SG_TYPE
};

/**
 * sg_type_by_word() - Type of a word such as "u32", without its dot
 * @word:	start of the word
 * @len:	bytes
 *
 * Return: the type, SG_NONE where there is none of that name.
 */
enum sg_type sg_type_by_word(const char *word, size_t len)
{
	for (int t = 1; t < SG_TYPE_COUNT; t++) {
		const char *w = sg_type_info[t].word;

		if (strlen(w) == len && !memcmp(w, word, len))
			return t;
	}
	return SG_NONE;
}

enum sg_type sg_type_widen(enum sg_type t)
{
	switch (t) {
	case SG_U8:
		return SG_U16;
	case SG_S8:
		return SG_S16;
	case SG_U16:
		return SG_U32;
	case SG_S16:
		return SG_S32;
	case SG_U32:
		return SG_U64;
	case SG_S32:
		return SG_S64;
	default:
		return SG_NONE;
	}
}
