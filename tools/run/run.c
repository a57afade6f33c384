/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway run: a program in a VM, with a GPU.
 */
#include "tools/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/launch.h"
#include "tools/run/qemu.h"
#include "tools/run/terminal.h"

#define RUN_MEM_DEFAULT (1ull << 30)
#define RUN_MEM_MIN (128ull << 20)
#define RUN_CPUS_MAX 255

static int run_set_vmm(void *ctx, const char *value)
{
	if (!strcmp(value, "auto") || !strcmp(value, "qemu"))
		return 0;
	if (!strcmp(value, "own"))
		ct_error("the own VMM is not part of this build; --vmm=qemu is");
	else
		ct_error("--vmm wants auto, own or qemu, not '%s'", value);
	return -EINVAL;
}

static int run_set_gpu(void *ctx, const char *value)
{
	((struct ct_run *)ctx)->gpu = value;
	return ct_gpu_parse(value, true);
}

static int run_set_root(void *ctx, const char *value)
{
	static const char *const names[] = { "auto", "host", "pack" };

	for (size_t i = 0; i < CW_ARRAY_SIZE(names); i++) {
		if (!strcmp(value, names[i])) {
			((struct ct_run *)ctx)->root = i;
			return 0;
		}
	}
	ct_error("--root wants auto, host or pack, not '%s'", value);
	return -EINVAL;
}

static int run_add_path(void *ctx, const char *value)
{
	struct ct_run *run = ctx;
	char *abs = NULL, cwd[PATH_MAX];

	if (access(value, F_OK)) {
		ct_error("--add %s: %s", value, strerror(errno));
		return -EINVAL;
	}
	if (*value == '/')
		abs = strdup(value);
	else if (!getcwd(cwd, sizeof(cwd)) || asprintf(&abs, "%s/%s", cwd, value) < 0)
		return -EINVAL;
	return ct_strv_take(&run->add, abs);
}

static int run_add_env(void *ctx, const char *value)
{
	struct ct_run *run = ctx;
	const char *have;

	if (strchr(value, '='))
		return ct_strv_add(&run->env, value);
	have = getenv(value);
	return have ? ct_strv_addf(&run->env, "%s=%s", value, have) : 0;
}

static int run_add_share(void *ctx, const char *value)
{
	struct ct_run *run = ctx;
	struct ct_share *share = &run->shares[run->n_shares];
	char dir[PATH_MAX];
	size_t len = strlen(value);
	struct stat st;

	if (run->n_shares == CT_SHARES_MAX) {
		ct_error("at most %d folders can be shared", CT_SHARES_MAX);
		return -EINVAL;
	}
	share->ro = len > 3 && !strcmp(value + len - 3, ",ro");
	snprintf(dir, sizeof(dir), "%.*s", (int)(share->ro ? len - 3 : len), value);
	share->dir = realpath(dir, NULL);
	if (!share->dir || stat(share->dir, &st) || !S_ISDIR(st.st_mode)) {
		ct_error("--share %s: %s", dir, share->dir ? "not a folder" : strerror(errno));
		return -EINVAL;
	}
	run->n_shares++;
	return 0;
}

static int run_set_out(void *ctx, const char *value)
{
	((struct ct_run *)ctx)->out = value;
	return 0;
}

static int run_set_mem(void *ctx, const char *value)
{
	struct ct_run *run = ctx;

	if (!ct_size_parse(value, &run->mem) && run->mem >= RUN_MEM_MIN)
		return 0;
	ct_error("--mem wants a size such as 512M or 2G, at least 128M, not '%s'", value);
	return -EINVAL;
}

static int run_set_cpus(void *ctx, const char *value)
{
	struct ct_run *run = ctx;

	if (!ct_size_parse(value, &run->cpus) && run->cpus >= 1 && run->cpus <= RUN_CPUS_MAX)
		return 0;
	ct_error("--cpus wants a number from 1 to %d, not '%s'", RUN_CPUS_MAX, value);
	return -EINVAL;
}

static int run_set_kernel(void *ctx, const char *value)
{
	((struct ct_run *)ctx)->kernel_arg = value;
	return 0;
}

static int run_set_trace(void *ctx, const char *value)
{
	struct ct_run *run = ctx;

	run->traced = true;
	run->trace = value;
	return 0;
}

static int run_set_tty(void *ctx, const char *value)
{
	((struct ct_run *)ctx)->tty = true;
	if (ct_terminal_is_there())
		return 0;
	ct_error("--tty wants a terminal at standard input and output");
	return -EINVAL;
}

static int run_set_verbose(void *ctx, const char *value)
{
	((struct ct_run *)ctx)->verbose = true;
	return 0;
}

static const struct ct_option run_options[] = {
	{ "vmm", "auto|own|qemu", run_set_vmm, "VMM (default: auto)" },
	{ "gpu", "auto|nvidia|soft|none", run_set_gpu, "GPU to offer (default: auto)" },
	{ "root", "auto|host|pack", run_set_root,
	  "guest sees this machine's programs, or the packed files alone (default: auto)" },
	{ "add", "PATH", run_add_path, "pack this file or folder, too; may be repeated" },
	{ "share", "DIR[,ro]", run_add_share, "share a folder, at the same path; may be repeated" },
	{ "out", "DIR", run_set_out, "take the files that the program leaves in /out" },
	{ "env", "NAME[=VALUE]", run_add_env, "set a variable of the program; may be repeated" },
	{ "mem", "SIZE", run_set_mem, "guest memory (default: 1G, more for large programs)" },
	{ "cpus", "N", run_set_cpus, "guest CPUs (default: 1)" },
	CT_LIMIT_OPTIONS
	{ "kernel", "FILE", run_set_kernel, "bzImage, folder or name in the cache" },
	{ "tty", NULL, run_set_tty, "the program gets a terminal, as the shell does" },
	{ "trace", "[=FILE]", run_set_trace, "print each CUDA call (default: on stderr)" },
	{ "verbose", NULL, run_set_verbose, "show the guest's console on stderr" },
	{ 0 },
};

