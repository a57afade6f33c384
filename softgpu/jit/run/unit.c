/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which compiled code a launch gets: looked up, or compiled at the first launch
 * of a kernel with a class of block shapes. Several kernels compile at once;
 * two launches of one kernel wait for each other.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cw/log.h"
#include "softgpu/jit/run/cache.h"

/* Warps left to the interpreter after which code is made anew, carefully. */
#define UNIT_MAX_DEOPTS 256

struct unit_variant {
	bool tried;
	struct sg_jit_code code;
	struct sg_jit_record *record;
};

/* Hangs on sg_exec.jit; careful variants are the second row. */
struct unit {
	pthread_mutex_t lock;
	struct unit_variant variants[2][SG_JIT_SHAPES];
};

static struct {
	pthread_once_t once, load_once;
	const struct sg_jit_compiler *compiler;
	int isa;
	bool off;
	char path[PATH_MAX];
	char build[96];		/* tells one build of the compiler from another */
	char reason[160];
} unit_global = { .once = PTHREAD_ONCE_INIT, .load_once = PTHREAD_ONCE_INIT };

static int unit_isa(void)
{
	static const char *const names[] = {
		[SG_JIT_ISA_SSE4] = "sse4", [SG_JIT_ISA_AVX2] = "avx2",
		[SG_JIT_ISA_AVX512] = "avx512",
	};
	const char *env = secure_getenv("CAUSEWAY_SOFT_ISA");

	for (int i = 1; env && i < (int)CW_ARRAY_SIZE(names); i++) {
		if (!strcmp(env, names[i]))
			return i;
	}
	return SG_JIT_ISA_HOST;
}

/* Beside the library this code is in, or where a test says. */
static bool unit_find(char *path, size_t size)
{
	const char *env = secure_getenv("CAUSEWAY_SOFT_JIT_LIBRARY"), *slash;
	Dl_info info;
	int n;

	if (env) {
		n = snprintf(path, size, "%s", env);
	} else {
		if (!dladdr((void *)unit_find, &info) || !info.dli_fname)
			return false;
		slash = strrchr(info.dli_fname, '/');
		n = snprintf(path, size, "%.*s/libcw-jit.so",
			     slash ? (int)(slash - info.dli_fname) : 1,
			     slash ? info.dli_fname : ".");
	}
	return n > 0 && (size_t)n < size;
}

static void unit_open(void)
{
	const char *env = secure_getenv("CAUSEWAY_SOFT_JIT");
	struct stat st;

	unit_global.isa = unit_isa();
	/* Off until it is right for every control flow: docs/architecture.md. */
	unit_global.off = !env || strcmp(env, "1");
	if (unit_global.off) {
		snprintf(unit_global.reason, sizeof(unit_global.reason), "not switched on");
	} else if (!unit_find(unit_global.path, sizeof(unit_global.path)) ||
		   stat(unit_global.path, &st)) {
		unit_global.off = true;
		snprintf(unit_global.reason, sizeof(unit_global.reason), "no libcw-jit.so");
	} else {
		snprintf(unit_global.build, sizeof(unit_global.build), "%lld %lld.%09ld",
			 (long long)st.st_size, (long long)st.st_mtim.tv_sec,
			 st.st_mtim.tv_nsec);
		sg_jit_cache_open();
	}
}

static bool unit_on(void)
{
	pthread_once(&unit_global.once, unit_open);
	return !unit_global.off;
}

/* LLVM comes with it: only when there is something to compile. */
static void unit_load(void)
{
	const struct sg_jit_compiler *(*get)(void);
	void *lib = dlopen(unit_global.path, RTLD_NOW | RTLD_LOCAL);

	if (!lib) {
		snprintf(unit_global.reason, sizeof(unit_global.reason), "%s", dlerror());
		return;
	}
	*(void **)&get = dlsym(lib, "sg_jit_compiler");
	unit_global.compiler = get ? get() : NULL;
	if (unit_global.compiler && unit_global.compiler->version != SG_JIT_VERSION)
		unit_global.compiler = NULL;
	if (!unit_global.compiler)
		snprintf(unit_global.reason, sizeof(unit_global.reason),
			 "libcw-jit.so does not fit");
}

int sg_jit_preload(void)
{
	if (unit_on())
		pthread_once(&unit_global.load_once, unit_load);
	return unit_global.compiler ? 0 : -ENOENT;
}

static uint32_t unit_shape(const uint32_t n[3])
{
	if (n[1] == 1 && n[2] == 1)
		return SG_JIT_SHAPE_FLAT;
	if (n[0] % SG_LANES == 0)
		return SG_JIT_SHAPE_LINEAR;
	for (uint32_t k = 0; k < 5; k++) {
		if (n[0] == 1u << k && (n[2] == 1 || n[0] * n[1] % SG_LANES == 0))
			return SG_JIT_SHAPE_ROWS + k;
	}
	return SG_JIT_SHAPE_ANY;
}

