/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client knows of the devices without asking: read once by the daemon's
 * probe worker, written into each channel before OPEN returns.
 */
#ifndef CW_DEVICE_INFO_H
#define CW_DEVICE_INFO_H

#include <stdint.h>

#include "uapi/linux/vcuda.h"

#define CW_INFO_DEVICES 8
#define CW_INFO_ATTRS 256

/**
 * struct cw_device_info - One device
 * @name:	as cuDeviceGetName gives it, terminated
 * @pci_bus_id:	as cuDeviceGetPCIBusId gives it, terminated
 * @uuid:	as cuDeviceGetUuid gives it
 * @total_mem:	bytes
 * @attr:	CUdevice_attribute values after the policy of SEMANTICS 6; 0 where
 *		the attribute is unknown
 */
struct cw_device_info {
	char name[128];
	char pci_bus_id[32];
	uint8_t uuid[16];
	uint64_t total_mem;
	int32_t attr[CW_INFO_ATTRS];
	uint8_t reserved[2000 - 128 - 32 - 16 - 8 - 4 * CW_INFO_ATTRS];
};

/**
 * struct cw_info - The table at VCUDA_INFO_OFFSET
 * @version:		VCUDA_CHANNEL_VERSION
 * @count:		devices
 * @driver_version:	of the back end, as cuDriverGetVersion gives it
 * @direct:		1: the window is the device memory (soft GPU)
 * @soft:		1: the back end is the software GPU
 * @back_end:		one word for people: "soft", "nvidia", a file name
 */
struct cw_info {
	uint32_t version;
	uint32_t count;
	int32_t driver_version;
	uint32_t direct;
	uint32_t soft;
	uint32_t reserved[3];
	char back_end[64];
	struct cw_device_info device[CW_INFO_DEVICES];
};
_Static_assert(sizeof(struct cw_info) <= VCUDA_INFO_SIZE, "info area");

#endif
