/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio over MMIO, register by register: a good driver, a legacy one, and one
 * that does what it must not.
 */
#include "transport/mmio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_mmio.h>

#include "virtio/driver.h"
#include "virtio/legacy.h"

#include "cw/util.h"

#include "tests/tap.h"

#define F(bit) (1ull << (bit))
#define GPA 0x100000ull
#define RAM (1u << 20)
#define OFFERED                                                                              \
	(F(VIRTIO_F_VERSION_1) | F(VIRTIO_RING_F_EVENT_IDX) | F(VIRTIO_F_RING_PACKED) |      \
	 F(VIRTIO_F_RING_RESET) | F(5))
#define QUEUE_RESET 0x0c0

/* A device of two queues that gives back what it gets, and a diary. */
static struct {
	struct tp_mmio m;
	struct vq_mem mem;
	struct vq_config config;
	struct vq_driver drv;
	uint8_t *ram;
	char diary[256];
	int put_off;
	bool line;
	struct vq_elem elem;
} g;

static void note(const char *word, int i)
{
	size_t at = strlen(g.diary);

	snprintf(g.diary + at, sizeof(g.diary) - at, i < 0 ? "%s " : "%s%d ", word, i);
}

static void on_features(struct tp *t)
{
	note("features", -1);
}

static void on_config_write(struct tp *t, uint32_t off, const void *buf, uint32_t len)
{
	vq_config_write(t->p.config, off, buf, len);
}

static void on_started(struct tp *t, unsigned int i)
{
	note("start", i);
}

static int on_stopped(struct tp *t, unsigned int i)
{
	if (g.put_off) {
		g.put_off--;
		return -EAGAIN;
	}
	note("stop", i);
	return 0;
}

static void on_kick(struct tp *t, unsigned int i)
{
	struct vq *q = &t->queue[i].vq;

	while (vq_pop(q, &g.elem) > 0)
		vq_push(q, &g.elem, g.elem.in_len);
	tp_notify(t, i);
}

static void on_reset(struct tp *t)
{
	note("reset", -1);
}

static void on_interrupt(struct tp *t, bool level)
{
	CHECK(level != g.line);
	g.line = level;
}

static const struct tp_ops ops = {
	on_features, on_config_write, on_started, on_stopped, on_kick, on_reset, on_interrupt, NULL,
};

static void wr(uint32_t reg, uint32_t value)
{
	tp_mmio_write(&g.m, reg, value, 4);
}

static uint32_t rd(uint32_t reg)
{
	return tp_mmio_read(&g.m, reg, 4);
}

static void open_device(bool legacy)
{
	struct tp_params p = {
		.ops = &ops,
		.mem = &g.mem,
		.config = &g.config,
		.offered = legacy ? F(VIRTIO_RING_F_EVENT_IDX) | F(5) : OFFERED,
		.nr_queues = 2,
		.queue_max = 64,
	};

	tp_finish(&g.m.t);
	vq_driver_finish(&g.drv);
	free(g.ram);
	memset(&g, 0, sizeof(g));
	g.ram = aligned_alloc(4096, RAM);
	memset(g.ram, 0, RAM);
	vq_mem_init(&g.mem);
	CHECK_EQ(vq_mem_add(&g.mem, GPA, RAM, g.ram), 0);
	CHECK_EQ(vq_config_init(&g.config, "abcdefghij", 10), 0);
	g.config.write_off = 8;
	g.config.write_len = 2;
	CHECK_EQ(tp_init(&g.m.t, &p), 0);
	g.m.t.state.legacy = legacy;
	g.m.legacy = legacy;
	g.m.device_id = 62;
}

static void negotiate(uint64_t features)
{
	wr(VIRTIO_MMIO_STATUS, 1);
	wr(VIRTIO_MMIO_STATUS, 3);
	for (uint32_t word = 0; word < 2; word++) {
		wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
		wr(VIRTIO_MMIO_DRIVER_FEATURES, features >> (32 * word));
	}
	wr(VIRTIO_MMIO_STATUS, 11);
}

