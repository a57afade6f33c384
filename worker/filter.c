/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp filters out of tables of rules.
 *
 * Theory of operation: the rules of one system call stand together and are
 * tried in order; the first that fits decides, and where none does the call is
 * refused. What a table does not name at all falls through to the end of the
 * program. Linear, as a table has some seventy calls, those of the call path
 * first, and the kernel remembers the calls that are allowed whatever their
 * arguments are (since 5.11) and does not run the program for them.
 */
#include "worker/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cw/util.h"

#define OFFSET(field) ((uint32_t)offsetof(struct seccomp_data, field))
/* Numbers from here on are the x32 system calls, which nobody wants. */
#define X32_BIT 0x40000000u
/*
 * From this call on, what a table does not name answers as a kernel would that
 * does not have it, and libraries take the older way: clone() for clone3(),
 * whose flags no filter can see.
 */
#define NEW_CALLS SYS_clone3

static void emit(struct wk_filter *f, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	if (f->n < WK_FILTER_MAX)
		f->code[f->n] = (struct sock_filter){ code, yes, no, k };
	f->n++;
}

static void load(struct wk_filter *f, uint32_t offset)
{
	emit(f, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void leave(struct wk_filter *f, uint32_t action)
{
	emit(f, BPF_RET | BPF_K, action, 0, 0);
}

/**
 * wk_filter_begin() - Begin a program
 * @f:	filled in
 *
 * Calls of another architecture, and x32, end the process: the numbers of the
 * tables would mean something else.
 */
void wk_filter_begin(struct wk_filter *f)
{
	f->n = 0;
	load(f, OFFSET(arch));
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	leave(f, SECCOMP_RET_KILL_PROCESS);
	load(f, OFFSET(nr));
	emit(f, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	leave(f, SECCOMP_RET_KILL_PROCESS);
}

static void emit_rule(struct wk_filter *f, const struct wk_rule *r)
{
	uint32_t action = r->action ? r->action : SECCOMP_RET_ALLOW;

	if (r->test != WK_ALWAYS)
		load(f, OFFSET(args) + r->arg * (uint32_t)sizeof(uint64_t));
	if (r->test == WK_EQUAL) {
		emit(f, BPF_ALU | BPF_AND | BPF_K, r->mask, 0, 0);
		emit(f, BPF_JMP | BPF_JEQ | BPF_K, r->value, 0, 1);
	} else if (r->test == WK_OUTSIDE) {
		emit(f, BPF_JMP | BPF_JGE | BPF_K, r->value, 0, 1);
		emit(f, BPF_JMP | BPF_JGE | BPF_K, r->value + r->mask, 0, 1);
	}
	leave(f, action);
}

/* The rules of one call; the accumulator holds a call's number before and after. */
static void emit_group(struct wk_filter *f, const struct wk_rule *rules, size_t n, uint32_t action)
{
	size_t jump = f->n;

	emit(f, BPF_JMP | BPF_JEQ | BPF_K, rules->nr, 0, 0);
	for (size_t i = 0; i < n; i++)
		emit_rule(f, &rules[i]);
	leave(f, action);
	if (f->n > WK_FILTER_MAX)
		return;
	if (f->n - jump - 1 > UINT8_MAX)
		f->n = WK_FILTER_MAX + 1;
	else
		f->code[jump].jf = (uint8_t)(f->n - jump - 1);
}

/**
 * wk_filter_rules() - Add a table
 * @f:		program
 * @rules:	rules; those of one call stand together
 * @n:		their number
 * @action:	SECCOMP_RET_*, for a call that is named and none of its rules fits
 */
void wk_filter_rules(struct wk_filter *f, const struct wk_rule *rules, size_t n, uint32_t action)
{
	size_t group;

	for (size_t i = 0; i < n; i += group) {
		group = 1;
		while (i + group < n && rules[i + group].nr == rules[i].nr)
			group++;
		emit_group(f, rules + i, group, action);
	}
}

/**
 * wk_filter_end() - End a program
 * @f:		program
 * @action:	SECCOMP_RET_*, for all that no table names
 *
 * Return: 0, or -E2BIG where it did not fit.
 */
int wk_filter_end(struct wk_filter *f, uint32_t action)
{
	if (action != SECCOMP_RET_ALLOW) {
		emit(f, BPF_JMP | BPF_JGE | BPF_K, NEW_CALLS, 0, 1);
		leave(f, SECCOMP_RET_ERRNO | ENOSYS);
	}
	leave(f, action);
	return f->n <= WK_FILTER_MAX ? 0 : -E2BIG;
}

/**
 * wk_filter_install() - Put a program in force, for all threads
 * @f:		program
 * @flags:	SECCOMP_FILTER_FLAG_* beyond those that this takes
 *
 * Return: 0, or a descriptor where @flags ask for one, or -errno.
 */
int wk_filter_install(const struct wk_filter *f, unsigned int flags)
{
	struct sock_fprog prog = {
		.len = (unsigned short)f->n, .filter = (struct sock_filter *)f->code
	};
	long ret;

	flags |= SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	return ret < 0 ? -errno : (int)ret;
}
