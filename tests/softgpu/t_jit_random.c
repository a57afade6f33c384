/* SPDX-License-Identifier: Apache-2.0 */
/*
 * softgpu/jit: random kernels, compiled against interpreted, bit for bit:
 * divergence, loops with breaks, exits, barriers, shared memory, operations
 * between lanes, values that are one for the warp and values that are not.
 *
 * CW_JIT_SEEDS: how many kernels (default 12); CW_JIT_SEED: the first one.
 */
#define EMBED_JIT 1
#include "tests/softgpu/ptx_embed.h"

#include <stdarg.h>

#define OUT_BYTES (1u << 18)

static struct {
	char text[1 << 16];
	size_t n;
	uint64_t rng;
	int labels, depth, loops, statements;
	bool exits, whole;
} gen;

static uint32_t rnd(uint32_t n)
{
	gen.rng = gen.rng * 6364136223846793005ull + 1442695040888963407ull;
	return (gen.rng >> 33) % n;
}

static void __attribute__((format(printf, 1, 2))) put(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	gen.n += vsnprintf(gen.text + gen.n, sizeof(gen.text) - gen.n, f, ap);
	va_end(ap);
	gen.n = gen.n < sizeof(gen.text) ? gen.n : sizeof(gen.text) - 1;
}

/* Sources: r0 thread, r1 lane, r2 and r3 one for the block, r4 on anything. */
static const char *src(void)
{
	static char buf[8][16];
	static int at;
	char *s = buf[at++ & 7];

	if (rnd(6) == 0)
		snprintf(s, 16, "%u", rnd(2) ? rnd(40) : rnd(0x7fffffff));
	else
		snprintf(s, 16, "%%r%u", rnd(12));
	return s;
}

static unsigned dst(void)
{
	/* Scalars are written too: they may or may not stay scalars. */
	return 2 + rnd(10);
}

static void guard(void)
{
	if (rnd(5) == 0)
		put("@%s%%p%u ", rnd(2) ? "!" : "", rnd(4));
}

static void gen_int(void)
{
	static const char *const two[] = {
		"add.s32", "sub.s32", "mul.lo.s32", "and.b32", "or.b32", "xor.b32", "min.s32",
		"max.u32", "shl.b32", "shr.u32", "shr.s32", "div.u32", "rem.s32", "mul.hi.u32",
		"div.s32", "add.sat.s32", "min.u32",
	};
	static const char *const three[] = { "mad.lo.s32", "bfe.u32", "shf.l.wrap.b32", "sad.u32",
					     "dp4a.s32.s32", "mad.hi.s32" };
	static const char *const one[] = { "not.b32", "neg.s32", "abs.s32", "popc.b32", "clz.b32",
					   "brev.b32", "bfind.u32", "cnot.b32" };

	guard();
	switch (rnd(4)) {
	case 0:
		put("%s %%r%u, %s, %s, %s;\n", three[rnd(CW_ARRAY_SIZE(three))], dst(), src(),
		    src(), src());
		break;
	case 1:
		put("%s %%r%u, %s;\n", one[rnd(CW_ARRAY_SIZE(one))], dst(), src());
		break;
	default:
		put("%s %%r%u, %s, %s;\n", two[rnd(CW_ARRAY_SIZE(two))], dst(), src(), src());
		break;
	}
}

static void gen_float(void)
{
	static const char *const two[] = { "add.f32", "mul.f32", "sub.f32", "div.rn.f32",
					   "min.f32", "max.f32" };

	guard();
	switch (rnd(6)) {
	case 0:
		put("cvt.rn.f32.s32 %%f%u, %s;\n", rnd(6), src());
		break;
	case 1:
		put("cvt.rzi.s32.f32 %%r%u, %%f%u;\n", dst(), rnd(6));
		break;
	case 2:
		put("mov.b32 %%r%u, %%f%u;\n", dst(), rnd(6));
		break;
	case 3:
		put("fma.rn.f32 %%f%u, %%f%u, %%f%u, %%f%u;\n", rnd(6), rnd(6), rnd(6), rnd(6));
		break;
	case 4:
		put("mov.b32 %%f%u, %s;\n", rnd(6), src());
		break;
	default:
		put("%s %%f%u, %%f%u, %%f%u;\n", two[rnd(CW_ARRAY_SIZE(two))], rnd(6), rnd(6),
		    rnd(6));
		break;
	}
}

