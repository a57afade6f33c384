/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcudart's version nodes and its launch paths, over a driver that only
 * notes. Functions are fetched as a program of that version gets them.
 */
#include <dlfcn.h>
#include <pthread.h>

#include "fake_cuda.h"
#include "tests/tap.h"

/* The numbers of dim3 as the ABI passes it. */
struct d3 {
	unsigned int x, y, z;
};

static const char *const nodes[] = { "9.0", "9.1", "9.2", "10.0", "10.1",
				     "10.2", "11.0", "12", "13" };
enum { NODES = sizeof(nodes) / sizeof(nodes[0]) };

static void *fetch(const char *name, const char *node)
{
	char soname[32];
	void *lib, *fn;

	snprintf(soname, sizeof(soname), "libcudart.so.%s", node);
	lib = dlopen(soname, RTLD_NOW);
	fn = lib ? dlvsym(lib, name, soname) : NULL;
	if (!fn)
		printf("# no %s@%s: %s\n", name, soname, dlerror());
	return fn;
}

static struct fake_log *driver(void)
{
	static struct fake_log *(*get)(void);

	if (!get)
		*(void **)&get = dlsym(dlopen("libcuda.so.1", RTLD_NOW), "fake_log");
	return get();
}

typedef int (*int_fn)();
#define FN(name, node) ((int_fn)fetch(name, node))

static char image_a[24], image_b[24];
static char kernels[1000];

/* Registered once, as constructors of a program do. */
static void **register_image(void)
{
	static void **handle;

	if (!handle) {
		void **(*reg)(void *) = (void **(*)(void *))fetch("__cudaRegisterFatBinary", "13");
		int_fn function = FN("__cudaRegisterFunction", "13");
		static char names[sizeof(kernels)][8];

		handle = reg(image_a);
		for (size_t i = 0; i < sizeof(kernels); i++) {
			snprintf(names[i], sizeof(names[i]), "k%d", (int)i);
			function(handle, &kernels[i], names[i], i == 999 ? "absent" : names[i], -1,
				 NULL, NULL, NULL, NULL, NULL);
		}
	}
	return handle;
}

TEST(a1_every_soname_is_the_same_library)
{
	void *first = dlopen("libcudart.so.13", RTLD_NOW);

	CHECK(first);
	for (int i = 0; i < NODES; i++) {
		char soname[32];

		snprintf(soname, sizeof(soname), "libcudart.so.%s", nodes[i]);
		CHECK(dlopen(soname, RTLD_NOW) == first);
	}
}

TEST(a2_nothing_starts_before_it_is_needed)
{
	register_image();
	CHECK_EQ(driver()->inits, 0);
	CHECK_EQ(driver()->loads, 0);
}

TEST(runtime_version_is_that_of_the_node)
{
	static const int versions[] = { 9000,  9010,  9020,  10000, 10010,
					10020, 11080, 12090, 13000 };

	for (int i = 0; i < NODES; i++) {
		int version = 0;

		CHECK_EQ(FN("cudaRuntimeGetVersion", nodes[i])(&version), 0);
		CHECK_EQ(version, versions[i]);
	}
}

TEST(errors_have_the_numbers_of_their_time)
{
	for (int i = 0; i < NODES; i++) {
		/* cudaErrorInvalidDevice was 10 before CUDA 10.1. */
		int wanted = i < 4 ? 10 : 101;
		const char *(*name)(int);

		CHECK_EQ(FN("cudaSetDevice", nodes[i])(99), wanted);
		CHECK_EQ(FN("cudaPeekAtLastError", nodes[i])(), wanted);
		CHECK_EQ(FN("cudaGetLastError", nodes[i])(), wanted);
		CHECK_EQ(FN("cudaGetLastError", nodes[i])(), 0);
		name = (const char *(*)(int))fetch("cudaGetErrorName", nodes[i]);
		CHECK_STR(name(wanted), "cudaErrorInvalidDevice");
	}
}

