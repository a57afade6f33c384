/* SPDX-License-Identifier: Apache-2.0 */
/*
 * softgpu/interp: blocks. Barriers, divergence, lanes that wait for each other,
 * calls, atomics, output, and how a kernel fails.
 */
#include "tests/softgpu/ptx_embed.h"

#define REGS                                                                                       \
	".reg .b32 %r<16>;\n.reg .b64 %w<8>;\n.reg .pred %p<4>;\n.reg .f32 %f<4>;\n"               \
	"ld.param.u64 %w0, [p];\nmov.u32 %r0, %tid.x;\n"                                           \
	"mul.wide.u32 %w1, %r0, 4;\nadd.u64 %w1, %w0, %w1;\n"

/* Load and run @body as kernel k(p): thread in %r0, &p[thread] in %w1. */
static int run(const char *before, const char *body, uint32_t threads)
{
	char text[8192];
	uint64_t params[1] = { EMBED_DATA };
	int n = snprintf(text, sizeof(text), EMBED_HEAD "%s.entry k(.param .u64 p)\n{\n"
			 "%s%s\nret;\n}\n", before, REGS, body);
	int rc = embed_load(text, n);

	/* Functions of a program are not compiled yet. */
	em.may_interpret = strstr(text, "call") != NULL;
	if (rc) {
		printf("# %s\n", em.log);
		return rc;
	}
	return embed_run("k", threads, params, sizeof(params));
}

static uint32_t out(int i)
{
	uint32_t v;

	memcpy(&v, embed_data(4 * i), 4);
	return v;
}

TEST(barrier_makes_shared_memory_of_all_warps_visible)
{
	CHECK_EQ(run("", ".shared .b32 s[1024];\nmov.u32 %r1, s;\nshl.b32 %r2, %r0, 2;\n"
		     "add.u32 %r3, %r1, %r2;\nst.shared.u32 [%r3], %r0;\nbar.sync 0;\n"
		     "sub.u32 %r4, 1000, %r0;\nmad.lo.u32 %r3, %r4, 4, %r1;\n"
		     "ld.shared.u32 %r5, [%r3+-4];\nst.global.u32 [%w1], %r5;\n", 1000), 0);
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(out(i), 999 - i);
}

TEST(warps_that_have_exited_do_not_hold_up_a_barrier)
{
	CHECK_EQ(run("", "setp.ge.u32 %p1, %r0, 40;\n@%p1 exit;\nbar.sync 0;\n"
		     "st.global.u32 [%w1], 7;\n", 128), 0);
	CHECK_EQ(out(39), 7);
	CHECK_EQ(out(40), 0);
}

TEST(named_barriers_count_and_reduce)
{
	CHECK_EQ(run("", "setp.lt.u32 %p1, %r0, 64;\n@%p1 bra a;\n"
		     "bar.arrive 1, 128;\nbra b;\n"
		     "a: bar.sync 1, 128;\nsetp.eq.u32 %p2, %r0, 5;\n"
		     "bar.red.popc.u32 %r1, 2, 64, %p2;\nst.global.u32 [%w1], %r1;\n"
		     "bar.red.and.pred %p3, 3, 64, !%p2;\nselp.u32 %r2, 1, 2, %p3;\n"
		     "st.global.u32 [%w1+1024], %r2;\nb: \n", 128), 0);
	CHECK_EQ(out(63), 1);
	CHECK_EQ(out(256), 2);
}

TEST(a_barrier_nobody_else_reaches_is_a_deadlock_not_a_hang)
{
	CHECK_EQ(run("", "setp.lt.u32 %p1, %r0, 32;\n@%p1 bar.sync 1;\n@!%p1 bar.sync 2;\n", 64),
		 -14);
	CHECK_EQ(em.fault.kind, SG_FAULT_DEADLOCK);
}

TEST(lanes_diverge_and_meet_again)
{
	/* Each lane loops tid times; the ballot behind the loop sees them all. */
	CHECK_EQ(run("", "mov.u32 %r1, 0;\nl: setp.ge.u32 %p1, %r1, %r0;\n@%p1 bra e;\n"
		     "add.u32 %r1, %r1, 1;\nbra l;\ne: activemask.b32 %r2;\n"
		     "st.global.u32 [%w1], %r2;\n", 32), 0);
	for (int i = 0; i < 32; i++)
		CHECK_EQ(out(i), UINT32_MAX);
}

