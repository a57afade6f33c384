/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway serve blk, rng: a vhost-user program for each device, by the
 * conventions of those: --socket-path or --fd, --print-capabilities, in the
 * foreground, ends on SIGTERM.
 */
#include "tools/serve/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/blk.h"
#include "device/rng.h"
#include "tools/serve/vhost.h"

struct device_args {
	struct serve_where where;
	bool print;
	const char *file;
	struct dev_blk_params blk;
};

static int set_socket_path(void *ctx, const char *value)
{
	((struct device_args *)ctx)->where.socket_path = value;
	return 0;
}

static int parse_number(const char *value, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(value, &end, 10);
	if (errno || end == value || *end || *value == '-' || *ret > max) {
		ct_error("'%s' is no number from 0 to %lu", value, max);
		return -EINVAL;
	}
	return 0;
}

static int set_fd(void *ctx, const char *value)
{
	unsigned long n;
	int ret = parse_number(value, 1 << 20, &n);

	((struct device_args *)ctx)->where.fd = n;
	return ret;
}

static int set_print(void *ctx, const char *value)
{
	((struct device_args *)ctx)->print = true;
	return 0;
}

static int set_file(void *ctx, const char *value)
{
	((struct device_args *)ctx)->file = value;
	return 0;
}

static int set_read_only(void *ctx, const char *value)
{
	((struct device_args *)ctx)->blk.read_only = true;
	return 0;
}

static int set_no_uring(void *ctx, const char *value)
{
	((struct device_args *)ctx)->blk.no_uring = true;
	return 0;
}

static int set_queues(void *ctx, const char *value)
{
	unsigned long n;
	int ret = parse_number(value, DEV_MAX_QUEUES, &n);

	((struct device_args *)ctx)->blk.nr_queues = n;
	return ret;
}

static int set_block_size(void *ctx, const char *value)
{
	unsigned long n;
	int ret = parse_number(value, 32768, &n);

	((struct device_args *)ctx)->blk.block_size = n;
	return ret;
}

static int set_serial(void *ctx, const char *value)
{
	((struct device_args *)ctx)->blk.serial = value;
	return 0;
}

#define WHERE_OPTIONS                                                                              \
	{ "socket-path", "PATH", set_socket_path, "vhost-user socket to listen at" },              \
		{ "fd", "N", set_fd, "vhost-user socket that was handed in" },                     \
	{                                                                                          \
		"print-capabilities", NULL, set_print, "print what it can, as JSON"                \
	}

static const struct ct_option rng_options[] = { WHERE_OPTIONS, { 0 } };

static const struct ct_option blk_options[] = {
	WHERE_OPTIONS,
	{ "file", "FILE", set_file, "disk: a raw file or a block device" },
	{ "read-only", NULL, set_read_only, "the guest may not write" },
	{ "queues", "N", set_queues, "request queues (default: 1)" },
	{ "block-size", "BYTES", set_block_size, "logical block size (default: 512)" },
	{ "serial", "TEXT", set_serial, "serial number, 20 characters at most" },
	{ "no-uring", NULL, set_no_uring, "plain system calls instead of io_uring" },
	{ 0 },
};

static int rng_create(struct dev_loop *loop, struct device_args *args, struct dev **ret_dev)
{
	int ret = dev_rng_create(loop, ret_dev);

	if (ret)
		ct_error("%s", strerror(-ret));
	return ret;
}

static int blk_create(struct dev_loop *loop, struct device_args *args, struct dev **ret_dev)
{
	int flags = O_CLOEXEC | (args->blk.read_only ? O_RDONLY : O_RDWR);
	int ret;

	if (!args->file) {
		ct_error("say which disk: --file FILE");
		return -EINVAL;
	}
	args->blk.fd = open(args->file, flags);
	if (args->blk.fd < 0) {
		ct_error("cannot open %s: %s", args->file, strerror(errno));
		return -EINVAL;
	}
	ret = dev_blk_create(loop, &args->blk, ret_dev);
	if (ret)
		ct_error("%s cannot be a disk like that: %s", args->file, strerror(-ret));
	return ret;
}

/* What makes each device, by name. */
static const struct maker {
	const struct ct_command *cmd;
	const char *type; /* of its capabilities, as QEMU's vhost-user.json has it */
	int (*create)(struct dev_loop *loop, struct device_args *args, struct dev **ret_dev);
	int (*hangup)(struct dev *dev);
} makers[];

static const struct maker *maker_of(const struct ct_command *cmd)
{
	const struct maker *m = makers;

	while (m->cmd != cmd)
		m++;
	return m;
}

static int serve_made(const struct maker *m, struct device_args *args)
{
	struct dev_loop loop;
	struct dev *dev;
	int status = CT_EXIT_OWN;

	if (dev_loop_init(&loop)) {
		ct_error("no event loop: %s", strerror(errno));
		return status;
	}
	if (!m->create(&loop, args, &dev)) {
		status = serve_vhost(&loop, dev, &args->where, m->hangup);
		dev_destroy(dev);
	}
	dev_loop_finish(&loop);
	return status;
}

static int device_run(const struct ct_command *cmd, int argc, char **argv)
{
	struct device_args args = {
		.where.fd = -1,
		.blk = { .nr_queues = 1, .block_size = 512, .serial = "causeway" },
	};
	int first = ct_options_parse(cmd, &args, argc, argv);
	const struct maker *m = maker_of(cmd);

	if (first < 0)
		return -1 - first;
	if (args.print) {
		printf("{\n  \"type\": \"%s\"\n}\n", m->type);
		return fflush(stdout) ? CT_EXIT_OWN : 0;
	}
	if (first < argc || (args.where.fd < 0) == !args.where.socket_path) {
		ct_error("say where, once: causeway %s --socket-path PATH", cmd->name);
		return CT_EXIT_USAGE;
	}
	return serve_made(m, &args);
}

static const struct ct_command cmd_rng = {
	.name = "serve rng",
	.usage = "--socket-path PATH",
	.summary = "Serves an entropy device over vhost-user.",
	.options = rng_options,
	.run = device_run,
};

static const struct ct_command cmd_blk = {
	.name = "serve blk",
	.usage = "--socket-path PATH --file FILE [OPTION...]",
	.summary = "Serves a disk over vhost-user. SIGHUP: look how large it is now.",
	.options = blk_options,
	.run = device_run,
};

static const struct maker makers[] = {
	{ &cmd_blk, "block", blk_create, dev_blk_resize },
	{ &cmd_rng, "rng", rng_create, NULL },
};

const struct ct_command *serve_device_find(const char *name)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(makers); i++)
		if (!strcmp(makers[i].cmd->name + strlen("serve "), name))
			return makers[i].cmd;
	return NULL;
}