/* Queue @i with its parts one behind the other from @gpa on. */
static void set_up_queue(unsigned int i, uint16_t size, uint64_t gpa, uint64_t features)
{
	static const uint32_t regs[VQ_AREA_COUNT] = {
		VIRTIO_MMIO_QUEUE_DESC_LOW,
		VIRTIO_MMIO_QUEUE_AVAIL_LOW,
		VIRTIO_MMIO_QUEUE_USED_LOW,
	};
	void *area[VQ_AREA_COUNT];

	wr(VIRTIO_MMIO_QUEUE_SEL, i);
	wr(VIRTIO_MMIO_QUEUE_NUM, size);
	for (int a = 0; a < VQ_AREA_COUNT; a++) {
		wr(regs[a], gpa);
		wr(regs[a] + 4, gpa >> 32);
		area[a] = g.ram + (gpa - GPA);
		gpa = cw_align_up(gpa + vq_area_size(a, size, features), 64);
	}
	vq_driver_finish(&g.drv);
	CHECK_EQ(vq_driver_init(&g.drv, area, size, features), 0);
	wr(VIRTIO_MMIO_QUEUE_READY, 1);
}

static bool echo(unsigned int i)
{
	struct vq_buf buf = {GPA + RAM - 64, 64};
	struct vq_request req = {.buf = &buf, .nr_in = 1, .token = &g};
	uint32_t len = 0;

	CHECK(vq_driver_add(&g.drv, &req) >= 0);
	vq_driver_publish(&g.drv);
	if (vq_driver_kick_needed(&g.drv))
		wr(VIRTIO_MMIO_QUEUE_NOTIFY, i);
	return vq_driver_get(&g.drv, &len) && len == 64;
}

