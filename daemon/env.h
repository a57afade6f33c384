/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of a client that reach its worker.
 */
#ifndef DAEMON_ENV_H
#define DAEMON_ENV_H

#include <stdint.h>

uint32_t cd_env_filter(char *env, uint32_t len);

#endif