static void gen_pred(void)
{
	static const char *const cmp[] = { "lt.s32", "eq.s32", "ge.u32", "ne.s32", "le.s32" };

	if (rnd(4) == 0)
		put("setp.lt.f32 %%p%u|%%p%u, %%f%u, %%f%u;\n", rnd(4), rnd(4), rnd(6), rnd(6));
	else if (rnd(4) == 0)
		put("selp.b32 %%r%u, %s, %s, %%p%u;\n", dst(), src(), src(), rnd(4));
	else
		put("setp.%s %%p%u, %s, %s;\n", cmp[rnd(CW_ARRAY_SIZE(cmp))], rnd(4), src(),
		    src());
}

/* This thread's own words, so that no two threads race. */
static void gen_mem(void)
{
	guard();
	switch (rnd(6)) {
	case 0:
		put("st.global.u32 [%%w1+%u], %s;\n", 4 * rnd(8), src());
		break;
	case 1:
		put("ld.global.u32 %%r%u, [%%w1+%u];\n", dst(), 4 * rnd(8));
		break;
	case 2:
		put("ld.global.u32 %%r%u, [%%w0+%u];\n", dst(), 4 * rnd(32));
		break;
	case 3:
		put("st.shared.u32 [%%r15], %s;\n", src());
		break;
	case 4:
		put("ld.shared.u32 %%r%u, [%%r15];\n", dst());
		break;
	default:
		put("ld.global.v2.u32 {%%r%u, %%r%u}, [%%w1+%u];\n", 4 + rnd(4), 8 + rnd(4),
		    8 * rnd(4));
		break;
	}
}

/* A load from anywhere in the read-only table, 32 words. */
static void gen_gather(void)
{
	put("and.b32 %%r13, %s, 31;\nmul.wide.u32 %%w3, %%r13, 4;\nadd.u64 %%w3, %%w0, %%w3;\n",
	    src());
	guard();
	put("ld.global.u32 %%r%u, [%%w3];\n", dst());
}

static void gen_statement(bool together);

static void gen_some(bool together, int n)
{
	while (n-- > 0 && gen.statements < 160)
		gen_statement(together);
}

static void gen_if(bool together)
{
	int l = gen.labels++;
	bool uniform = rnd(4) == 0;

	if (uniform)
		put("setp.lt.u32 %%p5, %%r16, %u;\n@%%p5 bra E%d;\n", rnd(64), l);
	else
		put("@%s%%p%u bra E%d;\n", rnd(2) ? "!" : "", rnd(4), l);
	gen_some(together && uniform, 1 + rnd(4));
	if (rnd(2)) {
		put("bra X%d;\nE%d:\n", l, l);
		gen_some(together && uniform, 1 + rnd(3));
		put("X%d:\n", l);
	} else {
		put("E%d:\n", l);
	}
}

/* At most 7 rounds, a number of its own for each lane, with ways out. */
static void gen_loop(bool together)
{
	int l = gen.labels++, c = 20 + gen.loops++;
	bool uniform = rnd(3) == 0;

	if (uniform)
		put("mov.u32 %%r%d, %u;\n", c, 1 + rnd(5));
	else
		put("and.b32 %%r%d, %s, 7;\n", c, src());
	put("L%d:\n", l);
	gen_some(together && uniform, 1 + rnd(4));
	if (!uniform && rnd(2))
		put("@%%p%u bra B%d;\n", rnd(4), l);
	if (rnd(3) == 0)
		put("@%%p%u bra C%d;\n", rnd(4), l);
	gen_some(false, rnd(3));
	put("C%d:\nadd.s32 %%r%d, %%r%d, -1;\nsetp.gt.s32 %%p6, %%r%d, 0;\n@%%p6 bra L%d;\nB%d:\n",
	    l, c, c, c, l, l);
}

