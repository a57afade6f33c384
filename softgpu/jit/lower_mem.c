/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores.
 *
 * Theory of operation: an access is checked once for all lanes where their
 * addresses are a scalar and constants: the lowest and the highest must lie in
 * one piece of memory. Then the cheapest form that fits is used: one scalar,
 * one vector, a few vectors, a gather. Where addresses are a vector each lane
 * is checked. What does not pass goes to the slow path (run/access.c), which
 * does lane by lane what the interpreter does, faults included, and teaches
 * the slot for the next time.
 *
 * Loads read all lanes once the check has passed, wanted or not: the memory is
 * there. Stores keep to the lanes that are on, the highest last.
 */
#include "softgpu/jit/lower_mem.h"

#define B (l->b)

uint64_t mem_total(const struct mem *m)
{
	return (uint64_t)m->size * m->vec;
}

/* Least and greatest constant of the pattern. */
static void mem_bounds(const struct jit_lower *l, struct mem *m)
{
	const int64_t *k = l->f->patterns[m->shape].k;

	m->kmin = m->kmax = k[0];
	for (int i = 1; i < SG_JIT_LANES; i++) {
		m->kmin = cw_min(m->kmin, k[i]);
		m->kmax = cw_max(m->kmax, k[i]);
	}
}

/* The address, 64 bits: a scalar to which k is to be added, or a vector. */
void mem_address(struct jit_lower *l, struct mem *m)
{
	const struct sg_opnd *o = m->o;
	LLVMValueRef imm = LLVMConstInt(l->i64, o->imm, false), v;

	m->shape = jit_opnd_shape(l, o);
	if (m->shape != JIT_VARYING) {
		mem_bounds(l, m);
		v = o->reg == SG_NO_REG ? LLVMConstInt(l->i64, 0, false) :
					  jit_src_scalar(l, o, 8);
		m->raw = LLVMBuildIntCast2(B, v, l->i64, false, "");
		m->addr = LLVMBuildAdd(B, m->raw, imm, "");
		return;
	}
	v = jit_src_vec(l, o, 8);
	v = LLVMBuildIntCast2(B, v, jit_vec(l->i64), false, "");
	m->addr = LLVMBuildAdd(B, v, jit_splat(l, imm), "");
}

/* Addresses of all lanes. */
LLVMValueRef mem_all(struct jit_lower *l, const struct mem *m)
{
	LLVMValueRef v = m->addr;

	if (m->shape == JIT_VARYING)
		return v;
	v = jit_splat(l, v);
	return m->shape == JIT_UNIFORM ? v :
		       LLVMBuildAdd(B, v, jit_pattern_vec(l, l->i64, m->shape), "");
}

LLVMValueRef mem_call_intrinsic(struct jit_lower *l, const char *name, LLVMTypeRef *types,
				       LLVMValueRef *args)
{
	unsigned id = LLVMLookupIntrinsicID(name, __builtin_strlen(name));
	LLVMValueRef fn = LLVMGetIntrinsicDeclaration(l->m, id, types, 2);

	return LLVMBuildCall2(B, LLVMGlobalGetValueType(fn), fn, args, 4, "");
}

/* All lanes of a vector condition that are on, or do not matter. */
static LLVMValueRef mem_all_true(struct jit_lower *l, const struct mem *m, LLVMValueRef ok)
{
	LLVMValueRef off = LLVMBuildNot(B, m->active, "");

	return LLVMBuildICmp(B, LLVMIntEQ, jit_bits(l, LLVMBuildOr(B, ok, off, "")),
			     LLVMConstAllOnes(l->i32), "");
}

/* Are the constants multiples of the alignment? Else nothing can be said at once. */
static bool mem_k_aligned(const struct jit_lower *l, const struct mem *m)
{
	for (int i = 0; i < SG_JIT_LANES; i++) {
		if (l->f->patterns[m->shape].k[i] & (int64_t)(mem_total(m) - 1))
			return false;
	}
	return true;
}

/*
 * Are bytes [@at, @at + @bytes) from the register on inside memory of @limit
 * bytes, in every lane? The register is a scalar plus constants.
 */
static LLVMValueRef mem_in_sized(struct jit_lower *l, const struct mem *m, LLVMValueRef limit,
				 int64_t at, int64_t bytes)
{
	LLVMValueRef low = m->raw, args[2];
	int64_t up = m->kmax - m->kmin + bytes;

	/* Without the offset: the register's own 32 bits must not have wrapped. */
	if (at < 0)
		low = LLVMBuildAdd(B, low, LLVMConstInt(l->i64, (uint64_t)at, true), "");
	else
		up += at;
	low = LLVMBuildAdd(B, low, LLVMConstInt(l->i64, (uint64_t)m->kmin, true), "");
	args[0] = LLVMBuildSub(B, limit, LLVMConstInt(l->i64, (uint64_t)(up - 1), true), "");
	args[1] = LLVMConstInt(l->i64, 0, false);
	return LLVMBuildICmp(B, LLVMIntULT, low, jit_call(l, "llvm.smax", l->i64, args, 2), "");
}

