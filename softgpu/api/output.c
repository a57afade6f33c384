/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What device printf wrote, until a call that synchronises shows it.
 *
 * A bounded queue of texts as on a device: full means the oldest is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "softgpu/api/state.h"

struct text {
	struct text *next;
	size_t len;
	char bytes[];
};

/**
 * struct sg_output - Queue of texts
 * @head:	oldest
 * @tail:	where the next one goes
 * @bytes:	in the queue
 */
struct sg_output {
	pthread_mutex_t lock;
	struct text *head, **tail;
	size_t bytes;
};

struct sg_output *sg_output_create(void)
{
	struct sg_output *out = calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	pthread_mutex_init(&out->lock, NULL);
	out->tail = &out->head;
	return out;
}

/* Take the oldest text; the lock is held. */
static struct text *pop(struct sg_output *out)
{
	struct text *text = out->head;

	if (!text)
		return NULL;
	out->head = text->next;
	if (!out->head)
		out->tail = &out->head;
	out->bytes -= text->len;
	return text;
}

/* Takes NULL. */
void sg_output_destroy(struct sg_output *out)
{
	struct text *text;

	if (!out)
		return;
	while ((text = pop(out)))
		free(text);
	pthread_mutex_destroy(&out->lock);
	free(out);
}

/**
 * sg_output_add() - Append what one printf wrote
 * @out:	queue
 * @bytes:	text, not NUL-terminated
 * @len:	bytes
 * @limit:	bytes the queue may hold; older texts go until it fits
 */
void sg_output_add(struct sg_output *out, const char *bytes, size_t len, size_t limit)
{
	struct text *text = len <= limit ? malloc(sizeof(*text) + len) : NULL;

	if (!text)
		return;
	text->next = NULL;
	text->len = len;
	memcpy(text->bytes, bytes, len);
	pthread_mutex_lock(&out->lock);
	while (out->bytes + len > limit)
		free(pop(out));
	*out->tail = text;
	out->tail = &text->next;
	out->bytes += len;
	pthread_mutex_unlock(&out->lock);
}

/**
 * sg_output_flush() - Write what there is to stdout, in order
 * @ctx:	whose
 */
void sg_output_flush(struct sg_ctx *ctx)
{
	struct sg_output *out = ctx->output;
	struct text *text, *next;

	pthread_mutex_lock(&out->lock);
	text = out->head;
	out->head = NULL;
	out->tail = &out->head;
	out->bytes = 0;
	pthread_mutex_unlock(&out->lock);
	for (; text; text = next) {
		next = text->next;
		fwrite(text->bytes, 1, text->len, stdout);
		free(text);
	}
}
