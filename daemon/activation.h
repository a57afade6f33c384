/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Being started by systemd: sockets it hands over, and what it is told. The
 * protocols of sd_listen_fds(3) and sd_notify(3), which are a few lines each.
 */
#ifndef DAEMON_ACTIVATION_H
#define DAEMON_ACTIVATION_H

/* The first descriptor that is handed over. */
#define CD_ACTIVATION_FIRST 3

/**
 * struct cd_activation - What whoever started this process left in the environment
 * @n_fds:	sockets handed over, from CD_ACTIVATION_FIRST on
 * @notify_fd:	where it wants to be told; -1: nowhere
 */
struct cd_activation {
	int n_fds;
	int notify_fd;
};

void cd_activation_take(struct cd_activation *a);
void cd_activation_tell(const struct cd_activation *a, const char *state);

#endif
