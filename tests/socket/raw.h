/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client without the library: writes into its ring whatever it likes.
 */
#ifndef TESTS_SOCKET_RAW_H
#define TESTS_SOCKET_RAW_H

#include "cw/channel.h"
#include "tests/socket/sock.h"
#include "wire/codec.h"
#include "wire/fn.h"
#include "wire/handle.h"

/* Legal in sanitized workers, too. */
#define RAW_REGION_BASE 0x550000000000ull
#define RAW_DEVICE_BASE 0x551000000000ull
#define RAW_ARENA (64ull << 30)
/* Slot of the commands that look whether the worker still answers. */
#define RAW_ASK_SLOT 127

struct raw {
	int sock;
	int doorbell;
	int window;
	uint64_t window_size;
	struct cw_channel *channel;
	uint64_t tail;
	uint64_t seq;
};

/* A client that is open; ends the test program where it can't be had. */
void raw_open(struct raw *c, const struct sock_daemon *d);
void raw_close(struct raw *c);

/* Puts bytes at the tail; raw_publish() shows them to the worker. */
void raw_put(struct raw *c, const void *bytes, size_t len);
/* A command with a proper head. @len: bytes of @args, padded with zeroes. */
void raw_command(struct raw *c, uint32_t id, uint32_t slot, const void *args, size_t len);
void raw_publish(struct raw *c, uint64_t tail);

/* A command with @n words for arguments, and its answer: a CUresult, or -1
 * where the client has ended. @ret: first word of the answer, may be NULL. */
int raw_call(struct raw *c, uint32_t id, const uint64_t *words, size_t n, uint64_t *ret);
/* The same from a certain thread. */
int raw_call_from(struct raw *c, uint32_t id, uint32_t slot, const uint64_t *words, size_t n,
		  uint64_t *ret);
/* Whether the worker gave the client up and the daemon hung up. */
bool raw_ended(struct raw *c);
/* Whether the worker still answers. */
bool raw_lives(struct raw *c);

#endif