TEST(device_names_itself)
{
	open_device(false);
	CHECK_EQ(rd(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	CHECK_EQ(rd(VIRTIO_MMIO_VERSION), 2);
	CHECK_EQ(rd(VIRTIO_MMIO_DEVICE_ID), 62);
	CHECK_EQ(rd(VIRTIO_MMIO_DEVICE_FEATURES), (uint32_t)OFFERED);
	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	CHECK_EQ(rd(VIRTIO_MMIO_DEVICE_FEATURES), OFFERED >> 32);
	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	CHECK_EQ(rd(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	CHECK_EQ(rd(VIRTIO_MMIO_SHM_LEN_LOW), ~0u);
}

TEST(good_driver_gets_what_it_sends)
{
	static const uint64_t formats[] = {0, F(VIRTIO_F_RING_PACKED)};

	for (int k = 0; k < 2; k++) {
		uint64_t features = F(VIRTIO_F_VERSION_1) | formats[k];

		open_device(false);
		negotiate(features);
		CHECK_EQ(rd(VIRTIO_MMIO_STATUS), 11);
		CHECK_EQ(rd(VIRTIO_MMIO_QUEUE_NUM_MAX), 64);
		set_up_queue(1, 16, GPA, features);
		CHECK_EQ(rd(VIRTIO_MMIO_QUEUE_READY), 1);
		CHECK_STR(g.diary, "features ");
		/* A kick before DRIVER_OK does nothing: the device is not to look. */
		CHECK(!echo(1));
		wr(VIRTIO_MMIO_STATUS, 15);
		CHECK_STR(g.diary, "features start1 ");
		CHECK(g.line);
		CHECK_EQ(rd(VIRTIO_MMIO_INTERRUPT_STATUS), TP_ISR_QUEUE);
		wr(VIRTIO_MMIO_INTERRUPT_ACK, TP_ISR_QUEUE);
		CHECK(!g.line);
		CHECK(vq_driver_get(&g.drv, &(uint32_t){0}));
		CHECK(echo(1));
		CHECK(g.line);
	}
}

TEST(features_that_were_not_offered_are_refused)
{
	open_device(false);
	negotiate(F(VIRTIO_F_VERSION_1) | F(VIRTIO_F_ACCESS_PLATFORM));
	CHECK_EQ(rd(VIRTIO_MMIO_STATUS), 3);
	wr(VIRTIO_MMIO_STATUS, 15);
	CHECK_EQ(rd(VIRTIO_MMIO_STATUS) & 4, 0);
	open_device(false);
	negotiate(F(5));
	CHECK_EQ(rd(VIRTIO_MMIO_STATUS), 3);
	CHECK_STR(g.diary, "");
}

TEST(registers_of_a_queue_are_frozen_while_it_is_enabled)
{
	open_device(false);
	wr(VIRTIO_MMIO_QUEUE_NUM, 8); /* before FEATURES_OK */
	CHECK_EQ(g.m.t.queue[0].size, 64);
	negotiate(F(VIRTIO_F_VERSION_1));
	wr(VIRTIO_MMIO_QUEUE_NUM, 0);
	wr(VIRTIO_MMIO_QUEUE_NUM, 65);
	wr(VIRTIO_MMIO_QUEUE_NUM, 24);
	wr(VIRTIO_MMIO_QUEUE_NUM, 0x10010);
	CHECK_EQ(g.m.t.queue[0].size, 64);
	set_up_queue(0, 16, GPA, F(VIRTIO_F_VERSION_1));
	wr(VIRTIO_MMIO_QUEUE_NUM, 8);
	wr(VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1234);
	CHECK_EQ(g.m.t.queue[0].size, 16);
	CHECK_EQ(g.m.t.queue[0].addr[VQ_AREA_DESC], GPA);
	wr(VIRTIO_MMIO_STATUS, 15);
	/* A queue that runs goes away by a reset alone. */
	wr(VIRTIO_MMIO_QUEUE_READY, 0);
	CHECK_EQ(rd(VIRTIO_MMIO_QUEUE_READY), 1);
	CHECK(echo(0));
}

TEST(queue_that_is_not_there_reads_as_nothing)
{
	open_device(false);
	negotiate(F(VIRTIO_F_VERSION_1));
	for (uint32_t i = 2; i; i <<= 1) {
		wr(VIRTIO_MMIO_QUEUE_SEL, i);
		CHECK_EQ(rd(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
		wr(VIRTIO_MMIO_QUEUE_NUM, 8);
		wr(VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1000);
		wr(VIRTIO_MMIO_QUEUE_READY, 1);
		CHECK_EQ(rd(VIRTIO_MMIO_QUEUE_READY), 0);
		wr(QUEUE_RESET, 1);
		wr(VIRTIO_MMIO_QUEUE_NOTIFY, i);
	}
	wr(VIRTIO_MMIO_STATUS, 15);
	CHECK_STR(g.diary, "features ");
}

TEST(ring_outside_of_memory_needs_a_reset)
{
	open_device(false);
	negotiate(F(VIRTIO_F_VERSION_1));
	set_up_queue(0, 16, GPA, F(VIRTIO_F_VERSION_1));
	wr(VIRTIO_MMIO_QUEUE_READY, 0);
	wr(VIRTIO_MMIO_QUEUE_USED_LOW, GPA + RAM - 4);
	wr(VIRTIO_MMIO_QUEUE_READY, 1);
	wr(VIRTIO_MMIO_STATUS, 15);
	CHECK_EQ(rd(VIRTIO_MMIO_STATUS), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	CHECK(g.line);
	CHECK_EQ(rd(VIRTIO_MMIO_INTERRUPT_STATUS), TP_ISR_CONFIG);
	CHECK_STR(g.diary, "features ");
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	wr(VIRTIO_MMIO_STATUS, 0);
	CHECK_EQ(rd(VIRTIO_MMIO_STATUS), 0);
	CHECK(!g.line);
}

TEST(reset_reads_zero_when_the_device_has_let_go)
{
	open_device(false);
	negotiate(F(VIRTIO_F_VERSION_1));
	set_up_queue(0, 16, GPA, F(VIRTIO_F_VERSION_1));
	wr(VIRTIO_MMIO_STATUS, 15);
	g.put_off = 2;
	wr(VIRTIO_MMIO_STATUS, 0);
	CHECK_EQ(rd(VIRTIO_MMIO_STATUS), 15);
	wr(VIRTIO_MMIO_STATUS, 1); /* not now */
	CHECK(!echo(0));
	tp_continue(&g.m.t);
	CHECK_EQ(rd(VIRTIO_MMIO_STATUS), 15);
	tp_continue(&g.m.t);
	CHECK_EQ(rd(VIRTIO_MMIO_STATUS), 0);
	CHECK_EQ(rd(VIRTIO_MMIO_QUEUE_READY), 0);
	CHECK_STR(g.diary, "features start0 stop0 reset ");
	negotiate(F(VIRTIO_F_VERSION_1));
	set_up_queue(0, 16, GPA, F(VIRTIO_F_VERSION_1));
	wr(VIRTIO_MMIO_STATUS, 15);
	CHECK(echo(0));
}

TEST(one_queue_is_reset_and_used_again)
{
	uint64_t features = F(VIRTIO_F_VERSION_1) | F(VIRTIO_F_RING_RESET);

	open_device(false);
	negotiate(features);
	set_up_queue(1, 16, GPA, features);
	wr(VIRTIO_MMIO_STATUS, 15);
	g.put_off = 1;
	wr(QUEUE_RESET, 1);
	CHECK_EQ(rd(QUEUE_RESET), 1);
	wr(VIRTIO_MMIO_QUEUE_READY, 1);
	wr(VIRTIO_MMIO_QUEUE_NUM, 4);
	CHECK_EQ(g.m.t.queue[1].size, 16);
	tp_continue(&g.m.t);
	CHECK_EQ(rd(QUEUE_RESET), 0);
	CHECK_EQ(rd(VIRTIO_MMIO_QUEUE_READY), 0);
	set_up_queue(1, 8, GPA + 65536, features);
	CHECK(echo(1));
	CHECK_STR(g.diary, "features start1 stop1 start1 ");
	/* Without the feature the register does nothing. */
	open_device(false);
	negotiate(F(VIRTIO_F_VERSION_1));
	set_up_queue(1, 16, GPA, F(VIRTIO_F_VERSION_1));
	wr(VIRTIO_MMIO_STATUS, 15);
	wr(QUEUE_RESET, 1);
	CHECK_EQ(rd(VIRTIO_MMIO_QUEUE_READY), 1);
}

TEST(configuration_space_takes_every_width)
{
	static const unsigned int widths[] = {1, 2, 4, 8};
	uint32_t generation;

	open_device(false);
	for (size_t i = 0; i < CW_ARRAY_SIZE(widths); i++)
		for (uint32_t off = 0; off < 12; off++) {
			uint64_t want = 0;

			for (unsigned int b = 0; b < widths[i] && off + b < 10; b++)
				want |= (uint64_t) "abcdefghij"[off + b] << (8 * b);
			CHECK_EQ(tp_mmio_read(&g.m, VIRTIO_MMIO_CONFIG + off, widths[i]), want);
		}
	CHECK_EQ(tp_mmio_read(&g.m, VIRTIO_MMIO_CONFIG, 3), 0);
	CHECK_EQ(tp_mmio_read(&g.m, UINT64_MAX, 8), 0);
	tp_mmio_write(&g.m, VIRTIO_MMIO_CONFIG + 8, 'X', 1); /* before FEATURES_OK */
	CHECK_EQ(g.config.data[8], 'i');
	negotiate(F(VIRTIO_F_VERSION_1));
	tp_mmio_write(&g.m, VIRTIO_MMIO_CONFIG + 8, 'X', 1);
	tp_mmio_write(&g.m, VIRTIO_MMIO_CONFIG, 'Y', 1);
	tp_mmio_write(&g.m, VIRTIO_MMIO_CONFIG + 9, 0x5a5a, 2);
	CHECK(!memcmp(g.config.data, "abcdefghXj", 10));
	generation = rd(VIRTIO_MMIO_CONFIG_GENERATION);
	CHECK_EQ(vq_config_update(&g.config, 0, "Z", 1), 0);
	CHECK(rd(VIRTIO_MMIO_CONFIG_GENERATION) != generation);
	tp_config_changed(&g.m.t);
	CHECK(!g.line); /* nobody is told before DRIVER_OK */
	wr(VIRTIO_MMIO_STATUS, 15);
	tp_config_changed(&g.m.t);
	CHECK_EQ(rd(VIRTIO_MMIO_INTERRUPT_STATUS), TP_ISR_CONFIG);
}

TEST(odd_accesses_to_registers_do_nothing)
{
	open_device(false);
	for (unsigned int len = 0; len <= 16; len++) {
		if (len == 4)
			continue;
		CHECK_EQ(tp_mmio_read(&g.m, VIRTIO_MMIO_MAGIC_VALUE, len), 0);
		tp_mmio_write(&g.m, VIRTIO_MMIO_STATUS, 1, len);
	}
	CHECK_EQ(tp_mmio_read(&g.m, 2, 4), 0);
	tp_mmio_write(&g.m, VIRTIO_MMIO_STATUS + 1, 1, 4);
	wr(VIRTIO_MMIO_STATUS, 0x101);
	CHECK_EQ(rd(VIRTIO_MMIO_STATUS), 0);
}

#ifdef CW_LEGACY
TEST(legacy_driver_names_its_queue_by_a_page)
{
	uint64_t at[VQ_AREA_COUNT];
	void *area[VQ_AREA_COUNT];

	open_device(true);
	CHECK_EQ(rd(VIRTIO_MMIO_VERSION), 1);
	CHECK_EQ(vq_legacy_layout(GPA, 16, 4096, at), 0);
	for (int a = 0; a < VQ_AREA_COUNT; a++)
		area[a] = g.ram + (at[a] - GPA);
	CHECK_EQ(vq_driver_init(&g.drv, area, 16, 0), 0);
	wr(VIRTIO_MMIO_GUEST_PAGE_SIZE, 4096);
	wr(VIRTIO_MMIO_STATUS, 1);
	wr(VIRTIO_MMIO_STATUS, 3);
	wr(VIRTIO_MMIO_STATUS, 11); /* a legacy driver knows no FEATURES_OK */
	CHECK_EQ(rd(VIRTIO_MMIO_STATUS), 3);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, F(5));
	wr(VIRTIO_MMIO_QUEUE_SEL, 0);
	wr(VIRTIO_MMIO_QUEUE_NUM, 16);
	wr(VIRTIO_MMIO_QUEUE_ALIGN, 3);
	wr(VIRTIO_MMIO_QUEUE_PFN, GPA / 4096);
	CHECK_EQ(rd(VIRTIO_MMIO_QUEUE_PFN), 0);
	wr(VIRTIO_MMIO_QUEUE_ALIGN, 4096);
	wr(VIRTIO_MMIO_QUEUE_PFN, GPA / 4096);
	CHECK_EQ(rd(VIRTIO_MMIO_QUEUE_PFN), GPA / 4096);
	wr(VIRTIO_MMIO_STATUS, 7);
	CHECK_EQ(rd(VIRTIO_MMIO_STATUS), 7);
	CHECK_STR(g.diary, "features start0 ");
	CHECK(echo(0));
	CHECK(vq_state_has(&g.m.t.state, 5));
	/* What version 2 has is not there. */
	wr(VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1000);
	CHECK_EQ(g.m.t.queue[0].addr[VQ_AREA_DESC], GPA);
	CHECK_EQ(rd(VIRTIO_MMIO_CONFIG_GENERATION), 0);
}

TEST(legacy_layout_is_that_of_the_specification)
{
	uint64_t at[VQ_AREA_COUNT];

	CHECK_EQ(vq_legacy_layout(0x10000, 256, 4096, at), 0);
	CHECK_EQ(at[VQ_AREA_DESC], 0x10000);
	CHECK_EQ(at[VQ_AREA_DRIVER], 0x11000);
	CHECK_EQ(at[VQ_AREA_DEVICE], 0x12000);
	CHECK_EQ(vq_legacy_size(256, 4096), 0x2000 + 4 + 8 * 256 + 2);
	CHECK_EQ(vq_legacy_layout(0x10000, 255, 4096, at), -EINVAL);
	CHECK_EQ(vq_legacy_layout(0x10000, 256, 0, at), -EINVAL);
	CHECK_EQ(vq_legacy_layout(0x10008, 256, 4096, at), -EINVAL);
	CHECK_EQ(vq_legacy_layout(-4096ull, 256, 4096, at), -EINVAL);
}
#endif

TAP_MAIN()
