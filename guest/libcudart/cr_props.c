/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cudaGetDeviceProperties() in the layouts of all versions.
 *
 * Theory of operation: causeway/props.h describes the struct once, each field
 * with the versions that have it. It is expanded here for four layouts, twice
 * each: P_KEEP first declares a field, then makes a row of a table of offsets.
 * 9.0 and 9.1 end before the two last fields of 9.2; 11 is the beginning of
 * 12, which programs of 12 reach by the name cudaGetDeviceProperties_v2.
 */
#include "cr.h"

#include <string.h>

/* Where a field is, and the attributes its elements are read from. */
struct cr_prop {
	unsigned short offset;
	unsigned short size; /* of one element */
	short attrs[3];	     /* -1: no more */
};

#define DROP(...)

#define P9_ALL(...) P9_KEEP(__VA_ARGS__)
#define P9_UNTIL12(...) P9_KEEP(__VA_ARGS__)
#define P9_SINCE92(...) P9_KEEP(__VA_ARGS__)
#define P9_SINCE10 DROP
#define P9_SINCE11 DROP
#define P9_SINCE12 DROP
#define P9_SINCE13 DROP
#define P9_ONLY12 DROP

#define P10_ALL(...) P10_KEEP(__VA_ARGS__)
#define P10_UNTIL12(...) P10_KEEP(__VA_ARGS__)
#define P10_SINCE92(...) P10_KEEP(__VA_ARGS__)
#define P10_SINCE10(...) P10_KEEP(__VA_ARGS__)
#define P10_SINCE11 DROP
#define P10_SINCE12 DROP
#define P10_SINCE13 DROP
#define P10_ONLY12 DROP

#define P12_ALL(...) P12_KEEP(__VA_ARGS__)
#define P12_UNTIL12(...) P12_KEEP(__VA_ARGS__)
#define P12_SINCE92(...) P12_KEEP(__VA_ARGS__)
#define P12_SINCE10(...) P12_KEEP(__VA_ARGS__)
#define P12_SINCE11(...) P12_KEEP(__VA_ARGS__)
#define P12_SINCE12(...) P12_KEEP(__VA_ARGS__)
#define P12_SINCE13 DROP
#define P12_ONLY12(...) P12_KEEP(__VA_ARGS__)

#define P13_ALL(...) P13_KEEP(__VA_ARGS__)
#define P13_UNTIL12 DROP
#define P13_SINCE92(...) P13_KEEP(__VA_ARGS__)
#define P13_SINCE10(...) P13_KEEP(__VA_ARGS__)
#define P13_SINCE11(...) P13_KEEP(__VA_ARGS__)
#define P13_SINCE12(...) P13_KEEP(__VA_ARGS__)
#define P13_SINCE13(...) P13_KEEP(__VA_ARGS__)
#define P13_ONLY12 DROP

#define P9_KEEP CW_PROP_DECLARE
#define P10_KEEP CW_PROP_DECLARE
#define P12_KEEP CW_PROP_DECLARE
#define P13_KEEP CW_PROP_DECLARE
struct cr_props9 {
	CW_DEVICE_PROP(P9)
};
struct cr_props10 {
	CW_DEVICE_PROP(P10)
};
struct cr_props12 {
	CW_DEVICE_PROP(P12)
};
struct cr_props13 {
	CW_DEVICE_PROP(P13)
};
#undef P9_KEEP
#undef P10_KEEP
#undef P12_KEEP
#undef P13_KEEP

#define CR_ROW(layout, type, name, ...) { offsetof(layout, name), sizeof(type), { __VA_ARGS__ } },
#define P9_KEEP(type, name, dim, ...) CR_ROW(struct cr_props9, type, name, __VA_ARGS__)
#define P10_KEEP(type, name, dim, ...) CR_ROW(struct cr_props10, type, name, __VA_ARGS__)
#define P12_KEEP(type, name, dim, ...) CR_ROW(struct cr_props12, type, name, __VA_ARGS__)
#define P13_KEEP(type, name, dim, ...) CR_ROW(struct cr_props13, type, name, __VA_ARGS__)
static const struct cr_prop cr_table9[] = { CW_DEVICE_PROP(P9) };
static const struct cr_prop cr_table10[] = { CW_DEVICE_PROP(P10) };
static const struct cr_prop cr_table12[] = { CW_DEVICE_PROP(P12) };
static const struct cr_prop cr_table13[] = { CW_DEVICE_PROP(P13) };

_Static_assert(sizeof(struct cr_props13) == sizeof(struct cudaDeviceProp), "the API's layout");

/** struct cr_layout - What a version's struct looks like */
struct cr_layout {
	const struct cr_prop *rows;
	size_t count;
	size_t size; /* bytes the caller has room for */
	size_t memory;
	size_t uuid; /* 0: has none */
};

