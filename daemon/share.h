/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute time: this VM's share of its card.
 */
#ifndef DAEMON_SHARE_H
#define DAEMON_SHARE_H

#include <stdbool.h>
#include <stdint.h>

struct cd_client;
struct cd_daemon;
struct cw_card;
struct cw_card_vm;

/* cd_client.idle where none of its threads has anything to do. */
#define CD_IDLE_ALL 256

/**
 * struct cd_share - This daemon's part in the card file
 * @fd:		card file; its lock is our entry's. -1: none
 * @card:	the file, mapped; NULL: none
 * @vm:		our entry
 * @used:	compute time of all workers that there were, ns
 * @vtime:	see struct cw_card_vm
 * @waits:	likewise
 * @held:	likewise
 * @active:	something was used in the last turn
 * @held_at:	since when
 * @held_used:	@used when the workers had had time to see it
 */
struct cd_share {
	int fd;
	struct cw_card *card;
	struct cw_card_vm *vm;
	uint64_t used;
	uint64_t vtime;
	bool waits;
	bool active;
	bool held;
	uint64_t held_at;
	uint64_t held_used;
};

int cd_share_init(struct cd_daemon *d);
void cd_share_turn(struct cd_daemon *d, uint64_t now);
void cd_share_publish(struct cd_daemon *d, uint64_t now);
uint64_t cd_share_interval(const struct cd_daemon *d);
void cd_share_finish(struct cd_daemon *d);

/* watch.c: what is done again and again while there are clients. */
void cd_watch_start(struct cd_daemon *d);
void cd_watch_turn(struct cd_daemon *d, uint64_t now);

#endif
