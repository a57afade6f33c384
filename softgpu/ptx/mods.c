/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words behind an opcode: types, and modifiers by group. A word counts only
 * where the family takes its group (ops.def), so "and" is a combination for
 * setp, an operation for atom, and an error for add.
 */
#include <string.h>

#include "softgpu/ptx/parse.h"

enum mod_field {
	F_NOTHING,
	F_ROUND,
	F_CMP,
	F_SUB,
	F_SPACE,
	F_SEM,
	F_VEC,
	F_FLAG,
};

struct mod_word {
	const char *word;
	uint32_t group;
	uint8_t field;
	uint32_t value;
};

static const struct mod_word mod_words[] = {
	{ "rn", M_ROUND, F_ROUND, SG_ROUND_RN },
	{ "rz", M_ROUND, F_ROUND, SG_ROUND_RZ },
	{ "rm", M_ROUND, F_ROUND, SG_ROUND_RM },
	{ "rp", M_ROUND, F_ROUND, SG_ROUND_RP },
	{ "rna", M_ROUND, F_ROUND, SG_ROUND_RNA },
	{ "rni", M_ROUND, F_ROUND, SG_ROUND_RNI },
	{ "rzi", M_ROUND, F_ROUND, SG_ROUND_RZI },
	{ "rmi", M_ROUND, F_ROUND, SG_ROUND_RMI },
	{ "rpi", M_ROUND, F_ROUND, SG_ROUND_RPI },
	{ "ftz", M_FTZ, F_FLAG, SG_F_FTZ },
	{ "sat", M_SAT, F_FLAG, SG_F_SAT },
	{ "approx", M_APPROX, F_FLAG, SG_F_APPROX },
	{ "full", M_APPROX, F_FLAG, SG_F_FULL },
	{ "cc", M_CC, F_FLAG, SG_F_CC },
	{ "lo", M_MULMODE, F_SUB, SG_SUB_LO },
	{ "hi", M_MULMODE, F_SUB, SG_SUB_HI },
	{ "wide", M_MULMODE, F_SUB, SG_SUB_WIDE },
	{ "NaN", M_NANMOD, F_FLAG, SG_F_NAN },
	{ "xorsign", M_NANMOD, F_FLAG, SG_F_XORSIGN_ABS },
	{ "abs", M_NANMOD, F_FLAG, SG_F_ABS },
	{ "shiftamt", M_SHIFTAMT, F_FLAG, SG_F_SHIFTAMT },
	{ "wrap", M_WRAPMODE, F_FLAG, SG_F_WRAP },
	{ "clamp", M_WRAPMODE, F_FLAG, SG_F_CLAMP },
	{ "relu", M_RELU, F_FLAG, SG_F_RELU },
	{ "finite", M_TESTP, F_SUB, SG_SUB_FINITE },
	{ "infinite", M_TESTP, F_SUB, SG_SUB_INFINITE },
	{ "number", M_TESTP, F_SUB, SG_SUB_NUMBER },
	{ "notanumber", M_TESTP, F_SUB, SG_SUB_NOTANUMBER },
	{ "normal", M_TESTP, F_SUB, SG_SUB_NORMAL },
	{ "subnormal", M_TESTP, F_SUB, SG_SUB_SUBNORMAL },
	{ "eq", M_CMP, F_CMP, SG_CMP_EQ },
	{ "ne", M_CMP, F_CMP, SG_CMP_NE },
	{ "lt", M_CMP, F_CMP, SG_CMP_LT },
	{ "le", M_CMP, F_CMP, SG_CMP_LE },
	{ "gt", M_CMP, F_CMP, SG_CMP_GT },
	{ "ge", M_CMP, F_CMP, SG_CMP_GE },
	{ "lo", M_CMP, F_CMP, SG_CMP_LO },
	{ "ls", M_CMP, F_CMP, SG_CMP_LS },
	{ "hi", M_CMP, F_CMP, SG_CMP_HI },
	{ "hs", M_CMP, F_CMP, SG_CMP_HS },
	{ "equ", M_CMP, F_CMP, SG_CMP_EQU },
	{ "neu", M_CMP, F_CMP, SG_CMP_NEU },
	{ "ltu", M_CMP, F_CMP, SG_CMP_LTU },
	{ "leu", M_CMP, F_CMP, SG_CMP_LEU },
	{ "gtu", M_CMP, F_CMP, SG_CMP_GTU },
	{ "geu", M_CMP, F_CMP, SG_CMP_GEU },
	{ "num", M_CMP, F_CMP, SG_CMP_NUM },
	{ "nan", M_CMP, F_CMP, SG_CMP_NAN },
	{ "and", M_COMBINE, F_SUB, SG_SUB_AND },
	{ "or", M_COMBINE, F_SUB, SG_SUB_OR },
	{ "xor", M_COMBINE, F_SUB, SG_SUB_XOR },
	{ "add", M_COMBINE, F_SUB, SG_SUB_ADD },
	{ "min", M_COMBINE, F_SUB, SG_SUB_MIN },
	{ "max", M_COMBINE, F_SUB, SG_SUB_MAX },
	{ "inc", M_COMBINE, F_SUB, SG_SUB_INC },
	{ "dec", M_COMBINE, F_SUB, SG_SUB_DEC },
	{ "cas", M_COMBINE, F_SUB, SG_SUB_CAS },
	{ "exch", M_COMBINE, F_SUB, SG_SUB_EXCH },
	{ "popc", M_COMBINE, F_SUB, SG_SUB_POPC },
	{ "l", M_SHFDIR, F_SUB, SG_SUB_L },
	{ "r", M_SHFDIR, F_SUB, SG_SUB_R },
	{ "f4e", M_PRMT, F_SUB, SG_SUB_F4E },
	{ "b4e", M_PRMT, F_SUB, SG_SUB_B4E },
	{ "rc8", M_PRMT, F_SUB, SG_SUB_RC8 },
	{ "ecl", M_PRMT, F_SUB, SG_SUB_ECL },
	{ "ecr", M_PRMT, F_SUB, SG_SUB_ECR },
	{ "rc16", M_PRMT, F_SUB, SG_SUB_RC16 },
	{ "up", M_SHFL, F_SUB, SG_SUB_UP },
	{ "down", M_SHFL, F_SUB, SG_SUB_DOWN },
	{ "bfly", M_SHFL, F_SUB, SG_SUB_BFLY },
	{ "idx", M_SHFL, F_SUB, SG_SUB_IDX },
	{ "any", M_VOTE, F_SUB, SG_SUB_ANY },
	{ "all", M_VOTE, F_SUB, SG_SUB_ALL },
	{ "uni", M_VOTE, F_SUB, SG_SUB_UNI },
	{ "ballot", M_VOTE, F_SUB, SG_SUB_BALLOT },
	{ "sync", M_SYNC, F_FLAG, SG_F_SYNC },
	/* sem holds what bar does; sub how bar.red combines */
	{ "sync", M_BAR, F_SEM, SG_SUB_SYNC },
	{ "arrive", M_BAR, F_SEM, SG_SUB_ARRIVE },
	{ "red", M_BAR, F_SEM, SG_SUB_RED },
	{ "warp", M_BAR, F_FLAG, SG_F_WARP },
	{ "aligned", M_BAR, F_NOTHING, 0 },
	{ "cta", M_BAR, F_NOTHING, 0 },
	{ "cta", M_SCOPE, F_NOTHING, 0 },
	{ "cluster", M_SCOPE, F_NOTHING, 0 },
	{ "gpu", M_SCOPE, F_NOTHING, 0 },
	{ "gl", M_SCOPE, F_NOTHING, 0 },
	{ "sys", M_SCOPE, F_NOTHING, 0 },
	{ "weak", M_SEM, F_SEM, SG_SEM_WEAK },
	{ "volatile", M_SEM, F_SEM, SG_SEM_VOLATILE },
	{ "relaxed", M_SEM, F_SEM, SG_SEM_RELAXED },
	{ "acquire", M_SEM, F_SEM, SG_SEM_ACQUIRE },
	{ "release", M_SEM, F_SEM, SG_SEM_RELEASE },
	{ "acq_rel", M_SEM, F_SEM, SG_SEM_ACQ_REL },
	{ "sc", M_SEM, F_SEM, SG_SEM_SC },
	{ "mmio", M_SEM, F_SEM, SG_SEM_VOLATILE },
	{ "uni", M_UNI, F_FLAG, SG_F_UNI },
	{ "idx", M_IDX, F_NOTHING, 0 },
	{ "to", M_TO, F_FLAG, SG_F_TO },
	{ "noftz", M_NOFTZ, F_FLAG, SG_F_NOFTZ },
	{ "global", M_SPACE, F_SPACE, SG_SPACE_GLOBAL },
	{ "shared", M_SPACE, F_SPACE, SG_SPACE_SHARED },
	{ "shared::cta", M_SPACE, F_SPACE, SG_SPACE_SHARED },
	{ "local", M_SPACE, F_SPACE, SG_SPACE_LOCAL },
	{ "const", M_SPACE, F_SPACE, SG_SPACE_CONST },
	{ "param", M_SPACE, F_SPACE, SG_SPACE_PARAM },
	{ "param::entry", M_SPACE, F_SPACE, SG_SPACE_PARAM },
	{ "param::func", M_SPACE, F_SPACE, SG_SPACE_PARAM },
	{ "v2", M_VEC, F_VEC, 2 },
	{ "v4", M_VEC, F_VEC, 4 },
};

