/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two halves of the guest emitter: what stubs look like, and the body of
 * one that crosses.
 */
#ifndef GEN_EMIT_GUEST_H
#define GEN_EMIT_GUEST_H

#include "gen/emit.h"

/* Body of a function that crosses, after its checks (emit_crossing.c). */
void gen_put_crossing(struct gen_out *o, const struct gen_func *f);

/* NULL checks, bounds, require and before lines; then value= lines. */
void gen_put_checks(struct gen_out *o, const struct gen_func *f);
void gen_put_values(struct gen_out *o, const struct gen_func *f, const char *indent);

char *gen_expand(const struct gen_func *f, const char *expr);

#endif
