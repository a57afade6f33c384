/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of modules get memory: the plain ones in the context's device
 * memory, the managed ones where the host reaches them.
 */
#include <errno.h>
#include <string.h>

#include "cw/log.h"
#include "softgpu/api/module.h"

/* Variables get one allocation together. */
struct part {
	uint64_t base, size, align, used;
};

/**
 * struct placing - Where the variables of a module go
 * @lib:	library it is an instance of, which has the managed ones already
 * @index:	placing a library: the others get numbers that mean nothing
 * @plain, @managed: the parts
 */
struct placing {
	const struct sg_library *lib;
	bool index;
	struct part plain, managed;
};

/* The part that a variable belongs to; NULL: to none here. */
static struct part *part_of(struct placing *p, const struct sg_var_info *info)
{
	if (info->managed)
		return p->lib ? NULL : &p->managed;
	return p->index ? NULL : &p->plain;
}

static uint64_t place(void *opaque, const struct sg_var_info *info)
{
	struct placing *p = opaque;
	struct part *part = part_of(p, info);
	struct sg_var_info placed;
	uint64_t addr;

	if (info->external)
		return 0;
	if (!part) {
		if (p->index)
			return info->align;
		return sg_module_find_var(p->lib->index, info->name, &placed) ? 0 : placed.addr;
	}
	addr = cw_align_up(part->base + part->used, cw_max(info->align, 1u));
	if (!part->base || !cw_range_ok(addr - part->base, info->size, part->size))
		return 0;
	part->used = addr - part->base + info->size;
	return addr;
}

/* What lies elsewhere has its bytes already, or needs none. */
static int write_bytes(void *opaque, uint64_t addr, const void *bytes, size_t len)
{
	struct placing *p = opaque;

	if (cw_range_ok(addr - p->plain.base, len, p->plain.size) ||
	    cw_range_ok(addr - p->managed.base, len, p->managed.size))
		memcpy((void *)addr, bytes, len);
	return 0;
}

/* Bytes that the variables need, in whatever order they come. */
static int measure(const struct sg_module *m, struct placing *p)
{
	struct sg_var_info info, found;
	size_t at = 0;

	p->plain = p->managed = (struct part){ .align = 16 };
	while (sg_module_next_var(m, &at, &info)) {
		struct part *part = part_of(p, &info);

		if (info.external) {
			/* Another text of the same module may define it. */
			if (!sg_module_find_var(m, info.name, &found) && !found.external)
				continue;
			cw_warn("a module needs a variable no module defines name=\"%s\"",
				info.name);
			return -ENOENT;
		}
		if (!part)
			continue;
		if (info.size > sg_mem_total())
			return -ENOMEM;
		part->size += info.size + info.align;
		part->align = cw_max(part->align, (uint64_t)info.align);
	}
	return 0;
}

/* Managed variables: in the caller's memory where it says so, else in ours. */
static int managed_home(struct part *part, struct sg_load *load, void *owner)
{
	struct sg_mem_info info = { .kind = SG_MEM_MANAGED_VARS, .size = part->size,
				    .owner = owner };
	struct cw_soft_managed *given = load->managed;
	int err;

	if (!given) {
		err = sg_mem_alloc(&info, part->align);
	} else if (given->size < part->size || given->va & (part->align - 1)) {
		given->needs = part->size;
		return -ENOTSUP;
	} else {
		info.base = given->va;
		info.size = given->size;
		err = sg_mem_register(&info);
	}
	part->base = err ? 0 : info.base;
	return err;
}

/* Allocates what was measured and places the variables there. */
static int place_all(struct sg_module *m, struct placing *p, struct sg_load *load, void *owner)
{
	struct sg_mem_info info = { .kind = SG_MEM_MODULE, .owner = owner,
				    .size = p->plain.size };
	struct sg_placer placer = { place, write_bytes, p };
	char log[SG_LOAD_LOG] = "";
	int err = p->managed.size ? managed_home(&p->managed, load, owner) : 0;

	if (!err && p->plain.size)
		err = sg_mem_alloc(&info, p->plain.align);
	if (err)
		return err;
	p->plain.base = info.base;
	err = sg_module_place(m, &placer, log, sizeof(log));
	if (err) {
		cw_warn("cannot place a module's variables error=\"%s\"", log);
		sg_load_fail(load, log);
	}
	return err;
}

/**
 * sg_vars_place() - Give the variables of a module memory, and their values
 * @m:		parsed, not placed yet
 * @lib:	what @m is an instance of, or NULL
 * @owner:	context; NULL: @m is a library's index, and only its managed variables
 *		get memory. They belong to no context: a program uses them before
 *		there is one, and what it writes then must still be there when a
 *		kernel runs.
 * @load:	what the program wants of the load
 * @ret_vars:	for sg_vars_free(), also where this fails
 *
 * Return: 0; -ENOENT for a variable that no module defines; -ENOTSUP where
 * @load gave too little memory; -ENOMEM, -EINVAL.
 */
int sg_vars_place(struct sg_module *m, const struct sg_library *lib, void *owner,
		  struct sg_load *load, struct sg_vars *ret_vars)
{
	struct placing p = { .lib = lib, .index = !owner };
	int err = measure(m, &p);

	if (!err && (p.managed.size || p.plain.size || !p.index))
		err = place_all(m, &p, load, owner);
	*ret_vars = (struct sg_vars){ p.plain.base, p.managed.base };
	return err;
}

/* Nothing of the module runs. What a reset context took along is gone already. */
void sg_vars_free(struct sg_vars *vars)
{
	if (vars->plain)
		sg_mem_release(vars->plain, SG_MEM_BIT(SG_MEM_MODULE), NULL);
	if (vars->managed)
		sg_mem_release(vars->managed,
			       SG_MEM_BIT(SG_MEM_MANAGED_VARS) | SG_MEM_BIT(SG_MEM_REGISTERED),
			       NULL);
	*vars = (struct sg_vars){ 0 };
}
