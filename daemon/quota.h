/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device memory: who was given how much, and that nobody takes more.
 */
#ifndef DAEMON_QUOTA_H
#define DAEMON_QUOTA_H

#include <stdint.h>

#include "cw/worker_proto.h"

struct cd_client;
struct cd_daemon;

int cd_quota_init(struct cd_client *c);
void cd_quota_finish(struct cd_client *c);
int cd_quota_ask(struct cd_client *c, const struct cw_worker_credit *m);
uint64_t cd_quota_used(const struct cd_client *c);
uint64_t cd_quota_vm_used(const struct cd_daemon *d);
void cd_quota_check(struct cd_daemon *d);

#endif
