/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causeway doctor: what works here, and for what does not, the command that
 * mends it. A table of checks, one function each.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ct.h"
#include "tools/daemon.h"
#include "tools/closure.h"
#include "tools/run/kernel.h"
#include "tools/run/kvm.h"
#include "tools/run/qemu.h"

enum doctor_mark {
	DOCTOR_OK,
	DOCTOR_NOTE, /* works, but not at its best, or not asked for */
	DOCTOR_BAD,
};

struct doctor_check {
	const char *name;
	enum doctor_mark (*check)(char *text, size_t len);
};

static enum doctor_mark doctor_kvm(char *text, size_t len)
{
	switch (ct_kvm_probe()) {
	case CT_KVM_OK:
		snprintf(text, len, "/dev/kvm runs guests");
		return DOCTOR_OK;
	case CT_KVM_DENIED:
		snprintf(text, len,
			 "no access to /dev/kvm: adduser $USER kvm, then log in again "
			 "(without it: emulation, slower)");
		return DOCTOR_NOTE;
	case CT_KVM_UNFIT:
		snprintf(text, len, "/dev/kvm is there but cannot run Linux: emulation is used");
		return DOCTOR_NOTE;
	default:
		snprintf(text, len,
			 "no /dev/kvm: emulation is used (modprobe kvm_intel or "
			 "kvm_amd where the CPU can)");
		return DOCTOR_NOTE;
	}
}

static enum doctor_mark doctor_qemu(char *text, size_t len)
{
	char *path;

	if (ct_find_program(ct_qemu_name(), &path)) {
		snprintf(text, len, "no %s: ./do setup, or apt-get install qemu-system-x86",
			 ct_qemu_name());
		return DOCTOR_BAD;
	}
	snprintf(text, len, "%s", path);
	free(path);
	return DOCTOR_OK;
}

static enum doctor_mark doctor_kernel(char *text, size_t len)
{
	char cache[PATH_MAX / 2], dir[PATH_MAX], real[PATH_MAX];

	ct_kernel_cache(cache, sizeof(cache));
	snprintf(dir, sizeof(dir), "%s/default", cache);
	if (!realpath(dir, real)) {
		snprintf(text, len, "no guest kernel in %s: ./do setup", cache);
		return DOCTOR_BAD;
	}
	snprintf(text, len, "%s", strrchr(real, '/') + 1);
	return DOCTOR_OK;
}

static enum doctor_mark doctor_virtiofsd(char *text, size_t len)
{
	const char *path = ct_virtiofsd_path();

	if (path && !access(path, X_OK)) {
		snprintf(text, len, "%s", path);
		return DOCTOR_OK;
	}
	snprintf(text, len,
		 "%s%s: run --share and --root=host do not work: apt-get install virtiofsd%s",
		 path ? path : "not found", path ? " cannot be executed" : "",
		 path ? ", or unset CAUSEWAY_VIRTIOFSD" : "");
	return DOCTOR_NOTE;
}

static enum doctor_mark doctor_file(char *text, size_t len, const char *rel)
{
	char path[PATH_MAX];

	if (ct_path(path, sizeof(path), rel)) {
		snprintf(text, len, "%s is missing: ./do build", path);
		return DOCTOR_BAD;
	}
	snprintf(text, len, "%s", path);
	return DOCTOR_OK;
}

static enum doctor_mark doctor_daemon(char *text, size_t len)
{
	return doctor_file(text, len, "bin/vhost-user-cuda");
}

static enum doctor_mark doctor_soft(char *text, size_t len)
{
	return doctor_file(text, len, "lib/causeway/soft/libcuda.so.1");
}

static enum doctor_mark doctor_guest(char *text, size_t len)
{
	return doctor_file(text, len, "lib/causeway/guest/libcuda.so.1");
}

static enum doctor_mark doctor_driver(char *text, size_t len)
{
	char cache[PATH_MAX / 2], dir[PATH_MAX], real[PATH_MAX], rel[PATH_MAX];

	ct_kernel_cache(cache, sizeof(cache));
	snprintf(dir, sizeof(dir), "%s/default", cache);
	if (!realpath(dir, real)) {
		snprintf(text, len, "no guest kernel to have one for: ./do setup");
		return DOCTOR_BAD;
	}
	snprintf(rel, sizeof(rel), "lib/causeway/driver%.200s/virtio_cuda.ko", strrchr(real, '/'));
	return doctor_file(text, len, rel);
}

