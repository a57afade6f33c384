/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices: answered from the table that the worker put into the channel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/libcuda/client.h"

const struct cw_info *cg_info(void)
{
	return &cg_client()->info;
}

const struct cw_device_info *cg_device(CUdevice dev)
{
	const struct cw_info *info = cg_info();

	return dev >= 0 && (uint32_t)dev < info->count ? &info->device[dev] : NULL;
}

/* Whether the UUID of a device begins with what is given ("GPU-1234..."). */
static bool uuid_matches(const struct cw_device_info *d, const char *want, size_t len)
{
	char text[64];
	size_t n = 4;

	strcpy(text, "GPU-");
	for (int i = 0; i < 16; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%02x",
				      i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", d->uuid[i]);
	return len > 4 && len <= n && !strncasecmp(text, want, len);
}

/* Ordinal that one item of CUDA_VISIBLE_DEVICES names, or -1. */
static int visible_item(const struct cw_info *all, const char *item, size_t len)
{
	char *end;
	long n = strtol(item, &end, 10);

	if (end != item && (size_t)(end - item) == len)
		return n >= 0 && n < (long)all->count ? (int)n : -1;
	for (uint32_t i = 0; i < all->count; i++) {
		if (uuid_matches(&all->device[i], item, len))
			return (int)i;
	}
	return -1;
}

/**
 * cg_visible_devices() - Apply CUDA_VISIBLE_DEVICES
 * @info:	table, reduced to the devices named, in that order
 *
 * As natively: the list ends at the first item that names no device.
 */
void cg_visible_devices(struct cw_info *info)
{
	const char *list = getenv("CUDA_VISIBLE_DEVICES");
	struct cw_info all = *info;

	if (!list)
		return;
	info->count = 0;
	while (*list && info->count < CW_INFO_DEVICES) {
		size_t len = strcspn(list, ",");
		int d = visible_item(&all, list, len);

		if (d < 0)
			break;
		info->device[info->count++] = all.device[d];
		list += len + (list[len] == ',');
	}
}

CUresult cg_driver_version(int *ret)
{
	if (!ret)
		return CUDA_ERROR_INVALID_VALUE;
	if (cg_client()->phase == CG_READY && cg_info()->driver_version)
		*ret = cg_info()->driver_version;
	else
		*ret = CUDA_VERSION;
	return CUDA_SUCCESS;
}

CUresult cg_device_attr(int *ret, CUdevice_attribute attrib, CUdevice dev)
{
	const struct cw_device_info *d = cg_device(dev);

	if (!d)
		return CUDA_ERROR_INVALID_DEVICE;
	if (!ret || attrib <= 0 || attrib >= CW_INFO_ATTRS)
		return CUDA_ERROR_INVALID_VALUE;
	*ret = d->attr[attrib];
	return CUDA_SUCCESS;
}

CUresult cg_device_count(int *ret)
{
	if (!ret)
		return CUDA_ERROR_INVALID_VALUE;
	*ret = (int)cg_info()->count;
	return CUDA_SUCCESS;
}

CUresult cg_device_get(CUdevice *ret, int ordinal)
{
	if (!ret)
		return CUDA_ERROR_INVALID_VALUE;
	if (!cg_device(ordinal))
		return CUDA_ERROR_INVALID_DEVICE;
	*ret = ordinal;
	return CUDA_SUCCESS;
}

static CUresult text_out(char *dst, int len, const char *text)
{
	if (!dst || len <= 0)
		return CUDA_ERROR_INVALID_VALUE;
	snprintf(dst, (size_t)len, "%s", text);
	return CUDA_SUCCESS;
}

CUresult cg_device_name(char *name, int len, CUdevice dev)
{
	const struct cw_device_info *d = cg_device(dev);

	return d ? text_out(name, len, d->name) : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cg_device_total_mem(size_t *ret, CUdevice dev)
{
	const struct cw_device_info *d = cg_device(dev);

	if (!d)
		return CUDA_ERROR_INVALID_DEVICE;
	if (!ret)
		return CUDA_ERROR_INVALID_VALUE;
	*ret = d->total_mem;
	return CUDA_SUCCESS;
}

CUresult cg_device_uuid(CUuuid *ret, CUdevice dev)
{
	const struct cw_device_info *d = cg_device(dev);

	if (!d)
		return CUDA_ERROR_INVALID_DEVICE;
	if (!ret)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(ret, d->uuid, sizeof(*ret));
	return CUDA_SUCCESS;
}

CUresult cg_device_pci_bus_id(char *id, int len, CUdevice dev)
{
	const struct cw_device_info *d = cg_device(dev);

	return d ? text_out(id, len, d->pci_bus_id) : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cg_device_by_pci_bus_id(CUdevice *ret, const char *id)
{
	if (!ret || !id)
		return CUDA_ERROR_INVALID_VALUE;
	for (uint32_t i = 0; i < cg_info()->count; i++) {
		if (!strcasecmp(cg_info()->device[i].pci_bus_id, id)) {
			*ret = (CUdevice)i;
			return CUDA_SUCCESS;
		}
	}
	return CUDA_ERROR_INVALID_DEVICE;
}
