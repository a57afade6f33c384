/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block device over a file, with io_uring and without.
 */
#include "device/blk.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_blk.h>

#include "cw/util.h"

#include "tests/device/rig.h"

#define DISK_SECTORS 2048u
#define F(bit) (1ull << (bit))

static struct rig rig;
static char path[] = "/tmp/t_blk.XXXXXX";

static struct dev_blk_params params = {
	.nr_queues = 2,
	.block_size = 512,
	.serial = "a serial",
};

/* A disk whose byte i is a function of i. */
static uint8_t pattern(uint64_t i)
{
	return (uint8_t)(i * 7 + i / 512 * 13);
}

static struct rig *open_disk(uint64_t features)
{
	uint8_t *data = malloc(DISK_SECTORS * 512);
	struct dev_blk_params p = params;

	strcpy(path, "/tmp/t_blk.XXXXXX");
	p.fd = mkstemp(path);
	for (uint32_t i = 0; i < DISK_SECTORS * 512; i++)
		data[i] = pattern(i);
	CHECK_EQ(write(p.fd, data, DISK_SECTORS * 512), DISK_SECTORS * 512);
	free(data);
	rig_open(&rig);
	CHECK_EQ(dev_blk_create(&rig.loop, &p, &rig.dev), 0);
	rig_start(&rig, features);
	return &rig;
}

static void close_disk(struct rig *g)
{
	rig_close(g);
	unlink(path);
}

static uint8_t byte_on_disk(uint64_t at)
{
	int fd = open(path, O_RDONLY);
	uint8_t b = 0;

	CHECK_EQ(pread(fd, &b, 1, at), 1);
	close(fd);
	return b;
}

/* One request in the usual three parts; data goes out or comes in. */
struct request {
	uint64_t hdr, data, status;
	uint32_t len, used;
};

static uint8_t submit(struct rig *g, struct request *r, uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr hdr = {.type = htole32(type), .sector = htole64(sector)};
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	struct vq_buf buf[3] = {{0, sizeof(hdr)}};
	int n = 1;

	r->hdr = buf[0].gpa = rig_put(g, &hdr, sizeof(hdr));
	r->status = rig_put(g, &(uint8_t){0xaa}, 1);
	if (r->len)
		buf[n++] = (struct vq_buf){r->data, r->len};
	buf[n] = (struct vq_buf){r->status, 1};
	r->used = rig_request(g, 0, buf, in ? 1 : n, in && r->len ? 2 : 1);
	return *(uint8_t *)rig_ptr(g, r->status);
}

static uint8_t transfer(struct rig *g, uint32_t type, uint64_t sector, uint32_t len,
			struct request *r)
{
	*r = (struct request){.len = len, .data = rig_room(g, len)};
	if (type == VIRTIO_BLK_T_OUT)
		memset(rig_ptr(g, r->data), 0x5c, len);
	return submit(g, r, type, sector);
}

static void check_reads(struct rig *g)
{
	struct request r;

	CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, 3, 4096, &r), VIRTIO_BLK_S_OK);
	CHECK_EQ(r.used, 4097);
	for (int i = 0; i < 4096; i++)
		CHECK_EQ(((uint8_t *)rig_ptr(g, r.data))[i], pattern(3 * 512 + i));
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, DISK_SECTORS - 1, 512, &r), VIRTIO_BLK_S_OK);
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, DISK_SECTORS - 1, 1024, &r), VIRTIO_BLK_S_IOERR);
	/* The status lies behind data that was not written. */
	CHECK_EQ(r.used, 0);
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, UINT64_MAX / 512 + 1, 512, &r), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, UINT64_MAX, 512, &r), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, 0, 511, &r), VIRTIO_BLK_S_IOERR);
}

static void check_writes(struct rig *g)
{
	struct request r;

	CHECK_EQ(transfer(g, VIRTIO_BLK_T_OUT, 8, 8192, &r), VIRTIO_BLK_S_OK);
	CHECK_EQ(r.used, 1);
	CHECK_EQ(byte_on_disk(8 * 512 - 1), pattern(8 * 512 - 1));
	CHECK_EQ(byte_on_disk(8 * 512), 0x5c);
	CHECK_EQ(byte_on_disk(8 * 512 + 8191), 0x5c);
	CHECK_EQ(byte_on_disk(8 * 512 + 8192), pattern(8 * 512 + 8192));
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_OUT, DISK_SECTORS, 512, &r), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_OUT, 0, 100, &r), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(byte_on_disk(0), pattern(0));
	r = (struct request){0};
	CHECK_EQ(submit(g, &r, VIRTIO_BLK_T_FLUSH, 0), VIRTIO_BLK_S_OK);
	CHECK_EQ(submit(g, &r, 4711, 0), VIRTIO_BLK_S_UNSUPP);
	CHECK_EQ(submit(g, &r, VIRTIO_BLK_T_SCSI_CMD, 0), VIRTIO_BLK_S_UNSUPP);
}

