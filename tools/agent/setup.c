/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the guest fit for a program: file systems, kernel modules, ports.
 */
#include "tools/agent/agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A port appears within milliseconds of its driver; 20 s end a vain wait. */
#define PORT_TRIES 2000
#define PORT_TRY_US 10000

struct ag_mount {
	const char *type;
	const char *path;
	unsigned long flags;
	const char *options;
	bool needed;
};

static const struct ag_mount ag_mounts[] = {
	{ "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, true },
	{ "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, true },
	{ "devtmpfs", "/dev", MS_NOSUID, NULL, true },
	{ "tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777", false },
	{ "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "ptmxmode=0666,mode=0620", false },
	{ "debugfs", "/sys/kernel/debug", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, false },
};

static const char *const ag_links[][2] = {
	{ "/proc/self/fd", "/dev/fd" },
	{ "/proc/self/fd/0", "/dev/stdin" },
	{ "/proc/self/fd/1", "/dev/stdout" },
	{ "/proc/self/fd/2", "/dev/stderr" },
};

int ag_mount_basics(void)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(ag_mounts); i++) {
		const struct ag_mount *m = &ag_mounts[i];

		mkdir(m->path, 0755);
		if (mount(m->type, m->path, m->type, m->flags, m->options) && m->needed)
			return -errno;
	}
	for (size_t i = 0; i < CW_ARRAY_SIZE(ag_links); i++) {
		/* The kernel's devtmpfs is new at each boot: nothing is there yet. */
		if (symlink(ag_links[i][0], ag_links[i][1]) && errno != EEXIST)
			return -errno;
	}
	/* Prompts show it. */
	sethostname("guest", 5);
	return 0;
}

static int module_load(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, params, 0))
		err = -errno;
	close(fd);
	return err;
}

void ag_load_modules(const struct ag_job *job)
{
	for (size_t i = 0; i < job->modules.n; i++) {
		char *path = job->modules.s[i];
		char *space = strchr(path, ' ');
		int err;

		if (space)
			*space = '\0';
		err = module_load(path, space ? space + 1 : "");
		if (err && err != -EEXIST)
			ag_say("cannot load %s: %s", path, strerror(-err));
	}
}

/* Like mkdir -p; what is there already is fine. */
static void ag_mkdirs(const char *path)
{
	char buf[PATH_MAX];

	snprintf(buf, sizeof(buf), "%s", path);
	for (char *p = buf + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(buf, 0755);
		*p = '/';
	}
	mkdir(buf, 0755);
}

/* "TAG OPTIONS PATH": splits @share; the path may have spaces in it. */
static const char *share_path(const char *share, char *tag, size_t len, bool *ro)
{
	const char *options = strchr(share, ' ') + 1;

	snprintf(tag, len, "%.*s", (int)(options - 1 - share), share);
	*ro = !strncmp(options, "ro ", 3);
	return options + 3;
}

int ag_mount_shares(const struct ag_job *job, char *text, size_t len)
{
	for (size_t i = 0; i < job->shares.n; i++) {
		char tag[64];
		bool ro;
		const char *path = share_path(job->shares.s[i], tag, sizeof(tag), &ro);

		ag_mkdirs(path);
		if (mount(tag, path, "virtiofs", MS_NOSUID | MS_NODEV | (ro ? MS_RDONLY : 0),
			  NULL)) {
			snprintf(text, len,
				 "cannot mount the share %s (does the kernel have "
				 "virtiofs?)",
				 path);
			return -errno;
		}
	}
	return 0;
}

void ag_unmount_shares(const struct ag_job *job)
{
	sync();
	for (size_t i = 0; i < job->shares.n; i++) {
		char tag[64];
		bool ro;

		umount2(share_path(job->shares.s[i], tag, sizeof(tag), &ro), MNT_DETACH);
	}
}

static bool port_is(const char *entry, const char *name)
{
	char path[PATH_MAX], found[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, found, sizeof(found) - 1);
	close(fd);
	if (n <= 0)
		return false;
	found[n] = '\0';
	found[strcspn(found, "\n")] = '\0';
	return !strcmp(found, name);
}

static int port_find(const char *name)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	char path[PATH_MAX];
	struct dirent *e;
	int fd = -1;

	while (dir && fd < 0 && (e = readdir(dir))) {
		if (*e->d_name == '.' || !port_is(e->d_name, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return fd;
}

int ag_open_port(const char *name)
{
	int fd = -1;

	for (int i = 0; i < PORT_TRIES; i++) {
		struct pollfd pfd;

		if (fd < 0)
			fd = port_find(name);
		/* POLLHUP until the kernel has heard that the host's end is open. */
		pfd = (struct pollfd){ .fd = fd, .events = POLLOUT };
		if (fd >= 0 && poll(&pfd, 1, 0) > 0 && !(pfd.revents & POLLHUP))
			return fd;
		usleep(PORT_TRY_US);
	}
	return -ENODEV;
}