/* Hints about caches, prefetching and proxies: of no effect here. */
static const char *const mod_hints[] = {
	"ca",    "cg",    "cs",    "lu",       "cv",     "wb",      "wt",
	"nc",    "L1",    "L2",    "proxy",    "alias",  "async",   "generic",
	"wait",  "launch_dependents", "mbarrier_init", "unified", "tensormap",
};

static bool mod_is_hint(const struct sg_tok *t)
{
	if (t->len > 4 && (!memcmp(t->s, "L1::", 4) || !memcmp(t->s, "L2::", 4) ||
			   (t->len > 7 && !memcmp(t->s, "async::", 7))))
		return true;
	for (size_t i = 0; i < CW_ARRAY_SIZE(mod_hints); i++) {
		if (sg_tok_is(t, SG_TOK_DOT, mod_hints[i]))
			return true;
	}
	return false;
}

static void mod_apply(struct sg_insn *in, const struct mod_word *w)
{
	switch ((enum mod_field)w->field) {
	case F_NOTHING:
		break;
	case F_ROUND:
		in->round = w->value;
		break;
	case F_CMP:
		in->cmp = w->value;
		break;
	case F_SUB:
		in->sub = w->value;
		break;
	case F_SPACE:
		in->space = w->value;
		break;
	case F_SEM:
		in->sem = w->value;
		break;
	case F_VEC:
		in->vec = w->value;
		break;
	case F_FLAG:
		in->flags |= w->value;
		break;
	}
}

