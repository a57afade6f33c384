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

static uint64_t mem_total(const struct mem *m)
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
static void mem_address(struct jit_lower *l, struct mem *m)
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
static LLVMValueRef mem_all(struct jit_lower *l, const struct mem *m)
{
	LLVMValueRef v = m->addr;

	if (m->shape == JIT_VARYING)
		return v;
	v = jit_splat(l, v);
	return m->shape == JIT_UNIFORM ? v :
		       LLVMBuildAdd(B, v, jit_pattern_vec(l, l->i64, m->shape), "");
}

static LLVMValueRef mem_call_intrinsic(struct jit_lower *l, const char *name, LLVMTypeRef *types,
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

static LLVMValueRef mem_aligned(struct jit_lower *l, const struct mem *m)
{
	LLVMTypeRef t = LLVMTypeOf(m->addr);
	LLVMValueRef low = LLVMBuildAnd(B, m->addr, jit_const(t, mem_total(m) - 1), "");

	return LLVMBuildICmp(B, LLVMIntEQ, low, LLVMConstNull(t), "");
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
 * Memory of a known size at a base: shared memory, the parameters, local
 * memory. @limit: bytes there are. Sets the host address of offset 0.
 */
static LLVMValueRef mem_check_sized(struct jit_lower *l, struct mem *m, LLVMValueRef limit)
{
	LLVMValueRef low, room, cond, args[2], zero = LLVMConstInt(l->i64, 0, false);
	int64_t imm = m->o->imm, up = m->kmax - m->kmin + mem_total(m);

	if (m->shape == JIT_VARYING) {
		room = LLVMBuildSub(B, limit, LLVMConstInt(l->i64, mem_total(m) - 1, false), "");
		args[0] = room;
		args[1] = zero;
		room = jit_call(l, "llvm.smax", l->i64, args, 2);
		cond = LLVMBuildICmp(B, LLVMIntULT, m->addr, jit_splat(l, room), "");
		return cond;
	}
	/* Without the offset: the register's own 32 bits must not have wrapped. */
	low = imm < 0 ? m->addr : m->raw;
	up += imm < 0 ? 0 : imm;
	low = LLVMBuildAdd(B, low, LLVMConstInt(l->i64, m->kmin, true), "");
	room = LLVMBuildSub(B, limit, LLVMConstInt(l->i64, up - 1, true), "");
	args[0] = room;
	args[1] = zero;
	room = jit_call(l, "llvm.smax", l->i64, args, 2);
	return LLVMBuildICmp(B, LLVMIntULT, low, room, "");
}

/* Global memory by the slot of this access. */
static LLVMValueRef mem_check_slot(struct jit_lower *l, struct mem *m)
{
	LLVMValueRef slot, base, count, off, low;
	size_t at = l->nslots * sizeof(struct sg_jit_slot);

	l->sites[m->site].slot = l->nslots++;
	slot = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, slots));
	slot = jit_at(l, slot, LLVMConstInt(l->i64, at, false));
	base = LLVMBuildLoad2(B, l->i64, slot, "");
	count = LLVMBuildLoad2(B, l->i64, jit_at(l, slot, LLVMConstInt(l->i64, 8, false)), "");
	m->delta = LLVMBuildLoad2(B, l->i64, jit_at(l, slot, LLVMConstInt(l->i64, 16, false)), "");
	if (m->shape == JIT_VARYING) {
		off = LLVMBuildSub(B, m->addr, jit_splat(l, base), "");
		return LLVMBuildICmp(B, LLVMIntULT, off, jit_splat(l, count), "");
	}
	low = LLVMBuildAdd(B, m->addr, LLVMConstInt(l->i64, m->kmin, true), "");
	return LLVMBuildICmp(B, LLVMIntULT, LLVMBuildSub(B, low, base, ""), count, "");
}

