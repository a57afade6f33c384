/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel into one LLVM function: warps [warp, warp_end) one after another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/jit/lower.h"

/* By family; what none of them takes goes to the interpreter's handlers. */
static bool lower_native(struct jit_lower *l, const struct sg_insn *in)
{
	switch (in->op) {
	case SG_OP_MOV: case SG_OP_SELP: case SG_OP_PACK: case SG_OP_UNPACK: case SG_OP_SREG:
	case SG_OP_LOCALADDR: case SG_OP_CVTA:
		return jit_lower_move(l, in);
	case SG_OP_LD:
	case SG_OP_ST:
		return jit_lower_mem(l, in);
	case SG_OP_CVT:
		return jit_lower_cvt(l, in);
	case SG_OP_SETP:
	case SG_OP_SET:
	case SG_OP_SLCT:
		return jit_lower_pred(l, in);
	case SG_OP_SHFL: case SG_OP_VOTE: case SG_OP_ACTIVEMASK: case SG_OP_MATCH:
	case SG_OP_REDUX: case SG_OP_ELECT: case SG_OP_BAR:
		return jit_lower_warp(l, in);
	case SG_OP_MEMBAR:
	case SG_OP_FENCE:
		LLVMBuildFence(l->b, LLVMAtomicOrderingSequentiallyConsistent, false, "");
		return true;
	default:
		break;
	}
	if (in->type == SG_PRED)
		return jit_lower_pred(l, in);
	if (sg_type_is_float(in->type) && jit_lower_float(l, in))
		return true;
	return jit_lower_alu(l, in) || jit_lower_bits(l, in);
}

static bool lower_is_flow(const struct sg_insn *in)
{
	return jit_is_branch(in) || jit_is_exit(in) ||
	       (in->op == SG_OP_BAR && !(in->flags & SG_F_WARP));
}

static void lower_guard(struct jit_lower *l, const struct sg_insn *in)
{
	struct sg_opnd o = { .kind = SG_OPND_REG, .reg = in->guard, .not = in->guard_not };

	l->guard = NULL;
	if (in->guard == SG_NO_REG)
		return;
	l->wide = jit_varying(l->f, in->guard);
	l->guard = jit_src_pred(l, &o);
}

static void lower_block(struct jit_lower *l, uint32_t i)
{
	const struct jit_block *b = &l->f->blocks[i];

	l->block = i;
	l->at = b->end > b->first ? &l->f->insns[b->first] : l->at;
	jit_flow_begin(l);
	for (uint32_t k = b->first; k < b->end; k++) {
		const struct sg_insn *in = &l->f->insns[k].in;

		l->at = &l->f->insns[k];
		lower_guard(l, in);
		if (lower_is_flow(in))
			break;
		l->wide = jit_dest_wide(l, in);
		if (!lower_native(l, in))
			jit_help(l);
	}
	jit_flow_end(l);
}

static void lower_types(struct jit_lower *l)
{
	l->i1 = LLVMInt1TypeInContext(l->c);
	l->i8 = LLVMInt8TypeInContext(l->c);
	l->i16 = LLVMInt16TypeInContext(l->c);
	l->i32 = LLVMInt32TypeInContext(l->c);
	l->i64 = LLVMInt64TypeInContext(l->c);
	l->f16 = LLVMHalfTypeInContext(l->c);
	l->f32 = LLVMFloatTypeInContext(l->c);
	l->f64 = LLVMDoubleTypeInContext(l->c);
	l->ptr = LLVMPointerTypeInContext(l->c, 0);
	l->md_invariant = LLVMGetMDKindIDInContext(l->c, "invariant.load", 14);
}

static void lower_attribute(struct jit_lower *l, const char *name, const char *value)
{
	LLVMAddAttributeAtIndex(l->fn, LLVMAttributeFunctionIndex,
				LLVMCreateStringAttribute(l->c, name, strlen(name), value,
							  strlen(value)));
}

static void lower_enum_attribute(struct jit_lower *l, unsigned index, const char *name)
{
	unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));

	LLVMAddAttributeAtIndex(l->fn, index, LLVMCreateEnumAttribute(l->c, kind, 0));
}

