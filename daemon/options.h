/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command line of the daemon.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cw/sandbox.h"
#include "daemon/activation.h"

/* At all sockets together; a VM's driver has VIRTIO_CUDA_MAX_CLIENTS at most. */
#define CD_MAX_CLIENTS 2048
#define CD_PATH_MAX 512

/**
 * struct cd_options - What the command line says
 * @socket_path:	where a VM's front end connects; NULL: none
 * @client_socket:	where processes connect; NULL: none
 * @fd:			inherited socket, connected or listening; -1: none
 * @activation:		sockets that systemd hands over, and where to report
 * @back_end:		absolute path of the libcuda to load
 * @soft:		it is the software GPU
 * @window_size:	bytes of each client's window
 * @max_clients:	clients at one time
 * @timeout_ms:		how long a worker may take to answer
 * @vm_memory:		bytes of device memory of all clients together; 0: no limit
 * @client_memory:	bytes of device memory of one client; 0: no limit
 * @context_memory:	bytes a worker may have on a card beside what it allocates
 * @max_threads:	threads of a client
 * @max_regions:	regions of a client
 * @max_runs:		pieces of all regions of a client
 * @max_chains:		bulk copies of a client under way
 * @max_objects:	streams, events, modules and the like of a client
 * @max_callbacks:	host functions of a client that have not returned
 * @max_image:		bytes of a module's image
 * @share:		part of the card's compute time, against the other VMs' parts;
 *			0: neither held back nor waited for
 * @card_dir:		run directory of the card; NULL: the usual place
 * @nvml:		NVML library
 * @start_ms:		and to start: with NVIDIA's libcuda that is its cuInit, too
 * @sandbox:		what workers are confined with
 * @print_sandbox:	say what workers are confined with here, and end
 * @worker_memory:	bytes of memory a worker has beside its window (profile soft)
 */
struct cd_options {
	const char *socket_path;
	const char *client_socket;
	int fd;
	struct cd_activation activation;
	char back_end[CD_PATH_MAX];
	bool soft;
	uint64_t window_size;
	uint32_t max_clients;
	uint32_t timeout_ms;
	uint64_t vm_memory;
	uint64_t client_memory;
	uint64_t context_memory;
	uint64_t max_threads;
	uint64_t max_regions;
	uint64_t max_runs;
	uint64_t max_chains;
	uint64_t max_objects;
	uint64_t max_callbacks;
	uint64_t max_image;
	uint64_t share;
	const char *card_dir;
	const char *nvml;
	uint32_t start_ms;
	enum cw_sandbox_mode sandbox;
	bool print_sandbox;
	uint64_t worker_memory;
	/* Nothing but an answer is wanted: print it and exit 0. */
	void (*print)(FILE *out);
};

int cd_options_parse(struct cd_options *o, int argc, char **argv);

#endif