/* Only where all threads that live come together. */
static void gen_together(void)
{
	/* A shuffle from a lane that does not exist gives anything. */
	switch (gen.whole ? rnd(5) : 3 * rnd(2)) {
	case 0:
		put("bar.sync 0;\nst.shared.u32 [%%r15], %s;\nbar.sync 0;\n"
		    "ld.shared.u32 %%r%u, [%%r14];\nbar.sync 0;\n", src(), dst());
		break;
	case 1:
		put("shfl.sync.%s.b32 %%r%u|%%p%u, %s, %u, 0x1f, -1;\n", rnd(2) ? "bfly" : "down",
		    dst(), rnd(4), src(), rnd(32));
		break;
	case 2:
		put("and.b32 %%r13, %s, 31;\nshfl.sync.idx.b32 %%r%u, %s, %%r13, 0x1f, -1;\n",
		    src(), dst(), src());
		break;
	case 3:
		put("vote.sync.ballot.b32 %%r%u, %%p%u, -1;\n", dst(), rnd(4));
		break;
	default:
		put("vote.sync.%s.pred %%p%u, %%p%u, -1;\n", rnd(2) ? "any" : "all", rnd(4),
		    rnd(4));
		break;
	}
}

static void gen_statement(bool together)
{
	gen.statements++;
	switch (rnd(14)) {
	case 0: case 1: case 2: case 3:
		gen_int();
		break;
	case 4: case 5:
		gen_float();
		break;
	case 6: case 7:
		gen_pred();
		break;
	case 8: case 9:
		gen_mem();
		break;
	case 10:
		gen_gather();
		break;
	case 11:
		if (together)
			gen_together();
		else if (gen.exits && rnd(8) == 0)
			put("@%%p%u exit;\n", rnd(4));
		break;
	default:
		if (gen.depth < 4 && gen.loops < 10) {
			gen.depth++;
			if (rnd(3))
				gen_if(together);
			else
				gen_loop(together);
			gen.depth--;
		}
		break;
	}
}

/* Shuffles read lanes that have left: only kernels without them may exit. */
static void gen_kernel(uint64_t seed, bool whole)
{
	memset(&gen, 0, sizeof(gen));
	gen.rng = seed * 0x9e3779b97f4a7c15ull + 1;
	rnd(2);
	gen.whole = whole;
	gen.exits = rnd(3) == 0;
	put(EMBED_HEAD ".entry k(.param .u64 p, .param .u32 q)\n{\n"
	    ".reg .b32 %%r<40>;\n.reg .f32 %%f<8>;\n.reg .b64 %%w<8>;\n.reg .pred %%p<8>;\n"
	    ".shared .align 4 .b8 s[4096];\n"
	    "ld.param.u64 %%w0, [p];\nld.param.u32 %%r3, [q];\n"
	    "mov.u32 %%r0, %%tid.x;\nmov.u32 %%r10, %%tid.y;\nmov.u32 %%r11, %%ntid.x;\n"
	    "mad.lo.s32 %%r0, %%r10, %%r11, %%r0;\nmov.u32 %%r1, %%laneid;\n"
	    "mov.u32 %%r2, %%ntid.x;\nmov.u32 %%r16, %%r3;\n"
	    "mul.wide.u32 %%w1, %%r0, 32;\nadd.u64 %%w1, %%w0, %%w1;\nadd.u64 %%w1, %%w1, 256;\n"
	    "mov.u32 %%r15, s;\nmov.u32 %%r14, %%r0;\nxor.b32 %%r14, %%r14, 1;\n"
	    "mad.lo.s32 %%r14, %%r14, 4, %%r15;\nmad.lo.s32 %%r15, %%r0, 4, %%r15;\n");
	for (int i = 4; i < 12; i++)
		put("ld.global.u32 %%r%d, [%%w1+%d];\n", i, 4 * (i - 4));
	for (int i = 0; i < 8; i++)
		put("mov.b32 %%f%d, %%r%d;\n", i, 4 + i);
	for (int i = 0; i < 8; i++)
		put("setp.lt.s32 %%p%d, %%r%d, %%r%d;\n", i, 4 + i, rnd(12));
	put("mov.u32 %%r13, 0;\nst.shared.u32 [%%r15], %%r13;\nbar.sync 0;\n");
	gen_some(!gen.exits, 10 + rnd(20));
	put("mul.wide.u32 %%w2, %%r0, 64;\nadd.u64 %%w2, %%w0, %%w2;\n"
	    "add.u64 %%w2, %%w2, 65536;\n");
	for (int i = 0; i < 10; i++)
		put("st.global.u32 [%%w2+%d], %%r%d;\n", 4 * i, 2 + i);
	for (int i = 0; i < 6; i++)
		put("st.global.f32 [%%w2+%d], %%f%d;\n", 40 + 4 * i, i);
	put("ret;\n}\n");
}

