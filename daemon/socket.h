/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients without a VM: the socket of include/cw/client_proto.h.
 */
#ifndef DAEMON_SOCKET_H
#define DAEMON_SOCKET_H

struct cd_client;
struct cd_daemon;

void cd_socket_accept(struct cd_daemon *d);
int cd_socket_adopt(struct cd_daemon *d, int fd);
void cd_socket_event(struct cd_client *c);

#endif
