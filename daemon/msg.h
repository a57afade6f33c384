/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets with descriptors over SOCK_SEQPACKET sockets. Never blocks.
 */
#ifndef DAEMON_MSG_H
#define DAEMON_MSG_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Descriptors of one packet; the kernel's own limit is 253. */
#define CD_MSG_MAX_FDS 32

int cd_msg_send(int sock, const struct iovec *iov, size_t niov, const int *fds, size_t nfds);
ssize_t cd_msg_recv(int sock, void *buf, size_t size, int *fds, size_t *nfds);
void cd_close(int *fd);
void cd_close_all(int *fds, size_t nfds);

#endif
