/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What workers are confined with on this machine, as the daemon says.
 */
#ifndef TESTS_SANDBOX_CONFINED_H
#define TESTS_SANDBOX_CONFINED_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cw/sandbox.h"

static bool confined_steps[CW_SANDBOX_COUNT];

/* Asks the daemon of this test; ends the program where it does not answer. */
static inline void confined_begin(void)
{
	char command[512], line[256];
	FILE *f;
	int n = 0;

	snprintf(command, sizeof(command), "%s --print-sandbox", getenv("DAEMON"));
	f = popen(command, "r");
	while (f && fgets(line, sizeof(line), f)) {
		char name[32] = "", state[32] = "";

		sscanf(line, "%31s %31[a-z]", name, state);
		for (int i = 0; i < CW_SANDBOX_COUNT; i++) {
			if (strcmp(name, cw_sandbox_step_name((enum cw_sandbox_step)i)))
				continue;
			confined_steps[i] = !strcmp(state, "on");
			n++;
		}
		printf("# %s", line);
	}
	if (!f || pclose(f) || n != CW_SANDBOX_COUNT) {
		printf("Bail out! %s\n", command);
		exit(1);
	}
}

static inline bool confined(enum cw_sandbox_step step)
{
	return confined_steps[step];
}

#endif
