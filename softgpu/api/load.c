/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a load, and the compiler's logs in the form that programs know:
 * lines like those of NVIDIA's assembler.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "softgpu/api/module.h"

enum { LOG_INFO, LOG_ERROR };

/**
 * sg_load_begin() - Read the options of a load
 * @load:	filled in
 * @n:		number
 * @options:	names
 * @values:	values; sizes of logs are written back by sg_load_end()
 */
void sg_load_begin(struct sg_load *load, unsigned int n, const CUjit_option *options,
		   void **values)
{
	*load = (struct sg_load){ 0 };
	for (unsigned int i = 0; options && values && i < n; i++) {
		int which = options[i] == CU_JIT_ERROR_LOG_BUFFER ||
			    options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES;

		switch ((uint32_t)options[i]) {
		case CU_JIT_INFO_LOG_BUFFER:
		case CU_JIT_ERROR_LOG_BUFFER:
			load->log[which].text = values[i];
			break;
		case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
		case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
			load->log[which].room = (uint32_t)(uintptr_t)values[i];
			load->log[which].filled = &values[i];
			break;
		case CU_JIT_LOG_VERBOSE:
			load->verbose = (int)(uintptr_t)values[i];
			break;
		case CU_JIT_WALL_TIME:
			*(float *)&values[i] = 0;
			break;
		case CW_SOFT_JIT_MANAGED:
			load->managed = values[i];
			break;
		default:
			break;
		}
	}
}

static void log_add(struct sg_load *load, int which, const char *fmt, ...)
{
	char line[SG_LOAD_LOG + 64];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (!load->log[which].text || !load->log[which].room)
		return;
	len = cw_min(strlen(line), load->log[which].room - 1 - load->log[which].used);
	memcpy(load->log[which].text + load->log[which].used, line, len);
	load->log[which].used += len;
}

/**
 * sg_load_fail() - What the compiler says of a text it cannot take
 * @load:	load
 * @text:	message of softgpu/ptx
 */
void sg_load_fail(struct sg_load *load, const char *text)
{
	if (*text)
		log_add(load, LOG_ERROR,
			"%s\nptxas fatal   : Ptx assembly aborted due to errors", text);
}

/**
 * sg_load_compile() - Compile all kernels of a module, if somebody asks for the log
 * @load:	load
 * @m:		placed
 *
 * Kernels are compiled at their first launch. Who wants to see what the compiler
 * says wants it now.
 *
 * Return: 0 or -errno of a kernel that cannot be compiled.
 */
int sg_load_compile(struct sg_load *load, const struct sg_module *m)
{
	bool info = load->log[LOG_INFO].room && load->verbose;
	size_t n = load->log[LOG_ERROR].room || info ? sg_module_entry_count(m) : 0;

	for (size_t i = 0; i < n; i++) {
		struct sg_entry *e = sg_module_entry(m, i);
		struct sg_entry_usage use;
		char log[SG_LOAD_LOG];
		int err = sg_entry_prepare(e, log, sizeof(log));

		if (err) {
			sg_load_fail(load, log);
			return err;
		}
		sg_entry_usage(e, &use);
		if (info)
			log_add(load, LOG_INFO,
				"ptxas info    : Compiling entry function '%s' for 'sm_%u'\n"
				"ptxas info    : Used %u registers, %u bytes smem\n",
				sg_entry_info(e)->name, sg_cc(), use.regs, use.static_shared);
	}
	return 0;
}

/* Ends the logs, and says how many bytes were filled; none for an empty one. */
void sg_load_end(struct sg_load *load)
{
	for (int i = 0; i < 2; i++) {
		if (load->log[i].text && load->log[i].room)
			load->log[i].text[load->log[i].used] = '\0';
		if (load->log[i].filled)
			*load->log[i].filled = (void *)(load->log[i].used
								? load->log[i].used + 1
								: 0);
	}
}
