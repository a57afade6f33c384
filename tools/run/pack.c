/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the initramfs of a run: the agent as /init, the kernel's modules, our
 * libraries, the program with all it needs under the names it has on the host,
 * and the job.
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/run/cpio.h"
#include "tools/run/hostroot.h"
#include "tools/run/proto.h"
#include "tools/run/run.h"

struct pack_module {
	const char *path;
	enum pack_for {
		PACK_ALWAYS,
		PACK_SHARE, /* where something is shared */
		PACK_HOST,  /* where the host's tree is */
	} what_for;
};

/* In the order they are loaded. What is not there is built into the kernel. */
static const struct pack_module pack_modules[] = {
	{ "drivers/virtio/virtio_ring.ko", PACK_ALWAYS },
	{ "drivers/virtio/virtio.ko", PACK_ALWAYS },
	{ "drivers/virtio/virtio_pci_modern_dev.ko", PACK_ALWAYS },
	{ "drivers/virtio/virtio_pci_legacy_dev.ko", PACK_ALWAYS },
	{ "drivers/virtio/virtio_pci.ko", PACK_ALWAYS },
	{ "drivers/char/virtio_console.ko", PACK_ALWAYS },
	{ "fs/fuse/fuse.ko", PACK_SHARE },
	{ "fs/fuse/virtiofs.ko", PACK_SHARE },
	{ "fs/overlayfs/overlay.ko", PACK_HOST },
};

/* Variables of the host that the program sees too; "NAME*" is a prefix. */
static const char *const pack_env[] = {
	"CUDA_*", "NVIDIA_*", "CAUSEWAY_LOG", "CAUSEWAY_TEST_*", "OMP_*", "LANG",
	"LC_*",	  "TZ",	      "TERM",
};

static const char pack_passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
				  "nobody:x:65534:65534:nobody:/:/bin/false\n";
static const char pack_group[] = "root:x:0:\nnogroup:x:65534:\n";

/* The job file under construction. */
struct pack_job {
	FILE *f;
};

CW_PRINTF(3, 4)
static void pack_record(struct pack_job *job, enum ct_job kind, const char *fmt, ...)
{
	va_list ap;

	fputc(kind, job->f);
	va_start(ap, fmt);
	vfprintf(job->f, fmt, ap);
	va_end(ap);
	fputc('\0', job->f);
}

static void pack_add_module(struct ct_cpio *c, struct pack_job *job, const char *from,
			    const char *params)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CT_GUEST_DIR "/modules/%s", strrchr(from, '/') + 1);
	ct_cpio_file(c, from, path, 0644);
	pack_record(job, CT_JOB_MODULE, "%s %s", path, params);
}

static bool pack_wants_module(const struct ct_run *run, enum pack_for what_for)
{
	bool host = run->root == CT_ROOT_HOST;

	return what_for == PACK_ALWAYS || host || (what_for == PACK_SHARE && run->n_shares);
}

static void pack_kernel_modules(struct ct_cpio *c, struct pack_job *job, const struct ct_run *run)
{
	char path[2 * PATH_MAX];

	ct_cpio_dir(c, CT_GUEST_DIR "/modules", 0755);
	for (size_t i = 0; *run->kernel.modules && i < CW_ARRAY_SIZE(pack_modules); i++) {
		snprintf(path, sizeof(path), "%s/kernel/%s", run->kernel.modules,
			 pack_modules[i].path);
		if (pack_wants_module(run, pack_modules[i].what_for) && !access(path, R_OK))
			pack_add_module(c, job, path, "");
	}
	/* 41: the id of the stock device that carries ours (docs/virtio-cuda.md). */
	if (*run->driver)
		pack_add_module(c, job, run->driver, "alias=41");
}

/* Our libraries, all of them: programs load them by name at run time. */
static int pack_own_libraries(struct ct_cpio *c, struct ct_closure *closure)
{
	char pattern[PATH_MAX + 8], dir[PATH_MAX], path[PATH_MAX];
	glob_t found;
	int err = 0;

	ct_cpio_dir(c, CT_GUEST_LIB, 0755);
	if (ct_path(dir, sizeof(dir), "lib/causeway/guest"))
		return 0;
	snprintf(pattern, sizeof(pattern), "%s/*.so*", dir);
	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc && !err; i++) {
		snprintf(path, sizeof(path), CT_GUEST_LIB "/%s",
			 strrchr(found.gl_pathv[i], '/') + 1);
		ct_cpio_file(c, found.gl_pathv[i], path, 0755);
		err = ct_closure_add(closure, found.gl_pathv[i], dir);
	}
	globfree(&found);
	return err;
}

static void pack_closure(struct ct_cpio *c, const struct ct_closure *closure)
{
	char dir[PATH_MAX];
	size_t len;

	ct_path(dir, sizeof(dir), "lib/causeway/guest/");
	len = strlen(dir);
	for (size_t i = 0; i < closure->files.n; i++) {
		/* Ours have their own place in the guest. */
		if (strncmp(closure->files.s[i], dir, len))
			ct_cpio_mirror(c, closure->files.s[i]);
	}
}

static bool pack_env_passes(const char *entry)
{
	size_t name = strcspn(entry, "=");

	for (size_t i = 0; i < CW_ARRAY_SIZE(pack_env); i++) {
		size_t len = strcspn(pack_env[i], "*");

		if (!strncmp(entry, pack_env[i], len) && (pack_env[i][len] || name == len))
			return true;
	}
	return false;
}