TEST(a_sticky_error_stays_until_reset)
{
	driver()->sync_result = CUDA_ERROR_ILLEGAL_ADDRESS;
	CHECK_EQ(FN("cudaDeviceSynchronize", "13")(), 700);
	CHECK_EQ(FN("cudaGetLastError", "13")(), 700);
	CHECK_EQ(FN("cudaGetLastError", "9.0")(), 77);
	driver()->sync_result = CUDA_SUCCESS;
	CHECK_EQ(FN("cudaDeviceReset", "13")(), 0);
	CHECK_EQ(FN("cudaGetLastError", "13")(), 0);
}

TEST(unsupported_functions_say_so)
{
	CHECK_EQ(FN("cudaGraphCreate", "13")(NULL, 0), 801);
	CHECK_EQ(FN("cudaBindTexture", "9.0")(), 71);
	CHECK(!dlvsym(dlopen("libcudart.so.13", RTLD_NOW), "cudaLaunch", "libcudart.so.13"));
}

/* Sizes of struct cudaDeviceProp; 12 has those of 11 under the old name. */
static const int prop_sizes[NODES] = { 672, 672, 680, 712, 712, 712, 728, 728, 1008 };

/* Bytes that a function wrote to the start of a box. */
static int written(int (*get)(), unsigned char *box, int room)
{
	memset(box, 0xa5, room);
	if (get(box, 0))
		return -1;
	while (room && box[room - 1] == 0xa5)
		room--;
	return room;
}

TEST(device_properties_fill_the_struct_of_the_version)
{
	unsigned char box[2048];

	for (int i = 0; i < NODES; i++) {
		CHECK_EQ(written(FN("cudaGetDeviceProperties", nodes[i]), box, sizeof(box)),
			 prop_sizes[i]);
		CHECK_STR((char *)box, "Fake");
	}
	CHECK_EQ(written(FN("cudaGetDeviceProperties_v2", "12"), box, sizeof(box)), 1032);
}

TEST(device_properties_stand_where_programs_look)
{
	/* Offset of maxThreadsPerBlock: behind name, uuid and luid since 10. */
	static const int offsets[NODES] = { 288, 288, 288, 320, 320, 320, 320, 320, 320 };

	for (int i = 0; i < NODES; i++) {
		unsigned char box[2048];
		int value;

		CHECK_EQ(FN("cudaGetDeviceProperties", nodes[i])(box, 1), 0);
		memcpy(&value, box + offsets[i], sizeof(value));
		CHECK_EQ(value, 1001);
		/* Then three of block, three of grid. */
		memcpy(&value, box + offsets[i] + 24, sizeof(value));
		CHECK_EQ(value, 1007);
	}
}

TEST(pointer_attributes_have_the_shape_of_the_version)
{
	unsigned char box[256];
	unsigned long long ptr;
	int type;

	CHECK_EQ(FN("cudaPointerGetAttributes", "9.0")(box, (void *)0x1234), 11);
	CHECK_EQ(FN("cudaPointerGetAttributes", "13")(box, (void *)0x1234), 0);
	memcpy(&type, box, 4);
	CHECK_EQ(type, 0);
	for (int i = 0; i < NODES; i++) {
		int at = i >= 3 && i < 6 ? 16 : 8;

		CHECK_EQ(FN("cudaPointerGetAttributes", nodes[i])(box, (void *)0x5000), 0);
		memcpy(&type, box, 4);
		CHECK_EQ(type, 2);
		memcpy(&ptr, box + at, 8);
		CHECK_EQ(ptr, 0x5000);
	}
}

