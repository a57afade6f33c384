/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CUDA calls of a client in a guest without a library: commands by hand.
 */
#ifndef TESTS_VHOST_T_DAEMON_CALL_H
#define TESTS_VHOST_T_DAEMON_CALL_H

#include "tests/vhost/t_daemon_guest.h"
#include "wire/codec.h"
#include "wire/fn.h"

/* A call being written; t_call_begin(), then cw_enc_*(&call.enc, ...). */
struct t_call {
	struct cw_enc enc;
	_Alignas(8) uint8_t args[4096];
};

void t_call_begin(struct t_call *call);
/* Appends the command; with a seq it is answered in slot 1. */
void t_call_append(struct t_vm_client *c, struct t_call *call, uint32_t id, uint64_t seq);
/* The same, then rings and waits: a CUresult, or -1 where no answer comes.
 * @ret: first word of it, may be NULL. */
int t_call(struct t_vm_client *c, struct t_call *call, uint32_t id, uint64_t *ret);
void t_call_ring(struct t_vm_client *c);
uint64_t t_call_seq(struct t_vm_client *c);
/* Waits until the answer in slot 1 has this seq. */
bool t_call_wait(struct t_vm_client *c, uint64_t seq);

/* Makes the context and loads PTX; the function of this name, 0 on failure. */
uint64_t t_call_load(struct t_vm_client *c, const char *ptx, const char *name);
/* Has the back end take an attached region: its device address, 0 on failure. */
uint64_t t_call_map(struct t_vm_client *c, uint64_t va, uint64_t len);
/* Launches blocks of one thread with one parameter; a CUresult. */
int t_call_launch(struct t_vm_client *c, uint64_t function, uint32_t blocks, uint64_t param);

#endif
