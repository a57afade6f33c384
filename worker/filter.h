/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp filters out of tables of rules.
 */
#ifndef WORKER_FILTER_H
#define WORKER_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#define WK_FILTER_MAX 1024

/**
 * enum wk_rule_test - When a rule fits
 * @WK_ALWAYS:	whatever the arguments are
 * @WK_EQUAL:	(argument & mask) == value
 * @WK_OUTSIDE:	argument < value or argument >= value + mask
 */
enum wk_rule_test {
	WK_ALWAYS,
	WK_EQUAL,
	WK_OUTSIDE,
};

/**
 * struct wk_rule - What becomes of a system call
 * @nr:		its number
 * @arg:	argument that is tested, its low 32 bits: what the kernel looks at where
 *		it takes a descriptor, a command or flags
 * @test:	enum wk_rule_test
 * @mask, @value: see there
 * @action:	SECCOMP_RET_*; 0, which is to kill, stands for SECCOMP_RET_ALLOW
 */
struct wk_rule {
	uint16_t nr;
	uint8_t arg;
	uint8_t test;
	uint32_t mask;
	uint32_t value;
	uint32_t action;
};

/**
 * struct wk_filter - A program that is being written
 * @code:	instructions
 * @n:		their number; beyond WK_FILTER_MAX: it did not fit
 */
struct wk_filter {
	struct sock_filter code[WK_FILTER_MAX];
	size_t n;
};

void wk_filter_begin(struct wk_filter *f);
void wk_filter_rules(struct wk_filter *f, const struct wk_rule *rules, size_t n, uint32_t action);
int wk_filter_end(struct wk_filter *f, uint32_t action);
int wk_filter_install(const struct wk_filter *f, unsigned int flags);

#endif
