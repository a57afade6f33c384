/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program calls: it runs on the software GPU, which prints each call of
 * the driver API into a file, and the lines are counted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/api/api.h"
#include "tools/child.h"
#include "tools/ct.h"

#define CALLED_UNSUPPORTED 801 /* CUDA_ERROR_NOT_SUPPORTED */

/*
 * A trace names functions: of the symbols of one, that which works was called.
 * An export that is refused goes by its symbol, and has "(...)" for arguments.
 */
static const struct api_answer *find_called(const char *name, bool export)
{
	const struct api_answer *found = NULL;

	for (unsigned int i = 0; i < api_answers_count; i++) {
		const struct api_answer *a = &api_answers[i];

		if (strcmp(export ? a->symbol : a->function, name))
			continue;
		if (!found || found->refused)
			found = a;
	}
	return found;
}

/* The entry of @name, made where there is none; NULL without memory. */
static struct called *called_get(struct needs *needs, const char *name, bool export)
{
	const struct api_answer *answer = find_called(name, export);
	struct called *grown;

	for (size_t i = 0; i < needs->n_called; i++) {
		if (needs->called[i].answer == answer && !strcmp(needs->called[i].name, name))
			return &needs->called[i];
	}
	grown = realloc(needs->called, (needs->n_called + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	needs->called = grown;
	grown += needs->n_called++;
	*grown = (struct called){ .name = strdup(name), .answer = answer };
	return grown;
}

/* "cuMemAlloc(dptr=0x7ffc..., bytesize=64) = 0 *dptr=0x7f00..." */
static int called_line(struct needs *needs, char *line)
{
	char *open = line + strspn(line, "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	struct called *c;
	char *result;
	int number;

	/* Texts among the arguments may have line ends in them. */
	if (strncmp(line, "cu", 2) || *open != '(')
		return 0;
	*open = '\0';
	c = called_get(needs, line, !strncmp(open + 1, "...)", 4));
	if (!c)
		return -ENOMEM;
	c->calls++;
	result = strstr(open + 1, ") = ");
	if (result && sscanf(result, ") = %d", &number) == 1)
		c->unsupported += number == CALLED_UNSUPPORTED;
	return 0;
}

static int compare_called(const void *a, const void *b)
{
	return strcmp(((const struct called *)a)->name, ((const struct called *)b)->name);
}

static int called_read(struct needs *needs, FILE *f)
{
	char *line = NULL;
	size_t room = 0;
	int err = 0;

	while (!err && getline(&line, &room, f) > 0)
		err = called_line(needs, line);
	free(line);
	if (needs->n_called)
		qsort(needs->called, needs->n_called, sizeof(*needs->called), compare_called);
	return err;
}

/* stdout is for the answer, so the program writes where our messages go. */
static int run_beside(char **argv)
{
	int out = dup(1), status;

	fflush(stdout);
	dup2(2, 1);
	status = ct_child_run(argv);
	dup2(out, 1);
	close(out);
	return status;
}

int needs_run(struct needs *needs, char **argv)
{
	char path[] = "/tmp/causeway-api-XXXXXX";
	int fd = mkstemp(path), status, err;
	FILE *f;

	if (fd < 0) {
		ct_error("cannot make a file in /tmp: %s", strerror(errno));
		return -EIO;
	}
	err = ct_set_trace(path);
	f = fdopen(fd, "r");
	if (err || !f) {
		close(fd);
		unlink(path);
		return -ENOMEM;
	}
	status = run_beside(argv);
	needs->ran = true;
	needs->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	err = called_read(needs, f);
	fclose(f);
	unlink(path);
	return err;
}
