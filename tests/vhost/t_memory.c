/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory over vhost-user: every way to describe it wrongly, and what
 * happens to rings and device when it goes.
 */
#include "vhost/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cw/util.h"

#include "tests/tap.h"
#include "tests/vhost/fake_device.h"

#define MEM (1ull << 20)

static struct fake *open_negotiated(uint64_t protocol)
{
	struct fake *d = fake_open();

	CHECK_EQ(front_negotiate_as(&d->f, FRONT_FEATURES, protocol), 0);
	return d;
}

static int count_regions(const struct fake *d)
{
	const struct vu_region *r = NULL;
	int n = 0;

	while ((r = vu_region_next(d->b, r)))
		n++;
	return n;
}

static int make_file(uint64_t size)
{
	int fd = memfd_create("region", MFD_CLOEXEC);

	CHECK_EQ(ftruncate(fd, size), 0);
	return fd;
}

static int set_table(struct fake *d, uint32_t n, const struct vu_mem_region *r,
		     const struct front_fds *fds)
{
	struct vu_mem_table t = {.n = n};

	if (n)
		memcpy(t.region, r, cw_min(n, (uint32_t)VU_TABLE_REGIONS) * sizeof(*r));
	return front_set(&d->f, VU_SET_MEM_TABLE, &t, sizeof(t), fds);
}

