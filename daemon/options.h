/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command line of the daemon.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Clients have a bit each in the doorbell page. */
#define CD_MAX_CLIENTS 256
#define CD_PATH_MAX 512

/**
 * struct cd_options - What the command line says
 * @socket_path:	where a VM's front end connects; NULL: none
 * @client_socket:	where processes connect; NULL: none
 * @fd:			inherited socket, connected or listening; -1: none
 * @back_end:		absolute path of the libcuda to load
 * @soft:		it is the software GPU
 * @window_size:	bytes of each client's window
 * @max_clients:	clients at one time
 * @timeout_ms:		how long a worker may take to answer
 */
struct cd_options {
	const char *socket_path;
	const char *client_socket;
	int fd;
	char back_end[CD_PATH_MAX];
	bool soft;
	uint64_t window_size;
	uint32_t max_clients;
	uint32_t timeout_ms;
	/* Nothing but an answer is wanted: print it and exit 0. */
	void (*print)(FILE *out);
};

int cd_options_parse(struct cd_options *o, int argc, char **argv);

#endif
