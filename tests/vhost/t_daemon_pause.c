/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pause of the VM with the worker that there is, on the software GPU: not a
 * byte of guest memory changes. SOFT names the back end, to be used as if it
 * were another one, whose work the worker can only wait for.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/vhost/t_daemon_call.h"

#define BLOCKS 3
/* Each block counts in a line of its own; the first word of all ends them. */
#define LINE 64

static const char count_ptx[] =
	".version 6.3\n.target sm_75\n.address_size 64\n"
	".visible .entry count(.param .u64 at)\n{\n"
	"	.reg .pred %p<3>;\n	.reg .b32 %r<6>;\n	.reg .b64 %rd<6>;\n"
	"	ld.param.u64 %rd1, [at];\n"
	"	mov.u32 %r1, %ctaid.x;\n"
	"	add.u32 %r1, %r1, 1;\n"
	"	mul.wide.u32 %rd2, %r1, 64;\n"
	"	add.s64 %rd3, %rd1, %rd2;\n"
	"more:\n"
	"	ld.volatile.global.u32 %r2, [%rd3];\n"
	"	add.u32 %r2, %r2, 1;\n"
	"	st.volatile.global.u32 [%rd3], %r2;\n"
	"	ld.volatile.global.u32 %r3, [%rd1];\n"
	"	setp.lt.u32 %p1, %r2, %r3;\n"
	"	@%p1 bra more;\n"
	"	ret;\n}\n";

/* A guest with a client whose region a kernel counts in, up to its first word. */
struct counting {
	struct t_guest *g;
	struct t_vm_client c;
	volatile uint32_t *region;
};

static void append(struct t_vm_client *c, uint32_t id, uint64_t seq, uint64_t arg)
{
	struct t_call call;

	t_call_begin(&call);
	cw_enc_u64(&call.enc, arg);
	t_call_append(c, &call, id, seq);
}

/* A busy dispatcher, then what needs no answer but stores, then an answer. */
static void work(struct t_vm_client *c, uint64_t seq)
{
	append(c, CW_FN_TEST_HOOK, 0, 100);
	for (int i = 0; i < 50; i++)
		append(c, CW_FN_EVENT_POLL, 0, 0);
	append(c, CW_FN_STAT, seq, 0);
}

static bool stop(struct t_guest *g, int base[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		base[i] = front_stop_queue(&g->f, i);
		if (base[i] < 0)
			return false;
	}
	return true;
}

static bool go_on(struct t_guest *g, const int base[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		if (front_describe_queue(&g->f, i, (uint16_t)base[i]) ||
		    front_enable_queue(&g->f, i, true))
			return false;
	}
	return true;
}

/* Whether no byte of guest memory changes for a while. */
static bool is_still(struct t_guest *g)
{
	char *before = malloc(g->f.mem_size);
	bool still;

	memcpy(before, g->f.mem, g->f.mem_size);
	usleep(200000);
	still = !memcmp(before, g->f.mem, g->f.mem_size);
	free(before);
	return still;
}

static bool moves(volatile uint32_t *count)
{
	uint32_t before = *count;

	for (int ms = 0; ms < 120000 && *count == before; ms++)
		usleep(1000);
	return *count != before;
}

/* Starts the kernel; it counts up to a number of which there is no end. */
static bool counting_start(struct counting *k, uint32_t up_to)
{
	uint64_t gpa = front_alloc(&k->g->f, 8192, 4096), function, at;
	uint64_t va = T_REGION_BASE + (1ull << 32);

	k->region = front_ptr(&k->g->f, gpa);
	memset((void *)k->region, 0, 8192);
	k->region[0] = up_to;
	if (t_vm_client_open(&k->c) || t_vm_client_attach(&k->c, 1, gpa, 1))
		return false;
	function = t_call_load(&k->c, count_ptx, "count");
	at = t_call_map(&k->c, va, 8192);
	return function && at && !t_call_launch(&k->c, function, BLOCKS, at);
}

static volatile uint32_t *line(const struct counting *k, int block)
{
	return k->region + (block + 1) * LINE / 4;
}

