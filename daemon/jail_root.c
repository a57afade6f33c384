/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root folders for workers.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cw/log.h"
#include "cw/util.h"
#include "daemon/jail.h"

/* Where the root of profile nvidia is put together: some folder that exists. */
static const char *const places[] = { "/mnt", "/media", "/srv", "/boot", "/tmp" };

/*
 * What a driver's libraries open: themselves, a loader's cache, their nodes, and
 * facts of the machine. No /proc/self: its fd/ would open guest memory anew.
 */
static const char *const shown[] = {
	"/usr/lib",	 "/usr/lib64",	     "/lib",	      "/lib64",
	"/usr/local",	 "/etc/ld.so.cache", "/sys",	      "/proc/driver/nvidia",
	"/proc/cpuinfo", "/proc/meminfo",    "/proc/devices", "/proc/modules",
	"/proc/version", "/dev/null",	     "/dev/zero",     "/dev/urandom",
};

/**
 * cd_jail_root_empty() - A folder with nothing in it, for good
 *
 * It is removed while we have it open: nothing can be made in there any more.
 *
 * Return: descriptor, or -1.
 */
int cd_jail_root_empty(void)
{
	static const char *const names[] = { "/tmp/causeway-XXXXXX", "/dev/shm/causeway-XXXXXX",
					     "/run/causeway-XXXXXX" };
	char path[64];
	int fd = -1;

	for (size_t i = 0; fd < 0 && i < CW_ARRAY_SIZE(names); i++) {
		strcpy(path, names[i]);
		if (!mkdtemp(path))
			continue;
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (rmdir(path) && fd >= 0) {
			close(fd);
			fd = -1;
		}
	}
	return fd;
}

/* Makes all folders on the way to @path. */
static void make_parents(const char *path)
{
	char part[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		mkdir(part, 0755);
	}
}

/* Read-only, with the flags that a user namespace may not take away. */
static int make_read_only(const char *path)
{
	struct statvfs st;
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;

	if (statvfs(path, &st))
		return -errno;
	flags |= st.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME | ST_NODIRATIME);
	return mount(NULL, path, NULL, flags, NULL) ? -errno : 0;
}

static int show(const char *root, const char *path)
{
	char at[PATH_MAX], link[PATH_MAX];
	struct stat st;
	ssize_t n;
	int fd;

	if (snprintf(at, sizeof(at), "%s%s", root, path) >= (int)sizeof(at))
		return -ENAMETOOLONG;
	if (lstat(path, &st) || !lstat(at, &(struct stat){ 0 }))
		return 0; /* not there, or shown with another */
	make_parents(at);
	if (S_ISLNK(st.st_mode)) {
		n = readlink(path, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		return symlink(link, at) ? -errno : 0;
	}
	if (S_ISDIR(st.st_mode)) {
		if (mkdir(at, 0755))
			return -errno;
	} else {
		fd = open(at, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			return -errno;
		close(fd);
	}
	if (mount(path, at, NULL, MS_BIND | MS_REC, NULL))
		return -errno;
	return S_ISCHR(st.st_mode) ? 0 : make_read_only(at);
}

static void show_nodes(const char *root)
{
	DIR *dir = opendir("/dev");
	struct dirent *e;
	char path[PATH_MAX];

	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, "nvidia", 6))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		show(root, path);
	}
	if (dir)
		closedir(dir);
}

/* Not where the back end lies: what is there can't be seen any more. */
static const char *root_place(const char *back_end)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(places); i++) {
		if (!strncmp(back_end, places[i], strlen(places[i])))
			continue;
		if (!mount("causeway", places[i], "tmpfs", MS_NOSUID | MS_NODEV,
			   "size=1m,mode=0755"))
			return places[i];
	}
	return NULL;
}

/**
 * cd_jail_root_devices() - A folder that shows a driver's files and nothing else
 * @back_end:	absolute path of its libcuda
 *
 * Needs a mount namespace of its own.
 *
 * Return: descriptor, or -1.
 */
int cd_jail_root_devices(const char *back_end)
{
	char folder[CD_PATH_MAX];
	const char *root;
	int fd, ret;

	snprintf(folder, sizeof(folder), "%s", back_end);
	*strrchr(folder, '/') = '\0';
	root = root_place(back_end);
	if (!root)
		return -1;
	for (size_t i = 0; i < CW_ARRAY_SIZE(shown); i++) {
		ret = show(root, shown[i]);
		if (ret)
			cw_debug("worker does not see path=\"%s\" why=\"%s\"", shown[i],
				 strerror(-ret));
	}
	if (*folder)
		show(root, folder);
	show_nodes(root);
	fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && make_read_only(root)) {
		close(fd);
		fd = -1;
	}
	return fd;
}