TEST(launch_of_9_0_packs_its_arguments)
{
	int (*configure)(struct d3, struct d3, size_t, void *);
	int (*argument)(const void *, size_t, size_t);
	struct fake_launch *l = &driver()->launch;
	double d = 2.5;
	char c = 'x';

	register_image();
	configure = (int (*)(struct d3, struct d3, size_t, void *))fetch("cudaConfigureCall",
									 "9.0");
	argument = (int (*)(const void *, size_t, size_t))fetch("cudaSetupArgument", "9.0");
	CHECK_EQ(argument(&c, 1, 0), 1);
	CHECK_EQ(configure((struct d3){ 2, 3, 4 }, (struct d3){ 5, 6, 7 }, 99, (void *)8), 0);
	CHECK_EQ(argument(&c, 1, 0), 0);
	CHECK_EQ(argument(&d, 8, 8), 0);
	CHECK_EQ(argument(&d, 8, 4090), 11);
	CHECK_EQ(FN("cudaLaunch", "9.0")(&kernels[7]), 0);
	CHECK_EQ(l->function, 707);
	CHECK_EQ(l->grid[0] * 100 + l->grid[1] * 10 + l->grid[2], 234);
	CHECK_EQ(l->block[0] * 100 + l->block[1] * 10 + l->block[2], 567);
	CHECK_EQ(l->shared, 99);
	CHECK_EQ(l->stream, 8);
	CHECK_EQ(l->packed, 16);
	CHECK(l->buffer[0] == 'x' && !memcmp(l->buffer + 8, &d, 8));
	CHECK_EQ(FN("cudaLaunch", "9.0")(&kernels[7]), 1);
}

typedef int (*launch_fn)(const void *, struct d3, struct d3, void **, size_t, void *);

TEST(launch_of_today_passes_pointers)
{
	launch_fn launch = (launch_fn)fetch("cudaLaunchKernel", "13");
	launch_fn launch_ptsz = (launch_fn)fetch("cudaLaunchKernel_ptsz", "13");
	launch_fn by_handle = (launch_fn)fetch("__cudaLaunchKernel", "13");
	struct fake_launch *l = &driver()->launch;
	unsigned long long value = 0x1122334455667788ull;
	void *args[] = { &value }, *handle = NULL;
	struct d3 g = { 9, 1, 1 }, b = { 32, 1, 1 };

	register_image();
	CHECK_EQ(launch(&kernels[998], g, b, args, 5, (void *)0), 0);
	CHECK_EQ(l->function, 1698);
	CHECK_EQ(l->first, value);
	CHECK_EQ(l->stream, 0);
	CHECK_EQ(launch_ptsz(&kernels[1], g, b, args, 5, (void *)0), 0);
	CHECK_EQ(l->stream, 2);
	CHECK_EQ(FN("__cudaGetKernel", "13")(&handle, &kernels[3]), 0);
	CHECK_EQ(by_handle(handle, g, b, args, 0, (void *)0), 0);
	CHECK_EQ(l->function, 703);
	CHECK_EQ(launch(image_b, g, b, args, 0, NULL), 98);
	CHECK_EQ(launch(&kernels[999], g, b, args, 0, NULL), 98);
}

TEST(a_refused_launch_names_what_was_wrong)
{
	launch_fn launch = (launch_fn)fetch("cudaLaunchKernel", "13");
	struct d3 ok = { 1, 1, 1 }, big = { 5000, 1, 1 };
	unsigned long long value = 0;
	void *args[] = { &value };

	register_image();
	driver()->launch_result = CUDA_ERROR_INVALID_VALUE;
	CHECK_EQ(launch(kernels, ok, big, args, 0, NULL), 9);
	CHECK_EQ(launch(kernels, ok, ok, args, 0, NULL), 1);
	driver()->launch_result = CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
	CHECK_EQ(launch(kernels, ok, ok, args, 0, NULL), 701);
	driver()->launch_result = CUDA_SUCCESS;
	CHECK_EQ(FN("cudaGetLastError", "13")(), 701);
}

