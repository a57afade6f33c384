/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading /proc. A process may end between two looks at it; then it is left
 * out. What others' processes are called is theirs to say, so nothing here is
 * more than something to show: stop.c looks again before it acts.
 */
#include "tools/list/procs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROC_ARGS_MAX 65536

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int proc_read_args(struct proc *p)
{
	char path[64], *text = malloc(PROC_ARGS_MAX);
	FILE *f;
	size_t n;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", p->pid);
	f = fopen(path, "re");
	if (!f || !text) {
		free(text);
		if (f)
			fclose(f);
		return -ESRCH;
	}
	n = fread(text, 1, PROC_ARGS_MAX - 1, f);
	fclose(f);
	text[n] = '\0';
	for (size_t at = 0; at < n && !err; at += strlen(text + at) + 1)
		err = ct_strv_add(&p->args, text + at);
	free(text);
	return err ? err : p->args.n ? 0 : -ESRCH;
}

/* Fields of /proc/PID/stat behind the name, which may have anything in it. */
static int proc_read_stat(struct proc *p, char *name, size_t len)
{
	unsigned long long user, sys, pages;
	char path[64], line[1024], *open, *close;
	struct stat st;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", p->pid);
	f = fopen(path, "re");
	if (!f)
		return -ESRCH;
	n = fread(line, 1, sizeof(line) - 1, f);
	if (fstat(fileno(f), &st))
		n = 0;
	fclose(f);
	line[n] = '\0';
	open = strchr(line, '(');
	close = strrchr(line, ')');
	if (!open || !close ||
	    sscanf(close + 1,
		   " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d "
		   "%*d %*d %*u %*u %llu",
		   &p->parent, &user, &sys, &pages) != 4)
		return -ESRCH;
	snprintf(name, len, "%.*s", (int)(close - open - 1), open + 1);
	p->uid = st.st_uid;
	p->rss = pages * sysconf(_SC_PAGESIZE);
	p->cpu_ms = (user + sys) * 1000 / sysconf(_SC_CLK_TCK);
	return 0;
}

static int proc_read(struct proc *p)
{
	char name[64];
	int err = proc_read_args(p);

	if (err)
		return err;
	err = proc_read_stat(p, name, sizeof(name));
	if (err)
		return err;
	p->kind = PROC_OTHER;
	if (strcmp(base_name(p->args.s[0]), "vhost-user-cuda"))
		return 0;
	if (p->args.n > 1 && !strcmp(p->args.s[1], "--worker"))
		p->kind = PROC_WORKER;
	else if (!strcmp(name, "cuda-spawner"))
		p->kind = PROC_SPAWNER;
	else if (p->args.n > 1 && strcmp(p->args.s[1], "--probe"))
		p->kind = PROC_DAEMON;
	return 0;
}

int procs_read(struct procs *procs)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	*procs = (struct procs){ 0 };
	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		struct proc p = { .pid = atoi(e->d_name) };
		struct proc *grown;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		grown = proc_read(&p) ? NULL
				      : realloc(procs->proc, (procs->n + 1) * sizeof(*grown));
		if (grown) {
			procs->proc = grown;
			grown[procs->n++] = p;
		} else {
			ct_strv_free(&p.args);
		}
	}
	closedir(dir);
	return 0;
}

void procs_free(struct procs *procs)
{
	for (size_t i = 0; i < procs->n; i++)
		ct_strv_free(&procs->proc[i].args);
	free(procs->proc);
	*procs = (struct procs){ 0 };
}

const struct proc *procs_find(const struct procs *procs, pid_t pid)
{
	for (size_t i = 0; i < procs->n; i++) {
		if (procs->proc[i].pid == pid)
			return &procs->proc[i];
	}
	return NULL;
}

const struct proc *procs_daemon_of(const struct procs *procs, const struct proc *p)
{
	const struct proc *spawner = procs_find(procs, p->parent), *daemon;

	if (p->kind != PROC_WORKER || !spawner || spawner->kind != PROC_SPAWNER)
		return NULL;
	daemon = procs_find(procs, spawner->parent);
	return daemon && daemon->kind == PROC_DAEMON ? daemon : NULL;
}

const char *proc_option(const struct proc *p, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 1; i < p->args.n; i++) {
		const char *arg = p->args.s[i];

		if (!strncmp(arg, "--", 2) && !strncmp(arg + 2, name, n) && arg[2 + n] == '=')
			return arg + 3 + n;
	}
	return NULL;
}

const char *proc_causeway(const struct proc *p)
{
	if (p->args.n < 2 || strcmp(base_name(p->args.s[0]), "causeway"))
		return NULL;
	return p->args.s[1];
}
