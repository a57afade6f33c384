/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card file: what the daemons of one card, each of them one VM, know of
 * each other.
 *
 * A file in the card's run directory, mapped by all of them. A daemon locks the
 * bytes of its own entry for its life (F_OFD_SETLK), so an entry is somebody's
 * while it is locked, however its owner ended. It writes there and nowhere else
 * but for @vclock; the others read. Workers have no part in it.
 *
 * Compute time is shared by virtual time: each daemon adds to its @vtime what
 * its workers used, divided by its share. Who is ahead of another VM that waits
 * rests. @vclock is how far those that wait have come: who has slept begins
 * there, so that time nobody wanted is not owed to anyone.
 */
#ifndef CW_CARD_H
#define CW_CARD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#define CW_CARD_MAGIC 0x31647261432d7743ull
#define CW_CARD_VMS 256u
#define CW_CARD_CLIENTS 2048

/**
 * struct cw_card_client - A client, for people to look at
 * @pid:	of its worker; 0: none
 * @memory:	bytes of device memory in use
 */
struct cw_card_client {
	_Atomic uint32_t pid;
	uint32_t reserved;
	_Atomic uint64_t memory;
};

/**
 * struct cw_card_vm - A daemon
 * @stamp:	when it last looked after its entry, ns of CLOCK_MONOTONIC; 0: never
 * @vtime:	virtual time, ns at a share of 100
 * @used:	compute time of its workers, ns
 * @pid:	of the daemon
 * @share:	its share; 0: it takes no part
 * @waits:	it could use more compute time than it gets
 * @held:	its workers rest
 * @clients:	number of clients
 * @memory:	bytes of device memory in use
 * @vm_memory, @client_memory, @worker_memory, @max_*: its limits, as the options are
 *		called; memory 0: none
 */
struct cw_card_vm {
	_Alignas(64) _Atomic uint64_t stamp;
	_Atomic uint64_t vtime;
	_Atomic uint64_t used;
	_Atomic uint32_t pid;
	_Atomic uint32_t share;
	_Atomic uint32_t waits;
	_Atomic uint32_t held;
	_Atomic uint32_t clients;
	uint32_t reserved;
	_Atomic uint64_t memory;
	_Atomic uint64_t vm_memory;
	_Atomic uint64_t client_memory;
	_Atomic uint64_t max_clients;
	_Atomic uint64_t max_threads;
	_Atomic uint64_t max_regions;
	_Atomic uint64_t max_runs;
	_Atomic uint64_t max_chains;
	_Atomic uint64_t max_objects;
	_Atomic uint64_t max_callbacks;
	_Atomic uint64_t max_image;
	_Atomic uint64_t worker_memory;
	struct cw_card_client client[CW_CARD_CLIENTS];
};

struct cw_card {
	_Atomic uint64_t magic;
	_Atomic uint32_t top; /* no entry from here on was ever taken */
	_Alignas(64) _Atomic uint64_t vclock;
	struct cw_card_vm vm[CW_CARD_VMS];
};

/**
 * cw_card_dir() - The usual run directory of a user's cards
 * @buf, @len:	receives the path
 * @uid:	whose daemons
 */
static inline void cw_card_dir(char *buf, size_t len, uid_t uid)
{
	snprintf(buf, len, "/run/user/%u", uid);
	if (!uid)
		snprintf(buf, len, "/run/causeway");
	else if (access(buf, X_OK))
		snprintf(buf, len, "/tmp/causeway-%u", uid);
	else
		snprintf(buf, len, "/run/user/%u/causeway", uid);
}

/* The number is that of the layout: daemons of two versions do not meet. */
#define CW_CARD_FILE "soft-3.card"
#define CW_CARD_FILE_NVIDIA "nvidia-3.card"

#endif
