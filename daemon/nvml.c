/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVIDIA's management library, as far as it tells of processes: their memory
 * and their part of the compute time. Public interface of nvml.h, restated.
 *
 * The library is opened by name, or where --nvml says; without it the memory
 * of workers is limited by credit alone and their time is not measured.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "cw/log.h"
#include "cw/util.h"
#include "daemon/client.h"
#include "daemon/daemon.h"
#include "daemon/meter.h"

#define NVML_NAME "libnvidia-ml.so.1"
#define NVML_DEVICES 16
#define NVML_PROCESSES 512
#define NVML_UNKNOWN (~0ull)

typedef void *nvml_device;

struct nvml_process {
	unsigned int pid;
	unsigned long long used;
	unsigned int gpu_instance, compute_instance;
};

struct nvml_sample {
	unsigned int pid;
	unsigned long long us;
	unsigned int sm, mem, enc, dec; /* percent */
};

/* What of a process was seen; time adds up over the samples. */
struct nvml_seen {
	unsigned int pid;
	unsigned long long bytes;
	uint64_t ns;
};

static struct {
	void *lib;
	unsigned int devices;
	nvml_device device[NVML_DEVICES];
	unsigned long long last_us[NVML_DEVICES];
	struct nvml_seen seen[NVML_PROCESSES];
	unsigned int nr_seen;
	int (*init)(void);
	int (*shutdown)(void);
	int (*count)(unsigned int *n);
	int (*by_index)(unsigned int i, nvml_device *ret);
	int (*processes)(nvml_device dev, unsigned int *n, struct nvml_process *p);
	int (*utilization)(nvml_device dev, struct nvml_sample *s, unsigned int *n,
			   unsigned long long since_us);
} nvml;

static int nvml_bind(void)
{
	static const struct {
		const char *name;
		void *at;
	} symbols[] = {
		{ "nvmlInit_v2", &nvml.init },
		{ "nvmlShutdown", &nvml.shutdown },
		{ "nvmlDeviceGetCount_v2", &nvml.count },
		{ "nvmlDeviceGetHandleByIndex_v2", &nvml.by_index },
		{ "nvmlDeviceGetComputeRunningProcesses_v3", &nvml.processes },
		{ "nvmlDeviceGetProcessUtilization", &nvml.utilization },
	};

	for (size_t i = 0; i < CW_ARRAY_SIZE(symbols); i++) {
		void *symbol = dlsym(nvml.lib, symbols[i].name);

		if (!symbol)
			return -ENOSYS;
		memcpy(symbols[i].at, &symbol, sizeof(symbol));
	}
	return 0;
}

static int nvml_init(struct cd_daemon *d)
{
	unsigned int n = 0;

	nvml.lib = dlopen(d->opt.nvml ? d->opt.nvml : NVML_NAME, RTLD_NOW | RTLD_LOCAL);
	if (!nvml.lib || nvml_bind() || nvml.init() || nvml.count(&n)) {
		cw_info("no NVML: memory of workers is not measured");
		return -ENOENT;
	}
	for (unsigned int i = 0; i < cw_min(n, (unsigned int)NVML_DEVICES); i++) {
		if (!nvml.by_index(i, &nvml.device[nvml.devices]))
			nvml.devices++;
	}
	return nvml.devices ? 0 : -ENODEV;
}

static struct nvml_seen *seen_find(unsigned int pid, bool make)
{
	for (unsigned int i = 0; i < nvml.nr_seen; i++) {
		if (nvml.seen[i].pid == pid)
			return &nvml.seen[i];
	}
	if (!make || nvml.nr_seen == NVML_PROCESSES)
		return NULL;
	nvml.seen[nvml.nr_seen] = (struct nvml_seen){ .pid = pid };
	return &nvml.seen[nvml.nr_seen++];
}

static void refresh_memory(nvml_device dev)
{
	static struct nvml_process p[NVML_PROCESSES];
	unsigned int n = NVML_PROCESSES;

	if (nvml.processes(dev, &n, p))
		return;
	for (unsigned int i = 0; i < cw_min(n, (unsigned int)NVML_PROCESSES); i++) {
		struct nvml_seen *s = seen_find(p[i].pid, true);

		if (s && p[i].used != NVML_UNKNOWN)
			s->bytes += p[i].used;
	}
}

/* A sample says how busy a process was since the one before. */
static void refresh_time(unsigned int at)
{
	static struct nvml_sample s[NVML_PROCESSES];
	unsigned long long since = nvml.last_us[at];
	unsigned int n = NVML_PROCESSES;

	if (nvml.utilization(nvml.device[at], s, &n, since))
		return;
	for (unsigned int i = 0; i < cw_min(n, (unsigned int)NVML_PROCESSES); i++) {
		struct nvml_seen *seen = seen_find(s[i].pid, true);

		nvml.last_us[at] = cw_max(nvml.last_us[at], s[i].us);
		if (seen && since && s[i].us > since && s[i].sm <= 100)
			seen->ns += (s[i].us - since) * s[i].sm * 10;
	}
}

/* Processes without memory are forgotten: pids come round again. */
static void nvml_refresh(void)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < nvml.nr_seen; i++) {
		if (nvml.seen[i].bytes)
			nvml.seen[kept++] = nvml.seen[i];
	}
	nvml.nr_seen = kept;
	for (unsigned int i = 0; i < kept; i++)
		nvml.seen[i].bytes = 0;
	for (unsigned int i = 0; i < nvml.devices; i++) {
		refresh_memory(nvml.device[i]);
		refresh_time(i);
	}
}

/* A context takes memory, too; some is allowed before it counts. */
static int nvml_memory(struct cd_client *c, uint64_t *ret_bytes)
{
	struct nvml_seen *s = seen_find((unsigned int)c->worker_pid, false);
	uint64_t context = c->d->opt.context_memory;

	if (!s)
		return -ESRCH;
	*ret_bytes = s->bytes > context ? s->bytes - context : 0;
	return 0;
}

static int nvml_time(struct cd_client *c, uint64_t *ret_ns)
{
	struct nvml_seen *s = seen_find((unsigned int)c->worker_pid, false);

	*ret_ns = s ? s->ns : 0;
	return s ? 0 : -ESRCH;
}

static void nvml_finish(void)
{
	if (nvml.devices)
		nvml.shutdown();
	nvml.devices = 0;
}

const struct cd_meter_ops cd_meter_nvml = {
	.init = nvml_init,
	.refresh = nvml_refresh,
	.memory = nvml_memory,
	.time = nvml_time,
	.finish = nvml_finish,
};
