/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every generated message: round trip, cut at every length, forged words.
 */
#include "tests/tap.h"
#include "tests/wire/loop.h"

/* Of structures with a union there is one variant per part; odd ones leave out
 * every optional pointer. */
#define VARIANTS 16

static CUresult play(const struct loop_play *p, int variant)
{
	loop.variant = variant;
	return p->play(variant);
}

TEST(round_trip_gives_the_back_end_what_the_program_gave)
{
	for (unsigned int i = 0; i < loop_plays_count; i++) {
		for (int v = 0; v < VARIANTS; v++) {
			CUresult r;

			loop_reset();
			r = play(&loop_plays[i], v);
			if (r || loop.wrong || loop.calls != 1)
				printf("# %s variant %d\n", loop_plays[i].name, v);
			CHECK_EQ(r, CUDA_SUCCESS);
			CHECK_EQ(loop.calls, 1);
			CHECK_EQ(loop.wrong, 0);
		}
	}
	CHECK(loop_plays_count > 150);
}

TEST(a_command_cut_at_any_length_never_reaches_the_back_end)
{
	long cuts = 0;

	for (unsigned int i = 0; i < loop_plays_count; i++) {
		size_t full;

		loop_reset();
		play(&loop_plays[i], 0);
		full = loop.command;
		for (size_t n = 0; n < full; n++, cuts++) {
			CUresult r;

			loop_reset();
			loop.cut_command = n;
			r = play(&loop_plays[i], 0);
			if (!r || loop.calls || !loop.malformed)
				printf("# %s cut at %zu of %zu\n", loop_plays[i].name, n, full);
			CHECK(r != CUDA_SUCCESS);
			CHECK_EQ(loop.calls, 0);
			CHECK(loop.malformed);
			CHECK_EQ(loop.wrong, 0);
		}
	}
	CHECK(cuts > 1000);
}

TEST(a_reply_cut_at_any_length_is_an_error_and_touches_no_output)
{
	for (unsigned int i = 0; i < loop_plays_count; i++) {
		size_t full;

		loop_reset();
		play(&loop_plays[i], 0);
		full = loop.reply;
		for (size_t n = 0; n < full; n++) {
			CUresult r;

			loop_reset();
			loop.cut_reply = n;
			r = play(&loop_plays[i], 0);
			if (r != CUDA_ERROR_UNKNOWN || loop.wrong)
				printf("# %s reply cut at %zu of %zu\n", loop_plays[i].name, n,
				       full);
			CHECK_EQ(r, CUDA_ERROR_UNKNOWN);
			CHECK_EQ(loop.wrong, 0);
		}
	}
}

TEST(a_forged_word_harms_nobody)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		0x7f,
		0x41,
		0x1000,
		0xffffffff,
		0x100000000,
		0x8000000000000000,
		0xffffffffffffffff,
		0xfffffffffffffff8,
		0x2000000000000001,
	};

	for (unsigned int i = 0; i < loop_plays_count; i++) {
		size_t words;

		loop_reset();
		play(&loop_plays[i], 0);
		words = loop.command / 8;
		for (size_t w = 0; w < words; w++) {
			for (size_t v = 0; v < CW_ARRAY_SIZE(values); v++) {
				loop_reset();
				loop.forged = true;
				loop.forge_at = (int)w;
				loop.forge_with = values[v];
				play(&loop_plays[i], 0);
				CHECK(!loop.malformed || !loop.calls);
			}
		}
	}
}

TEST(a_forged_tag_of_a_union_is_refused)
{
	for (unsigned int i = 0; i < loop_plays_count; i++) {
		CUresult r;

		if (strcmp(loop_plays[i].name, "cuSurfObjectCreate"))
			continue;
		loop_reset();
		loop.forged = true;
		loop.forge_at = 0; /* resType is the first word */
		loop.forge_with = 77;
		r = play(&loop_plays[i], 0);
		CHECK_EQ(r, CUDA_ERROR_NOT_SUPPORTED);
		CHECK_EQ(loop.calls, 0);
		return;
	}
	CHECK(!"cuSurfObjectCreate is described");
}

TAP_MAIN()
