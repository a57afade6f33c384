/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/iov.h"

#include <errno.h>

#include "cw/copy.h"

#include "tests/tap.h"

#define SEGS(...) ((struct vq_segs){(struct vq_seg[]){__VA_ARGS__}, 3})

TEST(to_buf_gathers_in_order_and_stops_at_the_end)
{
	char a[] = "abc", b[] = "de", c[] = "fghi", out[16] = "";
	struct vq_segs s = SEGS({a, 3}, {b, 2}, {c, 4});

	CHECK_EQ(vq_iov_size(s.seg, s.n), 9);
	CHECK_EQ(vq_iov_to_buf(s.seg, s.n, out, 6), 6);
	CHECK_STR(out, "abcdef");
	CHECK_EQ(vq_iov_to_buf(s.seg, s.n, out, 15), 9);
	CHECK_STR(out, "abcdefghi");
}

TEST(from_buf_scatters_in_order_and_stops_at_the_end)
{
	char a[] = "...", b[] = "..", c[] = "....";
	struct vq_segs s = SEGS({a, 3}, {b, 2}, {c, 4});

	CHECK_EQ(vq_iov_from_buf(s.seg, s.n, "123456", 6), 6);
	CHECK_STR(a, "123");
	CHECK_STR(b, "45");
	CHECK_STR(c, "6...");
	CHECK_EQ(vq_iov_from_buf(s.seg, s.n, "123456789xx", 11), 9);
	CHECK_STR(c, "6789");
}

TEST(payload_is_counted_and_headers_are_not)
{
	char a[] = "head", b[] = "payload", out[8];
	struct vq_segs s = {(struct vq_seg[]){{a, 4}, {b, 7}}, 2};
	unsigned long long before = cw_copied_bytes;

	CHECK_EQ(vq_iov_pull(&s, out, 4), 0);
	CHECK_EQ(cw_copied_bytes - before, 0);
	CHECK_EQ(vq_iov_to_buf(s.seg, s.n, out, 7), 7);
	CHECK_EQ(cw_copied_bytes - before, 7);
}

TEST(pull_takes_a_header_across_segments)
{
	char a[] = "abc", b[] = "de", c[] = "fghi", out[8] = "";
	struct vq_segs s = SEGS({a, 3}, {b, 2}, {c, 4});

	CHECK_EQ(vq_iov_pull(&s, out, 6), 0);
	CHECK_STR(out, "abcdef");
	CHECK_EQ(s.n, 1);
	CHECK_EQ(s.seg->len, 3);
	CHECK_EQ(*(char *)s.seg->addr, 'g');
}

TEST(pull_of_more_than_there_is_changes_nothing)
{
	char a[] = "abc", b[] = "de", c[] = "fghi", out[16] = "";
	struct vq_segs s = SEGS({a, 3}, {b, 2}, {c, 4});

	CHECK_EQ(vq_iov_pull(&s, out, 10), -ENODATA);
	CHECK_EQ(s.n, 3);
	CHECK_STR(out, "");
	CHECK_EQ(vq_iov_put(&s, "0123456789", 10), -ENOSPC);
	CHECK_STR(a, "abc");
}

TEST(put_writes_an_answer_and_steps_over_it)
{
	char a[] = "...", b[] = "..", c[] = "....";
	struct vq_segs s = SEGS({a, 3}, {b, 2}, {c, 4});

	CHECK_EQ(vq_iov_put(&s, "wxyz", 4), 0);
	CHECK_STR(a, "wxy");
	CHECK_STR(b, "z.");
	CHECK_EQ(s.n, 2);
	CHECK_EQ(vq_iov_size(s.seg, s.n), 5);
}

TEST(discard_works_from_both_ends)
{
	char a[] = "abc", b[] = "de", c[] = "fghi";
	struct vq_segs s = SEGS({a, 3}, {b, 2}, {c, 4});

	CHECK_EQ(vq_iov_discard_front(&s, 3), 3);
	CHECK_EQ(s.n, 2);
	CHECK_EQ(vq_iov_discard_back(&s, 5), 5);
	CHECK_EQ(s.n, 1);
	CHECK_EQ(s.seg->len, 1);
	CHECK_EQ(*(char *)s.seg->addr, 'd');
	CHECK_EQ(vq_iov_discard_front(&s, 7), 1);
	CHECK_EQ(s.n, 0);
	CHECK_EQ(vq_iov_discard_back(&s, 1), 0);
}

TAP_MAIN()