TEST(configurations_nest)
{
	unsigned int (*push)(struct d3, struct d3, size_t, void *);
	int (*pop)(struct d3 *, struct d3 *, size_t *, void *);
	struct d3 g, b;
	size_t shared;
	void *stream;

	push = (unsigned int (*)(struct d3, struct d3, size_t, void *))fetch(
		"__cudaPushCallConfiguration", "13");
	pop = (int (*)(struct d3 *, struct d3 *, size_t *, void *))fetch(
		"__cudaPopCallConfiguration", "13");
	CHECK_EQ(push((struct d3){ 1, 2, 3 }, (struct d3){ 4, 5, 6 }, 7, (void *)8), 0);
	CHECK_EQ(push((struct d3){ 11, 2, 3 }, (struct d3){ 4, 5, 6 }, 17, (void *)18), 0);
	CHECK_EQ(pop(&g, &b, &shared, &stream), 0);
	CHECK(g.x == 11 && shared == 17 && stream == (void *)18);
	CHECK_EQ(pop(&g, &b, &shared, &stream), 0);
	CHECK(g.x == 1 && b.z == 6 && shared == 7 && stream == (void *)8);
	CHECK_EQ(pop(&g, &b, &shared, &stream), 52);
}

TEST(images_load_at_first_use_and_again_after_reset)
{
	launch_fn launch = (launch_fn)fetch("cudaLaunchKernel", "13");
	struct d3 one = { 1, 1, 1 };
	unsigned long long value = 0;
	void *args[] = { &value };
	int loads, unloads;

	register_image();
	CHECK_EQ(launch(kernels, one, one, args, 0, NULL), 0);
	CHECK(driver()->image == image_a);
	loads = driver()->loads;
	unloads = driver()->unloads;
	CHECK_EQ(launch(kernels + 1, one, one, args, 0, NULL), 0);
	CHECK_EQ(driver()->loads, loads);
	CHECK_EQ(FN("cudaDeviceReset", "13")(), 0);
	CHECK_EQ(driver()->unloads, unloads + 1);
	CHECK_EQ(launch(kernels + 1, one, one, args, 0, NULL), 0);
	CHECK_EQ(driver()->loads, loads + 1);
}

TEST(managed_variables_have_an_address_after_the_first_call)
{
	void **(*reg)(void *) = (void **(*)(void *))fetch("__cudaRegisterFatBinary", "12");
	static void *variable;
	void **handle = reg(image_b);
	size_t size;

	FN("__cudaRegisterManagedVar", "12")(handle, &variable, "v", "v", 0, (size_t)16, 0, 0);
	CHECK(!variable);
	CHECK_EQ(FN("cudaDeviceSynchronize", "12")(), 0);
	CHECK(variable == (void *)0xabc000);
	CHECK_EQ(FN("cudaGetSymbolSize", "12")(&size, &variable), 0);
	CHECK_EQ(size, 16);
	FN("__cudaUnregisterFatBinary", "12")(handle);
	CHECK_EQ(FN("cudaGetSymbolSize", "12")(&size, &variable), 13);
}

TEST(places_are_device_numbers_before_13)
{
	CHECK_EQ(FN("cudaMemAdvise", "12")((void *)0x5000, (size_t)64, 3, 1), 0);
	CHECK_EQ(driver()->location.type, CU_MEM_LOCATION_TYPE_DEVICE);
	CHECK_EQ(driver()->location.id, 1);
	CHECK_EQ(FN("cudaMemAdvise", "11.0")((void *)0x5000, (size_t)64, 3, -1), 0);
	CHECK_EQ(driver()->location.type, CU_MEM_LOCATION_TYPE_HOST);
	CHECK_EQ(FN("cudaMemAdvise", "13")((void *)0x5000, (size_t)64, 3,
					   (CUmemLocation){ CU_MEM_LOCATION_TYPE_DEVICE, 1 }),
		 0);
	CHECK_EQ(driver()->location.id, 1);
}

static void *thread_error(void *arg)
{
	*(int *)arg = FN("cudaPeekAtLastError", "13")();
	return NULL;
}

TEST(last_error_is_the_threads_own)
{
	pthread_t thread;
	int seen = -1;

	CHECK_EQ(FN("cudaSetDevice", "13")(99), 101);
	CHECK(!pthread_create(&thread, NULL, thread_error, &seen));
	pthread_join(thread, NULL);
	CHECK_EQ(seen, 0);
	CHECK_EQ(FN("cudaGetLastError", "13")(), 101);
}

TAP_MAIN()
