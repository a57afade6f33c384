/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sub-commands of `causeway` share: the shape of a command and of its
 * options, messages, and where the installed files are.
 */
#ifndef TOOLS_CT_H
#define TOOLS_CT_H

#include <stdbool.h>
#include <stddef.h>

#include "cw/util.h"

/*
 * Exit codes of the tool itself, as env(1) and container engines use them, so
 * that they do not read like an answer of the program that was to run.
 */
enum ct_exit {
	CT_EXIT_USAGE = 2,
	CT_EXIT_OWN = 125,	   /* the tool failed, the program did not run */
	CT_EXIT_CANNOT_EXEC = 126, /* found, but it cannot be executed */
	CT_EXIT_NOT_FOUND = 127,   /* no such program, or a library is missing */
};

/**
 * struct ct_option - One long option; help, completion and manual come from it
 * @name:	without the dashes
 * @arg:	name of the argument as help shows it; NULL: none; in brackets
 *		("[=FILE]"): may be left out
 * @set:	stores it in the command's own struct; @value is NULL where there
 *		is none. Returns 0, or -EINVAL after ct_error() said why
 * @help:	one line, with the default
 */
struct ct_option {
	const char *name;
	const char *arg;
	int (*set)(void *ctx, const char *value);
	const char *help;
};

/**
 * struct ct_command - A sub-command
 * @name:	the word after "causeway"
 * @usage:	what follows the word
 * @summary:	one line
 * @options:	table, ended by an entry without a name
 * @passes:	runs somebody's program, so failures of its own exit with 125
 * @run:	argv[0] is the word; returns the exit status
 */
struct ct_command {
	const char *name;
	const char *usage;
	const char *summary;
	const struct ct_option *options;
	bool passes;
	int (*run)(const struct ct_command *cmd, int argc, char **argv);
};

extern const struct ct_command ct_cmd_run;
extern const struct ct_command ct_cmd_soft;
extern const struct ct_command ct_cmd_exec;
extern const struct ct_command ct_cmd_serve;
extern const struct ct_command ct_cmd_bench;
extern const struct ct_command ct_cmd_doctor;
extern const struct ct_command ct_cmd_cc;
extern const struct ct_command ct_cmd_api;
extern const struct ct_command ct_cmd_list;
extern const struct ct_command ct_cmd_stop;

/**
 * ct_options_parse() - Read the options before the first other word
 * @cmd:	whose table
 * @ctx:	handed to the setters
 * @argc:	words
 * @argv:	words; argv[0] is the command
 *
 * Prints help for --help, an error for what it does not know.
 *
 * Return: index of the first word that is no option, or -1 - STATUS where the
 * command is to end at once with exit status STATUS.
 */
int ct_options_parse(const struct ct_command *cmd, void *ctx, int argc, char **argv);

/* Prints what `causeway CMD --help` prints. */
void ct_options_help(const struct ct_command *cmd);

/* Prints every environment variable that Causeway reads. */
void ct_env_help(void);

/* Names the command in messages to come; NULL for the tool itself. */
void ct_set_command(const char *name);

/* One line on stderr: "causeway: CMD: text". */
CW_PRINTF(1, 2) void ct_error(const char *fmt, ...);

/**
 * ct_size_parse() - "512M", "2G", "10T" or bytes
 * @text:	number with an optional K, M, G or T
 * @ret_bytes:	the size
 *
 * Return: 0, or -EINVAL where it is none or does not fit 63 bits.
 */
int ct_size_parse(const char *text, unsigned long long *ret_bytes);

/**
 * ct_path() - Path of an installed file, from where this executable lies
 * @buf:	receives the path
 * @len:	bytes of @buf
 * @rel:	relative to the prefix: "lib/causeway/soft", "bin/vhost-user-cuda"
 *
 * Return: 0, or -ENOENT where nothing is there (@buf is filled all the same).
 */
int ct_path(char *buf, size_t len, const char *rel);

/* Sets NAME to the folders of @front, then to what NAME was. */
int ct_env_prepend(const char *name, const char *front);

/* Sets CAUSEWAY_TRACE: to @file made absolute, or to "-" for stderr if NULL. */
int ct_set_trace(const char *file);

#endif
