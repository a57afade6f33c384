/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the code of a kernel depends on, as one number. The program is taken in
 * as it was parsed, not as text: addresses of module variables are in it, and
 * what comments or the order of functions say is not.
 */
#include <string.h>

#include "softgpu/jit/run/cache.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static void key_words(struct sha256_ctx *c, const uint64_t *w, size_t n)
{
	sha256_update(c, n * sizeof(*w), (const uint8_t *)w);
}

static void key_insn(struct sha256_ctx *c, const struct sg_insn *in)
{
	uint64_t w[8] = {
		in->op | (uint64_t)in->type << 16 | (uint64_t)in->type2 << 24 |
			(uint64_t)in->round << 32 | (uint64_t)in->cmp << 40 |
			(uint64_t)in->sub << 48 | (uint64_t)in->space << 56,
		in->sem | (uint64_t)in->vec << 8 | (uint64_t)in->nd << 16 |
			(uint64_t)in->n << 24 | (uint64_t)in->sreg << 32 |
			(uint64_t)in->guard_not << 40,
		in->flags, in->guard, in->target, in->ntargets,
		in->call ? 1 + in->call->builtin : 0, in->call && in->call->target,
	};

	key_words(c, w, CW_ARRAY_SIZE(w));
	for (uint32_t i = 0; i < in->ntargets; i++)
		key_words(c, &(uint64_t){ in->targets[i] }, 1);
	for (uint32_t i = 0; i < in->n; i++) {
		const struct sg_opnd *o = &in->o[i];
		uint64_t v[3] = { o->kind | (uint64_t)o->not << 8, o->reg, o->imm };

		key_words(c, v, CW_ARRAY_SIZE(v));
	}
}

static void key_func(struct sha256_ctx *c, const struct sg_jit_request *rq, uint32_t i)
{
	const struct sg_func *f = rq->prog->funcs[i];
	uint64_t w[4] = { f->nregs, f->ninsns, f->frame, f->frame_reg };

	key_words(c, w, CW_ARRAY_SIZE(w));
	sha256_update(c, f->nregs, f->regs);
	sha256_update(c, f->nregs * sizeof(uint32_t), (const uint8_t *)rq->reg_row[i]);
	sha256_update(c, (f->ninsns + 1) * sizeof(uint32_t), (const uint8_t *)rq->insn_code[i]);
	sha256_update(c, f->ninsns, f->leader);
	for (uint32_t k = 0; k < f->ninsns; k++)
		key_insn(c, &f->insns[k]);
}

/* Model and features of this CPU, without what differs from core to core. */
static void key_cpu(struct sha256_ctx *c)
{
#if defined(__x86_64__)
	static const unsigned leaves[][2] = {
		{ 0, 0 }, { 1, 0 }, { 7, 0 }, { 7, 1 }, { 13, 1 }, { 0x80000001, 0 },
	};
	unsigned r[4];

	for (size_t i = 0; i < CW_ARRAY_SIZE(leaves); i++) {
		memset(r, 0, sizeof(r));
		__get_cpuid_count(leaves[i][0], leaves[i][1], &r[0], &r[1], &r[2], &r[3]);
		if (leaves[i][0] == 1)
			r[1] = 0;	/* the core's own number */
		if (leaves[i][0] == 13)
			r[1] = 0;	/* depends on what is enabled now */
		sha256_update(c, sizeof(r), (const uint8_t *)r);
	}
#endif
}

void sg_jit_key_make(const struct sg_jit_request *rq, const char *compiler,
		     struct sg_jit_key *ret_key)
{
	const struct sg_prog *p = rq->prog;
	uint64_t w[9] = {
		SG_JIT_VERSION, sizeof(struct sg_jit_ctx), rq->shape, rq->isa, rq->careful,
		p->param_bytes, p->dynamic_offset, p->local_bytes, p->nfuncs,
	};
	struct sha256_ctx c;

	sha256_init(&c);
	sha256_update(&c, sizeof(CW_VERSION), (const uint8_t *)CW_VERSION);
	sha256_update(&c, strlen(compiler) + 1, (const uint8_t *)compiler);
	key_cpu(&c);
	key_words(&c, w, CW_ARRAY_SIZE(w));
	for (uint32_t i = 0; i < p->nfuncs; i++)
		key_func(&c, rq, i);
	sha256_digest(&c, sizeof(ret_key->bytes), ret_key->bytes);
}