/* One word; true where it is a modifier this family takes. */
static bool mod_known(struct sg_insn *in, const struct sg_tok *t)
{
	uint32_t groups = sg_op_info[in->op].mods;

	for (size_t i = 0; i < CW_ARRAY_SIZE(mod_words); i++) {
		const struct mod_word *w = &mod_words[i];

		if (!(w->group & groups) || !sg_tok_is(t, SG_TOK_DOT, w->word))
			continue;
		/* setp.lo.and: the first word of a group that is not taken yet. */
		mod_apply(in, w);
		return true;
	}
	return (groups & M_CACHE) && mod_is_hint(t);
}

bool sg_parse_mods(struct sg_parse *ps, struct sg_insn *in)
{
	uint32_t types = sg_op_info[in->op].types;

	for (; ps->lx.tok.kind == SG_TOK_DOT; sg_lex_next(&ps->lx)) {
		const struct sg_tok *t = &ps->lx.tok;
		enum sg_type type = sg_type_by_word(t->s, t->len);

		if (type != SG_NONE && in->type == SG_NONE)
			in->type = type;
		else if (type != SG_NONE && in->type2 == SG_NONE)
			in->type2 = type;
		else if (type != SG_NONE || !mod_known(in, t))
			return sg_parse_error(ps, "%s does not take .%.*s",
					      sg_op_info[in->op].word, (int)t->len, t->s);
	}
	if (!(types >> in->type & 1))
		return sg_parse_error(ps, "%s is not defined for type %s",
				      sg_op_info[in->op].word,
				      in->type ? sg_type_info[in->type].word : "(none)");
	return true;
}
