/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entry points of a worker process: vhost-user-cuda execs itself and calls one
 * of these. Both talk to the daemon over CW_WORKER_FD (include/cw/worker_proto.h).
 */
#ifndef WORKER_MAIN_H
#define WORKER_MAIN_H

/**
 * wk_main() - Serve one client until it ends
 *
 * Return: exit status of the process: 0 when the daemon closed the socket.
 */
int wk_main(void);

/**
 * wk_probe_main() - Read the devices of a back end into the daemon's table
 *
 * Return: exit status of the process.
 */
int wk_probe_main(void);

#endif
