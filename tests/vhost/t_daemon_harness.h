/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon in a child process, and clients at its socket.
 */
#ifndef TESTS_VHOST_T_DAEMON_HARNESS_H
#define TESTS_VHOST_T_DAEMON_HARNESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "cw/channel.h"
#include "cw/client_proto.h"
#include "tests/vhost/t_daemon_worker.h"
#include "uapi/linux/virtio_cuda.h"

/* Legal in sanitized workers, too. */
#define T_REGION_BASE 0x551000000000ull
#define T_REGION_SIZE (64ull << 30)
#define T_DEVICE_BASE 0x553000000000ull
#define T_DEVICE_SIZE (64ull << 30)
#define T_WINDOW (16ull << 20)

struct t_daemon {
	pid_t pid;
	char dir[64];
	char path[96]; /* client socket */
	char log[96];  /* its stderr */
};

struct t_client {
	int sock;
	int fd_channel;
	int fd_window;
	int fd_doorbell;
	void *channel;
	struct cw_client_opened opened;
};

/* A daemon with --client-socket and NULL-terminated further arguments. */
struct t_daemon t_daemon_start(const char *arg, ...);
/* The same without any argument of its own; status of its exit comes back. */
int t_daemon_run(struct t_daemon *d, const char *arg, ...);
/* SIGTERM; true if it left with status 0 and its folder is empty. */
bool t_daemon_stop(struct t_daemon *d);
int t_daemon_fds(const struct t_daemon *d);
int t_daemon_log_count(const struct t_daemon *d, const char *word);
bool t_daemon_log_has(const struct t_daemon *d, const char *word);
/* Whether the number of descriptors becomes n; waits for it. */
bool t_daemon_settles(const struct t_daemon *d, int n);
bool t_gone(pid_t pid);

int t_memfd(uint64_t size, unsigned int seals);
int t_connect(const struct t_daemon *d);
struct cw_client_open t_open_message(const char *how);
/* Sends a packet with fd (-1: none). */
void t_send(int sock, const void *msg, size_t len, int fd);
/* Receives one of exactly len bytes; false on end of file. */
bool t_recv(int sock, void *msg, size_t len, int *fds, size_t *nfds);
/* Waits until the daemon has hung up; false where it sends something. */
bool t_hung_up(int sock);

/* Opens with CUDA_MODULE_LOADING=how (NULL: without); look at c.opened. */
struct t_client t_client_open(const struct t_daemon *d, const char *how);
void t_client_reopen(struct t_client *c, const char *how);
void t_client_close(struct t_client *c);
/* Gives the worker a command and waits for its answer, like a library. */
void t_client_command(struct t_client *c, enum t_cmd cmd);
void t_client_kick(struct t_client *c, enum t_cmd cmd);
pid_t t_client_worker(struct t_client *c);

#endif
