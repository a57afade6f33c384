/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway list and causeway stop: the GPU daemons of this machine, who uses
 * them, and their end.
 *
 * A daemon that `causeway run` or `exec` started belongs to that run: stopping
 * it stops the run, as ^C would.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/json.h"
#include "tools/list/card.h"
#include "tools/list/procs.h"

#define STOP_PATIENCE_MS 10000

static int list_set_format(void *ctx, const char *value)
{
	*(bool *)ctx = !strcmp(value, "json");
	if (!*(bool *)ctx && strcmp(value, "table")) {
		ct_error("--format is table or json, not '%s'", value);
		return -EINVAL;
	}
	return 0;
}

static const struct ct_option list_options[] = {
	{ "format", "table|json", list_set_format, "how the list is printed (default: table)" },
	{ 0 },
};

/* The run that a daemon is part of, or NULL. */
static const struct proc *list_run_of(const struct procs *procs, const struct proc *daemon)
{
	const struct proc *parent = procs_find(procs, daemon->parent);

	return parent && proc_causeway(parent) ? parent : NULL;
}

static const char *list_where(const struct proc *daemon)
{
	const char *client = proc_option(daemon, "client-socket");

	return client ? client : proc_option(daemon, "socket-path");
}

struct list_sum {
	size_t clients;
	unsigned long long rss;
	unsigned long long cpu_ms;
};

static struct list_sum list_sum(const struct procs *procs, const struct proc *daemon)
{
	struct list_sum sum = { 0 };

	for (size_t i = 0; i < procs->n; i++) {
		if (procs_daemon_of(procs, &procs->proc[i]) != daemon)
			continue;
		sum.clients++;
		sum.rss += procs->proc[i].rss;
		sum.cpu_ms += procs->proc[i].cpu_ms;
	}
	return sum;
}

static void list_table(const struct procs *procs)
{
	size_t n = 0;

	for (size_t i = 0; i < procs->n; i++) {
		const struct proc *d = &procs->proc[i], *run = list_run_of(procs, d);
		struct list_sum sum = list_sum(procs, d);
		const char *where = list_where(d), *backend = proc_option(d, "backend");

		if (d->kind != PROC_DAEMON)
			continue;
		if (!n++)
			printf("%-8s %-6s %-8s %-8s %7s %9s %8s  %s\n", "PID", "UID", "FOR",
			       "BACKEND", "CLIENTS", "MEMORY", "CPU", "SOCKET");
		printf("%-8d %-6u %-8s %-8s %7zu %5llu MiB %6.1f s  %s\n", d->pid, d->uid,
		       run ? proc_causeway(run) : "serve", backend ? backend : "soft", sum.clients,
		       sum.rss >> 20, (double)sum.cpu_ms / 1000, where ? where : "-");
	}
	if (!n)
		puts("no GPU daemon runs");
}

static void list_json_member(const char *name, const char *value)
{
	printf(",\"%s\":", name);
	ct_json_string(stdout, value);
}

/* Limits and what of them is used; nothing where the daemon has no entry. */
static void list_json_limits(const struct cw_card_vm *vm)
{
	const struct {
		const char *name;
		unsigned long long value;
	} limits[] = {
		{ "vm_memory", vm->vm_memory },	    { "client_memory", vm->client_memory },
		{ "share", vm->share },		    { "clients", vm->max_clients },
		{ "threads", vm->max_threads },	    { "regions", vm->max_regions },
		{ "runs", vm->max_runs },	    { "chains", vm->max_chains },
		{ "objects", vm->max_objects },	    { "callbacks", vm->max_callbacks },
		{ "image", vm->max_image },	    { "worker_memory", vm->worker_memory },
	};

	for (size_t i = 0; i < CW_ARRAY_SIZE(limits); i++)
		printf("%s\"%s\":%llu", i ? "," : ",\"limits\":{", limits[i].name,
		       limits[i].value);
	printf("},\"gpu_memory\":%llu,\"compute_ms\":%llu,\"held\":%s",
	       (unsigned long long)vm->memory, (unsigned long long)vm->used / 1000000,
	       vm->held ? "true" : "false");
}

static void list_json_clients(const struct procs *procs, const struct proc *daemon,
			      const struct cw_card_vm *vm)
{
	const char *sep = "";

	printf(",\"clients\":[");
	for (size_t i = 0; i < procs->n; i++) {
		const struct proc *w = &procs->proc[i];

		if (procs_daemon_of(procs, w) != daemon)
			continue;
		printf("%s{\"worker\":%d,\"memory\":%llu,\"cpu_ms\":%llu,\"gpu_memory\":%llu}",
		       sep, w->pid, w->rss, w->cpu_ms, card_client_memory(vm, w->pid));
		sep = ",";
	}
	printf("]}");
}

static void list_json(const struct procs *procs)
{
	static struct cw_card_vm vm;
	const char *sep = "";

	putchar('[');
	for (size_t i = 0; i < procs->n; i++) {
		const struct proc *d = &procs->proc[i], *run = list_run_of(procs, d);
		const char *backend = proc_option(d, "backend");

		if (d->kind != PROC_DAEMON)
			continue;
		printf("%s{\"pid\":%d,\"uid\":%u", sep, d->pid, d->uid);
		list_json_member("for", run ? proc_causeway(run) : "serve");
		if (run)
			printf(",\"run\":%d", run->pid);
		list_json_member("backend", backend ? backend : "soft");
		list_json_member("client_socket", proc_option(d, "client-socket"));
		list_json_member("vhost_socket", proc_option(d, "socket-path"));
		if (!card_vm_of(d, &vm))
			list_json_limits(&vm);
		else
			memset(&vm, 0, sizeof(vm));
		list_json_clients(procs, d, &vm);
		sep = ",\n ";
	}
	puts("]");
}

