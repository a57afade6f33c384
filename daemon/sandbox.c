/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What workers say of their sandbox: judged, logged, printed.
 */
#include "daemon/sandbox.h"

#include <string.h>

#include "daemon/codes.h"

static const char *const states[] = {
	[CW_SB_OFF] = "off", [CW_SB_ON] = "on", [CW_SB_UNAVAILABLE] = "unavailable",
};

/**
 * cd_sandbox_take() - Copy a report that came from outside
 * @to:		the copy: texts end, and can be printed
 * @from:	report
 *
 * Return: false where it is malformed; nothing is copied then.
 */
bool cd_sandbox_take(struct cw_sandbox_report *to, const struct cw_sandbox_report *from)
{
	if (from->mode > CW_SANDBOX_OFF)
		return false;
	for (int i = 0; i < CW_SANDBOX_COUNT; i++) {
		if (from->row[i].state > CW_SB_UNAVAILABLE)
			return false;
	}
	*to = *from;
	for (int i = 0; i < CW_SANDBOX_COUNT; i++) {
		char *why = to->row[i].why;

		why[sizeof(to->row[i].why) - 1] = '\0';
		for (; *why; why++) {
			if (*why < ' ' || *why > '~' || *why == '"')
				*why = '?';
		}
	}
	return true;
}

/* One line of names with this state, and why. */
static void list(const struct cw_sandbox_report *r, uint32_t state, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i < CW_SANDBOX_COUNT && n < size; i++) {
		const struct cw_sandbox_row *row = &r->row[i];

		if (row->state != state)
			continue;
		n += (size_t)snprintf(text + n, size - n, "%s%s", n ? "," : "",
				      cw_sandbox_step_name((enum cw_sandbox_step)i));
		if (state != CW_SB_ON && row->why[0] && n < size)
			n += (size_t)snprintf(text + n, size - n, "(%s)", row->why);
	}
}

/**
 * cd_sandbox_log() - One line in the log
 * @r:	report
 *
 * A warning where workers are held by no list of system calls though one was
 * wanted: all else is a second wall behind that.
 */
void cd_sandbox_log(const struct cw_sandbox_report *r)
{
	bool open = r->mode != CW_SANDBOX_OFF && r->row[CW_SB_SYSCALLS].state != CW_SB_ON;
	char on[256], missing[512], off[512];

	list(r, CW_SB_ON, on, sizeof(on));
	list(r, CW_SB_UNAVAILABLE, missing, sizeof(missing));
	list(r, CW_SB_OFF, off, sizeof(off));
	cw_log(open ? CW_LOG_WARN : CW_LOG_INFO,
	       "sandbox of workers profile=%s on=\"%s\" unavailable=\"%s\" off=\"%s\"",
	       r->soft ? "soft" : "nvidia", on, missing, off);
}

/**
 * cd_sandbox_same() - Whether two workers are confined alike
 * @a:	report
 * @b:	report
 *
 * Return: true if every step's state is the same.
 */
bool cd_sandbox_same(const struct cw_sandbox_report *a, const struct cw_sandbox_report *b)
{
	for (int i = 0; i < CW_SANDBOX_COUNT; i++) {
		if (a->row[i].state != b->row[i].state)
			return false;
	}
	return true;
}

/**
 * cd_sandbox_print() - One line per step
 * @r:		report
 * @out:	where to
 */
void cd_sandbox_print(const struct cw_sandbox_report *r, FILE *out)
{
	for (int i = 0; i < CW_SANDBOX_COUNT; i++) {
		const struct cw_sandbox_row *row = &r->row[i];

		fprintf(out, "%-13s %s%s%s\n", cw_sandbox_step_name((enum cw_sandbox_step)i),
			states[row->state], row->why[0] ? ": " : "", row->why);
	}
}
