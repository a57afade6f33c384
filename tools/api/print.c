/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of `causeway api`, for a reader and for a program.
 */
#include <string.h>

#include "tools/api/api.h"
#include "tools/json.h"

static const char *answer_word(const struct api_answer *a)
{
	return !a ? "unknown" : a->refused ? "refused" : "done";
}

/* Why, or where not; NULL where there is nothing to say. */
static const char *answer_reason(const struct api_answer *a)
{
	return !a ? NULL : a->refused ? a->refused : a->soft;
}

static void print_reason(const struct api_answer *a)
{
	const char *reason = answer_reason(a);

	if (reason)
		printf("%s%s", a->refused ? "  " : "  not on the software GPU: ", reason);
	putchar('\n');
}

static void print_sum(const char *what, const size_t count[3])
{
	printf("%zu %s: %zu done, %zu refused, %zu unknown\n", count[0] + count[1] + count[2], what,
	       count[0], count[1], count[2]);
}

static void count_answer(size_t count[3], const struct api_answer *a)
{
	count[!a ? 2 : a->refused ? 1 : 0]++;
}

static void print_needed(const struct needs *needs)
{
	size_t count[3] = { 0 };

	if (needs->n)
		printf("%-36s %-18s %s\n", "NEEDED", "VERSION", "ANSWER");
	for (size_t i = 0; i < needs->n; i++) {
		const struct need *n = &needs->need[i];

		printf("%-36s %-18s %s", n->name, n->version ? n->version : "-",
		       answer_word(n->answer));
		print_reason(n->answer);
		count_answer(count, n->answer);
	}
	print_sum("functions needed", count);
}

static void print_called(const struct needs *needs)
{
	size_t count[3] = { 0 };

	if (needs->n_called)
		printf("%-36s %-18s %s\n", "CALLED", "CALLS", "ANSWER");
	for (size_t i = 0; i < needs->n_called; i++) {
		const struct called *c = &needs->called[i];

		printf("%-36s %-18lu %s", c->name, c->calls, answer_word(c->answer));
		if (c->unsupported)
			printf("  \"not supported\" %lu times", c->unsupported);
		print_reason(c->answer);
		count_answer(count, c->answer);
	}
	print_sum("driver functions called", count);
	if (needs->status)
		printf("the program ended with exit status %d\n", needs->status);
}

void needs_print_table(const struct needs *needs)
{
	print_needed(needs);
	for (size_t i = 0; i < needs->runtimes.n; i++)
		printf("static cudart in %s: it looks driver functions up as it runs%s\n",
		       needs->runtimes.s[i], needs->ran ? "" : "; --run lists what it calls");
	for (size_t i = 0; i < needs->missing.n; i++)
		printf("missing library: %s\n", needs->missing.s[i]);
	if (needs->ran)
		print_called(needs);
}

static void json_member(const char *name, const char *value, const char *end)
{
	printf("\"%s\":", name);
	ct_json_string(stdout, value);
	fputs(end, stdout);
}

static void json_array(const char *name, const struct ct_strv *v)
{
	printf(",\n \"%s\":[", name);
	for (size_t i = 0; i < v->n; i++) {
		if (i)
			putchar(',');
		ct_json_string(stdout, v->s[i]);
	}
	putchar(']');
}

static void json_answer(const struct api_answer *a)
{
	json_member("answer", answer_word(a), ",");
	json_member("reason", a ? a->refused : NULL, ",");
	json_member("not_on_soft", a ? a->soft : NULL, "}");
}

static void json_called(const struct needs *needs)
{
	printf(",\n \"status\":%d,\n \"called\":[", needs->status);
	for (size_t i = 0; i < needs->n_called; i++) {
		const struct called *c = &needs->called[i];

		fputs(i ? ",\n  {" : "\n  {", stdout);
		json_member("name", c->name, ",");
		printf("\"calls\":%lu,\"unsupported\":%lu,", c->calls, c->unsupported);
		json_answer(c->answer);
	}
	putchar(']');
}

void needs_print_json(const struct needs *needs)
{
	fputs("{", stdout);
	json_member("program", needs->program, ",\n ");
	json_member("cudart", needs->shared ? "shared" : needs->runtimes.n ? "static" : "none",
		    ",\n ");
	fputs("\"needed\":[", stdout);
	for (size_t i = 0; i < needs->n; i++) {
		const struct need *n = &needs->need[i];

		fputs(i ? ",\n  {" : "\n  {", stdout);
		json_member("name", n->name, ",");
		json_member("version", n->version, ",");
		json_member("file", n->file, ",");
		json_answer(n->answer);
	}
	putchar(']');
	json_array("static_cudart", &needs->runtimes);
	json_array("missing_libraries", &needs->missing);
	if (needs->ran)
		json_called(needs);
	printf(",\n \"lacking\":%zu}\n", needs_lacking(needs));
}
