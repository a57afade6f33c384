/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount namespace of one's own.
 */
#include "tools/run/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cw/util.h"

static int namespace_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* One user and one group, each under its own number. */
static int namespace_map_self(unsigned int uid, unsigned int gid)
{
	char text[64];
	int err = namespace_write("/proc/self/setgroups", "deny");

	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	if (!err)
		err = namespace_write("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	return err ? err : namespace_write("/proc/self/gid_map", text);
}

/* setgroups() does nothing and says that it went well. */
static int namespace_quiet_setgroups(void)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setgroups, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { CW_ARRAY_SIZE(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0))
		return -errno;
	return 0;
}

/* Root of a namespace that somebody else has made may not have it either. */
static bool namespace_setgroups_works(void)
{
	char text[8] = "";
	int fd = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return true;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strncmp(text, "deny", 4) != 0;
}

/* Capabilities that outlast execve() for one who is not called root. */
static int namespace_keep_power(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &head, caps))
		return -errno;
	caps[0].inheritable = caps[0].permitted;
	caps[1].inheritable = caps[1].permitted;
	if (syscall(SYS_capset, &head, caps))
		return -errno;
	for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++) {
		if (caps[i / 32].permitted & 1u << i % 32)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
	}
	return 0;
}

static int namespace_with_user(void)
{
	unsigned int uid = getuid(), gid = getgid();
	int err;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	err = namespace_map_self(uid, gid);
	if (!err)
		err = namespace_quiet_setgroups();
	return err ? err : namespace_keep_power();
}

int ct_namespace_enter(void)
{
	int err = 0;

	if (getuid() || unshare(CLONE_NEWNS))
		err = namespace_with_user();
	else if (!namespace_setgroups_works())
		err = namespace_quiet_setgroups();
	if (!err && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		err = -errno;
	return err;
}

int ct_namespace_seal(const char *path)
{
	/* Adds to what each mount has: no flag that is locked is touched. */
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV
	};

	return mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof(attr)) ? -errno : 0;
}

int ct_namespace_bind(const char *from, const char *to)
{
	if (mount(from, to, NULL, MS_BIND | MS_REC, NULL))
		return -errno;
	return ct_namespace_seal(to);
}

int ct_namespace_tmpfs(const char *path)
{
	return mount("causeway", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") ? -errno : 0;
}