TEST(sectors_are_read_and_written_by_either_engine)
{
	for (int plain = 0; plain < 2; plain++) {
		struct rig *g;

		params.no_uring = plain;
		g = open_disk(0);
		check_reads(g);
		check_writes(g);
		close_disk(g);
	}
	params.no_uring = false;
}

TEST(either_ring_format_does)
{
	static const uint64_t formats[] = {0, F(VIRTIO_F_RING_PACKED)};

	for (int i = 0; i < 2; i++) {
		struct rig *g = open_disk(F(VIRTIO_F_VERSION_1) | formats[i]);
		struct request r;

		CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, 5, 512, &r), VIRTIO_BLK_S_OK);
		CHECK_EQ(*(uint8_t *)rig_ptr(g, r.data), pattern(5 * 512));
		close_disk(g);
	}
}

/* Cuts [gpa, gpa + len) at @at, counted from the start of the request. */
static int cut(struct vq_buf *buf, uint64_t gpa, uint32_t len, uint32_t at, uint32_t start)
{
	if (at <= start || at >= start + len) {
		buf[0] = (struct vq_buf){gpa, len};
		return 1;
	}
	buf[0] = (struct vq_buf){gpa, at - start};
	buf[1] = (struct vq_buf){gpa + (at - start), len - (at - start)};
	return 2;
}

/* 5.2.6.2, 2.7.4: nothing depends on the framing. */
TEST(request_may_be_cut_at_every_byte)
{
	struct rig *g = open_disk(0);
	uint32_t used_before = g->used;

	for (uint32_t at = 1; at < 16 + 512 + 1; at++) {
		struct virtio_blk_outhdr hdr = {.type = VIRTIO_BLK_T_OUT, .sector = htole64(at)};
		uint64_t out, in;
		struct vq_buf buf[4];
		int n, m;

		/* Write: header and data in one run, cut at @at; then the status. */
		g->used = used_before;
		out = rig_room(g, 16 + 512);
		in = rig_put(g, &(uint8_t){0xaa}, 1);
		memcpy(rig_ptr(g, out), &hdr, 16);
		memset(rig_ptr(g, out + 16), at & 0xff, 512);
		n = cut(buf, out, 16 + 512, at, 0);
		buf[n] = (struct vq_buf){in, 1};
		CHECK_EQ(rig_request(g, 0, buf, n, 1), 1);
		CHECK_EQ(*(uint8_t *)rig_ptr(g, in), VIRTIO_BLK_S_OK);
		/* Read it back: data and status in one run, cut there too. */
		hdr.type = VIRTIO_BLK_T_IN;
		memcpy(rig_ptr(g, out), &hdr, 16);
		in = rig_room(g, 513);
		memset(rig_ptr(g, in), 0xee, 513);
		n = cut(buf, out, 16, at, 0);
		m = cut(buf + n, in, 513, at, 16);
		CHECK_EQ(rig_request(g, 0, buf, n, m), 513);
		CHECK_EQ(*(uint8_t *)rig_ptr(g, in), at & 0xff);
		CHECK_EQ(*(uint8_t *)rig_ptr(g, in + 511), at & 0xff);
		CHECK_EQ(*(uint8_t *)rig_ptr(g, in + 512), VIRTIO_BLK_S_OK);
	}
	close_disk(g);
}

TEST(request_without_header_or_status_breaks_the_queue)
{
	struct rig *g = open_disk(0);
	struct vq_buf buf[2] = {{rig_room(g, 16), 15}, {rig_room(g, 16), 1}};

	rig_post(g, 0, buf, 1, 1);
	rig_kick(g, 0);
	CHECK_EQ(g->q[0].fault, VQ_FAULT_DEVICE);
	buf[0].len = 16;
	rig_post(g, 1, buf, 1, 0);
	rig_kick(g, 1);
	CHECK_EQ(g->q[1].fault, VQ_FAULT_DEVICE);
	close_disk(g);
}

