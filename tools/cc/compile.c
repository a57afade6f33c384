/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runs of clang that make an object of a CUDA source.
 *
 * Theory of operation: clang's own driver of CUDA wants a toolkit, for its
 * headers and for ptxas. So its two sides are run by hand: the device's side
 * to PTX text, which cc_fatbin_pack() wraps and the driver's compiler makes
 * machine code of at run time; then the host's side, which embeds that file and
 * registers the kernels. -nocudainc with headers of ours takes the place of the
 * toolkit's.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/cc/cc.h"
#include "tools/cc/fatbin.h"
#include "tools/child.h"
#include "tools/ct.h"

#define CC_FAILED (CT_EXIT_OWN << 8)

/* Appends each of the words, up to a NULL. */
static int cc_add_all(struct ct_strv *v, const char *const *words)
{
	int err = 0;

	for (; *words && !err; words++)
		err = ct_strv_add(v, *words);
	return err;
}

/* Prints a command as a shell would take it, unless it has a quote in it. */
static void cc_print(char *const *argv)
{
	for (; *argv; argv++) {
		bool plain = **argv && !strpbrk(*argv, " \t\n\"'\\$&|;<>()*?[]#~`!{}");

		fprintf(stderr, plain ? "%s%s" : "'%s'%s", *argv, argv[1] ? " " : "\n");
	}
}

/* Runs the command in @v, unless it could not be put together, and frees it. */
static int cc_run(const struct cc_args *args, struct ct_strv *v, int err)
{
	int status = CC_FAILED;

	if (err) {
		ct_error("%s", strerror(-err));
	} else {
		if (args->verbose)
			cc_print(v->s);
		status = ct_child_run(v->s);
	}
	ct_strv_free(v);
	return status;
}

/* Our headers come last, so that -I finds somebody's own before. */
static int cc_add_headers(struct ct_strv *v)
{
	char dir[PATH_MAX];
	int err;

	if (ct_path(dir, sizeof(dir), "lib/causeway/include"))
		return 0;
	err = ct_strv_add(v, "-isystem");
	return err ? err : ct_strv_add(v, dir);
}

/* What both sides of a CUDA source are compiled with. */
static int cc_add_cuda(const struct cc_args *args, struct ct_strv *v)
{
	static const char *const words[] = {
		"-x", "cuda", "-nocudainc", "-nocudalib", "--cuda-path=/nonexistent",
		"-fdeclspec", "-Wno-unknown-cuda-version",
		/* nvcc's sources need not include it. */
		"-include", "cuda_runtime.h", NULL,
	};
	unsigned int major = 0, minor = 0;
	int err = cc_add_all(v, words);

	sscanf(args->version, "%u.%u", &major, &minor);
	return err ? err : ct_strv_addf(v, "-DCUDART_VERSION=%u", major * 1000 + minor * 10);
}

static int cc_add_words(struct ct_strv *v, const struct ct_strv *words)
{
	return words->n ? cc_add_all(v, (const char *const *)words->s) : 0;
}

static int cc_add_ends(struct ct_strv *v, const char *source, const char *out)
{
	const char *const words[] = { "-o", out, source, NULL };
	int err = cc_add_headers(v);

	return err ? err : cc_add_all(v, words);
}

/*
 * The PTX version to write. clang ties it to the toolkit, of which there is
 * none. 6.3 is what the warp functions with a mask need and goes with any GPU;
 * a GPU that came later has the version that brought it.
 */
static unsigned int cc_ptx_version(unsigned int arch)
{
	static const struct {
		unsigned int arch, ptx;
	} since[] = { { 89, 78 }, { 87, 74 }, { 86, 71 }, { 80, 70 } };

	if (arch >= 100)
		return 86;
	for (size_t i = 0; i < CW_ARRAY_SIZE(since); i++) {
		if (arch >= since[i].arch)
			return since[i].ptx;
	}
	return 63;
}

