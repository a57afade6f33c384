/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe: reads the devices of a back end once, at the daemon's start.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "api/policy.h"
#include "cu_driver.h"
#include "cw/device_info.h"
#include "cw/log.h"
#include "worker/internal.h"
#include "worker/main.h"
#include "worker/sandbox.h"

/* The software GPU takes memory of its own here, up to half of all. */
#define PROBE_MAPPED (1ull << 40)

/* Value of an attribute in a guest: what api/policy.api says (SEMANTICS 6). */
static int attr_value(const struct cu_driver *cu, const struct api_policy *p, CUdevice dev)
{
	int value = 0;

	if (p->how == API_POLICY_CONSTANT)
		return p->value;
	if (cu->cuDeviceGetAttribute(&value, (CUdevice_attribute)p->attr, dev))
		return 0;
	return value;
}

static void probe_device(const struct cu_driver *cu, CUdevice dev, struct cw_device_info *d)
{
	CUuuid uuid = { { 0 } };
	size_t mem = 0;

	cu->cuDeviceGetName(d->name, sizeof(d->name), dev);
	if (cu->cuDeviceGetPCIBusId)
		cu->cuDeviceGetPCIBusId(d->pci_bus_id, sizeof(d->pci_bus_id), dev);
	if (cu->cuDeviceGetUuid_v2)
		cu->cuDeviceGetUuid_v2(&uuid, dev);
	memcpy(d->uuid, &uuid, sizeof(d->uuid));
	cu->cuDeviceTotalMem_v2(&mem, dev);
	d->total_mem = mem;
	for (unsigned int i = 0; i < api_policies_count; i++) {
		const struct api_policy *p = &api_policies[i];

		if (p->attr > 0 && p->attr < CW_INFO_ATTRS)
			d->attr[p->attr] = attr_value(cu, p, dev);
	}
}

/*
 * The sandbox is closed as a worker closes its own, for a trial: what cannot be
 * had here is said at the daemon's start. The devices are read before the last
 * step, which no guest has a part in.
 */
static CUresult probe(struct cw_info *info, const char *back_end, struct wk_sandbox *sb)
{
	const struct cu_driver *cu = wk_cu();
	bool soft = sb->report.soft;
	CUresult r = wk_backend_open(back_end);
	int count = 0;

	wk_sandbox_leave(sb);
	if (!r)
		r = cu->cuInit(0);
	if (!r)
		r = cu->cuDeviceGetCount(&count);
	if (r)
		return r;
	info->version = VCUDA_CHANNEL_VERSION;
	info->count = cw_min((uint32_t)count, (uint32_t)CW_INFO_DEVICES);
	info->soft = soft;
	info->direct = soft;
	snprintf(info->back_end, sizeof(info->back_end), "%.63s",
		 soft ? "soft" : strrchr(back_end, '/') + 1);
	cu->cuDriverGetVersion(&info->driver_version);
	for (uint32_t i = 0; i < info->count; i++)
		probe_device(cu, (CUdevice)i, &info->device[i]);
	return CUDA_SUCCESS;
}

int wk_probe_main(void)
{
	struct cw_worker_probed answer = { .head = { CW_WORKER_VERSION, CW_WORKER_PROBED } };
	struct cw_worker_seg seg = { .len = VCUDA_INFO_SIZE };
	struct cw_worker_probe msg;
	struct wk_sandbox sb;
	struct cw_info *info;
	int fds[CW_WORKER_MAX_FDS];
	uint32_t nfds;
	int n = wk_control_recv(&msg, sizeof(msg), fds, &nfds);

	cw_log_name = "probe";
	if (n != sizeof(msg) || !nfds || !memchr(msg.back_end, 0, sizeof(msg.back_end)))
		return 1;
	info = wk_map_segs(&seg, 1, fds, nfds, NULL, VCUDA_INFO_SIZE, PROT_READ | PROT_WRITE);
	if (!info)
		return 1;
	wk_sandbox_begin(&sb, msg.sandbox, msg.soft);
	sb.probe = true;
	sb.mapped = PROBE_MAPPED;
	answer.cuda = probe(info, msg.back_end, &sb);
	if (answer.cuda) {
		answer.status = VIRTIO_CUDA_ERR_NO_DEVICE;
		snprintf(answer.reason, sizeof(answer.reason), "CUDA error %d", answer.cuda);
	} else if (wk_sandbox_close(&sb)) {
		answer.status = VIRTIO_CUDA_ERR_WORKER;
		snprintf(answer.reason, sizeof(answer.reason), "sandbox is not strict");
	}
	wk_control_send(&answer, sizeof(answer));
	return answer.status ? 1 : 0;
}