static bool lower_begin(struct jit_lower *l)
{
	struct jit_func *f = l->f;
	LLVMTypeRef type;

	l->c = LLVMContextCreate();
	lower_types(l);
	l->m = LLVMModuleCreateWithNameInContext("kernel", l->c);
	l->b = LLVMCreateBuilderInContext(l->c);
	type = LLVMFunctionType(l->i32, &l->ptr, 1, false);
	l->fn = LLVMAddFunction(l->m, "sg_kernel", type);
	lower_enum_attribute(l, LLVMAttributeFunctionIndex, "nounwind");
	lower_enum_attribute(l, 1, "noalias");
	lower_attribute(l, "prefer-vector-width", "512");
	lower_attribute(l, "min-legal-vector-width", "512");
	if (f->ftz) {
		lower_attribute(l, "denormal-fp-math", "preserve-sign,preserve-sign");
		lower_attribute(l, "denormal-fp-math-f32", "preserve-sign,preserve-sign");
	}
	l->ctx = LLVMGetParam(l->fn, 0);
	l->entry = jit_block_new(l, "entry");
	l->start = jit_block_new(l, "warp");
	l->warp_done = jit_block_new(l, "warp_done");
	l->ret_fault = jit_block_new(l, "fault");
	l->bb = calloc(f->nblocks, sizeof(*l->bb));
	l->test = calloc(f->nblocks, sizeof(*l->test));
	l->lanes = calloc(f->nblocks, sizeof(*l->lanes));
	l->need = calloc(f->reg_words, sizeof(*l->need));
	return l->bb && l->test && l->lanes && l->need && jit_value_init(l);
}

/* Lanes that exist: the last warp of a block may have fewer. */
static LLVMValueRef lower_live_lanes(struct jit_lower *l)
{
	LLVMValueRef lane[SG_JIT_LANES], first;

	for (int i = 0; i < SG_JIT_LANES; i++)
		lane[i] = LLVMConstInt(l->i32, i, false);
	first = LLVMBuildShl(l->b, jit_warp(l), LLVMConstInt(l->i32, 5, false), "");
	first = LLVMBuildSub(l->b, jit_ctx_get(l, l->i32, offsetof(struct sg_jit_ctx, threads)),
			     first, "");
	return LLVMBuildICmp(l->b, LLVMIntULT, LLVMConstVector(lane, SG_JIT_LANES),
			     jit_splat(l, first), "");
}

/* Everything as at the start of a warp: no value is ever undefined. */
static void lower_clear(struct jit_lower *l)
{
	for (uint32_t r = 0; r < l->f->nregs; r++) {
		if (l->reg[r])
			LLVMBuildStore(l->b, LLVMConstNull(LLVMGetAllocatedType(l->reg[r])),
				       l->reg[r]);
	}
	for (uint32_t i = 0; i < l->f->nblocks; i++)
		LLVMBuildStore(l->b, LLVMConstNull(jit_vec(l->i1)), l->lanes[i]);
	LLVMBuildStore(l->b, LLVMConstInt(l->i32, 1 << 14, false), l->budget);
}

static void lower_frame(struct jit_lower *l)
{
	struct jit_func *f = l->f;
	LLVMValueRef w, more, end, state;

	for (uint32_t i = 0; i < f->nblocks; i++) {
		l->bb[i] = jit_block_new(l, "b");
		l->lanes[i] = jit_alloca(l, jit_vec(l->i1), "lanes");
		for (uint32_t k = 0; k < f->nblocks && !l->test[i]; k++) {
			if (jit_bit(f->pend + (size_t)k * f->block_words, i))
				l->test[i] = jit_block_new(l, "test");
		}
	}
	l->warp = jit_alloca(l, l->i32, "warp");
	l->budget = jit_alloca(l, l->i32, "budget");
	LLVMPositionBuilderAtEnd(l->b, l->entry);
	LLVMBuildStore(l->b, jit_ctx_get(l, l->i32, offsetof(struct sg_jit_ctx, warp)), l->warp);
	lower_clear(l);
	state = jit_ctx_get(l, l->i32, offsetof(struct sg_jit_ctx, state));
	l->resume = LLVMBuildSwitch(l->b, state, l->start, 4);
	LLVMPositionBuilderAtEnd(l->b, l->start);
	lower_clear(l);
	LLVMBuildStore(l->b, lower_live_lanes(l), l->lanes[0]);
	LLVMBuildBr(l->b, l->bb[0]);
	LLVMPositionBuilderAtEnd(l->b, l->warp_done);
	w = LLVMBuildAdd(l->b, jit_warp(l), LLVMConstInt(l->i32, 1, false), "");
	LLVMBuildStore(l->b, w, l->warp);
	end = jit_ctx_get(l, l->i32, offsetof(struct sg_jit_ctx, warp_end));
	more = LLVMBuildICmp(l->b, LLVMIntULT, w, end, "");
	{
		LLVMBasicBlockRef done = jit_block_new(l, "done");

		LLVMBuildCondBr(l->b, more, l->start, done);
		LLVMPositionBuilderAtEnd(l->b, done);
		LLVMBuildRet(l->b, LLVMConstInt(l->i32, SG_JIT_DONE, false));
	}
	LLVMPositionBuilderAtEnd(l->b, l->ret_fault);
	jit_return(l, SG_JIT_FAULT);
}

