/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cw/util.h"
#include "daemon/back_end.h"
#include "daemon/codes.h"

#define WINDOW_ALIGN (2ull << 20)
#define WINDOW_MAX (1ull << 40)
#define WINDOW_SOFT (4ull << 30)   /* device memory of a client */
#define WINDOW_STAGING (256ull << 20) /* pinned staging of a client */

/**
 * struct option_row - One option
 * @name:	long name
 * @arg:	what its argument is called; NULL: it has none
 * @set:	takes the argument; 0, or -EINVAL where it makes no sense
 * @help:	one line
 */
struct option_row {
	const char *name;
	const char *arg;
	int (*set)(struct cd_options *o, const char *value);
	const char *help;
};

static void print_help(FILE *out);

static void print_version(FILE *out)
{
	fprintf(out, "vhost-user-cuda %s\n", CW_VERSION);
}

/* For programs that start back ends; the keys type and features are theirs. */
static void print_capabilities(FILE *out)
{
	const char *sep = "";
	char path[CD_PATH_MAX];

	fprintf(out, "{\n  \"type\": \"gpu\",\n  \"features\": [],\n");
	fprintf(out, "  \"causeway\": {\n    \"device\": \"virtio-cuda\",\n");
	fprintf(out, "    \"version\": \"%s\",\n    \"protocol\": 1,\n", CW_VERSION);
	fprintf(out, "    \"back-ends\": [");
	for (size_t i = 0; i < cd_back_ends_count; i++) {
		if (cd_back_end_find(cd_back_ends[i].name, path))
			continue;
		fprintf(out, "%s\"%s\"", sep, cd_back_ends[i].name);
		sep = ", ";
	}
	fprintf(out, "]\n  }\n}\n");
}

static int set_socket_path(struct cd_options *o, const char *value)
{
	o->socket_path = value;
	return *value ? 0 : -EINVAL;
}

static int set_client_socket(struct cd_options *o, const char *value)
{
	o->client_socket = value;
	return *value ? 0 : -EINVAL;
}

/* A number with an optional K, M, G or T, within [min, max]. */
static int parse_number(const char *value, uint64_t min, uint64_t max, uint64_t *ret)
{
	static const char units[] = "KMGT";
	char *end;
	const char *unit;
	uint64_t n;
	unsigned int shift = 0;

	errno = 0;
	n = strtoull(value, &end, 0);
	if (errno || end == value || *value == '-')
		return -EINVAL;
	if (*end) {
		unit = strchr(units, *end);
		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (n > max >> shift || n << shift < min)
		return -EINVAL;
	*ret = n << shift;
	return 0;
}

static int set_fd(struct cd_options *o, const char *value)
{
	uint64_t n;

	if (parse_number(value, 0, INT_MAX, &n))
		return -EINVAL;
	o->fd = (int)n;
	return 0;
}

static int set_back_end(struct cd_options *o, const char *value)
{
	o->soft = !strcmp(value, "soft");
	if (strlen(value) >= CD_PATH_MAX)
		return -EINVAL;
	strcpy(o->back_end, value);
	return 0;
}

static int set_window_size(struct cd_options *o, const char *value)
{
	if (parse_number(value, WINDOW_ALIGN, WINDOW_MAX, &o->window_size))
		return -EINVAL;
	return o->window_size % WINDOW_ALIGN ? -EINVAL : 0;
}

static int set_max_clients(struct cd_options *o, const char *value)
{
	uint64_t n;

	if (parse_number(value, 1, CD_MAX_CLIENTS, &n))
		return -EINVAL;
	o->max_clients = (uint32_t)n;
	return 0;
}

static int set_worker_timeout(struct cd_options *o, const char *value)
{
	uint64_t n;

	if (parse_number(value, 1, 3600000, &n))
		return -EINVAL;
	o->timeout_ms = (uint32_t)n;
	return 0;
}

static int set_log_level(struct cd_options *o, const char *value)
{
	cw_log_max = cw_log_parse_level(value);
	if (cw_log_max < 0)
		return -EINVAL;
	/* The workers read it from there. */
	return setenv("CAUSEWAY_LOG", value, 1) ? -errno : 0;
}

static int set_print_capabilities(struct cd_options *o, const char *value)
{
	o->print = print_capabilities;
	return 0;
}

static int set_version(struct cd_options *o, const char *value)
{
	o->print = print_version;
	return 0;
}

static int set_help(struct cd_options *o, const char *value)
{
	o->print = print_help;
	return 0;
}

static const struct option_row rows[] = {
	{ "socket-path", "PATH", set_socket_path, "socket for a VM's vhost-user front end" },
	{ "client-socket", "PATH", set_client_socket, "socket for processes without a VM" },
	{ "fd", "N", set_fd, "inherited socket instead, connected or listening" },
	{ "backend", "soft|nvidia|PATH", set_back_end, "libcuda to run calls on (default: soft)" },
	{ "window-size", "SIZE", set_window_size,
	  "memory of each client (default: soft: half of RAM, at most 4G; else 256M)" },
	{ "max-clients", "N", set_max_clients, "clients at one time (default: 64)" },
	{ "worker-timeout", "MS", set_worker_timeout,
	  "time a worker has for an answer before it is killed (default: 2000)" },
	{ "log-level", "LEVEL", set_log_level, "off, error, warn, info, debug or trace" },
	{ "print-capabilities", NULL, set_print_capabilities, "print what it can, as JSON" },
	{ "version", NULL, set_version, "print the version" },
	{ "help", NULL, set_help, "print this" },
};

static void print_help(FILE *out)
{
	fprintf(out, "Usage: vhost-user-cuda --socket-path=PATH | --client-socket=PATH | --fd=N"
		     " [OPTION]...\nA CUDA GPU for virtual machines and processes.\n\n");
	for (size_t i = 0; i < CW_ARRAY_SIZE(rows); i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].arg ? "=" : "",
			 rows[i].arg ? rows[i].arg : "");
		fprintf(out, "  %-28s %s\n", left, rows[i].help);
	}
}

