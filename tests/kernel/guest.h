/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of /dev/vcuda0 for the tests that run in the guest.
 */
#ifndef TESTS_KERNEL_GUEST_H
#define TESTS_KERNEL_GUEST_H

#include <linux/vcuda.h>
#include <stdint.h>

#include "tests/kernel/script.h"

#define ARENA_BASE 0x1000000000ull
#define ARENA_SIZE (64ull << 30)
#define RING_SIZE VCUDA_RING_DEFAULT
#define NODE "/dev/vcuda0"

struct guest {
	int fd;
	uint32_t granule;
	uint8_t *channel;
	uint64_t tail;
	uint64_t seq[VCUDA_SLOTS];
};

int guest_ioctl(int fd, unsigned long nr, void *arg);
int guest_try_open(struct guest *g);
void guest_close(struct guest *g);
uint64_t guest_send(struct guest *g, uint32_t op, uint32_t slot, const uint64_t arg[3]);
int guest_wait(struct guest *g, uint32_t slot, uint64_t seq, uint64_t timeout_ms);
uint64_t guest_result(struct guest *g, uint32_t slot);
uint64_t guest_call(struct guest *g, uint32_t op, uint64_t a, uint64_t b, uint64_t c);
int guest_copy(struct guest *g, uint32_t flags, void *p, uint64_t offset, uint64_t len);
int guest_region_alloc(struct guest *g, uint64_t len, uint64_t va, void **ret_p, uint32_t *ret_id);
int guest_region_free(struct guest *g, uint32_t id);
int guest_register(struct guest *g, void *p, uint64_t len, uint32_t flags, uint32_t *ret_id);
uint64_t guest_now_ns(void);
void guest_sleep_ms(unsigned int ms);
int guest_until(struct guest *g, uint32_t count, uint64_t want);
int guest_device_back(void);
int guest_limits(const char *patience, const char *retry);
int guest_touch(volatile uint8_t *p);
int guest_write_file(const char *path, const char *text);

/* Macros, because a CHECK (tests/tap.h) ends the test of the file it stands in. */
#define guest_open(g) CHECK_EQ(guest_try_open(g), 0)
#define guest_await_device() CHECK_EQ(guest_device_back(), 0)

#endif