TEST(region_keeps_its_identity)
{
	struct fake *d = open_negotiated(FRONT_PROTOCOL);
	const struct vu_region *r;
	struct stat st, mine;
	struct vu_mem_region want = {0x1000, 0x2000, 0x5000, 0x3000};
	int fd = make_file(0x8000);

	CHECK_EQ(pwrite(fd, "hello", 5, 0x3000), 5);
	CHECK_EQ(front_add_region(&d->f, &want, fd), 0);
	r = vu_region_next(d->b, NULL);
	CHECK(r && !vu_region_next(d->b, r));
	CHECK_EQ(fstat(fd, &mine), 0);
	CHECK_EQ(fstat(r->fd, &st), 0);
	CHECK(r->ino == mine.st_ino && r->dev == mine.st_dev && st.st_ino == mine.st_ino);
	CHECK(r->gpa == want.gpa && r->size == want.size && r->uva == want.uva);
	CHECK_EQ(r->offset, want.offset);
	CHECK(!memcmp(r->host, "hello", 5));
	CHECK(vq_mem_ptr(vu_mem(d->b), 0x1000, 0x2000) == r->host);
	CHECK(vu_region_find(d->b, 0x2fff, 1) == r);
	CHECK(!vu_region_find(d->b, 0x2fff, 2));
	CHECK(!vu_region_find(d->b, 0x2fff, UINT64_MAX));
	CHECK(fcntl(r->fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(offset_that_is_no_multiple_of_a_page_works)
{
	struct fake *d = open_negotiated(FRONT_PROTOCOL);
	struct vu_mem_region want = {0x1000, 0x1000, 0x5000, 0x123};
	int fd = make_file(0x8000);

	CHECK_EQ(pwrite(fd, "hello", 5, 0x123), 5);
	CHECK_EQ(front_add_region(&d->f, &want, fd), 0);
	CHECK(!memcmp(vq_mem_ptr(vu_mem(d->b), 0x1000, 5), "hello", 5));
	CHECK_EQ(front_rem_region(&d->f, &want), 0);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(region_that_cannot_be_is_refused)
{
	static const struct vu_mem_region bad[] = {
		{0x1000, 0, 0x1000, 0},		      /* empty */
		{UINT64_MAX, 0x1000, 0x1000, 0},      /* wraps in the guest */
		{0x1000, 0x1000, UINT64_MAX, 0},      /* wraps in the front end */
		{0x1000, 0x1000, 0x1000, UINT64_MAX}, /* wraps in the file */
		{0x1000, 0x1000, 0x1000, 0x8000},     /* behind the file */
		{0x1000, 0x1000, 0x1000, 0x7001},     /* partly behind it */
		{0x1000, 0x8001, 0x1000, 0},
		{0, UINT64_MAX, 0, 0},
		{0, 1ull << 63, 0, 1ull << 63},
	};
	struct fake *d = open_negotiated(FRONT_PROTOCOL);
	int fd = make_file(0x8000);

	for (size_t i = 0; i < CW_ARRAY_SIZE(bad); i++) {
		CHECK_EQ(front_add_region(&d->f, &bad[i], fd), -EREMOTEIO);
		CHECK_EQ(set_table(d, 1, &bad[i], FRONT_FD(fd)), -EREMOTEIO);
	}
	CHECK_EQ(count_regions(d), 0);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(file_that_is_no_memory_is_refused)
{
	struct fake *d = open_negotiated(FRONT_PROTOCOL);
	struct vu_mem_region want = {0x1000, 0x1000, 0x1000, 0};
	int null = open("/dev/null", O_RDWR), dir = open("/", O_RDONLY),
	    ro = open("/proc/self/exe", O_RDONLY);

	CHECK_EQ(front_add_region(&d->f, &want, null), -EREMOTEIO);
	CHECK_EQ(front_add_region(&d->f, &want, dir), -EREMOTEIO);
	CHECK_EQ(front_add_region(&d->f, &want, ro), -EREMOTEIO);
	CHECK_EQ(front_add_region(&d->f, &want, d->f.sock), -EREMOTEIO);
	close(null);
	close(dir);
	close(ro);
	CHECK_EQ(fake_close(d), 0);
}

TEST(region_that_overlaps_is_refused)
{
	static const struct vu_mem_region bad[] = {
		{0x1000, 0x1000, 0x10000, 0}, {0x2fff, 0x1000, 0x10000, 0},
		{0, 0x1001, 0x10000, 0},      {0x10000, 0x1000, 0x5000, 0},
		{0x10000, 0x1001, 0x4000, 0}, {0x10000, 0x1000, 0x6fff, 0},
	};
	struct vu_mem_region want = {0x1000, 0x2000, 0x5000, 0};
	struct fake *d = open_negotiated(FRONT_PROTOCOL);
	int fd = make_file(0x8000);

	CHECK_EQ(front_add_region(&d->f, &want, fd), 0);
	for (size_t i = 0; i < CW_ARRAY_SIZE(bad); i++)
		CHECK_EQ(front_add_region(&d->f, &bad[i], fd), -EREMOTEIO);
	CHECK_EQ(count_regions(d), 1);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(region_without_its_descriptor_is_refused)
{
	struct vu_mem_one one = {0, {0x1000, 0x1000, 0x1000, 0}};
	struct vu_mem_region two[2] = {one.region, {0x9000, 0x1000, 0x9000, 0}};
	struct fake *d = open_negotiated(FRONT_PROTOCOL);
	int fd = make_file(0x8000);

	CHECK_EQ(front_set(&d->f, VU_ADD_MEM_REG, &one, sizeof(one), NULL), -EREMOTEIO);
	CHECK_EQ(set_table(d, 2, two, FRONT_FD(fd)), -EREMOTEIO);
	CHECK_EQ(set_table(d, 1, two, FRONT_FD(fd, fd)), -EREMOTEIO);
	CHECK_EQ(set_table(d, 1, two, NULL), -EREMOTEIO);
	CHECK_EQ(count_regions(d), 0);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(table_that_claims_more_than_it_brings_is_refused)
{
	struct vu_mem_table t = {.n = 2,
				 .region = {{0, 0x1000, 0, 0}, {0x1000, 0x1000, 0x1000, 0}}};
	struct fake *d = open_negotiated(FRONT_PROTOCOL);
	int fd = make_file(0x8000);

	CHECK_EQ(front_set(&d->f, VU_SET_MEM_TABLE, &t, 8 + 32, FRONT_FD(fd, fd)), -EREMOTEIO);
	t.n = 9;
	CHECK_EQ(front_set(&d->f, VU_SET_MEM_TABLE, &t, sizeof(t), FRONT_FD(fd, fd)), -EREMOTEIO);
	t.n = UINT32_MAX;
	CHECK_EQ(front_set(&d->f, VU_SET_MEM_TABLE, &t, sizeof(t), NULL), -EREMOTEIO);
	t.n = 2;
	CHECK_EQ(front_set(&d->f, VU_SET_MEM_TABLE, &t, 8 + 64, FRONT_FD(fd, fd)), 0);
	CHECK_EQ(count_regions(d), 2);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(slots_end_where_they_were_said_to)
{
	struct fake *d = open_negotiated(FRONT_PROTOCOL);
	int fd = make_file(0x1000);

	for (uint64_t i = 0; i <= VU_MAX_REGIONS; i++) {
		struct vu_mem_region want = {i << 20, 0x1000, i << 20, 0};

		CHECK_EQ(front_add_region(&d->f, &want, fd), i < VU_MAX_REGIONS ? 0 : -EREMOTEIO);
	}
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(device_may_refuse_memory)
{
	struct fake *d = open_negotiated(FRONT_PROTOCOL);

	d->refuse_memory = true;
	CHECK_EQ(front_share(&d->f, MEM), -EREMOTEIO);
	CHECK_EQ(count_regions(d), 0);
	CHECK(!vq_mem_ptr(vu_mem(d->b), FRONT_GPA, 1));
	CHECK_EQ(fake_close(d), 0);
}

TEST(removed_region_is_gone_after_the_device_let_go)
{
	struct fake *d = fake_open_running();
	struct vu_mem_region extra = {0x1000, 0x1000, 0x1000, 0}, wrong = extra;
	int fd = make_file(0x1000);

	CHECK_EQ(front_add_region(&d->f, &extra, fd), 0);
	fake_diary_clear(d);
	wrong.size = 0x800;
	CHECK_EQ(front_rem_region(&d->f, &wrong), -EREMOTEIO);
	wrong = extra;
	wrong.uva++;
	CHECK_EQ(front_rem_region(&d->f, &wrong), -EREMOTEIO);
	CHECK_EQ(front_rem_region(&d->f, &extra), 0);
	/* The queue lies elsewhere: it is not disturbed. */
	CHECK_STR(d->diary, "remove");
	CHECK(!vq_mem_ptr(vu_mem(d->b), 0x1000, 1));
	CHECK_EQ(front_rem_region(&d->f, &extra), -EREMOTEIO);
	CHECK_EQ(fake_echo(d, 0, 10), 0);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(stray_descriptor_of_a_removal_is_closed)
{
	struct fake *d = fake_open_running();
	struct vu_mem_one one = {0, {0x1000, 0x1000, 0x1000, 0}};
	int fd = make_file(0x1000);

	CHECK_EQ(front_add_region(&d->f, &one.region, fd), 0);
	CHECK_EQ(front_set(&d->f, VU_REM_MEM_REG, &one, sizeof(one), FRONT_FD(fd)), 0);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(removal_waits_until_the_device_let_go)
{
	struct fake *d = fake_open_running();
	struct vu_mem_one one = {0, {0x1000, 0x1000, 0x1000, 0}};
	struct vu_msg m = {.hdr = {VU_REM_MEM_REG, VU_VERSION | VU_FLAG_NEED_REPLY, 40},
			   .one = one};
	int fd = make_file(0x1000);

	CHECK_EQ(front_add_region(&d->f, &one.region, fd), 0);
	fake_diary_clear(d);
	d->put_off = 1;
	CHECK_EQ(front_send(&d->f, &m, NULL), 0);
	CHECK_EQ(front_recv(&d->f, &m), -ETIMEDOUT);
	CHECK(vq_mem_ptr(vu_mem(d->b), 0x1000, 1));
	vu_continue(d->b);
	CHECK_EQ(front_recv(&d->f, &m), 0);
	CHECK_EQ(m.u64, 0);
	CHECK_STR(d->diary, "later remove");
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(memory_removed_under_a_running_queue_stops_it_first)
{
	struct fake *d = fake_open_running();
	struct vu_mem_region all = front_region(&d->f, 0, MEM);

	CHECK_EQ(fake_echo(d, 0, 100), 0);
	fake_diary_clear(d);
	CHECK_EQ(front_rem_region(&d->f, &all), 0);
	CHECK_STR(d->diary, "stop0 remove");
	front_kick(&d->f, 0);
	CHECK_STR(d->diary, "stop0 remove");
	/* It comes back, and with it the queue, where it was. */
	CHECK_EQ(front_add_region(&d->f, &all, d->f.memfd), 0);
	CHECK_STR(d->diary, "stop0 remove add start0 kick0 kick0");
	CHECK_EQ(fake_echo(d, 0, 100), 0);
	CHECK_EQ(front_stop_queue(&d->f, 0), 2);
	CHECK_EQ(fake_close(d), 0);
}

TEST(table_that_repeats_memory_disturbs_nothing)
{
	struct fake *d = fake_open_running();
	struct vu_mem_region r[2] = {front_region(&d->f, 0, MEM), {0x1000, 0x1000, 0x1000, 0}};
	void *host = vq_mem_ptr(vu_mem(d->b), FRONT_GPA, 1);
	int fd = make_file(0x1000);

	CHECK_EQ(set_table(d, 2, r, FRONT_FD(d->f.memfd, fd)), 0);
	CHECK_STR(d->diary, "add");
	CHECK(vq_mem_ptr(vu_mem(d->b), FRONT_GPA, 1) == host);
	CHECK_EQ(set_table(d, 1, r, FRONT_FD(d->f.memfd)), 0);
	CHECK_STR(d->diary, "add remove");
	CHECK_EQ(fake_echo(d, 0, 100), 0);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(table_with_other_memory_moves_the_queue)
{
	struct fake *d = fake_open_running();
	struct vu_mem_region r = front_region(&d->f, 0, MEM);
	int fd = make_file(MEM);

	/* Same addresses, another file: what migrates under us. */
	CHECK_EQ(fake_echo(d, 0, 100), 0);
	CHECK_EQ(pwrite(fd, d->f.mem, MEM, 0), (ssize_t)MEM);
	fake_diary_clear(d);
	CHECK_EQ(set_table(d, 1, &r, FRONT_FD(fd)), 0);
	CHECK_STR(d->diary, "stop0 remove add start0 kick0");
	munmap(d->f.mem, MEM);
	CHECK(mmap(d->f.mem, MEM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
	      d->f.mem);
	CHECK_EQ(fake_echo(d, 0, 100), 0);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TEST(empty_table_takes_all_memory_away)
{
	struct fake *d = fake_open_running();

	CHECK_EQ(set_table(d, 0, NULL, NULL), 0);
	CHECK_STR(d->diary, "stop0 remove");
	CHECK_EQ(count_regions(d), 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(table_that_repeats_itself_is_refused)
{
	struct fake *d = open_negotiated(FRONT_PROTOCOL);
	struct vu_mem_region r[2] = {{0x1000, 0x1000, 0x1000, 0}, {0x1000, 0x1000, 0x1000, 0}};
	int fd = make_file(0x1000);

	CHECK_EQ(set_table(d, 2, r, FRONT_FD(fd, fd)), -EREMOTEIO);
	close(fd);
	CHECK_EQ(fake_close(d), 0);
}

TAP_MAIN()
