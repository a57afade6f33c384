/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device printf. The argument buffer is what compilers make for vprintf: each
 * argument at its natural alignment, integers of at least 4 bytes, floating
 * point as double, strings as generic pointers.
 *
 * Each conversion is checked and rebuilt before it is handed to snprintf(), so
 * a hostile format string reads nothing but the argument buffer.
 */
#include <stdio.h>

#include "softgpu/interp/handlers.h"

#define PRINTF_MAX 8192

struct printf_state {
	struct sg_warp *w;
	uint32_t lane;
	uint64_t args;
	bool bad;
	int count;
	size_t len;
	char out[PRINTF_MAX];
};

/* A string of device memory, cut at @size - 1 bytes; false for a bad address. */
bool sg_read_string(struct sg_warp *w, uint32_t lane, uint64_t addr, char *buf, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++) {
		const uint8_t *p = sg_resolve_one(w, lane, addr + i, 1, false);

		if (!p)
			return false;
		buf[i] = *p;
		if (!*p)
			return true;
	}
	buf[size - 1] = '\0';
	return true;
}

static uint64_t printf_arg(struct printf_state *st, uint32_t size)
{
	uint64_t v = 0;
	const uint8_t *p;

	st->args = cw_align_up(st->args, size);
	p = sg_resolve_one(st->w, st->lane, st->args, size, false);
	st->args += size;
	if (p)
		memcpy(&v, p, size);
	else
		st->bad = true;
	return v;
}

static void printf_put(struct printf_state *st, int n)
{
	if (n > 0)
		st->len = cw_min(st->len + n, sizeof(st->out) - 1);
}

/* Flags, width and precision, as far as snprintf() may see them. */
static const char *printf_spec(struct printf_state *st, const char *f, char *spec, size_t size)
{
	size_t n = 0;

	spec[n++] = '%';
	while (*f && strchr("-+ #0123456789.*", *f)) {
		if (*f == '*') {
			int width = (int)printf_arg(st, 4);

			width = width > 1000 ? 1000 : width < -1000 ? -1000 : width;
			if (n + 8 < size)
				n += snprintf(spec + n, size - n, "%d", width);
		} else if (n + 8 < size) {
			spec[n++] = *f;
		}
		f++;
	}
	spec[n] = '\0';
	return f;
}

static void printf_int(struct printf_state *st, char *spec, char conv, bool wide)
{
	size_t n = strlen(spec);
	bool sign = conv == 'd' || conv == 'i';
	uint64_t v = printf_arg(st, wide ? 8 : 4);
	char *at = st->out + st->len;
	size_t room = sizeof(st->out) - st->len;

	if (conv == 'c') {
		spec[n] = 'c';
		spec[n + 1] = '\0';
		printf_put(st, snprintf(at, room, spec, (int)v));
		return;
	}
	spec[n] = spec[n + 1] = 'l';
	spec[n + 2] = conv;
	spec[n + 3] = '\0';
	if (sign && !wide)
		v = (uint64_t)(int32_t)v;
	printf_put(st, snprintf(at, room, spec, (unsigned long long)v));
}

static void printf_string(struct printf_state *st, char *spec)
{
	size_t n = strlen(spec);
	uint64_t addr = printf_arg(st, 8);
	char text[PRINTF_MAX];

	spec[n] = 's';
	spec[n + 1] = '\0';
	if (!addr)
		strcpy(text, "(null)");
	else if (!sg_read_string(st->w, st->lane, addr, text, sizeof(text)))
		st->bad = true;
	if (!st->bad)
		printf_put(st, snprintf(st->out + st->len, sizeof(st->out) - st->len, spec, text));
}

/* One conversion behind '%'; returns what follows it. */
static const char *printf_conversion(struct printf_state *st, const char *f)
{
	char spec[64];
	size_t n;
	bool wide = false;
	double d;
	uint64_t v;

	f = printf_spec(st, f, spec, sizeof(spec) - 8);
	n = strlen(spec);
	for (; *f && strchr("hlLqjzt", *f); f++)
		wide |= *f != 'h';
	st->count++;
	switch (*f) {
	case 'd': case 'i': case 'u': case 'x': case 'X': case 'o': case 'c':
		printf_int(st, spec, *f, wide && *f != 'c');
		break;
	case 'f': case 'F': case 'e': case 'E': case 'g': case 'G': case 'a': case 'A':
		v = printf_arg(st, 8);
		memcpy(&d, &v, sizeof(d));
		spec[n] = *f;
		spec[n + 1] = '\0';
		printf_put(st, snprintf(st->out + st->len, sizeof(st->out) - st->len, spec, d));
		break;
	case 'p':
		spec[n] = 'p';
		spec[n + 1] = '\0';
		printf_put(st, snprintf(st->out + st->len, sizeof(st->out) - st->len, spec,
					(void *)(uintptr_t)printf_arg(st, 8)));
		break;
	case 's':
		printf_string(st, spec);
		break;
	case '\0':
		st->count--;
		return f;
	default:	/* %% and what CUDA does not know: as it stands */
		st->count--;
		if (st->len < sizeof(st->out) - 1)
			st->out[st->len++] = *f;
		break;
	}
	return f + 1;
}

/**
 * sg_printf() - Device printf of one lane
 * @w:		warp
 * @lane:	lane
 * @fmt:	generic address of the format
 * @args:	generic address of the argument buffer, 0 where there are none
 *
 * Return: number of conversions, -1 for an address outside memory.
 */
int sg_printf(struct sg_warp *w, uint32_t lane, uint64_t fmt, uint64_t args)
{
	const struct sg_launch *l = w->block->launch;
	struct printf_state st = { .w = w, .lane = lane, .args = args };
	char format[PRINTF_MAX];

	sg_set_csr(w, SG_CSR_DEFAULT);
	if (!sg_read_string(w, lane, fmt, format, sizeof(format)))
		return -1;
	for (const char *f = format; *f && !st.bad;) {
		if (*f == '%')
			f = printf_conversion(&st, f + 1);
		else if (st.len < sizeof(st.out) - 1)
			st.out[st.len++] = *f++;
		else
			break;
	}
	if (st.bad)
		return -1;
	if (l->ops && l->ops->print)
		l->ops->print(l->opaque, st.out, st.len);
	return st.count;
}
