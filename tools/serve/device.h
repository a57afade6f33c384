/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway serve DEVICE: devices other than the GPU.
 */
#ifndef TOOLS_SERVE_DEVICE_H
#define TOOLS_SERVE_DEVICE_H

#include "tools/ct.h"

/**
 * serve_device_find() - The command behind "serve NAME"
 * @name:	word
 *
 * Return: the command, or NULL where there is no such device.
 */
const struct ct_command *serve_device_find(const char *name);

#endif