TEST(sync_operations_wait_for_their_members)
{
	/* Odd lanes come by another way, at a higher address, first code last. */
	CHECK_EQ(run("", "and.b32 %r1, %r0, 1;\nsetp.eq.u32 %p1, %r1, 1;\nmov.u32 %r3, %r0;\n"
		     "@%p1 bra odd;\njoin: shfl.sync.bfly.b32 %r2, %r3, 1, 31, -1;\n"
		     "st.global.u32 [%w1], %r2;\nret;\nodd: add.u32 %r3, %r3, 100;\nbra join;\n",
		     32), 0);
	for (int i = 0; i < 32; i++)
		CHECK_EQ(out(i), i & 1 ? i - 1 : i + 101);
}

TEST(shfl_vote_match_and_redux_agree_with_the_isa)
{
	CHECK_EQ(run("", "shfl.sync.up.b32 %r1|%p1, %r0, 3, 0, -1;\n"
		     "selp.u32 %r2, %r1, 99, %p1;\nst.global.u32 [%w1], %r2;\n"
		     "shfl.sync.idx.b32 %r1, %r0, 9, 0x181f, -1;\nst.global.u32 [%w1+128], %r1;\n"
		     "setp.lt.u32 %p2, %r0, 4;\nvote.sync.ballot.b32 %r3, !%p2, -1;\n"
		     "st.global.u32 [%w1+256], %r3;\nvote.sync.all.pred %p3, %p2, 15;\n"
		     "and.b32 %r4, %r0, 3;\nmatch.any.sync.b32 %r5, %r4, -1;\n"
		     "st.global.u32 [%w1+384], %r5;\nredux.sync.add.s32 %r6, %r0, -1;\n"
		     "st.global.u32 [%w1+512], %r6;\n", 32), 0);
	CHECK_EQ(out(2), 99);
	CHECK_EQ(out(10), 7);
	CHECK_EQ(out(32 + 20), 17);	/* segments of 8: lane 16 + (9 mod 8) */
	CHECK_EQ(out(64), 0xfffffff0);
	CHECK_EQ(out(96 + 6), 0x44444444);
	CHECK_EQ(out(128 + 31), 496);
}

TEST(a_spin_lock_among_lanes_of_one_warp_makes_progress)
{
	CHECK_EQ(run(".global .u32 lock;\n",
		     "mov.u64 %w2, lock;\nagain: atom.global.cas.b32 %r1, [%w2], 0, 1;\n"
		     "setp.ne.u32 %p1, %r1, 0;\n@%p1 bra again;\n"
		     "ld.volatile.global.u32 %r2, [%w0];\nadd.u32 %r2, %r2, 1;\n"
		     "st.volatile.global.u32 [%w0], %r2;\nmembar.gl;\n"
		     "atom.global.exch.b32 %r3, [%w2], 0;\n", 96), 0);
	CHECK_EQ(out(0), 96);
}

TEST(atomics_of_every_kind_return_the_old_value)
{
	CHECK_EQ(run("", "red.global.add.u32 [%w0], 2;\natom.global.inc.u32 %r1, [%w0+4], 9;\n"
		     "red.global.max.s32 [%w0+8], %r0;\nred.global.or.b32 [%w0+12], %r0;\n"
		     "cvt.rn.f32.u32 %f1, %r0;\nred.global.add.f32 [%w0+16], %f1;\n"
		     "red.global.add.u64 [%w0+24], 4294967296;\n", 64), 0);
	CHECK_EQ(out(0), 128);
	CHECK_EQ(out(1), 4);		/* 64 mod 10 */
	CHECK_EQ(out(2), 63);
	CHECK_EQ(out(3), 63);
	CHECK_EQ(out(4), 0x44fc0000);	/* 2016.0f */
	CHECK_EQ(out(7), 64);
}

static const char fib[] =
	".func (.param .b32 r) fib(.param .b32 n)\n{\n.reg .b32 %r<8>;\n.reg .pred %p<2>;\n"
	"ld.param.u32 %r1, [n];\nmov.u32 %r5, %r1;\nsetp.lt.u32 %p1, %r1, 2;\n@%p1 bra e;\n"
	"sub.u32 %r2, %r1, 1;\n{\n.param .b32 x;\nst.param.b32 [x], %r2;\n.param .b32 y;\n"
	"call (y), fib, (x);\nld.param.b32 %r3, [y];\n}\nsub.u32 %r2, %r1, 2;\n"
	"{\n.param .b32 x;\nst.param.b32 [x], %r2;\n.param .b32 y;\ncall (y), fib, (x);\n"
	"ld.param.b32 %r4, [y];\n}\nadd.u32 %r5, %r3, %r4;\n"
	"e: st.param.b32 [r], %r5;\nret;\n}\n";

