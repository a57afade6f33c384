/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal of this process as the screen and keyboard of a guest's.
 */
#ifndef TOOLS_RUN_TERMINAL_H
#define TOOLS_RUN_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

#include "tools/run/proto.h"

/**
 * struct ct_terminal - State of it
 * @raw:	every key goes to the guest; @saved is what it was before
 */
struct ct_terminal {
	bool raw;
	struct termios saved;
};

/* Whether stdin and stdout are a terminal. */
bool ct_terminal_is_there(void);

/* Its size; 24 x 80 where it does not say. */
struct ct_msg_size ct_terminal_size(void);

/* Makes every key the guest's: ^C too, and nothing is echoed here. */
void ct_terminal_take(struct ct_terminal *t);

/* Makes it what it was; nothing where it was not taken. */
void ct_terminal_give_back(struct ct_terminal *t);

#endif