/* The condition under which the fast form may be used; sets where memory is. */
static LLVMValueRef mem_check(struct jit_lower *l, struct mem *m)
{
	LLVMValueRef ok, limit, p = NULL;

	switch (m->space) {
	case SG_SPACE_SHARED:
		p = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, shared));
		limit = jit_ctx_get(l, l->i64, offsetof(struct sg_jit_ctx, shared_size));
		ok = mem_check_sized(l, m, limit);
		break;
	case SG_SPACE_PARAM:
		p = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, params));
		limit = LLVMConstInt(l->i64, l->f->rq->prog->param_bytes, false);
		ok = mem_check_sized(l, m, limit);
		break;
	case SG_SPACE_LOCAL:
		p = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, local));
		limit = jit_ctx_get(l, l->i64, offsetof(struct sg_jit_ctx, local_stride));
		p = jit_at(l, p, LLVMBuildMul(B, LLVMBuildZExt(B, jit_warp(l), l->i64, ""), limit,
					      ""));
		limit = jit_ctx_get(l, l->i64, offsetof(struct sg_jit_ctx, local_size));
		ok = mem_check_sized(l, m, limit);
		m->lane_stride = limit;
		break;
	default:
		ok = mem_check_slot(l, m);
		break;
	}
	m->base = p;
	if (mem_total(m) > 1)
		ok = LLVMBuildAnd(B, ok, mem_aligned(l, m), "");
	if (m->shape == JIT_VARYING)
		return mem_all_true(l, m, ok);
	if (mem_total(m) > 1 && !mem_k_aligned(l, m))
		return LLVMConstInt(l->i1, 0, false);
	return ok;
}

/* Host address of a device address plus a constant. */
static LLVMValueRef mem_host(struct jit_lower *l, const struct mem *m, LLVMValueRef addr,
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
static LLVMValueRef mem_host_all(struct jit_lower *l, const struct mem *m, uint32_t e)
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
static bool mem_consecutive(const struct jit_lower *l, const struct mem *m, uint64_t stride)
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

static LLVMValueRef mem_load_at(struct jit_lower *l, LLVMTypeRef t, LLVMValueRef p, uint32_t align)
{
	LLVMValueRef v = LLVMBuildLoad2(B, t, p, "");

	LLVMSetAlignment(v, align);
	return v;
}

/* Every @step-th element from @first of a vector of @n lanes times @step. */
static LLVMValueRef mem_stride(struct jit_lower *l, LLVMValueRef v, uint32_t first, uint32_t step)
{
	LLVMValueRef mask[SG_JIT_LANES];

	for (uint32_t i = 0; i < SG_JIT_LANES; i++)
		mask[i] = LLVMConstInt(l->i32, first + i * step, false);
	return LLVMBuildShuffleVector(B, v, LLVMGetPoison(LLVMTypeOf(v)),
				      LLVMConstVector(mask, SG_JIT_LANES), "");
}

/* A pattern of at most four places: that many scalars, dealt out to the lanes. */
static bool mem_load_few(struct jit_lower *l, const struct mem *m, LLVMTypeRef t,
			 LLVMValueRef out[4])
{
	int64_t place[4];
	LLVMValueRef mask[SG_JIT_LANES];
	uint32_t n = 0;

	for (int i = 0; i < SG_JIT_LANES; i++) {
		int64_t k = l->f->patterns[m->shape].k[i];
		uint32_t at = 0;

		while (at < n && place[at] != k)
			at++;
		if (at == 4)
			return false;
		if (at == n)
			place[n++] = k;
		mask[i] = LLVMConstInt(l->i32, at, false);
	}
	for (uint32_t e = 0; e < m->vec; e++) {
		LLVMValueRef v = LLVMConstNull(LLVMVectorType(t, 4));

		for (uint32_t i = 0; i < n; i++) {
			LLVMValueRef p = mem_host(l, m, m->addr, place[i] + e * m->size);

			v = LLVMBuildInsertElement(B, v, mem_load_at(l, t, p, m->size),
						   LLVMConstInt(l->i32, i, false), "");
		}
		out[e] = LLVMBuildShuffleVector(B, v, LLVMGetPoison(LLVMTypeOf(v)),
						LLVMConstVector(mask, SG_JIT_LANES), "");
	}
	return true;
}

/* Two runs of 16 lanes that follow each other: rows of a tile. */
static bool mem_load_halves(struct jit_lower *l, const struct mem *m, LLVMTypeRef t,
			    LLVMValueRef out[4])
{
	const int64_t *k = l->f->patterns[m->shape].k;
	LLVMTypeRef half = LLVMVectorType(t, SG_JIT_LANES / 2);
	LLVMValueRef v[2], mask[SG_JIT_LANES];

	for (int i = 0; i < SG_JIT_LANES; i++) {
		if (k[i] != k[i & 16] + (i & 15) * (int64_t)m->size)
			return false;
		mask[i] = LLVMConstInt(l->i32, i, false);
	}
	if (m->vec > 1)
		return false;
	for (int h = 0; h < 2; h++)
		v[h] = mem_load_at(l, half, mem_host(l, m, m->addr, k[16 * h]), m->size);
	out[0] = LLVMBuildShuffleVector(B, v[0], v[1], LLVMConstVector(mask, SG_JIT_LANES), "");
	return true;
}

/* The elements by the cheapest form; scalars where the address is one. */
static void mem_load_fast(struct jit_lower *l, const struct mem *m, LLVMValueRef out[4])
{
	LLVMTypeRef t = jit_int(l, m->size), v = jit_vec(t), types[2] = { v, jit_vec(l->ptr) };
	LLVMValueRef wide, args[4], p;

	if (m->shape == JIT_UNIFORM && !m->lane_stride) {
		for (uint32_t e = 0; e < m->vec; e++) {
			p = mem_host(l, m, m->addr, e * m->size);
			out[e] = mem_load_at(l, t, p, m->size);
		}
		return;
	}
	if (mem_consecutive(l, m, mem_total(m))) {
		p = mem_host(l, m, m->addr, l->f->patterns[m->shape].k[0]);
		wide = mem_load_at(l, LLVMVectorType(t, SG_JIT_LANES * m->vec), p, m->size);
		for (uint32_t e = 0; e < m->vec; e++)
			out[e] = m->vec == 1 ? wide : mem_stride(l, wide, e, m->vec);
		return;
	}
	if (m->shape != JIT_VARYING && !m->lane_stride &&
	    (mem_load_few(l, m, t, out) || mem_load_halves(l, m, t, out)))
		return;
	for (uint32_t e = 0; e < m->vec; e++) {
		args[0] = mem_host_all(l, m, e);
		args[1] = LLVMConstInt(l->i32, m->size, false);
		/* Where addresses are constants apart all lanes are known to be good. */
		args[2] = m->shape == JIT_VARYING ? m->active : LLVMConstAllOnes(jit_vec(l->i1));
		args[3] = LLVMConstNull(v);
		out[e] = mem_call_intrinsic(l, "llvm.masked.gather", types, args);
	}
}

static LLVMValueRef mem_slow_call(struct jit_lower *l, const struct mem *m, size_t fn)
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

static LLVMValueRef mem_scratch(struct jit_lower *l, int row)
{
	LLVMValueRef p = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, access));
	size_t at = row < 0 ? offsetof(struct sg_jit_access, addr) :
			      offsetof(struct sg_jit_access, data) + row * 256;

	return jit_at(l, p, LLVMConstInt(l->i64, at, false));
}

