/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets in the file system.
 */
#ifndef DAEMON_LISTEN_H
#define DAEMON_LISTEN_H

int cd_listen(const char *path, int type);

#endif
