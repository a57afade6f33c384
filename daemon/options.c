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
#include "daemon/region.h"
#include "uapi/linux/vcuda.h"

#define WINDOW_ALIGN (2ull << 20)
#define WINDOW_MAX (1ull << 40)
#define WINDOW_SOFT (4ull << 30)   /* device memory of a client */
/* As for the probe: cuInit of many cards and no persistence takes seconds. */
#define START_NVIDIA_MS 60000
#define WORKER_MEMORY (2ull << 30)
#define WORKER_MEMORY_MIN (64ull << 20)
#define WINDOW_STAGING (256ull << 20) /* pinned staging of a client */
#define PAGE 4096ull
#define MEMORY_MAX (1ull << 46)
/* As many as a handle has room for. */
#define OBJECTS_MAX (1ull << 20)
/* The largest fatbin seen in a library is 39 MB of text; what fits a command is
 * no question. */
#define IMAGE_MIN (32ull << 10)
#define IMAGE_MAX (512ull << 20)

/**
 * struct option_number - A number that an option sets
 * @at:		offset of the uint64_t in struct cd_options
 * @min, @max:	bounds, both allowed
 * @unit:	it is a multiple of that
 */
struct option_number {
	size_t at;
	uint64_t min;
	uint64_t max;
	uint64_t unit;
};

/**
 * struct option_row - One option
 * @name:	long name
 * @arg:	what its argument is called; NULL: it has none
 * @set:	takes the argument; 0, or -EINVAL where it makes no sense; NULL: it
 *		goes to @number
 * @help:	one line
 * @number:	see there
 */
struct option_row {
	const char *name;
	const char *arg;
	int (*set)(struct cd_options *o, const char *value);
	const char *help;
	struct option_number number;
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
	o->start_ms = (uint32_t)n;
	return 0;
}

static int set_card_dir(struct cd_options *o, const char *value)
{
	o->card_dir = value;
	return *value ? 0 : -EINVAL;
}

static int set_nvml(struct cd_options *o, const char *value)
{
	o->nvml = value;
	return *value == '/' ? 0 : -EINVAL;
}

static int set_number(const struct option_number *n, struct cd_options *o, const char *value)
{
	uint64_t number;

	if (parse_number(value, n->min, n->max, &number) || number % n->unit)
		return -EINVAL;
	*(uint64_t *)((char *)o + n->at) = number;
	return 0;
}

static int set_sandbox(struct cd_options *o, const char *value)
{
	static const char *const modes[] = {
		[CW_SANDBOX_BEST] = "best",
		[CW_SANDBOX_STRICT] = "strict",
		[CW_SANDBOX_OFF] = "off",
	};

	for (size_t i = 0; i < CW_ARRAY_SIZE(modes); i++) {
		if (strcmp(value, modes[i]))
			continue;
		o->sandbox = (enum cw_sandbox_mode)i;
		return 0;
	}
	return -EINVAL;
}