TEST(recursion_keeps_the_registers_of_each_lane)
{
	static const char body[] =
		"and.b32 %r1, %r0, 15;\n{\n.param .b32 x;\nst.param.b32 [x], %r1;\n"
		".param .b32 y;\ncall (y), fib, (x);\nld.param.b32 %r2, [y];\n}\n"
		"st.global.u32 [%w1], %r2;\n";
	uint32_t want[16] = { 0, 1 };

	for (int i = 2; i < 16; i++)
		want[i] = want[i - 1] + want[i - 2];
	CHECK_EQ(run(fib, body, 48), 0);
	for (int i = 0; i < 48; i++)
		CHECK_EQ(out(i), want[i & 15]);
}

TEST(endless_recursion_is_a_stack_fault)
{
	static const char f[] = ".func f()\n{\n.local .b8 x[16];\ncall f;\nret;\n}\n";

	CHECK_EQ(run(f, "call f;\n", 1), -14);
	CHECK_EQ(em.fault.kind, SG_FAULT_STACK);
}

TEST(functions_are_called_through_pointers_of_each_lane)
{
	static const char two[] =
		".func (.param .b32 r) a()\n{\nst.param.b32 [r], 11;\nret;\n}\n"
		".func (.param .b32 r) b()\n{\nst.param.b32 [r], 22;\nret;\n}\n"
		".global .u64 table[2] = {a, b};\n";

	CHECK_EQ(run(two, "and.b32 %r1, %r0, 1;\nmul.wide.u32 %w3, %r1, 8;\n"
		     "mov.u64 %w4, table;\nadd.u64 %w4, %w4, %w3;\nld.global.u64 %w5, [%w4];\n"
		     "{\n.param .b32 y;\nproto: .callprototype (.param .b32 _) _ ();\n"
		     "call (y), %w5, (), proto;\nld.param.b32 %r2, [y];\n}\n"
		     "st.global.u32 [%w1], %r2;\n", 32), 0);
	CHECK_EQ(out(4), 11);
	CHECK_EQ(out(5), 22);
}

static const char print_decl[] =
	".extern .func (.param .b32 r) vprintf(.param .b64 f, .param .b64 a);\n"
	".global .align 1 .b8 fmt[] = {37, 100, 32, 37, 115, 32, 37, 46, 50, 102, 10, 0};\n"
	".global .align 1 .b8 hi[] = {104, 105, 0};\n";

TEST(printf_formats_what_the_argument_buffer_holds)
{
	CHECK_EQ(run(print_decl,
		     ".local .align 8 .b8 buf[24];\nmov.u64 %w2, buf;\nmov.u64 %w3, hi;\n"
		     "st.local.u32 [%w2], -5;\nst.local.u64 [%w2+8], %w3;\n"
		     "st.local.f64 [%w2+16], 0d3FF8000000000000;\ncvta.local.u64 %w2, %w2;\n"
		     "{\n.param .b64 x;\n.param .b64 y;\n.param .b32 z;\nmov.u64 %w4, fmt;\n"
		     "st.param.b64 [x], %w4;\nst.param.b64 [y], %w2;\n"
		     "call (z), vprintf, (x, y);\nld.param.b32 %r1, [z];\n}\n"
		     "st.global.u32 [%w1], %r1;\n", 2), 0);
	CHECK_STR(em.printed, "-5 hi 1.50\n-5 hi 1.50\n");
	CHECK_EQ(out(0), 3);
}

static void wants_fault(const char *body, enum sg_fault_kind kind)
{
	CHECK_EQ(run("", body, 64), -14);
	CHECK_EQ(em.fault.kind, kind);
	CHECK_STR(em.fault.entry, "k");
	CHECK(em.fault.line > 4);
}

