/* SPDX-License-Identifier: Apache-2.0 */
/* softgpu/ptx: index, placement, parsing of bodies, refusal of what is wrong. */
#include "tests/softgpu/ptx_embed.h"

static const char module_text[] =
	".version 7.1\n.target sm_75\n.address_size 64\n"
	"// comment { \n/* another\n } */\n"
	".visible .global .align 4 .b8 g[8] = {1, 2, 0, 0, 255};\n"
	".global .u64 p = generic(g)+4;\n"
	".const .f32 c[2] = {0f3F800000, -2.5};\n"
	".global .u32 m[2][3] = {{1, 2, 3}, {4, 5, 6}};\n"
	".extern .shared .align 16 .b8 dyn[];\n"
	".shared .align 4 .b8 sh[64];\n"
	".func (.param .b32 r) twice(.param .b32 a)\n{\n.reg .b32 %r<3>;\n"
	"ld.param.b32 %r1, [a];\nshl.b32 %r2, %r1, 1;\nst.param.b32 [r], %r2;\nret;\n}\n"
	".visible .entry k(.param .u8 a, .param .align 8 .b8 s[24], .param .u64 b,"
	" .param .u16 h, .param .align 4 .b8 v[12])\n"
	".maxntid 128, 2, 1\n.minnctapersm 3\n{\n"
	".reg .b32 %r<4>;\n.reg .b64 %rd<4>;\n.reg .pred %p<2>;\n"
	"ld.param.u64 %rd1, [b];\nmov.u32 %r1, sh;\nmov.u32 %r2, dyn;\n"
	"sub.u32 %r1, %r2, %r1;\n"
	"{\n.param .b32 x;\nst.param.b32 [x+0], %r1;\n.param .b32 y;\n"
	"call.uni (y), twice, (x);\nld.param.b32 %r3, [y+0];\n}\n"
	"st.global.u32 [%rd1], %r3;\n"
	"setp.eq.u32 %p1, %r3, 0;\n@%p1 bra done;\n{ done: .reg .b32 %q; mov.u32 %q, 1; }\n"
	"done: exit;\n}\n";

TEST(entry_parameters_are_laid_out_by_natural_alignment)
{
	static const uint32_t offsets[] = { 0, 8, 32, 40, 44 };
	const struct sg_entry_info *info;

	CHECK_EQ(embed_load(module_text, sizeof(module_text)), 0);
	info = sg_entry_info(sg_module_find_entry(em.m, "k"));
	CHECK_EQ(info->nparams, 5);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(info->params[i].offset, offsets[i]);
	CHECK_EQ(info->param_bytes, 56);
	CHECK_EQ(info->maxntid[0], 128);
	CHECK_EQ(info->maxntid[1], 2);
	CHECK_EQ(info->minnctapersm, 3);
	CHECK_EQ(sg_module_ptx_version(em.m), 71);
	CHECK_EQ(sg_module_target(em.m), 75);
}

TEST(initialisers_reach_memory_and_addresses_are_resolved)
{
	struct sg_var_info g, p, c, m;
	size_t at = 0, vars = 0;
	uint64_t v;
	float f[2];
	uint32_t rows[6];

	CHECK_EQ(embed_load(module_text, sizeof(module_text)), 0);
	while (sg_module_next_var(em.m, &at, &g))
		vars += g.name && *g.name;
	CHECK_EQ(vars, 4);
	CHECK_EQ(sg_module_find_var(em.m, "g", &g), 0);
	CHECK_EQ(sg_module_find_var(em.m, "p", &p), 0);
	CHECK_EQ(sg_module_find_var(em.m, "c", &c), 0);
	CHECK_EQ(sg_module_find_var(em.m, "m", &m), 0);
	CHECK(sg_module_find_var(em.m, "nothing", &g) < 0);
	memcpy(&v, em.mem + (g.addr - EMBED_BASE), 8);
	CHECK_EQ(v, 0xff00000201ull);
	memcpy(&v, em.mem + (p.addr - EMBED_BASE), 8);
	CHECK_EQ(v, g.addr + 4);
	memcpy(f, em.mem + (c.addr - EMBED_BASE), 8);
	CHECK(f[0] == 1.0f && f[1] == -2.5f);
	CHECK_EQ(c.space, SG_VAR_CONST);
	memcpy(rows, em.mem + (m.addr - EMBED_BASE), 24);
	for (uint32_t i = 0; i < 6; i++)
		CHECK_EQ(rows[i], i + 1);
}

