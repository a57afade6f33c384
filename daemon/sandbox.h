/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What workers say of their sandbox.
 */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include <stdbool.h>
#include <stdio.h>

#include "cw/sandbox.h"

struct cd_daemon;

bool cd_sandbox_take(struct cw_sandbox_report *to, const struct cw_sandbox_report *from);
void cd_sandbox_log(const struct cw_sandbox_report *r);
bool cd_sandbox_same(const struct cw_sandbox_report *a, const struct cw_sandbox_report *b);
void cd_sandbox_print(const struct cw_sandbox_report *r, FILE *out);

#endif
