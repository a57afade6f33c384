/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a guest that sees the host's files.
 *
 * Three layers: a tmpfs that takes what is written, the files of the initramfs,
 * the host's tree. The overlay of them becomes the root of this process, and
 * what is mounted already moves there.
 */
#include "tools/agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT_HOST CT_GUEST_DIR "/host"
#define ROOT_OVER CT_GUEST_DIR "/over"
#define ROOT_NEW CT_GUEST_DIR "/root"

static int root_overlay(const char *tag)
{
	mkdir(ROOT_HOST, 0755);
	mkdir(ROOT_OVER, 0755);
	mkdir(ROOT_NEW, 0755);
	if (mount(tag, ROOT_HOST, "virtiofs", MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) ||
	    mount("tmpfs", ROOT_OVER, "tmpfs", 0, "mode=0755"))
		return -errno;
	if (mkdir(ROOT_OVER "/upper", 0755) || mkdir(ROOT_OVER "/work", 0755))
		return -errno;
	/* "/" as a layer is the initramfs alone, without what is mounted on it. */
	if (mount("root", ROOT_NEW, "overlay", 0,
		  "lowerdir=/:" ROOT_HOST ",upperdir=" ROOT_OVER "/upper,workdir=" ROOT_OVER
		  "/work"))
		return -errno;
	return 0;
}

int ag_mount_root(const struct ag_job *job)
{
	static const char *const moved[] = { "/proc", "/sys", "/dev" };
	int err;

	if (!job->root)
		return 0;
	err = root_overlay(job->root);
	if (err)
		return err;
	for (size_t i = 0; i < CW_ARRAY_SIZE(moved); i++) {
		char to[64];

		snprintf(to, sizeof(to), ROOT_NEW "%s", moved[i]);
		if (mount(moved[i], to, NULL, MS_MOVE, NULL))
			return -errno;
	}
	/* As switch_root(8) does it: the initramfs cannot be pivoted away. */
	if (chdir(ROOT_NEW) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		return -errno;
	return 0;
}
