/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map broker: which files a worker may map.
 */
#ifndef DAEMON_BROKER_H
#define DAEMON_BROKER_H

#include <stdbool.h>

#include "daemon/client.h"

int cd_broker_start(struct cd_client *c, int fd);
void cd_broker_event(struct cd_client *c);
bool cd_broker_settled(const struct cd_client *c);
void cd_broker_stop(struct cd_client *c);

#endif