static void unit_free(void *p)
{
	struct unit *u = p;

	if (!u)
		return;
	for (int i = 0; i < 2 * SG_JIT_SHAPES; i++) {
		struct unit_variant *v = &u->variants[0][0] + i;

		sg_jit_unload(&v->code);
		free(v->code.image);
	}
	pthread_mutex_destroy(&u->lock);
	free(u);
}

static struct unit *unit_of(struct sg_exec *x)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct unit *u = atomic_load_explicit(&x->jit, memory_order_acquire);

	if (u)
		return u;
	pthread_mutex_lock(&lock);
	u = atomic_load_explicit(&x->jit, memory_order_relaxed);
	if (!u) {
		u = calloc(1, sizeof(*u));
		if (u) {
			pthread_mutex_init(&u->lock, NULL);
			x->jit_free = unit_free;
			/* Release: whoever sees the pointer sees the lock. */
			atomic_store_explicit(&x->jit, u, memory_order_release);
		}
	}
	pthread_mutex_unlock(&lock);
	return u;
}

static uint64_t unit_micros(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* What somebody who looks at the compiler wants to see. */
static uint32_t unit_dump(void)
{
	const char *env = secure_getenv("CAUSEWAY_SOFT_DUMP");

	if (!env)
		return 0;
	return !strcmp(env, "llvm") ? SG_JIT_DUMP_LLVM :
	       !strcmp(env, "asm")  ? SG_JIT_DUMP_ASM : 0;
}

/* From the cache, else compiled; NULL with a reason in @rq. */
static struct sg_jit_image *unit_image(struct sg_jit_request *rq, const char **ret_origin)
{
	struct sg_jit_image *im;
	struct sg_jit_key key;
	int rc;

	rq->dump = unit_dump();
	sg_jit_key_make(rq, unit_global.build, &key);
	im = rq->dump ? NULL : sg_jit_cache_get(&key);
	*ret_origin = im ? "cached" : "compiled";
	if (im)
		return im;
	if (sg_jit_preload()) {
		snprintf(rq->reason, sizeof(rq->reason), "%s", unit_global.reason);
		return NULL;
	}
	rc = unit_global.compiler->compile(rq, &im);
	if (rq->dump_text)
		fprintf(stderr, "; kernel %s\n%s\n", rq->prog->name, rq->dump_text);
	free(rq->dump_text);
	if (!rc) {
		sg_jit_cache_put(&key, im);
		return im;
	}
	if (!rq->reason[0])
		snprintf(rq->reason, sizeof(rq->reason), "out of memory");
	return NULL;
}

static void unit_compile(struct unit_variant *v, const struct sg_exec *x, uint32_t shape,
			 bool careful)
{
	static atomic_ullong ids;
	struct sg_jit_request rq = {
		.prog = x->prog, .reg_row = x->reg_row, .insn_code = x->insn_code,
		.shape = shape, .isa = unit_global.isa, .careful = careful,
	};
	uint64_t begin = unit_micros();
	struct sg_jit_record *r = sg_jit_record_new(x->prog->name);
	struct sg_jit_image *im;
	const char *origin;

	v->tried = true;
	v->record = r;
	if (!r)
		return;
	r->shape = shape;
	r->careful = careful;
	if (!unit_on()) {
		snprintf(r->reason, sizeof(r->reason), "%s", unit_global.reason);
		return;
	}
	rq.isa = unit_global.isa;
	im = unit_image(&rq, &origin);
	if (!im) {
		memcpy(r->reason, rq.reason, sizeof(r->reason));
	} else if (sg_jit_load(im, &v->code, r->reason, sizeof(r->reason))) {
		free(im);
	} else {
		v->code.image = im;
		v->code.id = atomic_fetch_add(&ids, 1) + 1;
		r->origin = origin;
		r->insns = im->insns;
		r->blocks = im->blocks;
		r->helped = im->helped;
		r->bytes = im->object_bytes;
	}
	r->micros = unit_micros() - begin;
	cw_debug("kernel=\"%s\" %s shape=%u micros=%llu reason=\"%s\"", r->name, r->origin, shape,
		 (unsigned long long)r->micros, r->reason);
}

/**
 * sg_jit_prepare() - Compiled code for a launch
 * @l:		complete but for @jit
 *
 * Return: what @jit is to be; NULL where the interpreter is to run it.
 */
struct sg_jit_code *sg_jit_prepare(const struct sg_launch *l)
{
	struct sg_exec *x = sg_entry_prog(l->entry)->exec;
	struct unit *u = unit_of(x);
	uint32_t shape = unit_shape(l->block);
	struct unit_variant *v;

	if (!u)
		return NULL;
	pthread_mutex_lock(&u->lock);
	v = &u->variants[0][shape];
	for (int careful = 0; careful < 2; careful++) {
		v = &u->variants[careful][shape];
		if (!v->tried)
			unit_compile(v, x, shape, careful);
		if (!v->code.fn || atomic_load(&v->code.deopts) < UNIT_MAX_DEOPTS)
			break;
	}
	pthread_mutex_unlock(&u->lock);
	if (v->record)
		atomic_fetch_add_explicit(&v->record->launches, 1, memory_order_relaxed);
	return v->code.fn ? &v->code : NULL;
}