TEST(nothing_is_stored_while_the_vm_pauses)
{
	struct t_guest *g = t_guest_start_with("--backend=soft");
	struct t_vm_client c = t_vm_client(g, 1);
	int base[2];

	CHECK_EQ(t_vm_client_open(&c), VIRTIO_CUDA_OK);
	for (uint64_t seq = 1; seq < 9; seq++) {
		work(&c, seq);
		t_call_ring(&c);
		/* Every other time it is asleep again, else at work. */
		CHECK(seq & 1 || t_call_wait(&c, seq));
		CHECK(stop(g, base));
		CHECK(is_still(g));
		CHECK(go_on(g, base));
		t_call_ring(&c);
		CHECK(t_call_wait(&c, seq));
	}
	CHECK_EQ(t_vm_client_close(&c), VIRTIO_CUDA_OK);
	t_guest_end(g);
}

TEST(a_kernel_stands_still_while_the_vm_pauses_and_goes_on_after_it)
{
	struct counting k = { .g = t_guest_start_with("--backend=soft") };
	struct t_call call;
	int base[2];

	k.c = t_vm_client(k.g, 1);
	CHECK(counting_start(&k, UINT32_MAX));
	for (int i = 0; i < 5; i++) {
		for (int b = 0; b < BLOCKS; b++)
			CHECK(moves(line(&k, b)));
		CHECK(stop(k.g, base));
		CHECK(is_still(k.g));
		CHECK(go_on(k.g, base));
	}
	CHECK(moves(line(&k, 0)));
	k.region[0] = 1;
	t_call_begin(&call);
	CHECK_EQ(t_call(&k.c, &call, cw_fn_hash("cuCtxSynchronize"), NULL), 0);
	CHECK(is_still(k.g));
	CHECK_EQ(t_vm_client_detach(&k.c, 1), VIRTIO_CUDA_OK);
	CHECK_EQ(t_vm_client_close(&k.c), VIRTIO_CUDA_OK);
	t_guest_end(k.g);
}

TEST(a_guest_that_ends_in_a_pause_takes_its_stopped_worker_along)
{
	struct counting k = { .g = t_guest_start_with("--backend=soft") };
	int base[2];

	for (int i = 0; i < 2; i++) {
		k.c = t_vm_client(k.g, 1);
		CHECK(counting_start(&k, UINT32_MAX));
		CHECK(moves(line(&k, 0)));
		CHECK(stop(k.g, base));
		if (i) {
			front_close(&k.g->f);
			t_guest_connect(k.g);
		} else {
			CHECK_EQ(front_set(&k.g->f, VU_RESET_DEVICE, NULL, 0, NULL), 0);
			CHECK(is_still(k.g));
			front_close(&k.g->f);
			t_guest_connect(k.g);
		}
		CHECK_EQ(t_guest_hello(k.g, 1, 1), VIRTIO_CUDA_OK);
	}
	t_guest_end(k.g);
}

static struct t_guest *start_other(const char *timeout)
{
	static char option[4096];

	snprintf(option, sizeof(option), "--backend=%s", getenv("SOFT"));
	return t_guest_start_with_two(option, timeout);
}

TEST(work_of_another_back_end_is_waited_for)
{
	struct counting k = { .g = start_other(NULL) };
	int base[2];

	k.c = t_vm_client(k.g, 1);
	CHECK(counting_start(&k, 100000));
	for (int i = 0; i < 2; i++) {
		CHECK(stop(k.g, base));
		for (int b = 0; b < BLOCKS; b++)
			CHECK_EQ(*line(&k, b), 100000);
		CHECK(is_still(k.g));
		CHECK(go_on(k.g, base));
		t_call_ring(&k.c);
	}
	CHECK_EQ(t_vm_client_detach(&k.c, 1), VIRTIO_CUDA_OK);
	t_guest_end(k.g);
}

TEST(work_of_another_back_end_that_does_not_end_costs_its_worker)
{
	struct counting k = { .g = start_other("--worker-timeout=1000") };
	int base[2];

	k.c = t_vm_client(k.g, 1);
	CHECK(counting_start(&k, UINT32_MAX));
	CHECK(moves(line(&k, 0)));
	CHECK(stop(k.g, base));
	CHECK(is_still(k.g));
	CHECK_EQ(t_daemon_log_count(&k.g->d, "CW-E0203"), 1);
	CHECK(go_on(k.g, base));
	CHECK(t_guest_event(k.g));
	CHECK_EQ(k.g->last_event.type, VIRTIO_CUDA_EV_DEAD);
	CHECK_EQ(t_vm_client_close(&k.c), VIRTIO_CUDA_OK);
	t_guest_end(k.g);
}

int main(int argc, char **argv)
{
	setenv("CAUSEWAY_TEST_HOOKS", "1", 1);
	return tap_run(argc > 1 ? argv[1] : NULL);
}