static int set_print_sandbox(struct cd_options *o, const char *value)
{
	o->print_sandbox = true;
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

#define NUMBER(field, min, max, unit) { offsetof(struct cd_options, field), min, max, unit }

static const struct option_row rows[] = {
	{ "socket-path", "PATH", set_socket_path, "socket for a VM's vhost-user front end" },
	{ "client-socket", "PATH", set_client_socket, "socket for processes without a VM" },
	{ "fd", "N", set_fd, "inherited socket instead, connected or listening" },
	{ "backend", "soft|nvidia|PATH", set_back_end, "libcuda to run calls on (default: soft)" },
	{ "window-size", "SIZE", set_window_size,
	  "memory of each client (default: soft: half of RAM, at most 4G; else 256M)" },
	{ "vm-memory", "SIZE", NULL, "GPU memory of all clients (default: soft: half of RAM)",
	  NUMBER(vm_memory, PAGE, MEMORY_MAX, PAGE) },
	{ "client-memory", "SIZE", NULL, "GPU memory of each client (default: soft: the window)",
	  NUMBER(client_memory, PAGE, MEMORY_MAX, PAGE) },
	{ "context-memory", "SIZE", NULL,
	  "GPU memory a worker may have beside its allocations (default: 1G; not soft)",
	  NUMBER(context_memory, 0, MEMORY_MAX, 1) },
	{ "share", "N", NULL,
	  "compute time against other VMs of the card that have a share (default: none)",
	  NUMBER(share, 1, 10000, 1) },
	{ "max-clients", "N", set_max_clients, "clients at one time (default: 64)" },
	{ "max-threads", "N", NULL, "threads of a client that use CUDA (default: 127)",
	  NUMBER(max_threads, 1, VCUDA_SLOTS - 1, 1) },
	{ "max-regions", "N", NULL, "pinned and managed allocations of a client (default: 4096)",
	  NUMBER(max_regions, 0, CD_MAX_REGIONS, 1) },
	{ "max-runs", "N", NULL, "pieces of memory they consist of (default: 16384)",
	  NUMBER(max_runs, 0, VIRTIO_CUDA_MAX_CLIENT_RUNS, 1) },
	{ "max-chains", "N", NULL, "bulk copies of a client under way (default: 8)",
	  NUMBER(max_chains, 1, VIRTIO_CUDA_MAX_CHAINS, 1) },
	{ "max-objects", "N", NULL, "streams, events, modules ... of a client (default: 262144)",
	  NUMBER(max_objects, 1, OBJECTS_MAX, 1) },
	{ "max-callbacks", "N", NULL, "host functions of a client under way (default: 65536)",
	  NUMBER(max_callbacks, 1, OBJECTS_MAX, 1) },
	{ "max-image", "SIZE", NULL, "image of a module (default: 512M)",
	  NUMBER(max_image, IMAGE_MIN, 4 * IMAGE_MAX, 1) },
	{ "card-dir", "PATH", set_card_dir, "where the daemons of a card meet" },
	{ "nvml", "PATH", set_nvml, "NVIDIA's management library (default: the system's)" },
	{ "worker-timeout", "MS", set_worker_timeout,
	  "time a worker has for an answer before it is killed (default: 2000)" },
	{ "sandbox", "best|strict|off", set_sandbox,
	  "confine workers as far as can be, or fail, or not at all (default: best)" },
	{ "worker-memory", "SIZE", NULL, "memory of a worker beside its window (default: 2G; soft)",
	  NUMBER(worker_memory, WORKER_MEMORY_MIN, MEMORY_MAX, 1) },
	{ "log-level", "LEVEL", set_log_level, "off, error, warn, info, debug or trace" },
	{ "print-capabilities", NULL, set_print_capabilities, "print what it can, as JSON" },
	{ "print-sandbox", NULL, set_print_sandbox, "print what confines workers on this machine" },
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
		fprintf(out, "  %-28s  %s\n", left, rows[i].help);
	}
}

/*
 * What was not said. With the software GPU the window is the client's memory,
 * so one follows from the other; a card's own size bounds the rest.
 */
static void default_memory(struct cd_options *o)
{
	uint64_t ram = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t half = cw_max(ram / 2 & ~(WINDOW_ALIGN - 1), WINDOW_ALIGN);

	if (!o->soft) {
		o->window_size = o->window_size ? o->window_size : WINDOW_STAGING;
		if (!o->client_memory)
			o->client_memory = o->vm_memory;
		return;
	}
	if (!o->vm_memory)
		o->vm_memory = half;
	if (!o->window_size)
		o->window_size = o->client_memory
					 ? cw_align_up(o->client_memory, WINDOW_ALIGN)
					 : cw_min(half, WINDOW_SOFT);
	if (!o->client_memory)
		o->client_memory = cw_min(o->window_size, o->vm_memory);
	o->client_memory = cw_min(o->client_memory, o->window_size);
}

/* What one option cannot judge alone. */
static int options_complete(struct cd_options *o)
{
	char name[CD_PATH_MAX];

	cd_activation_take(&o->activation);
	if (!o->socket_path && !o->client_socket && o->fd < 0 && !o->activation.n_fds &&
	    !o->print_sandbox) {
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
	default_memory(o);
	if (!o->start_ms)
		o->start_ms = o->soft ? o->timeout_ms : START_NVIDIA_MS;
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

	*o = (struct cd_options){
		.fd = -1,
		.max_clients = 64,
		.timeout_ms = 2000,
		.context_memory = 1ull << 30,
		.max_threads = VCUDA_SLOTS - 1,
		.max_regions = CD_MAX_REGIONS,
		.max_runs = VIRTIO_CUDA_MAX_CLIENT_RUNS,
		.max_chains = VIRTIO_CUDA_MAX_CHAINS,
		.max_objects = OBJECTS_MAX / 4,
		.max_callbacks = 65536,
		.max_image = IMAGE_MAX,
		.worker_memory = WORKER_MEMORY,
	};
	set_back_end(o, "soft");
	for (i = 0; i < (int)CW_ARRAY_SIZE(rows); i++) {
		longs[i].name = rows[i].name;
		longs[i].has_arg = rows[i].arg ? required_argument : no_argument;
		longs[i].val = i;
	}
	opterr = 0;
	while ((i = getopt_long(argc, argv, "", longs, NULL)) >= 0 && i != '?') {
		if (rows[i].set && !rows[i].set(o, optarg ? optarg : ""))
			continue;
		if (!rows[i].set && !set_number(&rows[i].number, o, optarg))
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
