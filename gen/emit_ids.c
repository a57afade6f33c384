/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables by id: function ids, their names, the policy of device attributes,
 * the sizes of attribute values.
 */
#include <stdlib.h>
#include <string.h>

#include "gen/emit.h"

void gen_emit_ids(struct gen_out *o)
{
	gen_put_head(o, "Ids of all functions: cw_fn_hash() of their names.");
	gen_put(o, "#ifndef API_FN_IDS_H\n#define API_FN_IDS_H\n\n#include <stdint.h>\n\n"
		   "enum api_fn_id {\n");
	for (int i = 0; i < o->api->nfuncs; i++)
		gen_put(o, "\tAPI_FN_%s = (int)0x%08xu,\n", o->api->func[i].name,
			o->api->func[i].id);
	gen_put(o, "};\n\n/* Name of a function, or NULL for an id that is none. */\n"
		   "const char *api_fn_name(uint32_t id);\n\n#endif\n");
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = (*(const struct gen_func *const *)a)->id;
	uint32_t y = (*(const struct gen_func *const *)b)->id;

	return (x > y) - (x < y);
}

void gen_emit_names(struct gen_out *o)
{
	const struct gen_func **by_id = gen_alloc(sizeof(*by_id) * (o->api->nfuncs + 1));

	for (int i = 0; i < o->api->nfuncs; i++)
		by_id[i] = &o->api->func[i];
	qsort(by_id, o->api->nfuncs, sizeof(*by_id), compare_ids);
	gen_put_head(o, "Names of functions by id.");
	gen_put(o, "#include \"api/fn_ids.h\"\n\n#include <stddef.h>\n\n"
		   "static const struct {\n\tuint32_t id;\n\tconst char *name;\n} names[] = {\n");
	for (int i = 0; i < o->api->nfuncs; i++)
		gen_put(o, "\t{ 0x%08x, \"%s\" },\n", by_id[i]->id, by_id[i]->name);
	gen_put(o, "};\n\nconst char *api_fn_name(uint32_t id)\n{\n"
		   "\tsize_t low = 0, high = sizeof(names) / sizeof(names[0]);\n\n"
		   "\twhile (low < high) {\n\t\tsize_t mid = (low + high) / 2;\n\n"
		   "\t\tif (names[mid].id == id)\n\t\t\treturn names[mid].name;\n"
		   "\t\tif (names[mid].id < id)\n\t\t\tlow = mid + 1;\n"
		   "\t\telse\n\t\t\thigh = mid;\n\t}\n\treturn NULL;\n}\n");
}

void gen_emit_policy(struct gen_out *o)
{
	gen_put_head(o, "What each device attribute answers in a guest (SEMANTICS 6).");
	gen_put(o, "#include \"api/policy.h\"\n\n#include \"cw/cuda.h\"\n\n"
		   "const struct api_policy api_policies[] = {\n");
	for (int i = 0; i < o->api->npolicies; i++) {
		const struct gen_policy *p = &o->api->policy[i];

		gen_put(o, "\t{ %s, API_POLICY_%s, %s },\n", p->attr,
			*p->how == 'p'	   ? "PASS"
			: p->how[3] == 's' ? "CONSTANT"
					   : "COMPUTED",
			p->value);
	}
	gen_put(o, "};\nconst unsigned int api_policies_count = %d;\n", o->api->npolicies);
}

void gen_emit_results(struct gen_out *o)
{
	gen_put_head(o, "Names and meanings of results.");
	gen_put(o, "#include \"api/errors.h\"\n\nconst struct api_result api_results[] = {\n");
	for (int i = 0; i < o->api->nresults; i++)
		gen_put(o, "\t{ %s, \"%s\", \"%s\" },\n", o->api->result[i].name,
			o->api->result[i].name, o->api->result[i].text);
	gen_put(o, "};\nconst unsigned int api_results_count = %d;\n", o->api->nresults);
}

void gen_emit_attrs(struct gen_out *o)
{
	gen_put_head(o, "Bytes of an attribute's value; 0: not described, so not supported.");
	gen_put(o, "#ifndef API_ATTRS_H\n#define API_ATTRS_H\n\n#include \"cw/cuda.h\"\n");
	for (int i = 0; i < o->api->nattrs; i++) {
		const struct gen_attrs *a = &o->api->attrs[i];

		gen_put(o,
			"\nstatic inline size_t api_attr_size_%s(int attr)\n{\n"
			"\tswitch (attr) {\n",
			a->name);
		for (int j = 0; j < a->n; j++)
			gen_put(o, "\tcase %s:\n\t\treturn sizeof(%s);\n", a->attr[j].attr,
				a->attr[j].type);
		gen_put(o, "\tdefault:\n\t\treturn 0;\n\t}\n}\n");
	}
	gen_put(o, "\n#endif\n");
}
