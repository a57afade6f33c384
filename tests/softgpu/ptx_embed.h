/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest embedder: 1 MiB of device memory at a made-up address, blocks
 * run on the calling thread. For tests of parser and interpreter.
 */
#ifndef TESTS_SOFTGPU_PTX_EMBED_H
#define TESTS_SOFTGPU_PTX_EMBED_H

#include "cw/util.h"
#include "softgpu/interp/interp.h"
#include "softgpu/ir/module.h"
#include "softgpu/jit/use.h"
#include "tests/tap.h"

#define EMBED_BASE 0x700000000ull
#define EMBED_SIZE (1u << 20)
/* Variables of modules come first, the test's own data from here. */
#define EMBED_DATA (EMBED_BASE + EMBED_SIZE / 2)

/* Run compiled code: the same test, another back end. */
#ifndef EMBED_JIT
#define EMBED_JIT 0
#endif

#define EMBED_HEAD ".version 6.3\n.target sm_75\n.address_size 64\n"

struct embed {
	_Alignas(64) char mem[EMBED_SIZE];
	uint64_t used;
	struct sg_module *m;
	struct sg_mem_range range;
	struct sg_mem_map map;
	struct sg_host_ops ops;
	struct sg_launch launch;
	struct sg_worker *worker;
	struct sg_fault fault;
	char printed[4096];
	size_t nprinted;
	char log[512];
	bool may_interpret;	/* EMBED_JIT: this kernel cannot be compiled */
};

static struct embed em;

static uint64_t embed_place(void *opaque, const struct sg_var_info *info)
{
	uint64_t at = (em.used + info->align - 1) / info->align * info->align;

	if (info->external || at + info->size > EMBED_SIZE / 2)
		return 0;
	em.used = at + info->size;
	return EMBED_BASE + at;
}

static int embed_write(void *opaque, uint64_t addr, const void *bytes, size_t len)
{
	memcpy(em.mem + (addr - EMBED_BASE), bytes, len);
	return 0;
}

static void embed_print(void *opaque, const char *text, size_t len)
{
	size_t room = sizeof(em.printed) - 1 - em.nprinted;

	len = len < room ? len : room;
	memcpy(em.printed + em.nprinted, text, len);
	em.nprinted += len;
}

/* Index and place; 0 or what failed, with em.log. */
static inline int embed_load(const char *text, size_t len)
{
	const struct sg_placer placer = { embed_place, embed_write, NULL };
	int rc;

	sg_worker_destroy(em.worker);
	sg_module_free(em.m);
	memset(&em, 0, sizeof(em));
	em.used = 256;
	rc = sg_module_parse(text, len, &em.m, em.log, sizeof(em.log));
	if (rc)
		return rc;
	return sg_module_place(em.m, &placer, em.log, sizeof(em.log));
}

/* One block of @threads of the entry; the result of sg_run_block(). */
static inline int embed_run(const char *entry, uint32_t threads, const void *params, size_t size)
{
	static const uint32_t zero[3];
	struct sg_entry *e = sg_module_find_entry(em.m, entry);
	int rc;

	CHECK(e != NULL);
	rc = sg_entry_prepare(e, em.log, sizeof(em.log));
	if (rc) {
		printf("# %s\n", em.log);
		return rc;
	}
	em.range = (struct sg_mem_range){ EMBED_BASE, EMBED_SIZE, em.mem, 0 };
	em.map = (struct sg_mem_map){ &em.range, 1 };
	em.ops.print = embed_print;
	em.launch.entry = e;
	em.launch.ops = &em.ops;
	em.launch.map = &em.map;
	em.launch.params = params;
	em.launch.params_size = size;
	for (int i = 0; i < 3; i++)
		em.launch.grid[i] = em.launch.block[i] = 1;
	em.launch.block[0] = threads;
	if (!em.worker)
		em.worker = sg_worker_create();
	em.launch.jit = NULL;
	if (EMBED_JIT) {
		/* A kernel that only the interpreter could run would prove nothing. */
		em.launch.jit = sg_jit_prepare(&em.launch);
		CHECK(em.launch.jit || em.may_interpret);
	}
	while ((rc = sg_run_block(em.worker, &em.launch, zero, &em.fault)) == SG_AGAIN)
		;
	return rc;
}

static inline void *embed_data(size_t off)
{
	return em.mem + EMBED_SIZE / 2 + off;
}

/*
 * Run @body with %r0 the thread, inputs %a0 %a1 %a2 of @type in arrays given,
 * and store the .reg %d of @dtype: 32 lanes of one instruction's results.
 */
static inline int embed_lanes(const char *type, const char *dtype, const char *body)
{
	char text[4096];
	uint64_t params[1] = { EMBED_DATA };
	int n = snprintf(text, sizeof(text), EMBED_HEAD
		".visible .entry k(.param .u64 p)\n{\n"
		".reg .%s %%a<3>;\n.reg .%s %%d;\n.reg .b32 %%r<8>;\n.reg .pred %%p<4>;\n"
		".reg .b16 %%h<4>;\n.reg .b64 %%w<8>;\n.reg .f32 %%f<4>;\n"
		"ld.param.u64 %%w0, [p];\nmov.u32 %%r0, %%tid.x;\n"
		"mul.wide.u32 %%w1, %%r0, 8;\nadd.u64 %%w1, %%w0, %%w1;\n"
		"ld.global.%s %%a0, [%%w1];\nld.global.%s %%a1, [%%w1+256];\n"
		"ld.global.%s %%a2, [%%w1+512];\n%s\nst.global.%s [%%w1+768], %%d;\nret;\n}\n",
		type, dtype, type, type, type, body, dtype);
	char keep[1024];
	int rc;

	memcpy(keep, embed_data(0), sizeof(keep));
	rc = embed_load(text, n);
	if (rc) {
		printf("# %s\n", em.log);
		return rc;
	}
	memcpy(embed_data(0), keep, sizeof(keep));
	return embed_run("k", 32, params, sizeof(params));
}

/* Input and output slots of embed_lanes(): 8 bytes apart. */
static inline void embed_set(int input, int lane, uint64_t bits)
{
	memcpy(embed_data(256 * input + 8 * lane), &bits, 8);
}

static inline uint64_t embed_get(int lane, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, embed_data(768 + 8 * lane), size);
	return v;
}

#endif
