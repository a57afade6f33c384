/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: errors that NVIDIA's runtime answers over this driver.
 *
 * The runtime is looked for by name, so LD_LIBRARY_PATH says which one; a
 * program's kernel is registered by hand, as its compiler would.
 */
#include "probe.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct dim {
	unsigned int x, y, z;
};

/* What the compiler puts beside a program: facts of the fatbin format. */
struct wrapper {
	uint32_t magic, version;
	const void *data;
	void *extra;
};

struct fatbin_head {
	uint32_t magic;
	uint16_t version, header_size;
	uint64_t size;
};

struct fatbin_entry {
	uint16_t kind, version;
	uint32_t header_size;
	uint64_t size;
	uint32_t packed_size, options;
	uint16_t minor, major;
	uint32_t arch;
	uint32_t name, name_len;
	uint64_t flags, reserved, text_size;
};

struct runtime {
	int (*launch)(const void *, struct dim, struct dim, void **, size_t, void *);
	int (*version)(int *);
	void **(*add)(void *);
	void (*add_function)(void **, const char *, char *, const char *, int, void *, void *,
			     void *, void *, int *);
	void (*add_end)(void **);
};

static void *need(void *lib, const char *name)
{
	void *f = dlsym(lib, name);

	if (!f)
		probe_cannot("the runtime has no %s", name);
	return f;
}

static void runtime_open(struct runtime *rt)
{
	static const char *const names[] = { "libcudart.so.13", "libcudart.so.12",
					     "libcudart.so.11.0" };
	void *lib = NULL;

	for (size_t i = 0; !lib && i < sizeof(names) / sizeof(names[0]); i++)
		lib = dlopen(names[i], RTLD_NOW);
	if (!lib)
		probe_cannot("no runtime is installed");
	rt->launch = (int (*)(const void *, struct dim, struct dim, void **, size_t, void *))need(
		lib, "cudaLaunchKernel");
	rt->version = (int (*)(int *))need(lib, "cudaRuntimeGetVersion");
	rt->add = (void **(*)(void *))need(lib, "__cudaRegisterFatBinary");
	rt->add_function = (void (*)(void **, const char *, char *, const char *, int, void *,
				     void *, void *, void *, int *))need(lib,
									 "__cudaRegisterFunction");
	rt->add_end = (void (*)(void **))need(lib, "__cudaRegisterFatBinaryEnd");
}

static char stub; /* its address is the kernel's */

static void register_kernel(const struct runtime *rt)
{
	size_t room = (strlen(probe_ptx) + 8) & ~(size_t)7;
	struct fatbin_head *head = calloc(1, sizeof(*head) + sizeof(struct fatbin_entry) + room);
	struct fatbin_entry *entry = (struct fatbin_entry *)(head + 1);
	static struct wrapper w = { 0x466243b1, 1, NULL, NULL };
	void **handle;

	*head = (struct fatbin_head){ 0xba55ed50, 1, sizeof(*head), sizeof(*entry) + room };
	*entry = (struct fatbin_entry){ .kind = 1, .version = 0x101, .header_size = sizeof(*entry),
					.size = room, .minor = 3, .major = 6, .arch = 75,
					.flags = 0x11 };
	memcpy(entry + 1, probe_ptx, strlen(probe_ptx));
	w.data = head;
	handle = rt->add(&w);
	rt->add_function(handle, &stub, (char *)"nothing", "nothing", -1, NULL, NULL, NULL, NULL,
			 NULL);
	rt->add_end(handle);
}

static void say_launch(const void *kernel, unsigned int threads)
{
	const struct dim one = { 1, 1, 1 }, block = { threads, 1, 1 };
	struct runtime rt;
	int version = 0, r;

	runtime_open(&rt);
	register_kernel(&rt);
	r = rt.launch(&stub, one, one, NULL, 0, NULL);
	if (r)
		probe_cannot("error %d from a good launch", r);
	rt.version(&version);
	probe_say("%d", rt.launch(kernel, one, block, NULL, 0, NULL));
	probe_say(", runtime %d", version);
}

static void runtime_block_2048(void)
{
	say_launch(&stub, 2048);
}

static void runtime_unregistered(void)
{
	static char other;

	say_launch(&other, 1);
}

const struct probe probes_runtime[] = {
	{ "runtime_block_2048", "3", "cudaLaunchKernel with 2,048 threads a block?", "9, *",
	  "libcudart of ours answers 9 (InvalidConfiguration), the runtime the driver's number",
	  runtime_block_2048 },
	{ "runtime_unregistered", "3", "cudaLaunchKernel of what is no kernel?", "98, *",
	  "libcudart of ours answers 98 (InvalidDeviceFunction), the runtime another number",
	  runtime_unregistered },
	{ 0 },
};