static int list_main(const struct ct_command *cmd, int argc, char **argv)
{
	bool json = false;
	int first = ct_options_parse(cmd, &json, argc, argv), err;
	struct procs procs;

	if (first < 0)
		return -1 - first;
	if (first < argc) {
		ct_error("'%s' is one word too many", argv[first]);
		return CT_EXIT_USAGE;
	}
	err = procs_read(&procs);
	if (err) {
		ct_error("cannot read /proc: %s", strerror(-err));
		return CT_EXIT_OWN;
	}
	if (json)
		list_json(&procs);
	else
		list_table(&procs);
	procs_free(&procs);
	return 0;
}

/* Whether a word of the command line means this daemon: its pid or its socket. */
static bool stop_means(const char *word, const struct proc *d)
{
	const char *names[] = { proc_option(d, "client-socket"),
				proc_option(d, "socket-path") };
	char pid[16], real[2][4096];

	snprintf(pid, sizeof(pid), "%d", d->pid);
	if (!strcmp(word, pid))
		return true;
	for (size_t i = 0; i < CW_ARRAY_SIZE(names); i++) {
		/* A relative one is relative to the daemon's folder, not to ours. */
		if (names[i] && *names[i] == '/' && realpath(word, real[0]) &&
		    realpath(names[i], real[1]) && !strcmp(real[0], real[1]))
			return true;
	}
	return false;
}

/*
 * Ends process @pid, held by a descriptor so that no other process that gets
 * the number is hit: @name, from the list, is looked at again through it.
 */
static int stop_process(pid_t pid, const char *name)
{
	int fd = syscall(SYS_pidfd_open, pid, 0), err = 0;
	struct pollfd poll_end = { .fd = fd, .events = POLLIN };
	const struct proc *p;
	struct procs now;

	if (fd < 0)
		return errno == ESRCH ? 0 : -errno;
	err = procs_read(&now);
	p = err ? NULL : procs_find(&now, pid);
	if (err)
		ct_error("cannot read /proc: %s", strerror(-err));
	else if (!p || strcmp(p->args.s[0], name))
		err = -ESRCH; /* has ended by itself: that is what was wanted */
	else if (syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0))
		err = -errno;
	else if (poll(&poll_end, 1, STOP_PATIENCE_MS) != 1)
		err = -ETIMEDOUT;
	procs_free(&now);
	close(fd);
	return err == -ESRCH ? 0 : err;
}

/* Stops what @word means; returns how many that were, or a negative errno. */
static int stop_word(const struct procs *procs, const char *word)
{
	int n = 0;

	for (size_t i = 0; i < procs->n; i++) {
		const struct proc *d = &procs->proc[i], *run = list_run_of(procs, d);
		const struct proc *target = run ? run : d;
		int err;

		if (d->kind != PROC_DAEMON || (word && !stop_means(word, d)))
			continue;
		/* Without a name only one's own are meant. */
		if (!word && d->uid != getuid())
			continue;
		err = stop_process(target->pid, target->args.s[0]);
		if (err) {
			ct_error("process %d: %s", target->pid,
				 err == -ETIMEDOUT ? "does not end" : strerror(-err));
			return err;
		}
		n++;
	}
	return n;
}

static int stop_set_all(void *ctx, const char *value)
{
	*(bool *)ctx = true;
	return 0;
}

static const struct ct_option stop_options[] = {
	{ "all", NULL, stop_set_all, "all daemons of yours" },
	{ 0 },
};

static int stop_main(const struct ct_command *cmd, int argc, char **argv)
{
	bool all = false;
	int first = ct_options_parse(cmd, &all, argc, argv), status = 0, n;
	struct procs procs;

	if (first < 0)
		return -1 - first;
	if (all == (first < argc)) {
		ct_error("which one? causeway stop PID or SOCKET, as causeway list has it, "
			 "or --all");
		return CT_EXIT_USAGE;
	}
	if (procs_read(&procs)) {
		ct_error("cannot read /proc");
		return CT_EXIT_OWN;
	}
	if (all)
		status = stop_word(&procs, NULL) < 0;
	for (int i = first; i < argc; i++) {
		n = stop_word(&procs, argv[i]);
		if (!n)
			ct_error("'%s' is no GPU daemon; causeway list has them", argv[i]);
		status |= n <= 0;
	}
	procs_free(&procs);
	return status;
}

const struct ct_command ct_cmd_list = {
	.name = "list",
	.usage = "[OPTION...]",
	.summary = "Lists the GPU daemons that run here, and how much their clients use.",
	.options = list_options,
	.run = list_main,
};

const struct ct_command ct_cmd_stop = {
	.name = "stop",
	.usage = "PID|SOCKET... | --all",
	.summary = "Stops GPU daemons; for one of a run or exec, that run.",
	.options = stop_options,
	.run = stop_main,
};
