/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device of device/ behind vhost-user: a program of its own.
 */
#ifndef TOOLS_SERVE_VHOST_H
#define TOOLS_SERVE_VHOST_H

#include "device/device.h"

/**
 * struct serve_where - Where the front end comes from; one of both is set
 * @socket_path: listen there
 * @fd:		a socket that was handed in, listening or connected; -1 for none
 */
struct serve_where {
	const char *socket_path;
	int fd;
};

/**
 * serve_vhost() - Serve a device until SIGTERM or SIGINT
 * @loop:	event loop, with which the device was made
 * @dev:	device
 * @where:	where the front end comes from
 * @hangup:	called at SIGHUP, or NULL
 *
 * One front end at a time; when it is gone the next one is waited for, except
 * after one that was handed in connected.
 *
 * Return: exit status, after one line where it is not 0.
 */
int serve_vhost(struct dev_loop *loop, struct dev *dev, const struct serve_where *where,
		int (*hangup)(struct dev *dev));

#endif