static int run_one(bool jit, const uint32_t block[3], char *ret_out)
{
	static const uint32_t zero[3];
	const struct {
		uint64_t p;
		uint32_t q;
	} params = { EMBED_DATA, 17 };
	struct sg_entry *e;
	uint64_t rng = 99;
	int rc = embed_load(gen.text, gen.n);

	CHECK_EQ(rc, 0);
	e = sg_module_find_entry(em.m, "k");
	CHECK_EQ(sg_entry_prepare(e, em.log, sizeof(em.log)), 0);
	for (uint32_t i = 0; i < OUT_BYTES / 4; i++) {
		uint32_t v;

		rng = rng * 6364136223846793005ull + 1442695040888963407ull;
		v = rng >> 32;
		if (rng >> 20 & 1)
			v &= 0xff;
		else if ((rng >> 21 & 7) == 0)
			v = (uint32_t[]){ 0, 1, 0x80000000, 0x7fffffff, 0x7f800000, 0x7fc12345,
					  0x3f800000, UINT32_MAX }[rng >> 24 & 7];
		memcpy(embed_data(4 * i), &v, 4);
	}
	em.range = (struct sg_mem_range){ EMBED_BASE, EMBED_SIZE, em.mem, 0 };
	em.map = (struct sg_mem_map){ &em.range, 1 };
	em.launch = (struct sg_launch){
		.entry = e, .ops = &em.ops, .map = &em.map, .params = &params,
		.params_size = sizeof(params), .grid = { 1, 1, 1 },
		.block = { block[0], block[1], block[2] },
	};
	if (jit) {
		em.launch.jit = sg_jit_prepare(&em.launch);
		CHECK(em.launch.jit != NULL);
	}
	em.worker = sg_worker_create();
	while ((rc = sg_run_block(em.worker, &em.launch, zero, &em.fault)) == SG_AGAIN)
		;
	memcpy(ret_out, embed_data(0), OUT_BYTES);
	return rc;
}

static void compare(uint64_t seed, const uint32_t block[3])
{
	static char want[OUT_BYTES], have[OUT_BYTES];
	int rc[2];

	gen_kernel(seed, block[0] * block[1] * block[2] % 32 == 0);
	rc[0] = run_one(false, block, want);
	rc[1] = run_one(true, block, have);
	if (rc[0] != rc[1] || memcmp(want, have, OUT_BYTES)) {
		uint32_t i = 0;

		while (i < OUT_BYTES && want[i] == have[i])
			i++;
		printf("# seed %llu block %u,%u,%u differs at byte %u: thread %u word %u\n",
		       (unsigned long long)seed, block[0], block[1], block[2], i,
		       i >= 65536 ? (i - 65536) / 64 : (i - 256) / 32, i % 64 / 4);
		if (getenv("CW_JIT_SHOW"))
			fputs(gen.text, stdout);
	}
	CHECK_EQ(rc[0], rc[1]);
	CHECK(!memcmp(want, have, OUT_BYTES));
}

TEST(random_kernels_agree_with_the_interpreter)
{
	static const uint32_t blocks[][3] = {
		{ 32, 1, 1 }, { 64, 1, 1 }, { 77, 1, 1 }, { 16, 8, 1 }, { 64, 2, 1 }, { 24, 5, 1 },
		{ 4, 8, 2 }, { 8, 3, 1 }, { 1, 33, 1 }, { 256, 1, 1 },
	};
	const char *n = getenv("CW_JIT_SEEDS"), *first = getenv("CW_JIT_SEED");
	uint64_t from = first ? strtoull(first, NULL, 10) : 1;
	uint64_t count = n ? strtoull(n, NULL, 10) : 12;

	for (uint64_t s = from; s < from + count; s++)
		compare(s, blocks[s % CW_ARRAY_SIZE(blocks)]);
}

TAP_MAIN()