static int cc_device(const struct cc_args *args, const char *source, const char *out)
{
	static const char *const feature[] = { "-Xclang", "-target-feature", "-Xclang", NULL };
	struct ct_strv v = { 0 };
	int err = ct_strv_add(&v, args->clang);

	if (!err)
		err = cc_add_cuda(args, &v);
	if (!err)
		err = ct_strv_add(&v, "--cuda-device-only");
	if (!err)
		err = ct_strv_addf(&v, "--cuda-gpu-arch=sm_%u", args->arch);
	if (!err)
		err = cc_add_all(&v, feature);
	if (!err)
		err = ct_strv_addf(&v, "+ptx%u", cc_ptx_version(args->arch));
	if (!err)
		err = cc_add_words(&v, &args->device);
	if (!err)
		err = ct_strv_add(&v, "-S");
	if (!err)
		err = cc_add_ends(&v, source, out);
	return cc_run(args, &v, err);
}

/* The host's side; @fatbin is NULL for a source that is not CUDA. */
static int cc_host(const struct cc_args *args, const char *source, const char *fatbin,
		   const char *out)
{
	/* 11.5: the newest whose calls both clang 14 and 19 know; they are today's. */
	const char *sdk = strcmp(args->version, "13.0") ? args->version : "11.5";
	const char *const words[] = {
		"--cuda-host-only", "-Xclang", "-fcuda-include-gpubinary", "-Xclang", fatbin,
		"-Xclang", NULL,
	};
	struct ct_strv v = { 0 };
	int err = ct_strv_add(&v, args->clang);

	if (!err && fatbin)
		err = cc_add_cuda(args, &v);
	if (!err && fatbin)
		err = cc_add_all(&v, words);
	if (!err && fatbin)
		err = ct_strv_addf(&v, "-target-sdk-version=%s", sdk);
	if (!err)
		err = cc_add_words(&v, &args->host);
	if (!err)
		err = ct_strv_add(&v, "-c");
	if (!err)
		err = cc_add_ends(&v, source, out);
	return cc_run(args, &v, err);
}

int cc_compile(const struct cc_args *args, const char *source, const char *temp, const char *out)
{
	char ptx[PATH_MAX], fatbin[PATH_MAX];
	int status;

	if (!cc_is_cuda(source))
		return cc_host(args, source, NULL, out);
	if (args->goal == CC_PTX)
		return cc_device(args, source, out);
	snprintf(ptx, sizeof(ptx), "%s.ptx", temp);
	snprintf(fatbin, sizeof(fatbin), "%s.fatbin", temp);
	status = cc_device(args, source, ptx);
	if (status)
		return status;
	if (cc_fatbin_pack(args->arch, ptx, args->goal == CC_FATBIN ? out : fatbin))
		return CC_FAILED;
	return args->goal == CC_FATBIN ? 0 : cc_host(args, source, fatbin, out);
}

int cc_link(const struct cc_args *args, const char *out)
{
	static const char *const libraries[] = {
		"-l:libcudart.so.13", "-l:libcuda.so.1", NULL,
	};
	static const char *const system_libraries[] = {
		/* What nobody asked for is only named where it is needed. */
		"-Wl,--as-needed", "-lpthread", "-ldl", "-lm", NULL,
	};
	struct ct_strv v = { 0 };
	char dir[PATH_MAX];
	int err = ct_strv_add(&v, args->clang);

	if (!err)
		err = ct_strv_add(&v, "--driver-mode=g++");
	if (!err)
		err = cc_add_words(&v, &args->link);
	if (!err)
		err = cc_add_all(&v, system_libraries);
	if (!err && args->cudart) {
		if (ct_path(dir, sizeof(dir), "lib/causeway/guest/libcudart.so.13")) {
			ct_error("%s is missing; ./do build makes it", dir);
			ct_strv_free(&v);
			return CC_FAILED;
		}
		*strrchr(dir, '/') = '\0';
		err = ct_strv_addf(&v, "-L%s", dir);
		if (!err)
			err = cc_add_all(&v, libraries);
	}
	if (!err)
		err = ct_strv_add(&v, "-o");
	if (!err)
		err = ct_strv_add(&v, out);
	return cc_run(args, &v, err);
}