static uint32_t lower_uses_local(const struct jit_func *f)
{
	return f->rq->prog->local_bytes ? SG_JIT_F_LOCAL : 0;
}

/* Header, tables and object in one piece. */
static struct sg_jit_image *lower_image(struct jit_lower *l, LLVMMemoryBufferRef object)
{
	size_t sites = l->nsites * sizeof(*l->sites);
	size_t groups = cw_align_up(l->ngroups * sizeof(uint32_t), 8);
	size_t bytes = cw_align_up(LLVMGetBufferSize(object), 8);
	size_t head = cw_align_up(sizeof(struct sg_jit_image) + sites + groups, 8);
	struct sg_jit_image *im = calloc(1, head + bytes);

	if (!im)
		return NULL;
	*im = (struct sg_jit_image){
		.magic = SG_JIT_MAGIC,
		.version = SG_JIT_VERSION,
		.bytes = head + bytes,
		.nsites = l->nsites,
		.ngroups = l->ngroups,
		.object_bytes = bytes,
		.nslots = l->nslots,
		.nmasks = l->nmasks,
		.spill_bytes = cw_align_up(l->spill_bytes, 64),
		.shape = l->f->rq->shape,
		.width = SG_JIT_LANES,
		.flags = (l->nresume ? SG_JIT_F_BARRIER : 0) | lower_uses_local(l->f),
		.csr = l->f->ftz ? 0x9fc0 : 0x1f80,
		.helped = l->helped,
		.insns = l->f->ninsns,
		.blocks = l->f->nblocks,
	};
	if (sites)
		memcpy(im + 1, l->sites, sites);
	if (l->ngroups)
		memcpy((char *)(im + 1) + sites, l->groups, l->ngroups * sizeof(uint32_t));
	memcpy((char *)im + head, LLVMGetBufferStart(object), LLVMGetBufferSize(object));
	return im;
}

static void lower_free(struct jit_lower *l)
{
	free(l->reg);
	free(l->bb);
	free(l->test);
	free(l->lanes);
	free(l->need);
	free(l->sites);
	free(l->groups);
	if (l->b)
		LLVMDisposeBuilder(l->b);
	if (l->m)
		LLVMDisposeModule(l->m);
	if (l->c)
		LLVMContextDispose(l->c);
}

/**
 * jit_lower() - From analysed kernel to image
 * @f:		with everything filled in
 * @ret_image:	to be freed
 *
 * Return: 0, -ENOTSUP with a reason, -ENOMEM.
 */
int jit_lower(struct jit_func *f, struct sg_jit_image **ret_image)
{
	struct jit_lower l = { .f = f };
	LLVMMemoryBufferRef object;
	int rc = -ENOMEM;

	if (lower_begin(&l)) {
		lower_frame(&l);
		for (uint32_t i = 0; i < f->nblocks; i++)
			lower_block(&l, i);
		rc = -ENOTSUP;
		object = l.failed ? NULL : jit_emit(&l);
		if (object) {
			*ret_image = lower_image(&l, object);
			LLVMDisposeMemoryBuffer(object);
			rc = *ret_image ? 0 : -ENOMEM;
		}
		if (l.failed)
			rc = -ENOMEM;
	}
	lower_free(&l);
	return rc;
}