static void mem_load_slow(struct jit_lower *l, const struct mem *m, LLVMValueRef out[4])
{
	LLVMTypeRef t = jit_int(l, m->size);
	bool scalar = m->shape == JIT_UNIFORM && !m->lane_stride;

	LLVMSetAlignment(LLVMBuildStore(B, mem_all(l, m), mem_scratch(l, -1)), 64);
	mem_slow_call(l, m, offsetof(struct sg_jit_ctx, load));
	for (uint32_t e = 0; e < m->vec; e++)
		out[e] = mem_load_at(l, scalar ? t : jit_vec(t), mem_scratch(l, e),
				     scalar ? 8 : 64);
}

static void mem_merge(struct jit_lower *l, const struct mem *m, LLVMValueRef fast[4],
		      LLVMBasicBlockRef from_fast, LLVMValueRef slow[4],
		      LLVMBasicBlockRef from_slow)
{
	for (uint32_t e = 0; e < m->vec; e++) {
		LLVMValueRef phi = LLVMBuildPhi(B, LLVMTypeOf(fast[e]), "");
		LLVMValueRef v[2] = { fast[e], slow[e] };
		LLVMBasicBlockRef bb[2] = { from_fast, from_slow };

		LLVMAddIncoming(phi, v, bb, 2);
		fast[e] = phi;
	}
}

/* Memory bits as a register holds them. */
static LLVMValueRef mem_extend(struct jit_lower *l, const struct sg_insn *in, uint32_t reg,
			       LLVMValueRef v)
{
	bool vec = LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVectorTypeKind;
	LLVMTypeRef t = jit_reg_type(l, l->f->regs[reg]);

	return LLVMBuildIntCast2(B, v, vec ? jit_vec(t) : t, sg_type_is_signed(in->type), "");
}