/* The same where addresses are a vector, lane by lane. */
static LLVMValueRef mem_lanes_in_sized(struct jit_lower *l, const struct mem *m,
				       LLVMValueRef limit)
{
	LLVMValueRef args[2];

	args[0] = LLVMBuildSub(B, limit, LLVMConstInt(l->i64, mem_total(m) - 1, false), "");
	args[1] = LLVMConstInt(l->i64, 0, false);
	limit = jit_call(l, "llvm.smax", l->i64, args, 2);
	return LLVMBuildICmp(B, LLVMIntULT, m->addr, jit_splat(l, limit), "");
}

/* Host address and size of memory that has one place; NULL: global memory. */
static LLVMValueRef mem_place(struct jit_lower *l, struct mem *m, LLVMValueRef *ret_limit)
{
	LLVMValueRef p, at;

	switch (m->space) {
	case SG_SPACE_SHARED:
		*ret_limit = jit_ctx_get(l, l->i64, offsetof(struct sg_jit_ctx, shared_size));
		return jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, shared));
	case SG_SPACE_PARAM:
		*ret_limit = LLVMConstInt(l->i64, l->f->rq->prog->param_bytes, false);
		return jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, params));
	case SG_SPACE_LOCAL:
		p = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, local));
		at = jit_ctx_get(l, l->i64, offsetof(struct sg_jit_ctx, local_stride));
		at = LLVMBuildMul(B, LLVMBuildZExt(B, jit_warp(l), l->i64, ""), at, "");
		*ret_limit = jit_ctx_get(l, l->i64, offsetof(struct sg_jit_ctx, local_size));
		m->lane_stride = *ret_limit;
		return jit_at(l, p, at);
	default:
		return NULL;
	}
}

/* Field of a slot: 0 base, 1 count, 2 delta. */
static LLVMValueRef mem_slot(struct jit_lower *l, uint32_t slot, uint32_t field)
{
	LLVMValueRef p = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, slots));
	size_t at = slot * sizeof(struct sg_jit_slot) + 8 * field;

	return LLVMBuildLoad2(B, l->i64, jit_at(l, p, LLVMConstInt(l->i64, at, false)), "");
}

/* Is [register + @at, ...) in the slot's memory, for all lanes or lane by lane? */
static LLVMValueRef mem_in_slot(struct jit_lower *l, struct mem *m, uint32_t slot, int64_t at)
{
	LLVMValueRef base = mem_slot(l, slot, 0), count = mem_slot(l, slot, 1), low;

	m->delta = mem_slot(l, slot, 2);
	if (m->shape == JIT_VARYING) {
		low = LLVMBuildSub(B, m->addr, jit_splat(l, base), "");
		return LLVMBuildICmp(B, LLVMIntULT, low, jit_splat(l, count), "");
	}
	low = LLVMBuildAdd(B, m->raw, LLVMConstInt(l->i64, (uint64_t)(m->kmin + at), true), "");
	return LLVMBuildICmp(B, LLVMIntULT, LLVMBuildSub(B, low, base, ""), count, "");
}

static LLVMValueRef mem_low_bits_zero(struct jit_lower *l, LLVMValueRef v, uint64_t align)
{
	LLVMTypeRef t = LLVMTypeOf(v);

	v = LLVMBuildAnd(B, v, jit_const(t, align - 1), "");
	return LLVMBuildICmp(B, LLVMIntEQ, v, LLVMConstNull(t), "");
}

static void mem_group_def(void *arg, uint32_t reg)
{
	struct jit_group *g = arg;

	g->over |= reg == g->reg;
}

/* The address operand of a load or store, NULL for anything else. */
static const struct sg_opnd *mem_operand(const struct sg_insn *in)
{
	return in->op == SG_OP_LD ? &in->o[in->vec] : in->op == SG_OP_ST ? &in->o[0] : NULL;
}

/*
 * Accesses of this block through one register that is not written in between
 * are checked together, by the first of them.
 */