TEST(serial_is_told)
{
	struct rig *g = open_disk(0);
	struct request r = {.len = 20, .data = rig_room(g, 20)};

	CHECK_EQ(submit(g, &r, VIRTIO_BLK_T_GET_ID, 0), VIRTIO_BLK_S_OK);
	CHECK_EQ(r.used, 21);
	CHECK(!strcmp(rig_ptr(g, r.data), "a serial"));
	r = (struct request){.len = 4, .data = rig_room(g, 4)};
	CHECK_EQ(submit(g, &r, VIRTIO_BLK_T_GET_ID, 0), VIRTIO_BLK_S_OK);
	CHECK_EQ(r.used, 5);
	close_disk(g);
}

static uint8_t range(struct rig *g, uint32_t type, uint64_t sector, uint32_t n, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes w = {htole64(sector), htole32(n), htole32(flags)};
	struct request r = {.len = sizeof(w), .data = rig_put(g, &w, sizeof(w))};

	return submit(g, &r, type, sector);
}

TEST(ranges_are_zeroed_and_discarded)
{
	struct rig *g = open_disk(0);
	const uint32_t zeroes = VIRTIO_BLK_T_WRITE_ZEROES, discard = VIRTIO_BLK_T_DISCARD;

	CHECK_EQ(range(g, zeroes, 16, 8, 0), VIRTIO_BLK_S_OK);
	CHECK_EQ(byte_on_disk(16 * 512), 0);
	CHECK_EQ(byte_on_disk(24 * 512 - 1), 0);
	CHECK_EQ(byte_on_disk(24 * 512), pattern(24 * 512));
	CHECK_EQ(byte_on_disk(16 * 512 - 1), pattern(16 * 512 - 1));
	CHECK_EQ(range(g, zeroes, 32, 8, 1), VIRTIO_BLK_S_OK);
	CHECK_EQ(byte_on_disk(32 * 512), 0);
	CHECK_EQ(range(g, zeroes, 40, 8, 2), VIRTIO_BLK_S_UNSUPP);
	CHECK_EQ(range(g, zeroes, DISK_SECTORS - 4, 8, 0), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(range(g, zeroes, 0, UINT32_MAX, 0), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(range(g, discard, 48, 8, 1), VIRTIO_BLK_S_UNSUPP);
	CHECK_EQ(range(g, discard, 48, 8, 0), VIRTIO_BLK_S_OK);
	CHECK_EQ(byte_on_disk(56 * 512), pattern(56 * 512));
	close_disk(g);
}

TEST(read_only_disk_is_not_written)
{
	struct request r;
	struct rig *g;

	params.read_only = true;
	g = open_disk(0);
	params.read_only = false;
	CHECK(g->features & F(VIRTIO_BLK_F_RO));
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_OUT, 0, 512, &r), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(range(g, VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0), VIRTIO_BLK_S_UNSUPP);
	CHECK_EQ(byte_on_disk(0), pattern(0));
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, 0, 512, &r), VIRTIO_BLK_S_OK);
	close_disk(g);
}

TEST(disk_that_grows_or_shrinks_is_told)
{
	struct rig *g = open_disk(0);
	const struct virtio_blk_config *c = (void *)g->dev->config.data;
	uint32_t generation = g->dev->config.generation;
	struct request r;

	CHECK_EQ(dev_blk_resize(g->dev), 0);
	CHECK_EQ(g->config_changes, 0);
	CHECK_EQ(truncate(path, DISK_SECTORS * 1024 + 100), 0);
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, DISK_SECTORS, 512, &r), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(dev_blk_resize(g->dev), 0);
	CHECK_EQ(g->config_changes, 1);
	CHECK(g->dev->config.generation != generation);
	CHECK_EQ(le64toh(c->capacity), DISK_SECTORS * 2);
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, DISK_SECTORS, 512, &r), VIRTIO_BLK_S_OK);
	/* Cut behind our back: an error, and no data made up. */
	CHECK_EQ(truncate(path, 512), 0);
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, 0, 1024, &r), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(transfer(g, VIRTIO_BLK_T_IN, 0, 512, &r), VIRTIO_BLK_S_OK);
	close_disk(g);
}