static void mem_fence(struct jit_lower *l, const struct sg_insn *in)
{
	if (in->sem != SG_SEM_WEAK)
		LLVMBuildFence(B, LLVMAtomicOrderingAcquireRelease, false, "");
}

/* A parameter at a place known now. */
static bool mem_is_plain_param(const struct jit_lower *l, const struct mem *m)
{
	return m->space == SG_SPACE_PARAM && m->o->reg == SG_NO_REG &&
	       !(m->o->imm & (mem_total(m) - 1)) &&
	       cw_range_ok(m->o->imm, mem_total(m), l->f->rq->prog->param_bytes);
}

static void mem_load_plain_param(struct jit_lower *l, const struct mem *m, LLVMValueRef out[4])
{
	LLVMValueRef p = jit_ctx_get(l, l->ptr, offsetof(struct sg_jit_ctx, params)), v;

	for (uint32_t e = 0; e < m->vec; e++) {
		v = jit_at(l, p, LLVMConstInt(l->i64, m->o->imm + e * m->size, false));
		out[e] = mem_load_at(l, jit_int(l, m->size), v, 1);
		LLVMSetMetadata(out[e], l->md_invariant,
				LLVMMetadataAsValue(l->c, LLVMMDNodeInContext2(l->c, NULL, 0)));
	}
}