/*
 * The packed files are in guest memory twice while the kernel unpacks them, and
 * its file system takes at most half of the memory.
 */
static int run_check_memory(struct ct_run *run, uint64_t packed)
{
	uint64_t need = RUN_MEM_MIN + 2 * packed + packed / 2;
	struct sysinfo info;

	if (!run->mem)
		run->mem = cw_max(RUN_MEM_DEFAULT, cw_align_up(need, 1 << 20));
	if (sysinfo(&info))
		return -errno;
	if (run->mem > (uint64_t)info.totalram * info.mem_unit) {
		ct_error("the VM is to have %llu MiB, this machine has %llu; give less with --mem",
			 run->mem >> 20, (unsigned long long)info.totalram * info.mem_unit >> 20);
		return -ENOMEM;
	}
	if (run->mem < need) {
		ct_error("the program and its files take %llu MiB, the VM then needs %llu; give "
			 "more with --mem, or use --share",
			 (unsigned long long)packed >> 20, (unsigned long long)(need >> 20) + 1);
		return -ENOMEM;
	}
	return 0;
}

/* Finds the guest driver that was built for this kernel. */
static int run_find_driver(struct ct_run *run)
{
	char rel[256];

	if (!strcmp(run->gpu, "none"))
		return 0;
	snprintf(rel, sizeof(rel), "lib/causeway/driver/%s/virtio_cuda.ko", run->kernel.version);
	if (!ct_path(run->driver, sizeof(run->driver), rel))
		return 0;
	ct_error("there is no guest driver for kernel %s (%s); ./do build makes one for each "
		 "kernel of the cache",
		 run->kernel.version, run->driver);
	return -ENOENT;
}

/* Boots, runs, stops; returns a status for ct_end_like(). */
static int run_vm(struct ct_run *run)
{
	struct ct_vm vm;
	int initrd = -1, status = CT_EXIT_OWN << 8;
	uint64_t packed;

	if (ct_kernel_find(&run->kernel, run->kernel_arg) || run_find_driver(run))
		return status;
	ct_vm_init(&vm);
	if (!ct_shares_start(&vm, run) && !ct_pack(run, &initrd, &packed) &&
	    !run_check_memory(run, packed) && !ct_qemu_start(&vm, run, initrd))
		status = ct_session(run, &vm);
	if (initrd >= 0)
		close(initrd);
	ct_qemu_stop(&vm);
	return status;
}

static void run_free(struct ct_run *run)
{
	for (size_t i = 0; i < run->n_shares; i++)
		free(run->shares[i].dir);
	ct_closure_free(&run->closure);
	ct_strv_free(&run->add);
	ct_strv_free(&run->env);
	ct_strv_free(&run->limits.args);
	free(run->program);
}

/* A program that is added brings its libraries, like the one that is run. */
static int run_add_closures(struct ct_run *run, const char *libpath)
{
	for (size_t i = 0; i < run->add.n; i++) {
		struct stat st;
		char *path;
		int status;

		if (stat(run->add.s[i], &st) || !S_ISREG(st.st_mode) || !(st.st_mode & 0111) ||
		    !ct_is_program(run->add.s[i]))
			continue;
		status = ct_check_program(run->add.s[i], libpath, &run->closure, &path);
		if (status)
			return status;
		free(path);
	}
	return 0;
}

/* Without a program: a shell, and at a terminal one that is talked to. */
static char **run_shell(struct ct_run *run)
{
	static char *argv[2];
	char *own = getenv("SHELL");

	argv[0] = "/bin/sh";
	if (!ct_terminal_is_there())
		return argv;
	run->tty = true;
	if (own && *own == '/' && !access(own, X_OK))
		argv[0] = own;
	return argv;
}

static int run_run(const struct ct_command *cmd, int argc, char **argv)
{
	struct ct_run run = { .gpu = "auto", .cpus = 1 };
	int first = ct_options_parse(cmd, &run, argc, argv);
	char libpath[2 * PATH_MAX], own[PATH_MAX];
	const char *host = getenv("LD_LIBRARY_PATH");
	int status;

	if (first < 0)
		return -1 - first;
	run.argv = first < argc ? argv + first : run_shell(&run);
	ct_path(own, sizeof(own), "lib/causeway/guest");
	snprintf(libpath, sizeof(libpath), "%s:%s", own, host ? host : "");
	status = ct_check_program(run.argv[0], libpath, &run.closure, &run.program);
	if (!status)
		status = run_add_closures(&run, libpath);
	if (!status)
		status = ct_end_like(run_vm(&run));
	run_free(&run);
	return status;
}

const struct ct_command ct_cmd_run = {
	.name = "run",
	.usage = "[OPTION...] [-- PROGRAM [ARGUMENT...]]",
	.summary = "Runs a CUDA program in a VM (without one: a shell).",
	.options = run_options,
	.passes = true,
	.run = run_run,
};