TEST(full_queue_is_answered_with_one_kick_and_one_signal)
{
	struct rig *g = open_disk(F(VIRTIO_F_VERSION_1) | F(VIRTIO_RING_F_EVENT_IDX) |
				  F(VIRTIO_RING_F_INDIRECT_DESC));
	struct virtio_blk_outhdr hdr = {.type = VIRTIO_BLK_T_IN};
	uint64_t data = rig_room(g, RIG_QUEUE_SIZE * 1024);
	unsigned int kicks = 0;

	for (uint64_t i = 0; i < RIG_QUEUE_SIZE; i++) {
		struct vq_buf buf[2];

		hdr.sector = htole64(i);
		buf[0] = (struct vq_buf){rig_put(g, &hdr, 16), 16};
		buf[1] = (struct vq_buf){data + i * 1024, 513};
		rig_post(g, 0, buf, 1, 1);
	}
	vq_driver_publish(&g->drv[0]);
	kicks += vq_driver_kick_needed(&g->drv[0]);
	dev_queue_kick(g->dev, 0);
	for (uint64_t i = 0; i < RIG_QUEUE_SIZE; i++)
		CHECK_EQ(rig_wait(g, 0), 513);
	for (uint64_t i = 0; i < RIG_QUEUE_SIZE; i++)
		CHECK_EQ(*(uint8_t *)rig_ptr(g, data + i * 1024), pattern(i * 512));
	CHECK_EQ(kicks, 1);
	CHECK(g->notified[0] >= 1 && g->notified[0] <= 2);
	close_disk(g);
}

TEST(more_requests_than_can_be_under_way_wait)
{
	struct rig *g = open_disk(0);
	struct virtio_blk_outhdr hdr = {.type = VIRTIO_BLK_T_IN};
	struct vq_buf buf[2] = {{rig_put(g, &hdr, 16), 16}, {rig_room(g, 513), 513}};

	for (int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 2 * RIG_QUEUE_SIZE; i++)
			rig_post(g, i % 2, buf, 1, 1);
		for (unsigned int i = 0; i < 2; i++) {
			vq_driver_publish(&g->drv[i]);
			dev_queue_kick(g->dev, i);
		}
		for (unsigned int i = 0; i < 2 * RIG_QUEUE_SIZE; i++)
			CHECK_EQ(rig_wait(g, i % 2), 513);
	}
	close_disk(g);
}

TEST(stop_waits_for_what_is_under_way)
{
	struct rig *g = open_disk(0);
	struct virtio_blk_outhdr hdr = {.type = VIRTIO_BLK_T_IN};
	struct vq_buf buf[2] = {{rig_put(g, &hdr, 16), 16}, {rig_room(g, 513), 513}};
	uint32_t len;
	int turns = 0;

	rig_post(g, 0, buf, 1, 1);
	vq_driver_publish(&g->drv[0]);
	dev_queue_kick(g->dev, 0);
	while (dev_drain(g->dev) == -EAGAIN) {
		CHECK(dev_loop_turn(&g->loop, -1) >= 0);
		turns++;
	}
	CHECK(turns == 0 || g->proceeds == 1);
	CHECK_EQ(dev_queue_stop(g->dev, 0), 0);
	CHECK(vq_driver_get(&g->drv[0], &len) != NULL);
	close_disk(g);
}

TEST(cache_mode_is_the_drivers_to_write)
{
	struct rig *g = open_disk(0);
	uint8_t off = 0;

	CHECK_EQ(dev_config_write(g->dev, offsetof(struct virtio_blk_config, wce), &off, 1), 0);
	CHECK_EQ(((struct virtio_blk_config *)g->dev->config.data)->wce, 0);
	CHECK_EQ(dev_config_write(g->dev, 0, &off, 1), -EPERM);
	check_writes(g);
	rig_stop(g);
	/* A reset brings back what was there at power on. */
	CHECK_EQ(((struct virtio_blk_config *)g->dev->config.data)->wce, 1);
	rig_start(g, 0);
	close_disk(g);
}

TEST(parameters_that_cannot_be_are_refused)
{
	struct dev_blk_params p = params;
	struct dev *d;

	p.fd = open("/dev/null", O_RDWR);
	CHECK_EQ(dev_blk_create(&rig.loop, &p, &d), -EINVAL);
	p.block_size = 513;
	CHECK_EQ(dev_blk_create(&rig.loop, &p, &d), -EINVAL);
	p.block_size = 512;
	p.nr_queues = 0;
	CHECK_EQ(dev_blk_create(&rig.loop, &p, &d), -EINVAL);
	close(p.fd);
}

TAP_MAIN()