#define CR_TABLE(n) cr_table##n, CW_ARRAY_SIZE(cr_table##n)
#define CR_TOTAL(n) offsetof(struct cr_props##n, totalGlobalMem)
#define CR_SIZE9 offsetof(struct cr_props9, pageableMemoryAccessUsesHostPageTables)
static const struct cr_layout cr_layouts[] = {
	[CR_V9_0] = { CR_TABLE(9), CR_SIZE9, CR_TOTAL(9), 0 },
	[CR_V9_1] = { CR_TABLE(9), CR_SIZE9, CR_TOTAL(9), 0 },
	[CR_V9_2] = { CR_TABLE(9), sizeof(struct cr_props9), CR_TOTAL(9), 0 },
	[CR_V10_0] = { CR_TABLE(10), sizeof(struct cr_props10), CR_TOTAL(10), 256 },
	[CR_V10_1] = { CR_TABLE(10), sizeof(struct cr_props10), CR_TOTAL(10), 256 },
	[CR_V10_2] = { CR_TABLE(10), sizeof(struct cr_props10), CR_TOTAL(10), 256 },
	[CR_V11_0] = { CR_TABLE(12), offsetof(struct cr_props12, hostRegisterSupported),
		       CR_TOTAL(12), 256 },
	[CR_V12] = { CR_TABLE(12), sizeof(struct cr_props12), CR_TOTAL(12), 256 },
	[CR_V13] = { CR_TABLE(13), sizeof(struct cr_props13), CR_TOTAL(13), 256 },
};

static int cr_props_read(char *out, const struct cr_prop *row, CUdevice dev)
{
	for (int i = 0; i < 3 && row->attrs[i] >= 0; i++) {
		int value = 0;
		int err = cr_drv()->cuDeviceGetAttribute(&value, row->attrs[i], dev);

		/* An attribute newer than the driver reads 0. */
		if (err && err != CUDA_ERROR_INVALID_VALUE)
			return err;
		if (row->size == sizeof(size_t)) {
			size_t wide = (unsigned int)value;

			memcpy(out + row->offset, &wide, sizeof(wide));
		} else {
			memcpy(out + row->offset + i * sizeof(value), &value, sizeof(value));
		}
	}
	return 0;
}

static cudaError_t cr_props_fill(char *out, const struct cr_layout *layout, int device)
{
	const struct cr_driver *drv = cr_drv();
	struct cr_device *d;
	size_t memory;
	int err;

	CR_INIT();
	d = cr_device(device);
	if (!out)
		return cr_ret(cudaErrorInvalidValue);
	if (!d)
		return cr_ret(cudaErrorInvalidDevice);
	memset(out, 0, layout->size);
	err = drv->cuDeviceGetName(out, 256, d->dev);
	if (!err)
		err = drv->cuDeviceTotalMem_v2(&memory, d->dev);
	if (!err)
		memcpy(out + layout->memory, &memory, sizeof(memory));
	if (!err && layout->uuid)
		err = drv->cuDeviceGetUuid((CUuuid *)(out + layout->uuid), d->dev);
	for (size_t i = 0; !err && i < layout->count; i++) {
		if (layout->rows[i].offset < layout->size)
			err = cr_props_read(out, &layout->rows[i], d->dev);
	}
	return cr_ret(err);
}

/* Version 12 kept the layout of 11 under this name, for programs of 11. */
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
	int era = cr_era == CR_V12 ? CR_V11_0 : cr_era;

	return cr_props_fill((char *)prop, &cr_layouts[era], device);
}

cudaError_t cudaGetDeviceProperties_v2(struct cudaDeviceProp *prop, int device)
{
	return cr_props_fill((char *)prop, &cr_layouts[CR_V12], device);
}

/*
 * The first device with at least the wanted capability; device 0 if none has.
 * Asked for by fields that stand at different places by version, so the wish
 * is read through the caller's layout.
 */
cudaError_t cudaChooseDevice(int *device, const struct cudaDeviceProp *prop)
{
	const struct cr_layout *layout = &cr_layouts[cr_era];
	int want = 0;

	CR_INIT();
	if (!device || !prop)
		return cr_ret(cudaErrorInvalidValue);
	for (size_t i = 0; i < layout->count; i++) {
		const char *at = (const char *)prop + layout->rows[i].offset;

		if (layout->rows[i].attrs[0] == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
			memcpy(&want, at, sizeof(want));
	}
	*device = 0;
	for (int i = cr_device_count() - 1; i >= 0; i--) {
		int major = 0;

		cr_drv()->cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
					       cr_device(i)->dev);
		if (major >= want)
			*device = i;
	}
	return cudaSuccess;
}
