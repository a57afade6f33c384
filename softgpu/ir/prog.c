/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building and freeing a program. All small pieces come from an arena that is
 * freed with it; tables that grow are plain heap arrays.
 */
#include "softgpu/ir/ir.h"

#include <stdlib.h>
#include <string.h>

struct sg_arena {
	struct sg_arena *next;
};

const struct sg_sreg_info sg_sreg_info[SG_SREG_COUNT] = {
#define SG_SREG(id, word, type) [SG_SREG_##id] = { word, type },
#include "softgpu/ir/sregs.def"
#undef SG_SREG
};

struct sg_prog *sg_prog_create(const char *name)
{
	struct sg_prog *p = calloc(1, sizeof(*p));

	if (p) {
		p->name = name;
		p->dynamic_align = 16;
	}
	return p;
}

/**
 * sg_prog_destroy() - Free a program and what the back end hung on it
 * @p:		program, may be NULL
 */
void sg_prog_destroy(struct sg_prog *p)
{
	if (!p)
		return;
	if (p->exec)
		p->exec_free(p->exec);
	for (uint32_t i = 0; i < p->nfuncs; i++) {
		free(p->funcs[i]->regs);
		free(p->funcs[i]->insns);
		free(p->funcs[i]->leader);
		free(p->funcs[i]);
	}
	free(p->funcs);
	while (p->arena) {
		struct sg_arena *a = p->arena;

		p->arena = a->next;
		free(a);
	}
	free(p);
}

void *sg_prog_alloc(struct sg_prog *p, size_t size)
{
	struct sg_arena *a = calloc(1, sizeof(*a) + 16 + size);

	if (!a)
		return NULL;
	a->next = p->arena;
	p->arena = a;
	return a + 1;
}

/* Make room for one more element of an array that doubles. */
static bool prog_grow(void **array, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t want = *cap ? *cap * 2 : 16;
	void *bigger;

	if (n < *cap)
		return true;
	bigger = realloc(*array, want * size);
	if (!bigger)
		return false;
	*array = bigger;
	*cap = want;
	return true;
}

/**
 * sg_prog_add_func() - New empty function of a program
 * @p:		program
 * @name:	for messages; lives as long as the module
 * @symbol:	what the front end knows it by
 *
 * Return: the function, NULL when out of memory.
 */
struct sg_func *sg_prog_add_func(struct sg_prog *p, const char *name, const void *symbol)
{
	struct sg_func *f;

	if (!prog_grow((void **)&p->funcs, p->nfuncs, &p->funcs_cap, sizeof(*p->funcs)))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->name = name;
	f->prog = p;
	f->symbol = symbol;
	f->is_entry = p->nfuncs == 0;
	p->funcs[p->nfuncs++] = f;
	f->frame_reg = sg_func_add_reg(f, SG_U32);
	return f->frame_reg == SG_NO_REG ? NULL : f;
}

uint32_t sg_func_add_reg(struct sg_func *f, enum sg_type type)
{
	if (!prog_grow((void **)&f->regs, f->nregs, &f->regs_cap, sizeof(*f->regs)))
		return SG_NO_REG;
	f->regs[f->nregs] = type;
	return f->nregs++;
}

/* NULL when out of memory; zeroed, with no guard. */
struct sg_insn *sg_func_add_insn(struct sg_func *f)
{
	struct sg_insn *in;

	if (!prog_grow((void **)&f->insns, f->ninsns, &f->insns_cap, sizeof(*f->insns)))
		return NULL;
	in = &f->insns[f->ninsns++];
	memset(in, 0, sizeof(*in));
	in->guard = SG_NO_REG;
	return in;
}
