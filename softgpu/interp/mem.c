/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores.
 *
 * Theory of operation: addresses of a warp are turned into host pointers first,
 * all or none (sg_resolve), then used. Lanes that are off get the address of
 * the first active lane, so that loads can run over all 32 without asking; only
 * their results are dropped. Stores go in lane order: the highest active lane
 * wins where several write one place.
 *
 * Fields of sg_code: a address row, imm offset, n space and flags, csr the
 * memory order (these handlers have no use for an MXCSR), d, b, c, e the rows
 * of up to four elements.
 */

#include "softgpu/interp/handlers.h"

#define MEM_SPACE(n) ((n) & 0xff)
#define MEM_ADDR64 0x100u

#define ROW(T, at) ((T *)(w->rf + (at)))

static const struct sg_mem_range *mem_search(const struct sg_mem_map *map, uint64_t addr)
{
	size_t lo = 0, hi = map->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (map->ranges[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &map->ranges[lo - 1] : NULL;
}

static bool mem_inside(const struct sg_mem_range *r, uint64_t addr, uint64_t size, bool write)
{
	return addr >= r->base && cw_range_ok(addr - r->base, size, r->size) &&
	       !(write && (r->flags & SG_MEM_READONLY));
}

/* Global memory; asks the embedder for a newer map before giving up. */
static uint8_t *mem_global(struct sg_warp *w, uint64_t addr, uint64_t size, bool write)
{
	struct sg_block *b = w->block;
	const struct sg_launch *l = b->launch;

	for (int again = 0; again < 2; again++) {
		const struct sg_mem_range *r = mem_search(b->map, addr);

		if (r && mem_inside(r, addr, size, write)) {
			w->last = r;
			return (uint8_t *)r->host + (addr - r->base);
		}
		if (!l->ops || !l->ops->map_refresh)
			break;
		b->map = l->ops->map_refresh(l->opaque);
		for (uint32_t i = 0; i < b->nwarps; i++)
			b->warps[i].last = NULL;
	}
	return NULL;
}

static uint8_t *mem_one(struct sg_warp *w, enum sg_space space, uint32_t lane, uint64_t addr,
			uint64_t size, bool write)
{
	struct sg_block *b = w->block;

	switch (space) {
	case SG_SPACE_SHARED:
		return cw_range_ok(addr, size, b->shared_size) ? b->shared + addr : NULL;
	case SG_SPACE_LOCAL:
		if (!cw_range_ok(addr, size, b->local_size))
			return NULL;
		return w->local + (size_t)lane * b->local_size + addr;
	case SG_SPACE_PARAM:
		if (write || !cw_range_ok(addr, size, b->launch->params_size))
			return NULL;
		return (uint8_t *)(uintptr_t)b->launch->params + addr;
	case SG_SPACE_GENERIC:
		if (addr - SG_SHARED_WINDOW < SG_WINDOW_SIZE)
			return mem_one(w, SG_SPACE_SHARED, lane, addr - SG_SHARED_WINDOW, size,
				       write);
		if (addr - SG_LOCAL_WINDOW < SG_WINDOW_SIZE)
			return mem_one(w, SG_SPACE_LOCAL, lane, addr - SG_LOCAL_WINDOW, size,
				       write);
		if (addr - SG_PARAM_WINDOW < SG_WINDOW_SIZE)
			return mem_one(w, SG_SPACE_PARAM, lane, addr - SG_PARAM_WINDOW, size,
				       write);
		return mem_global(w, addr, size, write);
	default:
		return mem_global(w, addr, size, write);
	}
}

uint8_t *sg_resolve_in(struct sg_warp *w, enum sg_space space, uint32_t lane, uint64_t addr,
		       uint64_t size, bool write)
{
	return mem_one(w, space, lane, addr, size, write);
}

uint8_t *sg_resolve_one(struct sg_warp *w, uint32_t lane, uint64_t addr, uint64_t size, bool write)
{
	return mem_one(w, SG_SPACE_GENERIC, lane, addr, size, write);
}

/* Lane by lane: ranges differ, or something is wrong. */
static bool mem_resolve_slow(struct sg_warp *w, const struct sg_code *c, uint32_t m, uint32_t size,
			     bool write, const uint64_t *addr, uint8_t **ret_ptr)
{
	uint8_t *first = NULL;

	for (uint32_t left = m; left; left &= left - 1) {
		uint32_t lane = __builtin_ctz(left);
		uint8_t *p = mem_one(w, MEM_SPACE(c->n), lane, addr[lane], size, write);

		if (!p) {
			sg_raise(w, c, 1u << lane, SG_FAULT_ILLEGAL_ADDRESS, addr[lane]);
			return false;
		}
		ret_ptr[lane] = p;
		if (!first)
			first = p;
	}
	for (uint32_t left = ~m; left; left &= left - 1)
		ret_ptr[__builtin_ctz(left)] = first;
	return true;
}

struct mem_span {
	uint64_t lo, hi, bits;
};

static inline struct mem_span mem_addresses(const struct sg_warp *w, const struct sg_code *c,
					    uint32_t m, uint64_t addr[SG_LANES])
{
	struct mem_span s = { UINT64_MAX, 0, 0 };
	uint64_t first;

	if (c->n & MEM_ADDR64) {
		const uint64_t *a = ROW(const uint64_t, c->a);

		for (int i = 0; i < SG_LANES; i++)
			addr[i] = a[i] + (uint64_t)c->imm;
	} else {
		const uint32_t *a = ROW(const uint32_t, c->a);

		for (int i = 0; i < SG_LANES; i++)
			addr[i] = a[i] + (uint64_t)c->imm;
	}
	if (m != SG_ALL) {
		first = addr[__builtin_ctz(m)];
		for (int i = 0; i < SG_LANES; i++)
			addr[i] = m >> i & 1 ? addr[i] : first;
	}
	for (int i = 0; i < SG_LANES; i++) {
		s.lo = addr[i] < s.lo ? addr[i] : s.lo;
		s.hi = addr[i] > s.hi ? addr[i] : s.hi;
		s.bits |= addr[i];
	}
	return s;
}

/* Where all addresses lie in one piece of memory: its host address, else NULL. */
static inline uint8_t *mem_base(const struct sg_warp *w, enum sg_space space,
				const struct mem_span *s, uint32_t size, bool write)
{
	const struct sg_block *b = w->block;
	const struct sg_mem_range *r = w->last;
	uint64_t span = s->hi - s->lo + size;

	if (span < size)	/* wrapped */
		return NULL;
	switch (space) {
	case SG_SPACE_SHARED:
		return cw_range_ok(s->lo, span, b->shared_size) ? b->shared : NULL;
	case SG_SPACE_PARAM:
		return cw_range_ok(s->lo, span, b->launch->params_size) && !write ?
			       (uint8_t *)(uintptr_t)b->launch->params : NULL;
	case SG_SPACE_LOCAL:
		return NULL;
	default:
		/* A window is no range of the map, so generic may try it first. */
		if (!r || !mem_inside(r, s->lo, span, write))
			return NULL;
		return (uint8_t *)r->host - r->base;
	}
}

static bool mem_resolve_local(struct sg_warp *w, const struct mem_span *s, uint32_t size,
			      const uint64_t *addr, uint8_t **ret_ptr)
{
	uint32_t stride = w->block->local_size;

	if (s->hi > UINT32_MAX || !cw_range_ok(s->lo, s->hi - s->lo + size, stride))
		return false;
	for (uint32_t i = 0; i < SG_LANES; i++)
		ret_ptr[i] = w->local + (size_t)i * stride + addr[i];
	return true;
}

/**
 * sg_resolve() - Host addresses of one access of a warp
 * @w:		warp
 * @c:		instruction, see the head of this file
 * @m:		lanes, at least one
 * @size:	bytes per lane; addresses must be multiples of it
 * @write:	memory will be written
 * @ret_ptr:	a valid address for every lane, also those not in @m (for reads)
 *
 * Return: true; false after raising a fault.
 */
bool sg_resolve(struct sg_warp *w, const struct sg_code *c, uint32_t m, uint32_t size, bool write,
		uint8_t *ret_ptr[SG_LANES])
{
	uint64_t addr[SG_LANES];
	struct mem_span s = mem_addresses(w, c, m, addr);
	enum sg_space space = MEM_SPACE(c->n);
	uint8_t *base;

	if (c->csr)
		w->spinning = true;
	if (__builtin_expect(s.bits & (size - 1), 0)) {
		sg_raise(w, c, m, SG_FAULT_MISALIGNED, s.lo);
		return false;
	}
	base = mem_base(w, space, &s, size, write);
	if (base) {
		for (int i = 0; i < SG_LANES; i++)
			ret_ptr[i] = base + addr[i];
		return true;
	}
	if (space == SG_SPACE_LOCAL && mem_resolve_local(w, &s, size, addr, ret_ptr))
		return true;
	return mem_resolve_slow(w, c, m, size, write, addr, ret_ptr);
}

/* Whether lane i's pointer is base + i * size, for all lanes. */
static inline bool mem_consecutive(uint8_t *const *p, size_t size)
{
	uintptr_t first = (uintptr_t)p[0], bad = 0;

	for (size_t i = 0; i < SG_LANES; i++)
		bad |= (uintptr_t)p[i] ^ (first + i * size);
	return !bad;
}

static inline void mem_fence(const struct sg_code *c)
{
	if (c->csr)
		atomic_thread_fence(memory_order_acq_rel);
}

#define MEM_LOAD(T, R, V)                                                                          \
	static const struct sg_code *mem_ld_##T##_##R##_v##V(struct sg_warp *w,                    \
							     const struct sg_code *c)              \
	{                                                                                          \
		const uint32_t rows[4] = { c->d, c->b, c->c, c->e };                               \
		uint32_t m = sg_active(w, c);                                                      \
		uint8_t *p[SG_LANES];                                                              \
                                                                                                   \
		if (!m)                                                                            \
			return c + 1;                                                              \
		if (!sg_resolve(w, c, m, sizeof(T) * V, false, p))                                 \
			return NULL;                                                               \
		if (V == 1 && sizeof(T) == sizeof(R) && m == SG_ALL &&                             \
		    mem_consecutive(p, sizeof(T))) {                                               \
			memcpy(ROW(R, c->d), p[0], SG_LANES * sizeof(T));                          \
			mem_fence(c);                                                              \
			return c + 1;                                                              \
		}                                                                                  \
		/* One pass per lane: elements of a vector may be a dest and the address. */       \
		for (int i = 0; i < SG_LANES; i++) {                                               \
			T x[V];                                                                    \
                                                                                                   \
			memcpy(x, p[i], sizeof(x));                                                \
			for (int v = 0; v < V; v++) {                                              \
				R *d = ROW(R, rows[v]);                                            \
                                                                                                   \
				d[i] = m >> i & 1 ? (R)x[v] : d[i];                                \
			}                                                                          \
		}                                                                                  \
		mem_fence(c);                                                                      \
		return c + 1;                                                                      \
	}

#define MEM_STORE(T, R, V)                                                                         \
	static const struct sg_code *mem_st_##T##_##R##_v##V(struct sg_warp *w,                    \
							     const struct sg_code *c)              \
	{                                                                                          \
		const uint32_t rows[4] = { c->d, c->b, c->c, c->e };                               \
		uint32_t m = sg_active(w, c);                                                      \
		uint8_t *p[SG_LANES];                                                              \
                                                                                                   \
		if (!m)                                                                            \
			return c + 1;                                                              \
		if (!sg_resolve(w, c, m, sizeof(T) * V, true, p))                                  \
			return NULL;                                                               \
		mem_fence(c);                                                                      \
		if (V == 1 && sizeof(T) == sizeof(R) && m == SG_ALL &&                             \
		    mem_consecutive(p, sizeof(T))) {                                               \
			memcpy(p[0], ROW(R, c->d), SG_LANES * sizeof(T));                          \
			return c + 1;                                                              \
		}                                                                                  \
		for (; m; m &= m - 1) {                                                            \
			int i = __builtin_ctz(m);                                                  \
			T x[V];                                                                    \
                                                                                                   \
			for (int v = 0; v < V; v++)                                                \
				x[v] = (T)ROW(R, rows[v])[i];                                      \
			memcpy(p[i], x, sizeof(x));                                                \
		}                                                                                  \
		return c + 1;                                                                      \
	}

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;