static void mem_group_scan(struct jit_lower *l, const struct mem *m, struct jit_group *g)
{
	const struct jit_block *b = &l->f->blocks[l->block];
	uint16_t op = l->at->in.op;

	*g = (struct jit_group){
		.reg = m->o->reg, .space = m->space, .op = op, .lo = m->o->imm,
		.hi = m->o->imm + mem_total(m), .align = mem_total(m), .block = l->block,
	};
	for (g->end = l->at - l->f->insns; g->end < b->end && !g->over; g->end++) {
		const struct sg_insn *in = &l->f->insns[g->end].in;
		const struct sg_opnd *o = mem_operand(in);

		jit_defs(in, mem_group_def, g);
		if (!o || in->op != op || in->space != m->space || o->reg != g->reg)
			continue;
		g->n++;
		g->lo = cw_min(g->lo, (int64_t)o->imm);
		g->hi = cw_max(g->hi, (int64_t)(o->imm + sg_type_size(in->type) * in->vec));
		g->align = cw_max(g->align, sg_type_size(in->type) * in->vec);
	}
}

/* Every constant and offset a multiple of the alignment? */
static bool mem_group_aligned(const struct jit_lower *l, const struct jit_group *g)
{
	const struct jit_pattern *p = &l->f->patterns[l->f->shape[g->reg]];

	for (int i = 0; i < SG_JIT_LANES; i++) {
		if (p->k[i] & (g->align - 1))
			return false;
	}
	for (uint32_t i = l->at - l->f->insns; i < g->end; i++) {
		const struct sg_opnd *o = mem_operand(&l->f->insns[i].in);

		if (o && o->reg == g->reg && (o->imm & (g->align - 1)))
			return false;
	}
	return true;
}

/* The check for the group of this access, made now or before. */
static LLVMValueRef mem_check_group(struct jit_lower *l, struct mem *m)
{
	struct jit_group *g = &l->group[(m->o->reg + 7 * l->at->in.op + m->space) % JIT_GROUPS];
	uint32_t at = l->at - l->f->insns;
	LLVMValueRef limit;

	if (g->ok && g->block == l->block && g->reg == m->o->reg && g->space == m->space &&
	    g->op == l->at->in.op && at < g->end) {
		m->base = g->base;
		m->delta = g->delta;
	} else {
		mem_group_scan(l, m, g);
		if (g->hi - g->lo > JIT_GROUP_MAX || !mem_group_aligned(l, g)) {
			/* By itself: its own bytes and alignment. */
			g->end = at + 1;
			g->lo = m->o->imm;
			g->hi = g->lo + mem_total(m);
			g->align = mem_total(m);
		}
		m->base = mem_place(l, m, &limit);
		if (m->base) {
			g->ok = mem_in_sized(l, m, limit, g->lo, g->hi - g->lo);
		} else {
			g->slot = l->nslots++;
			g->ok = mem_in_slot(l, m, g->slot, g->lo);
		}
		/* Never aligned in all lanes: always the slow path, and its fault. */
		if (!mem_group_aligned(l, g))
			g->ok = LLVMConstInt(l->i1, 0, false);
		else if (g->align > 1)
			g->ok = LLVMBuildAnd(B, g->ok, mem_low_bits_zero(l, m->raw, g->align), "");
		g->base = m->base;
		g->delta = m->delta;
	}
	if (!m->base) {
		l->sites[m->site].slot = g->slot;
		l->sites[m->site].span = g->hi - g->lo + m->kmax - m->kmin;
	}
	return g->ok;
}

LLVMValueRef mem_check(struct jit_lower *l, struct mem *m)
{
	LLVMValueRef ok, limit;

	/* Local memory is apart for each lane: nothing to share. */
	if (m->shape != JIT_VARYING && m->space != SG_SPACE_LOCAL && m->o->reg != SG_NO_REG)
		return mem_check_group(l, m);
	m->base = mem_place(l, m, &limit);
	if (!m->base) {
		l->sites[m->site].slot = l->nslots;
		ok = mem_in_slot(l, m, l->nslots++, m->shape == JIT_VARYING ? 0 : m->o->imm);
	} else if (m->shape == JIT_VARYING) {
		ok = mem_lanes_in_sized(l, m, limit);
	} else {
		ok = mem_in_sized(l, m, limit, m->o->imm, mem_total(m));
	}
	if (mem_total(m) > 1)
		ok = LLVMBuildAnd(B, ok, mem_low_bits_zero(l, m->addr, mem_total(m)), "");
	if (m->shape == JIT_VARYING)
		return mem_all_true(l, m, ok);
	if (mem_total(m) > 1 && !mem_k_aligned(l, m))
		return LLVMConstInt(l->i1, 0, false);
	return ok;
}

