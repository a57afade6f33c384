/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker really uses, by the word of the kernel or of the card's driver.
 */
#ifndef DAEMON_METER_H
#define DAEMON_METER_H

#include <stdint.h>
#include <sys/types.h>

struct cd_client;
struct cd_daemon;

/**
 * struct cd_meter_ops - A way to measure
 * @init:	once; 0, or -errno where it can't be had here
 * @refresh:	before a round of questions
 * @memory:	bytes of device memory of a worker
 * @time:	its compute time since it began, ns
 * @finish:	at the end
 *
 * @memory and @time: 0, or -errno where they cannot tell now.
 */
struct cd_meter_ops {
	int (*init)(struct cd_daemon *d);
	void (*refresh)(void);
	int (*memory)(struct cd_client *c, uint64_t *ret_bytes);
	int (*time)(struct cd_client *c, uint64_t *ret_ns);
	void (*finish)(void);
};

extern const struct cd_meter_ops cd_meter_soft;
extern const struct cd_meter_ops cd_meter_nvml;

void cd_meter_init(struct cd_daemon *d);
void cd_meter_refresh(struct cd_daemon *d);
int cd_meter_memory(struct cd_client *c, uint64_t *ret_bytes);
int cd_meter_time(struct cd_client *c, uint64_t *ret_ns);
void cd_meter_finish(struct cd_daemon *d);

#endif
