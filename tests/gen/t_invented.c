/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain function is added by one entry and no C: cuInvented stands in
 * sample.api and nowhere else, and a program can call it.
 */
#include "api/cu_driver.h"
#include "api/cuda_proto.h"
#include "tests/tap.h"
#include "tests/wire/loop.h"

static CUstream seen_stream;
static char seen_label[32];

static CUresult add(long long *sum, CUuuid *id, const int *numbers, size_t n, const char *label,
		    CUstream hStream, unsigned int *round)
{
	if (n > 100)
		return CUDA_ERROR_INVALID_VALUE;
	*sum = 0;
	for (size_t i = 0; i < n; i++)
		*sum += numbers[i];
	memset(id, 'u', sizeof(*id));
	snprintf(seen_label, sizeof(seen_label), "%s", label);
	seen_stream = hStream;
	(*round)++;
	return CUDA_SUCCESS;
}

/* The back end is reached by this structure alone. */
const struct cu_driver loop_driver = { .cuInvented = add };

TEST(an_invented_function_is_called_end_to_end)
{
	const int numbers[] = { 1, -2, 40, 3 };
	long long sum = 0;
	unsigned int round = 7;
	CUuuid id;

	loop_reset();
	CHECK_EQ(cuInvented(&sum, &id, numbers, 4, "four", NULL, &round), CUDA_SUCCESS);
	CHECK_EQ(sum, 42);
	CHECK_EQ(round, 8);
	CHECK_EQ(id.bytes[15], 'u');
	CHECK_STR(seen_label, "four");
	CHECK(seen_stream == NULL);
}

TEST(its_per_thread_symbol_replaces_stream_zero)
{
	long long sum;
	unsigned int round = 0;

	loop_reset();
	CHECK_EQ(cuInvented_ptsz(&sum, NULL, NULL, 0, "none", NULL, &round), CUDA_SUCCESS);
	CHECK(seen_stream == CU_STREAM_PER_THREAD);
}

TEST(an_error_of_the_back_end_touches_no_output)
{
	int numbers[101] = { 0 };
	long long sum = 5;
	unsigned int round = 6;

	loop_reset();
	CHECK_EQ(cuInvented(&sum, NULL, numbers, 101, "many", NULL, &round),
		 CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(sum, 5);
	CHECK_EQ(round, 6);
}

TEST(a_missing_pointer_never_crosses)
{
	long long sum;
	unsigned int round = 0;

	loop_reset();
	CHECK_EQ(cuInvented(NULL, NULL, NULL, 0, "x", NULL, &round), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(cuInvented(&sum, NULL, NULL, 1, "x", NULL, &round), CUDA_ERROR_INVALID_VALUE);
	CHECK_EQ(loop.command, 0);
}

TEST(a_function_the_back_end_lacks_is_not_supported)
{
	int pi;

	loop_reset();
	CHECK_EQ(cuInventedCached(&pi, 1, NULL), CUDA_ERROR_NOT_SUPPORTED);
}

TEST(an_attribute_that_is_not_described_is_not_supported)
{
	char value[64];

	loop_reset();
	CHECK_EQ(cuInventedGetAttribute(CU_MEMPOOL_ATTR_USED_MEM_HIGH, value),
		 CUDA_ERROR_NOT_SUPPORTED);
	CHECK_EQ(loop.command, 0);
}

TEST(a_trace_shows_arguments_result_and_outputs)
{
	const int numbers[] = { 20, 22 };
	long long sum;
	unsigned int round = 1;
	char want[64];

	loop_reset();
	CHECK_EQ(cuInvented(&sum, NULL, numbers, 2, "two", NULL, &round), CUDA_SUCCESS);
	snprintf(want, sizeof(want), "numbers=%p, n=2, label=\"two\"", (const void *)numbers);
	CHECK(strstr(loop.trace, "cuInvented(sum=0x") == loop.trace);
	CHECK(strstr(loop.trace, want));
	CHECK(strstr(loop.trace, ") = 0 *sum=42 *round=2"));
}

TEST(a_local_answer_needs_no_back_end)
{
	int pi = 0;

	loop_reset();
	CHECK_EQ(cuInventedLocal(&pi), CUDA_SUCCESS);
	CHECK_EQ(pi, 42);
	CHECK_EQ(loop.command, 0);
}

TAP_MAIN()
