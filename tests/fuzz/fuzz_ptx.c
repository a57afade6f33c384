/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PTX text: indexed, placed, each kernel parsed and lowered, then one small
 * block of it run for a bounded number of instructions.
 *
 * The first byte says how many threads; the rest is the text.
 *
 * Covers: softgpu/ptx/body.c softgpu/ptx/call.c softgpu/ptx/decl.c
 * softgpu/ptx/index.c softgpu/ptx/insn.c softgpu/ptx/lex.c softgpu/ptx/mods.c
 * softgpu/ptx/module.c softgpu/ptx/operand.c softgpu/ptx/place.c
 * softgpu/ptx/scope.c softgpu/ptx/special.c softgpu/ptx/symbol.c
 * softgpu/ir/cfg.c softgpu/ir/op.c softgpu/ir/prog.c softgpu/ir/type.c
 * softgpu/interp/atom.c softgpu/interp/barrier.c softgpu/interp/block.c
 * softgpu/interp/builtin.c softgpu/interp/carry.c softgpu/interp/ctl.c
 * softgpu/interp/decode.c softgpu/interp/decode_ctl.c softgpu/interp/decode_mem.c
 * softgpu/interp/fault.c softgpu/interp/group.c softgpu/interp/mem.c
 * softgpu/interp/printf.c softgpu/interp/warp.c
 */
#include "softgpu/interp/interp.h"
#include "softgpu/ir/module.h"
#include "tests/fuzz/fuzz.h"

#define BASE 0x700000000ull
#define SIZE (256u << 10)
#define DATA (SIZE / 2) /* variables lie below, kernels' arguments point here */
#define PARAMS_MAX 4352
#define SLICE 200
#define SLICES 12
#define ENTRIES_MAX 4

struct machine {
	char *mem;
	uint64_t used;
	uint64_t heap;
	struct sg_mem_range range;
	struct sg_mem_map map;
	size_t printed;
};

static uint64_t place(void *opaque, const struct sg_var_info *info)
{
	struct machine *m = opaque;
	uint64_t at;

	FZ_REQUIRE(cw_is_pow2(info->align));
	at = cw_align_up(m->used, info->align);
	if (info->external || at > DATA || info->size > DATA - at)
		return 0;
	m->used = at + info->size;
	return BASE + at;
}

static int write_bytes(void *opaque, uint64_t addr, const void *bytes, size_t len)
{
	struct machine *m = opaque;

	FZ_REQUIRE(addr >= BASE && addr - BASE <= DATA && len <= DATA - (addr - BASE));
	memcpy(m->mem + (addr - BASE), bytes, len);
	return 0;
}

static void print(void *opaque, const char *text, size_t len)
{
	((struct machine *)opaque)->printed += len;
	for (size_t i = 0; i < len; i++)
		((struct machine *)opaque)->printed += text[i] == '\n';
}

static uint64_t heap_alloc(void *opaque, uint64_t size)
{
	struct machine *m = opaque;
	uint64_t at = m->heap;

	if (size > SIZE - at)
		return 0;
	m->heap += cw_align_up(size, 16);
	return BASE + at;
}

static void heap_free(void *opaque, uint64_t addr)
{
}

static void entry_run(struct machine *m, const struct sg_entry *e, uint8_t shape)
{
	static const struct sg_host_ops ops = { NULL, print, heap_alloc, heap_free };
	static const uint32_t ctaid[3];
	const struct sg_entry_info *info = sg_entry_info(e);
	struct sg_entry_usage use;
	struct sg_launch launch = {
		.entry = e, .grid = { 1, 1, 1 }, .block = { 1 + shape % 70, 1 + (shape >> 7), 1 },
		.dyn_shared = 256, .params_size = PARAMS_MAX, .map = &m->map, .slice = SLICE,
		.sm = 4, .grid_workspace = BASE + DATA, .ops = &ops, .opaque = m,
	};
	uint64_t params[PARAMS_MAX / 8];
	struct sg_worker *w = sg_worker_create();
	struct sg_fault fault = { 0 };
	int ret = SG_AGAIN;

	sg_entry_usage(e, &use);
	for (size_t i = 0; i < CW_ARRAY_SIZE(params); i++)
		params[i] = BASE + DATA;
	launch.params = params;
	if (info->param_bytes > PARAMS_MAX || use.max_threads < launch.block[0] * launch.block[1])
		ret = 0;
	for (int i = 0; i < SLICES && ret == SG_AGAIN; i++)
		ret = sg_run_block(w, &launch, ctaid, &fault);
	if (ret == SG_AGAIN)
		sg_worker_abandon(w);
	else
		FZ_REQUIRE(!ret || fault.kind);
	fz_plant(ret < 0 && fault.kind == SG_FAULT_MISALIGNED && use.static_shared == 48);
	sg_worker_destroy(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine m = { .used = 256, .heap = SIZE - 8192 };
	const struct sg_placer placer = { place, write_bytes, &m };
	struct sg_module *module;
	char log[256];
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	m.mem = calloc(1, SIZE);
	m.range = (struct sg_mem_range){ BASE, SIZE, m.mem, 0 };
	m.map = (struct sg_mem_map){ &m.range, 1 };
	if (sg_module_parse(text, size - 1, &module, log, sizeof(log))) {
		FZ_REQUIRE(log[0] && memchr(log, 0, sizeof(log)));
	} else {
		size_t n = cw_min(sg_module_entry_count(module), (size_t)ENTRIES_MAX);

		for (size_t i = 0; i < sg_module_undefined_count(module); i++)
			FZ_REQUIRE(sg_module_undefined(module, i));
		if (sg_module_place(module, &placer, log, sizeof(log)))
			n = 0;
		for (size_t i = 0; i < n; i++) {
			struct sg_entry *e = sg_module_entry(module, i);

			if (!sg_entry_prepare(e, log, sizeof(log)))
				entry_run(&m, e, data[0]);
		}
		sg_module_free(module);
	}
	free(m.mem);
	free(text);
	return 0;
}