TEST(bad_addresses_are_faults_with_place_and_thread)
{
	wants_fault("setp.eq.u32 %p1, %r0, 37;\n@%p1 st.global.u32 [16], %r0;\n",
		    SG_FAULT_ILLEGAL_ADDRESS);
	CHECK_EQ(em.fault.tid[0], 37);
	CHECK_EQ(em.fault.addr, 16);
	wants_fault("ld.global.u32 %r1, [%w1+1];\n", SG_FAULT_MISALIGNED);
	wants_fault("ld.shared.u32 %r1, [4096];\n", SG_FAULT_ILLEGAL_ADDRESS);
	wants_fault("ld.local.u32 %r1, [65536];\n", SG_FAULT_ILLEGAL_ADDRESS);
	wants_fault("ld.global.u64 %w2, [-8];\n", SG_FAULT_ILLEGAL_ADDRESS);
	/* Lowest and highest address at once: the span wraps to nothing. */
	wants_fault("mul.wide.s32 %w2, %r0, -8;\nld.shared.u64 %w3, [%w2];\n",
		    SG_FAULT_ILLEGAL_ADDRESS);
	wants_fault("add.u64 %w2, %w0, 524280;\nld.v2.u64 {%w3, %w4}, [%w2];\n",
		    SG_FAULT_MISALIGNED);
	wants_fault("add.u64 %w2, %w0, 524288;\nld.u8 %r3, [%w2];\n", SG_FAULT_ILLEGAL_ADDRESS);
	wants_fault("trap;\n", SG_FAULT_TRAP);
}

TEST(generic_addresses_reach_shared_local_and_global_memory)
{
	CHECK_EQ(run("", ".shared .b32 s[4];\n.local .b32 l[4];\nmov.u64 %w2, s;\n"
		     "cvta.shared.u64 %w2, %w2;\nmov.u64 %w3, l;\ncvta.local.u64 %w3, %w3;\n"
		     "st.u32 [%w2], 5;\nst.u32 [%w3], %r0;\nst.u32 [%w1], 1;\n"
		     "ld.shared.u32 %r1, [s];\nld.local.u32 %r2, [l];\nld.u32 %r3, [%w1];\n"
		     "isspacep.shared %p1, %w2;\nisspacep.global %p2, %w1;\n"
		     "isspacep.local %p3, %w1;\nselp.u32 %r4, 10, 20, %p1;\n"
		     "selp.u32 %r5, 100, 200, %p2;\nselp.u32 %r6, 1000, 2000, %p3;\n"
		     "add.u32 %r1, %r1, %r2;\nadd.u32 %r1, %r1, %r3;\nadd.u32 %r1, %r1, %r4;\n"
		     "add.u32 %r1, %r1, %r5;\nadd.u32 %r1, %r1, %r6;\n"
		     "st.global.u32 [%w1], %r1;\n", 32), 0);
	CHECK_EQ(out(3), 5 + 3 + 1 + 10 + 100 + 2000);
}

TEST(a_kernel_that_never_ends_yields_and_can_be_cancelled)
{
	static const uint32_t zero[3];
	static atomic_int stop;
	uint64_t params[1] = { EMBED_DATA };
	struct sg_worker *other = sg_worker_create();

	CHECK_EQ(run("", "l: ld.volatile.global.u32 %r1, [%w0];\nsetp.eq.u32 %p1, %r1, 0;\n"
		     "@!%p1 bra e;\nbra l;\ne:\n", 0x7fffffff), -14);	/* too many threads */
	CHECK_EQ(em.fault.kind, SG_FAULT_NO_MEMORY);
	em.launch.block[0] = 64;
	em.launch.slice = 1000;
	em.launch.params = params;
	CHECK_EQ(sg_run_block(other, &em.launch, zero, &em.fault), SG_AGAIN);
	CHECK_EQ(sg_run_block(other, &em.launch, zero, &em.fault), SG_AGAIN);
	memset(embed_data(0), 1, 4);
	while (sg_run_block(other, &em.launch, zero, &em.fault) == SG_AGAIN)
		;
	memset(embed_data(0), 0, 4);
	em.launch.cancel = &stop;
	CHECK_EQ(sg_run_block(other, &em.launch, zero, &em.fault), SG_AGAIN);
	stop = 1;
	CHECK_EQ(sg_run_block(other, &em.launch, zero, &em.fault), -14);
	CHECK_EQ(em.fault.kind, SG_FAULT_CANCELLED);
	sg_worker_destroy(other);
}

TAP_MAIN()