/* Memory type and register type; signed ones extend their sign. */
#define MEM_LOADS(X)                                                                               \
	X(u8, u16) X(u8, u32) X(u8, u64) X(s8, u16) X(s8, u32) X(s8, u64)                          \
	X(u16, u16) X(u16, u32) X(u16, u64) X(s16, u32) X(s16, u64)                                \
	X(u32, u32) X(u32, u64) X(s32, u64) X(u64, u64)
#define MEM_STORES(X)                                                                              \
	X(u8, u16) X(u8, u32) X(u8, u64) X(u16, u16) X(u16, u32) X(u16, u64)                       \
	X(u32, u32) X(u32, u64) X(u64, u64)

#define MEM_LOAD_ALL(T, R) MEM_LOAD(T, R, 1) MEM_LOAD(T, R, 2) MEM_LOAD(T, R, 4)
#define MEM_STORE_ALL(T, R) MEM_STORE(T, R, 1) MEM_STORE(T, R, 2) MEM_STORE(T, R, 4)
MEM_LOADS(MEM_LOAD_ALL)
MEM_STORES(MEM_STORE_ALL)

struct mem_row {
	uint8_t size, reg_size;
	bool is_signed, store;
	sg_handler *fn[3];
};

#define MEM_LOAD_ROW(T, R)                                                                         \
	{ sizeof(T), sizeof(R), (T)-1 < (T)1, false,                                               \
	  { mem_ld_##T##_##R##_v1, mem_ld_##T##_##R##_v2, mem_ld_##T##_##R##_v4 } },
#define MEM_STORE_ROW(T, R)                                                                        \
	{ sizeof(T), sizeof(R), false, true,                                                       \
	  { mem_st_##T##_##R##_v1, mem_st_##T##_##R##_v2, mem_st_##T##_##R##_v4 } },
static const struct mem_row mem_rows[] = { MEM_LOADS(MEM_LOAD_ROW) MEM_STORES(MEM_STORE_ROW) };

/**
 * sg_mem_handler() - Handler of a load or store
 * @in:		instruction
 * @reg_size:	bytes of its registers
 *
 * Return: the handler, NULL for a shape there is none for.
 */
sg_handler *sg_mem_handler(const struct sg_insn *in, uint32_t reg_size)
{
	uint32_t size = sg_type_size(in->type);
	bool store = in->op == SG_OP_ST;
	bool sign = !store && sg_type_is_signed(in->type) && reg_size > size;

	for (size_t i = 0; i < CW_ARRAY_SIZE(mem_rows); i++) {
		const struct mem_row *r = &mem_rows[i];

		if (r->size == size && r->reg_size == reg_size && r->is_signed == sign &&
		    r->store == store)
			return r->fn[in->vec / 2];
	}
	return NULL;
}

/* cvta and cvta.to: add or take off the window. n: 64-bit, imm: what to add. */
const struct sg_code *sg_h_cvta(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t m = sg_writable(w, c);

	for (int i = 0; i < SG_LANES; i++) {
		if (m >> i & 1)
			ROW(uint64_t, c->d)[i] = ROW(uint64_t, c->a)[i] + (uint64_t)c->imm;
	}
	return c + 1;
}

/* Is a generic address in a space? */
const struct sg_code *sg_h_isspacep(struct sg_warp *w, const struct sg_code *c)
{
	uint32_t m = sg_writable(w, c), r = 0, *d = ROW(uint32_t, c->d);
	const uint64_t *a = ROW(uint64_t, c->a);

	for (int i = 0; i < SG_LANES; i++) {
		bool in;

		if (c->n == SG_SPACE_GLOBAL || c->n == SG_SPACE_CONST)
			in = a[i] < SG_SHARED_WINDOW;
		else
			in = a[i] - (uint64_t)c->imm < SG_WINDOW_SIZE;
		r |= (uint32_t)in << i;
	}
	*d = (*d & ~m) | (r & m);
	return c + 1;
}
