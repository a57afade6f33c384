/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree that --root=host shares.
 *
 * Theory of operation: the list of what is shown is the whole policy; what is
 * not on it is not there. The tree is made in the mount namespace of the
 * virtiofsd that serves it, which then makes it its root: a guest that breaks
 * virtiofsd has no more than what it was shown anyway. Only /usr and the like
 * are mounted with all that is mounted below them; files of /etc are mounted
 * one by one, so that a new secret in /etc is not shown by being there.
 */
#include "tools/run/hostroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cw/util.h"
#include "tools/run/namespace.h"

static const char *const hostroot_dirs[] = {
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt",
};

/* Names below /etc: what programs look up, and nothing that is a secret. */
static const char *const hostroot_etc[] = {
	"OpenCL",	"alternatives", "bash.bashrc",	 "bash_completion", "ca-certificates",
	"ca-certificates.conf",		"debian_version", "default/locale", "environment",
	"fonts",	"gai.conf",	"group",	 "host.conf",	    "inputrc",
	"java-11-openjdk",		"java-17-openjdk", "java-21-openjdk", "ld.so.cache",
	"ld.so.conf",	"ld.so.conf.d", "locale.alias",	 "locale.conf",	    "locale.gen",
	"localtime",	"lsb-release",	"magic",	 "mime.types",	    "nsswitch.conf",
	"os-release",	"passwd",	"perl",		 "profile",	    "protocols",
	"python3",	"python3.11",	"python3.12",	 "python3.13",	    "rpc",
	"services",	"shells",	"ssl/certs",	 "ssl/openssl.cnf", "terminfo",
	"timezone",	"vulkan",
};

struct hostroot {
	char *why;
	size_t len;
};

static int hostroot_fail(const struct hostroot *h, const char *what, const char *path)
{
	int err = errno;

	snprintf(h->why, h->len, "cannot %s %s: %s", what, path, strerror(err));
	return -err;
}

/* Makes the folders above @to. */
static void hostroot_parents(const char *to)
{
	char buf[PATH_MAX];

	snprintf(buf, sizeof(buf), "%s", to);
	for (char *p = buf + sizeof(CT_HOSTROOT_AT); (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(buf, 0755);
		*p = '/';
	}
}

/* A link of the host becomes the same link, wherever it leads. */
static int hostroot_link(const struct hostroot *h, const char *from, const char *to)
{
	char target[PATH_MAX];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return hostroot_fail(h, "read the link", from);
	target[n] = '\0';
	return symlink(target, to) ? hostroot_fail(h, "make", to) : 0;
}

/* One folder, file or link of the host; what is not there is left out. */
static int hostroot_show(const struct hostroot *h, const char *from)
{
	char to[PATH_MAX];
	struct stat st;
	int fd;

	if (lstat(from, &st))
		return 0;
	snprintf(to, sizeof(to), CT_HOSTROOT_AT "%s", from);
	hostroot_parents(to);
	if (S_ISLNK(st.st_mode))
		return hostroot_link(h, from, to);
	if (S_ISDIR(st.st_mode)) {
		if (mkdir(to, 0755))
			return hostroot_fail(h, "make", to);
	} else if (S_ISREG(st.st_mode)) {
		fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
		if (fd < 0)
			return hostroot_fail(h, "make", to);
		close(fd);
	} else {
		return 0;
	}
	return ct_namespace_bind(from, to) ? hostroot_fail(h, "mount", from) : 0;
}

int ct_hostroot_assemble(char *why, size_t len)
{
	const struct hostroot h = { .why = why, .len = len };
	char path[PATH_MAX];
	int err = 0;

	if (ct_namespace_tmpfs(CT_HOSTROOT_AT))
		return hostroot_fail(&h, "mount a tmpfs at", CT_HOSTROOT_AT);
	for (size_t i = 0; !err && i < CW_ARRAY_SIZE(hostroot_dirs); i++)
		err = hostroot_show(&h, hostroot_dirs[i]);
	for (size_t i = 0; !err && i < CW_ARRAY_SIZE(hostroot_etc); i++) {
		snprintf(path, sizeof(path), "/etc/%s", hostroot_etc[i]);
		err = hostroot_show(&h, path);
	}
	if (!err && ct_namespace_seal(CT_HOSTROOT_AT))
		err = hostroot_fail(&h, "make read-only", CT_HOSTROOT_AT);
	return err;
}

static bool hostroot_is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (path[len] == '/' || !path[len]);
}

bool ct_hostroot_shows(const char *path)
{
	char etc[PATH_MAX];

	for (size_t i = 0; i < CW_ARRAY_SIZE(hostroot_dirs); i++) {
		if (hostroot_is_below(path, hostroot_dirs[i]))
			return true;
	}
	for (size_t i = 0; i < CW_ARRAY_SIZE(hostroot_etc); i++) {
		snprintf(etc, sizeof(etc), "/etc/%s", hostroot_etc[i]);
		if (hostroot_is_below(path, etc))
			return true;
	}
	return false;
}

/* Whether a module is there as a file, or built in. */
static bool hostroot_module(const struct ct_kernel *kernel, const char *module)
{
	char path[2 * PATH_MAX], line[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", kernel->modules, module);
	if (!access(path, R_OK))
		return true;
	snprintf(path, sizeof(path), "%s/modules.builtin", kernel->modules);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strcmp(line, module);
	}
	if (f)
		fclose(f);
	return found;
}

bool ct_hostroot_fits(const struct ct_kernel *kernel)
{
	return *kernel->modules && hostroot_module(kernel, "kernel/fs/fuse/virtiofs.ko") &&
	       hostroot_module(kernel, "kernel/fs/overlayfs/overlay.ko");
}