static void pack_environment(struct pack_job *job, const struct ct_run *run)
{
	const struct ct_closure *closure = &run->closure;
	const char *own = getenv("LD_LIBRARY_PATH");

	pack_record(job, CT_JOB_ENV, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
	pack_record(job, CT_JOB_ENV, "HOME=/tmp");
	fprintf(job->f, "%cLD_LIBRARY_PATH=%s", CT_JOB_ENV, CT_GUEST_LIB);
	for (size_t i = 0; i < closure->extra_dirs.n; i++)
		fprintf(job->f, ":%s", closure->extra_dirs.s[i]);
	fprintf(job->f, "%s%s%c", own ? ":" : "", own ? own : "", '\0');
	for (char **e = environ; *e; e++) {
		if (pack_env_passes(*e))
			pack_record(job, CT_JOB_ENV, "%s", *e);
	}
	if (run->traced)
		pack_record(job, CT_JOB_ENV, "CAUSEWAY_TRACE=%s",
			    run->trace ? CT_GUEST_TRACE : "-");
	for (size_t i = 0; i < run->env.n; i++)
		pack_record(job, CT_JOB_ENV, "%s", run->env.s[i]);
}

static void pack_write_job(struct pack_job *job, const struct ct_run *run, const char *cwd)
{
	pack_record(job, CT_JOB_PROGRAM, "%s", run->program);
	for (char **arg = run->argv; *arg; arg++)
		pack_record(job, CT_JOB_ARG, "%s", *arg);
	if (cwd)
		pack_record(job, CT_JOB_CWD, "%s", cwd);
	pack_record(job, CT_JOB_UID, "%u", getuid());
	pack_record(job, CT_JOB_GID, "%u", getgid());
	for (size_t i = 0; i < run->n_shares; i++)
		pack_record(job, CT_JOB_SHARE, "share%zu %s %s", i, run->shares[i].ro ? "ro" : "rw",
			    run->shares[i].dir);
	if (run->root == CT_ROOT_HOST)
		pack_record(job, CT_JOB_ROOT, "share%zu", run->n_shares);
	if (run->tty)
		pack_record(job, CT_JOB_TTY, "%s", "");
	if (run->out)
		pack_record(job, CT_JOB_OUT, "%s", "");
	if (run->traced && run->trace)
		pack_record(job, CT_JOB_TRACE, "%s", "");
}

static void pack_skeleton(struct ct_cpio *c, const struct ct_run *run)
{
	static const char *const dirs[] = { "/dev",  "/proc", "/sys",	   "/run",
					    "/root", "/etc",  CT_GUEST_DIR };
	const struct ct_cpio_node file = { .mode = S_IFREG | 0644 };
	char path[PATH_MAX];

	for (size_t i = 0; i < CW_ARRAY_SIZE(dirs); i++)
		ct_cpio_dir(c, dirs[i], 0755);
	ct_cpio_dir(c, "/tmp", 01777);
	if (run->root != CT_ROOT_HOST) {
		ct_cpio_data(c, "/etc/passwd", file, pack_passwd, strlen(pack_passwd));
		ct_cpio_data(c, "/etc/group", file, pack_group, strlen(pack_group));
	}
	ct_path(path, sizeof(path), "lib/causeway/causeway-agent");
	ct_cpio_file(c, path, "/init", 0755);
}

/* Everything into the archive; the job last, for it grows on the way. */
static int pack_all(struct ct_cpio *c, struct ct_run *run, struct pack_job *job)
{
	char cwd[PATH_MAX];
	bool have_cwd = getcwd(cwd, sizeof(cwd)) != NULL;
	int err;

	c->left_out = run->root == CT_ROOT_HOST ? ct_hostroot_shows : NULL;
	pack_skeleton(c, run);
	pack_kernel_modules(c, job, run);
	err = pack_own_libraries(c, &run->closure);
	if (have_cwd)
		ct_cpio_mirror(c, cwd);
	pack_closure(c, &run->closure);
	for (size_t i = 0; i < run->add.n; i++)
		ct_cpio_mirror_tree(c, run->add.s[i]);
	pack_environment(job, run);
	pack_write_job(job, run, have_cwd ? cwd : NULL);
	return err;
}

int ct_pack(struct ct_run *run, int *ret_fd, uint64_t *ret_size)
{
	const struct ct_cpio_node node = { .mode = S_IFREG | 0600 };
	int fd = memfd_create("causeway-initramfs", MFD_CLOEXEC);
	struct pack_job job;
	struct ct_cpio c;
	char *text = NULL;
	size_t len;
	int err;

	job.f = open_memstream(&text, &len);
	if (fd < 0 || !job.f) {
		ct_error("no memory for the guest's files: %s", strerror(errno));
		return -ENOMEM;
	}
	ct_cpio_init(&c, fd);
	err = pack_all(&c, run, &job);
	fclose(job.f);
	ct_cpio_data(&c, CT_JOB_PATH, node, text, len);
	free(text);
	if (ct_cpio_finish(&c))
		err = c.err;
	if (err) {
		ct_error("cannot pack %s for the guest: %s", c.err_path ? c.err_path : run->program,
			 strerror(-err));
		free(c.err_path);
		close(fd);
		return err;
	}
	*ret_fd = fd;
	*ret_size = c.size;
	return 0;
}