TEST(calls_scopes_labels_and_dynamic_shared_work_together)
{
	char params[56] = { 0 };
	uint64_t out = EMBED_DATA;
	uint32_t v;
	struct sg_entry_usage use;

	CHECK_EQ(embed_load(module_text, sizeof(module_text)), 0);
	memcpy(params + 32, &out, 8);
	CHECK_EQ(embed_run("k", 1, params, sizeof(params)), 0);
	memcpy(&v, embed_data(0), 4);
	CHECK_EQ(v, 128);	/* dyn lies 64 bytes behind sh; twice that */
	sg_entry_usage(em.launch.entry, &use);
	CHECK_EQ(use.static_shared, 64);
	CHECK_EQ(use.max_threads, 256);
}

/* Reads past the cut would be seen by AddressSanitizer: the copy is exact. */
TEST(text_cut_at_any_length_is_refused_or_parsed_never_worse)
{
	for (size_t len = 0; len < sizeof(module_text) - 1; len++) {
		char *cut = malloc(len + 1);
		struct sg_entry *e;

		memcpy(cut, module_text, len);
		if (!embed_load(cut, len)) {
			e = sg_module_find_entry(em.m, "k");
			CHECK(!e || len > 900);
			if (e)
				sg_entry_prepare(e, em.log, sizeof(em.log));
		} else {
			CHECK(em.log[0] != '\0');
		}
		free(cut);
	}
}

TEST(text_with_any_byte_damaged_is_refused_or_parsed_never_worse)
{
	static const char bytes[] = "{};,.\"/0-[%\n\xff";
	char *copy = malloc(sizeof(module_text));

	for (size_t i = 0; i < sizeof(module_text) - 1; i++) {
		memcpy(copy, module_text, sizeof(module_text));
		copy[i] = bytes[i % (sizeof(bytes) - 1)];
		if (!embed_load(copy, sizeof(module_text) - 1)) {
			for (size_t k = 0; k < sg_module_entry_count(em.m); k++)
				sg_entry_prepare(sg_module_entry(em.m, k), em.log, sizeof(em.log));
		}
	}
	free(copy);
}

static void wants_error(const char *body, const char *part)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), EMBED_HEAD ".entry k()\n{\n.reg .b32 %%r<4>;\n"
			 ".reg .b64 %%w<4>;\n.reg .pred %%p<2>;\n%s\nret;\n}\n", body);
	int rc = embed_load(text, n);

	if (!rc)
		rc = sg_entry_prepare(sg_module_find_entry(em.m, "k"), em.log, sizeof(em.log));
	CHECK(rc < 0);
	if (!strstr(em.log, part))
		printf("# log: %s\n", em.log);
	CHECK(strstr(em.log, part) != NULL);
	CHECK(strstr(em.log, "line 9") != NULL);
}

TEST(an_instruction_outside_the_table_is_named_with_its_line)
{
	wants_error("wgmma.fence.sync.aligned;", "wgmma");
	wants_error("add.bogus.u32 %r1, %r2, %r3;", "bogus");
	wants_error("add.u32 %r1, %r2, %w3;", "not .u32");
	wants_error("add.u32 %r1, %r2;", "expected ','");
	wants_error("bra nowhere;", "nowhere");
	wants_error("mov.u32 %r1, unknown;", "unknown");
	wants_error("min.xorsign.abs.f32 %r1, %r2, %r3;", "min.f32");
}

TEST(two_texts_link_by_their_visible_names)
{
	static const char a[] = EMBED_HEAD ".extern .func (.param .b32 r) f();\n"
		".entry k(.param .u64 p)\n{\n.reg .b32 %r;\n.reg .b64 %w;\nld.param.u64 %w, [p];\n"
		"{\n.param .b32 y;\ncall (y), f, ();\nld.param.b32 %r, [y];\n}\n"
		"st.global.b32 [%w], %r;\nret;\n}\n";
	static const char b[] = EMBED_HEAD ".visible .func (.param .b32 r) f()\n{\n.reg .b32 %r;\n"
		"mov.u32 %r, 42;\nst.param.b32 [r], %r;\nret;\n}\n";
	const struct sg_source both[2] = { { a, sizeof(a) }, { b, sizeof(b) } };
	const struct sg_source twice[2] = { { b, sizeof(b) }, { b, sizeof(b) } };
	struct sg_module *m;

	CHECK_EQ(sg_module_parse(a, sizeof(a), &m, em.log, sizeof(em.log)), 0);
	CHECK_EQ(sg_module_undefined_count(m), 1);
	CHECK_STR(sg_module_undefined(m, 0), "f");
	sg_module_free(m);
	CHECK_EQ(sg_module_link(both, 2, &m, em.log, sizeof(em.log)), 0);
	CHECK_EQ(sg_module_undefined_count(m), 0);
	CHECK_EQ(sg_entry_prepare(sg_module_entry(m, 0), em.log, sizeof(em.log)), 0);
	sg_module_free(m);
	CHECK(sg_module_link(twice, 2, &m, em.log, sizeof(em.log)) < 0);
}

TAP_MAIN()