static enum doctor_mark doctor_socket(char *text, size_t len)
{
	const char *socket = getenv("CAUSEWAY_SOCKET");
	int err;

	if (!socket) {
		snprintf(text, len, "CAUSEWAY_SOCKET is not set (it need not be)");
		return DOCTOR_OK;
	}
	err = ct_daemon_answers(socket);
	if (err) {
		snprintf(text, len,
			 "CAUSEWAY_SOCKET=%s: %s; unset it, or causeway serve "
			 "--socket %s",
			 socket, strerror(-err), socket);
		return DOCTOR_BAD;
	}
	snprintf(text, len, "%s", socket);
	return DOCTOR_OK;
}

/* Whose a libcuda is: ours ask for variables that begin as ours do. */
static const char *doctor_whose(const char *path)
{
	static const char mark[] = "CAUSEWAY_LOG";
	const char *whose = "of another, not Causeway's";
	FILE *f = fopen(path, "re");
	size_t matched = 0;
	int c;

	if (!f)
		return "which cannot be read";
	while (matched < sizeof(mark) - 1 && (c = getc(f)) != EOF)
		matched = c == mark[matched] ? matched + 1 : c == mark[0];
	if (matched == sizeof(mark) - 1)
		whose = "Causeway's";
	fclose(f);
	return whose;
}

/* The loader's own answer to "libcuda.so.1", without loading it. */
static enum doctor_mark doctor_libcuda(char *text, size_t len)
{
	char *path = ct_find_library("libcuda.so.1");

	if (path)
		snprintf(text, len, "the loader picks %s (%s)", path, doctor_whose(path));
	else
		snprintf(text, len,
			 "the loader finds none (soft, exec and run bring their own)");
	free(path);
	return DOCTOR_OK;
}

static enum doctor_mark doctor_clang(char *text, size_t len)
{
	static const char *const names[] = { "clang-19", "clang", "clang-14" };
	const char *own = getenv("CAUSEWAY_CLANG");
	char *path;

	for (size_t i = 0; i < CW_ARRAY_SIZE(names); i++) {
		if (ct_find_program(own && *own ? own : names[i], &path))
			continue;
		snprintf(text, len, "%s", path);
		free(path);
		return DOCTOR_OK;
	}
	snprintf(text, len, "no %s, causeway cc does not work: apt-get install clang-19%s",
		 own && *own ? own : names[0], own && *own ? ", or unset CAUSEWAY_CLANG" : "");
	return DOCTOR_NOTE;
}

static enum doctor_mark doctor_gpu(char *text, size_t len)
{
	bool there = !access("/dev/nvidiactl", R_OK | W_OK);

	snprintf(text, len, "%s",
		 there ? "NVIDIA's driver is there"
		       : "no NVIDIA GPU: the software GPU is used (where there is a card: "
			 "apt-get install nvidia-driver)");
	return there ? DOCTOR_OK : DOCTOR_NOTE;
}

static const struct doctor_check doctor_checks[] = {
	{ "gpu", doctor_gpu },
	{ "kvm", doctor_kvm },
	{ "qemu", doctor_qemu },
	{ "guest kernel", doctor_kernel },
	{ "virtiofsd", doctor_virtiofsd },
	{ "daemon", doctor_daemon },
	{ "soft libcuda", doctor_soft },
	{ "guest libcuda", doctor_guest },
	{ "guest driver", doctor_driver },
	{ "clang", doctor_clang },
	{ "socket", doctor_socket },
	{ "libcuda", doctor_libcuda },
};

static const struct ct_option doctor_options[] = {
	{ 0 },
};

static int doctor_run(const struct ct_command *cmd, int argc, char **argv)
{
	static const char *const marks[] = { "ok", "note", "BAD" };
	int first = ct_options_parse(cmd, NULL, argc, argv);
	int bad = 0;

	if (first < 0)
		return -1 - first;
	for (size_t i = 0; i < CW_ARRAY_SIZE(doctor_checks); i++) {
		char text[2 * PATH_MAX] = "";
		enum doctor_mark mark = doctor_checks[i].check(text, sizeof(text));

		printf("%-5s %-14s %s\n", marks[mark], doctor_checks[i].name, text);
		bad += mark == DOCTOR_BAD;
	}
	return bad ? 1 : 0;
}

const struct ct_command ct_cmd_doctor = {
	.name = "doctor",
	.usage = "",
	.summary = "Says what is missing on this machine, and the command that mends it.",
	.options = doctor_options,
	.run = doctor_run,
};