static uint64_t default_window_size(bool soft)
{
	uint64_t ram = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	if (!soft)
		return WINDOW_STAGING;
	ram = cw_min(ram / 2, WINDOW_SOFT) & ~(WINDOW_ALIGN - 1);
	return cw_max(ram, WINDOW_ALIGN);
}

/* What one option cannot judge alone. */
static int options_complete(struct cd_options *o)
{
	char name[CD_PATH_MAX];

	if (!o->socket_path && !o->client_socket && o->fd < 0) {
		cd_complain(CW_LOG_ERROR, CD_E_OPTION,
			    "need one of --socket-path, --client-socket, --fd");
		return -EINVAL;
	}
	memcpy(name, o->back_end, sizeof(name));
	if (cd_back_end_find(name, o->back_end)) {
		cd_complain(CW_LOG_ERROR, CD_E_BACK_END, "backend=\"%s\" file=\"%s\" why=\"%s\"",
			    name, o->back_end, strerror(errno));
		return -ENOENT;
	}
	if (!o->window_size)
		o->window_size = default_window_size(o->soft);
	return 0;
}

/**
 * cd_options_parse() - Read the command line
 * @o:		filled in
 * @argc:	of main()
 * @argv:	of main()
 *
 * Return: 0, or -errno after one line on stderr.
 */
int cd_options_parse(struct cd_options *o, int argc, char **argv)
{
	struct option longs[CW_ARRAY_SIZE(rows) + 1] = { 0 };
	int i;

	*o = (struct cd_options){ .fd = -1, .max_clients = 64, .timeout_ms = 2000 };
	set_back_end(o, "soft");
	for (i = 0; i < (int)CW_ARRAY_SIZE(rows); i++) {
		longs[i].name = rows[i].name;
		longs[i].has_arg = rows[i].arg ? required_argument : no_argument;
		longs[i].val = i;
	}
	opterr = 0;
	while ((i = getopt_long(argc, argv, "", longs, NULL)) >= 0 && i != '?') {
		if (!rows[i].set(o, optarg ? optarg : ""))
			continue;
		cd_complain(CW_LOG_ERROR, CD_E_OPTION, "--%s=%s: want %s", rows[i].name, optarg,
			    rows[i].arg);
		return -EINVAL;
	}
	if (i == '?' || optind < argc) {
		cd_complain(CW_LOG_ERROR, CD_E_OPTION, "\"%s\": see --help",
			    argv[i == '?' ? optind - 1 : optind]);
		return -EINVAL;
	}
	return o->print ? 0 : options_complete(o);
}