/* Host address of a device address plus a constant. */
LLVMValueRef mem_host(struct jit_lower *l, const struct mem *m, LLVMValueRef addr,
			     int64_t plus)
{
	LLVMTypeRef t = LLVMTypeOf(addr);
	bool vec = LLVMGetTypeKind(t) == LLVMVectorTypeKind;

	addr = LLVMBuildAdd(B, addr, jit_const(t, (uint64_t)plus), "");
	if (m->base)
		return LLVMBuildGEP2(B, l->i8, m->base, &addr, 1, "");
	addr = LLVMBuildAdd(B, addr, vec ? jit_splat(l, m->delta) : m->delta, "");
	return LLVMBuildIntToPtr(B, addr, vec ? jit_vec(l->ptr) : l->ptr, "");
}

/* Host addresses of element @e in all lanes. */
LLVMValueRef mem_host_all(struct jit_lower *l, const struct mem *m, uint32_t e)
{
	LLVMValueRef a = mem_all(l, m), lane[SG_JIT_LANES], off;

	if (m->lane_stride) {
		for (int i = 0; i < SG_JIT_LANES; i++)
			lane[i] = LLVMConstInt(l->i64, i, false);
		off = LLVMBuildMul(B, jit_splat(l, m->lane_stride),
				   LLVMConstVector(lane, SG_JIT_LANES), "");
		a = LLVMBuildAdd(B, a, off, "");
	} else if (m->shape == JIT_VARYING && m->base) {
		/* Offsets into small memory: 32 bits make a shorter gather. */
		a = LLVMBuildTrunc(B, a, jit_vec(l->i32), "");
	}
	return mem_host(l, m, a, (int64_t)e * m->size);
}

/* Lanes follow each other without a gap. */
bool mem_consecutive(const struct jit_lower *l, const struct mem *m, uint64_t stride)
{
	const int64_t *k;

	if (m->shape == JIT_VARYING || m->shape == JIT_UNIFORM || m->lane_stride)
		return false;
	k = l->f->patterns[m->shape].k;
	for (int i = 0; i < SG_JIT_LANES; i++) {
		if (k[i] - k[0] != (int64_t)(i * stride))
			return false;
	}
	return true;
}

LLVMValueRef mem_slow_call(struct jit_lower *l, const struct mem *m, size_t fn)
{
	LLVMTypeRef types[4] = { l->ptr, l->i32, l->i32, l->i32 };
	LLVMValueRef args[4], r;

	args[0] = l->ctx;
	args[1] = jit_warp(l);
	args[2] = jit_bits(l, m->active);
	args[3] = LLVMConstInt(l->i32, m->site, false);
	r = LLVMBuildCall2(B, LLVMFunctionType(l->i32, types, 4, false),
			   jit_ctx_get(l, l->ptr, fn), args, 4, "");
	jit_require(l, LLVMBuildICmp(B, LLVMIntEQ, r, LLVMConstInt(l->i32, 0, false), ""),
		    l->ret_fault);
	return r;
}

LLVMValueRef mem_scratch(struct jit_lower *l, int row)
{
	LLVMValueRef p = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, access));
	size_t at = row < 0 ? offsetof(struct sg_jit_access, addr) :
			      offsetof(struct sg_jit_access, data) + row * 256;

	return jit_at(l, p, LLVMConstInt(l->i64, at, false));
}

void mem_fence(struct jit_lower *l, const struct sg_insn *in)
{
	if (in->sem != SG_SEM_WEAK)
		LLVMBuildFence(B, LLVMAtomicOrderingAcquireRelease, false, "");
}

bool jit_lower_mem(struct jit_lower *l, const struct sg_insn *in)
{
	bool store = in->op == SG_OP_ST;
	struct mem m = {
		.o = store ? &in->o[0] : &in->o[in->vec],
		.space = in->space,
		.size = sg_type_size(in->type),
		.vec = in->vec,
	};

	if ((in->op != SG_OP_LD && !store) || m.size > 8 || m.vec > 4)
		return false;
	m.active = jit_active(l);
	if (store)
		return mem_store(l, in, &m);
	mem_load(l, in, &m);
	return true;
}

uint32_t mem_site(struct jit_lower *l, const struct mem *m)
{
	uint32_t site = jit_site_new(l);
	struct sg_jit_site *s;
	uint16_t shape = jit_opnd_shape(l, m->o);

	if (l->failed)
		return 0;
	s = &l->sites[site];
	s->size = mem_total(m);
	s->pad = m->vec;
	s->space = m->space;
	s->span = s->size;
	if (shape != JIT_VARYING) {
		struct mem b = { .shape = shape };

		mem_bounds(l, &b);
		s->span += b.kmax - b.kmin;
	}
	return site;
}

