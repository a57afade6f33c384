/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/run/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

bool ct_terminal_is_there(void)
{
	return isatty(0) && isatty(1);
}

struct ct_msg_size ct_terminal_size(void)
{
	struct ct_msg_size size = { .rows = 24, .columns = 80 };
	struct winsize ws;

	if (!ioctl(0, TIOCGWINSZ, &ws) && ws.ws_row && ws.ws_col)
		size = (struct ct_msg_size){ ws.ws_row, ws.ws_col };
	return size;
}

void ct_terminal_take(struct ct_terminal *t)
{
	struct termios raw;

	if (t->raw || tcgetattr(0, &t->saved))
		return;
	raw = t->saved;
	cfmakeraw(&raw);
	t->raw = !tcsetattr(0, TCSADRAIN, &raw);
}

void ct_terminal_give_back(struct ct_terminal *t)
{
	if (t->raw)
		tcsetattr(0, TCSADRAIN, &t->saved);
	t->raw = false;
}
