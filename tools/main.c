/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway: one tool, a table of sub-commands, one file each.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/ct.h"

static const struct ct_command *const ct_commands[] = {
	&ct_cmd_run, &ct_cmd_soft, &ct_cmd_exec, &ct_cmd_cc, &ct_cmd_api,
	&ct_cmd_serve, &ct_cmd_list, &ct_cmd_stop, &ct_cmd_bench, &ct_cmd_doctor,
};

static int ct_help(void)
{
	puts("usage: causeway COMMAND [OPTION...] [-- PROGRAM ARGUMENT...]\n\n"
	     "A CUDA GPU for virtual machines and containers.\n\nCommands:");
	for (size_t i = 0; i < CW_ARRAY_SIZE(ct_commands); i++)
		printf("  %-8s %s\n", ct_commands[i]->name, ct_commands[i]->summary);
	puts("\ncauseway COMMAND --help tells more; causeway --version the version.");
	ct_env_help();
	return 0;
}

/* A closed stdin, stdout or stderr must not become somebody's socket. */
static void ct_open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "--help";

	ct_open_standard();
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help"))
		return ct_help();
	if (!strcmp(word, "--version")) {
		puts("causeway " CW_VERSION);
		return 0;
	}
	for (size_t i = 0; i < CW_ARRAY_SIZE(ct_commands); i++) {
		if (!strcmp(word, ct_commands[i]->name)) {
			ct_set_command(word);
			return ct_commands[i]->run(ct_commands[i], argc - 1, argv + 1);
		}
	}
	ct_error("'%s' is not a command; causeway --help lists them", word);
	return CT_EXIT_USAGE;
}
