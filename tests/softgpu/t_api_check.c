/* SPDX-License-Identifier: Apache-2.0 */
/* include/cw/cudart_check.h: the integrity check's answer, by known values. */
#include "cw/cudart_check.h"
#include "tests/tap.h"

static const char *hex(const uint8_t *bytes)
{
	static char text[33];

	for (int i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

static const char *md2(const char *text)
{
	struct cw_md2 md = { .used = 0 };
	uint8_t hash[16];

	cw_md2_update(&md, text, strlen(text));
	cw_md2_final(&md, hash);
	return hex(hash);
}

static const char *hmac(const void *data, size_t len)
{
	uint8_t hash[16];

	cw_cudart_hmac(data, len, hash);
	return hex(hash);
}

TEST(md2_agrees_with_the_rfc_test_suite)
{
	CHECK_STR(md2(""), "8350e5a3e24c153df2275c9f80692773");
	CHECK_STR(md2("a"), "32ec01ec4a6dac72c0ab96fb34c0b5d1");
	CHECK_STR(md2("abc"), "da853b0d3f88d99b30283a69e6ded6bb");
	CHECK_STR(md2("message digest"), "ab4f496bfb2a530b219ff33031fe06b0");
	CHECK_STR(md2("abcdefghijklmnopqrstuvwxyz"), "4e8ddff3650292ab5a4108c3aa47940b");
	CHECK_STR(md2("12345678901234567890123456789012345678901234567890123456789012345678901234"
		      "567890"),
		  "d5976f79d83d3a0dc9806c3c66f3efd8");
}

TEST(hmac_agrees_with_recorded_values)
{
	static const uint8_t zero[48];

	CHECK_STR(hmac("", 0), "f66b07aba4a875ea140c2cc013a41c6a");
	CHECK_STR(hmac(zero, sizeof(zero)), "355edb3cc5dbe40c2c90de171b572d41");
}

TEST(message_of_one_device_gives_the_recorded_answer)
{
	static const struct cw_cudart_facts facts = {
		.driver_version = 13000,
		.version = 13002,
		.pid = 0x1234,
		.thread = 0x89abcdef,
		.table_runtime = 0x7f0000001000,
		.table_check = 0x7f0000002000,
		.function = 0x7f0000003000,
		.seconds = 0x65000000,
	};
	static const int32_t pci[3] = { 0, 2, 3 };
	uint8_t message[CW_CUDART_CHECK_HEAD + CW_CUDART_CHECK_DEVICE];
	uint8_t uuid[16], answer[16];

	for (int i = 0; i < 16; i++)
		uuid[i] = (uint8_t)(i + 1);
	cw_cudart_head(message, &facts);
	cw_cudart_device(message + CW_CUDART_CHECK_HEAD, uuid, pci);
	cw_cudart_answer(facts.version, message, sizeof(message), answer);
	CHECK_STR(hex(answer), "33ce36d2f70e83e96c6bbf979eeac5dd");
}

TEST(the_first_two_answers_are_constants)
{
	uint8_t answer[16];

	cw_cudart_answer(13000, "", 0, answer);
	CHECK_STR(hex(answer), "5c67cb031c184133e8d14c1faa83d38e");
	cw_cudart_answer(13001, "", 0, answer);
	CHECK_STR(hex(answer), "5c67cb031c184118e8d14c1faa83d38e");
}

TAP_MAIN()
