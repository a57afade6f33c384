/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon does to a client's channel: tell of the end.
 */
#ifndef DAEMON_CHANNEL_H
#define DAEMON_CHANNEL_H

void cd_channel_fatal(int fd);

#endif