static void mem_load(struct jit_lower *l, const struct sg_insn *in, struct mem *m)
{
	LLVMBasicBlockRef slow, join, from_fast, from_slow;
	LLVMValueRef v[4], s[4];

	if (mem_is_plain_param(l, m)) {
		mem_load_plain_param(l, m, v);
	} else {
		m->site = mem_site(l, m);
		mem_address(l, m);
		slow = jit_block_new(l, "slow");
		join = jit_block_new(l, "");
		jit_require(l, mem_check(l, m), slow);
		mem_load_fast(l, m, v);
		from_fast = LLVMGetInsertBlock(B);
		LLVMBuildBr(B, join);
		LLVMPositionBuilderAtEnd(B, slow);
		mem_load_slow(l, m, s);
		from_slow = LLVMGetInsertBlock(B);
		LLVMBuildBr(B, join);
		LLVMPositionBuilderAtEnd(B, join);
		mem_merge(l, m, v, from_fast, s, from_slow);
	}
	for (uint32_t e = 0; e < m->vec; e++) {
		if (in->o[e].kind == SG_OPND_REG)
			jit_def(l, &in->o[e], mem_extend(l, in, in->o[e].reg, v[e]));
	}
	mem_fence(l, in);
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

/* Lanes of an element as they go to memory. */
static LLVMValueRef mem_store_value(struct jit_lower *l, const struct sg_insn *in,
				    const struct mem *m, uint32_t e)
{
	LLVMValueRef v = jit_src_vec(l, &in->o[1 + e], m->size);

	return LLVMBuildIntCast2(B, v, jit_vec(jit_int(l, m->size)), false, "");
}

/* One place for all: the highest lane's value is what stays. */
static void mem_store_uniform(struct jit_lower *l, const struct mem *m, LLVMValueRef v[4])
{
	LLVMBasicBlockRef some = jit_block_new(l, ""), done = jit_block_new(l, "");
	LLVMValueRef bits = jit_bits(l, m->active), args[2], lane;

	LLVMBuildCondBr(B, LLVMBuildICmp(B, LLVMIntNE, bits, LLVMConstInt(l->i32, 0, false), ""),
			some, done);
	LLVMPositionBuilderAtEnd(B, some);
	args[0] = bits;
	args[1] = LLVMConstInt(l->i1, 0, false);
	lane = jit_call(l, "llvm.ctlz", l->i32, args, 2);
	lane = LLVMBuildAnd(B, LLVMBuildNot(B, lane, ""), LLVMConstInt(l->i32, 31, false), "");
	for (uint32_t e = 0; e < m->vec; e++) {
		LLVMValueRef x = LLVMBuildExtractElement(B, v[e], lane, "");

		LLVMSetAlignment(LLVMBuildStore(B, x, mem_host(l, m, m->addr, e * m->size)),
				 m->size);
	}
	LLVMBuildBr(B, done);
	LLVMPositionBuilderAtEnd(B, done);
}

/* Elements side by side, lane after lane. */
static LLVMValueRef mem_interleave(struct jit_lower *l, const struct mem *m, LLVMValueRef v[4])
{
	LLVMValueRef mask[4 * SG_JIT_LANES], lo, hi;
	uint32_t n = SG_JIT_LANES, vec = m->vec;

	for (uint32_t i = 0; i < 2 * n; i++)
		mask[i] = LLVMConstInt(l->i32, i, false);
	lo = LLVMBuildShuffleVector(B, v[0], v[1], LLVMConstVector(mask, 2 * n), "");
	hi = vec == 2 ? lo : LLVMBuildShuffleVector(B, v[2], v[3], LLVMConstVector(mask, 2 * n),
						    "");
	for (uint32_t i = 0; i < n * vec; i++)
		mask[i] = LLVMConstInt(l->i32, i / vec + i % vec * n, false);
	if (vec == 2)
		return LLVMBuildShuffleVector(B, lo, LLVMGetPoison(LLVMTypeOf(lo)),
					      LLVMConstVector(mask, n * vec), "");
	return LLVMBuildShuffleVector(B, lo, hi, LLVMConstVector(mask, n * vec), "");
}

static void mem_store_scatter(struct jit_lower *l, const struct mem *m, LLVMValueRef v[4])
{
	LLVMTypeRef types[2] = { jit_vec(jit_int(l, m->size)), jit_vec(l->ptr) };

	for (uint32_t e = 0; e < m->vec; e++) {
		LLVMValueRef args[4] = { v[e], mem_host_all(l, m, e),
					 LLVMConstInt(l->i32, m->size, false), m->active };

		mem_call_intrinsic(l, "llvm.masked.scatter", types, args);
	}
}

static void mem_store_consecutive(struct jit_lower *l, const struct mem *m, LLVMValueRef v[4])
{
	LLVMBasicBlockRef all = jit_block_new(l, ""), some = jit_block_new(l, "");
	LLVMBasicBlockRef done = jit_block_new(l, "");
	LLVMValueRef p = mem_host(l, m, m->addr, l->f->patterns[m->shape].k[0]), args[4];
	LLVMTypeRef types[2] = { jit_vec(jit_int(l, m->size)), l->ptr };

	LLVMBuildCondBr(B, LLVMBuildICmp(B, LLVMIntEQ, jit_bits(l, m->active),
					 LLVMConstAllOnes(l->i32), ""), all, some);
	LLVMPositionBuilderAtEnd(B, all);
	LLVMSetAlignment(LLVMBuildStore(B, m->vec == 1 ? v[0] : mem_interleave(l, m, v), p),
			 m->size);
	LLVMBuildBr(B, done);
	LLVMPositionBuilderAtEnd(B, some);
	if (m->vec == 1) {
		args[0] = v[0];
		args[1] = p;
		args[2] = LLVMConstInt(l->i32, m->size, false);
		args[3] = m->active;
		mem_call_intrinsic(l, "llvm.masked.store", types, args);
	} else {
		mem_store_scatter(l, m, v);
	}
	LLVMBuildBr(B, done);
	LLVMPositionBuilderAtEnd(B, done);
}

static void mem_store_slow(struct jit_lower *l, const struct mem *m, LLVMValueRef v[4])
{
	LLVMSetAlignment(LLVMBuildStore(B, mem_all(l, m), mem_scratch(l, -1)), 64);
	for (uint32_t e = 0; e < m->vec; e++)
		LLVMSetAlignment(LLVMBuildStore(B, v[e], mem_scratch(l, e)), 64);
	mem_slow_call(l, m, offsetof(struct sg_jit_ctx, store));
}

bool mem_store(struct jit_lower *l, const struct sg_insn *in, struct mem *m)
{
	LLVMBasicBlockRef slow, join;
	LLVMValueRef v[4];

	for (uint32_t e = 0; e < m->vec; e++)
		v[e] = mem_store_value(l, in, m, e);
	mem_fence(l, in);
	m->site = mem_site(l, m);
	mem_address(l, m);
	slow = jit_block_new(l, "slow");
	join = jit_block_new(l, "");
	jit_require(l, mem_check(l, m), slow);
	if (m->shape == JIT_UNIFORM && !m->lane_stride)
		mem_store_uniform(l, m, v);
	else if (mem_consecutive(l, m, mem_total(m)))
		mem_store_consecutive(l, m, v);
	else
		mem_store_scatter(l, m, v);
	LLVMBuildBr(B, join);
	LLVMPositionBuilderAtEnd(B, slow);
	mem_store_slow(l, m, v);
	LLVMBuildBr(B, join);
	LLVMPositionBuilderAtEnd(B, join);
	return true;
}
