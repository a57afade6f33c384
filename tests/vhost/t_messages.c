/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each message of vhost/messages.h, right and wrong in every way that the table
 * can say.
 */
#include "vhost/messages.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cw/util.h"

#include "tests/tap.h"
#include "tests/vhost/fake_device.h"

enum {
	ANY,
	OWNED,
	NEGOTIATED
};
enum {
	OWN,
	ACK
};

struct row {
	const char *name;
	uint32_t number;
	uint32_t min;
	uint32_t max;
	uint32_t fds;
	int need;
	int feature;
	int answer;
};

static const struct row rows[] = {
#define ROW(name, number, min, max, fds, need, feature, answer) \
	{#name, number, min, max, fds, need, feature, answer},
	VU_MESSAGES(ROW)
#undef ROW
};

/*
 * Sends @m with @nr_fds descriptors. Right answers to a bad message: a refusal
 * where there is an acknowledgement, the end of the connection where not.
 */
static bool refused(struct fake *d, const struct row *row, struct vu_msg *m, unsigned int nr_fds)
{
	const int fd[32] = {0};
	struct front_fds fds = {nr_fds, fd};
	int ret;

	m->hdr.request = row->number;
	m->hdr.flags = VU_VERSION | VU_FLAG_NEED_REPLY;
	CHECK_EQ(front_send(&d->f, m, &fds), 0);
	ret = front_recv(&d->f, m);
	if (ret == -ECONNRESET)
		return !vu_connected(d->b);
	return !ret && row->answer == ACK && m->hdr.size == 8 && m->u64 == 1 && vu_connected(d->b);
}

static struct fake *negotiated(uint64_t protocol)
{
	struct fake *d = fake_open();

	CHECK_EQ(front_negotiate_as(&d->f, FRONT_FEATURES, protocol), 0);
	return d;
}

TEST(message_of_a_wrong_size_is_refused)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(rows); i++) {
		uint32_t bad[] = {rows[i].min - 1, rows[i].max + 1, 280};

		for (size_t k = 0; k < CW_ARRAY_SIZE(bad); k++) {
			struct vu_msg m = {.hdr.size = bad[k]};
			struct fake *d;
			bool ok;

			if (bad[k] > 280) /* one less than 0 */
				continue;
			d = negotiated(FRONT_PROTOCOL);
			ok = refused(d, &rows[i], &m, 0);
			if (!ok)
				printf("# %s size=%u\n", rows[i].name, bad[k]);
			CHECK(ok);
			CHECK_EQ(fake_close(d), 0);
		}
	}
}

TEST(surplus_descriptors_are_refused_and_closed)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(rows); i++) {
		static const unsigned int extra[] = {1, 8, 16};

		for (size_t k = 0; k < CW_ARRAY_SIZE(extra); k++) {
			struct vu_msg m = {.hdr.size = rows[i].min};
			struct fake *d = negotiated(FRONT_PROTOCOL);

			CHECK(refused(d, &rows[i], &m, rows[i].fds + extra[k]));
			CHECK_EQ(fake_close(d), 0);
		}
	}
}

TEST(message_that_needs_a_feature_is_refused_without)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(rows); i++) {
		struct vu_msg m = {.hdr.size = rows[i].min};
		struct fake *d;

		if (rows[i].feature < 0)
			continue;
		d = negotiated(FRONT_PROTOCOL & ~(1ull << rows[i].feature));
		CHECK(refused(d, &rows[i], &m, rows[i].fds));
		CHECK_EQ(fake_close(d), 0);
	}
}

TEST(message_before_its_time_is_refused)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(rows); i++) {
		struct vu_msg m = {.hdr.size = rows[i].min};
		struct fake *d;

		if (rows[i].need == ANY)
			continue;
		d = fake_open();
		CHECK_EQ(front_set_u64(&d->f, VU_SET_PROTOCOL_FEATURES, FRONT_PROTOCOL), 0);
		if (rows[i].need == NEGOTIATED)
			CHECK_EQ(front_set(&d->f, VU_SET_OWNER, NULL, 0, NULL), 0);
		CHECK(refused(d, &rows[i], &m, rows[i].fds));
		CHECK_EQ(fake_close(d), 0);
	}
}

TEST(bad_message_without_acknowledgement_ends_the_connection)
{
	struct fake *d = negotiated(0);
	struct vu_vring_state s = {FAKE_QUEUES, 8};

	CHECK_EQ(front_set(&d->f, VU_SET_VRING_NUM, &s, sizeof(s), NULL), 0);
	CHECK(!vu_connected(d->b));
	CHECK_STR(d->why, "malformed message");
	CHECK_EQ(fake_close(d), 0);
}

TEST(unknown_message_is_refused)
{
	static const uint32_t number[] = {0, 6, 7, 19, 21, 31, 35, 41, 1000, UINT32_MAX};

	for (size_t i = 0; i < CW_ARRAY_SIZE(number); i++) {
		struct row row = {"?", number[i], .answer = ACK};
		struct vu_msg m = {.hdr.size = 8};
		struct fake *d = negotiated(FRONT_PROTOCOL);

		CHECK(refused(d, &row, &m, 2));
		CHECK(vu_connected(d->b));
		CHECK_EQ(fake_close(d), 0);
	}
}

TEST(header_that_is_none_ends_the_connection)
{
	static const uint32_t flags[] = {
		0, 2, 3, VU_VERSION | VU_FLAG_REPLY, VU_VERSION | 16, 0xfffffff1};

	for (size_t i = 0; i < CW_ARRAY_SIZE(flags); i++) {
		struct vu_msg m = {.hdr = {VU_GET_FEATURES, flags[i], 0}};
		struct fake *d = fake_open();

		CHECK_EQ(front_send(&d->f, &m, FRONT_FD(0, 0)), 0);
		CHECK_EQ(front_recv(&d->f, &m), -ECONNRESET);
		CHECK_EQ(fake_close(d), 0);
	}
}

TEST(oversized_payload_ends_the_connection)
{
	static const uint32_t size[] = {281, 4096, UINT32_MAX};

	for (size_t i = 0; i < CW_ARRAY_SIZE(size); i++) {
		struct vu_msg m = {.hdr = {VU_SET_OWNER, VU_VERSION, size[i]}};
		struct fake *d = fake_open();

		CHECK_EQ(front_send(&d->f, &m, FRONT_FD(0)), 0);
		fake_run(d);
		CHECK_STR(d->why, "oversized message");
		CHECK_EQ(fake_close(d), 0);
	}
}

TEST(message_in_single_bytes_is_understood)
{
	struct vu_msg m = {.hdr = {VU_SET_PROTOCOL_FEATURES, VU_VERSION, 8}, .u64 = FRONT_PROTOCOL};
	struct fake *d = fake_open();
	uint64_t n;

	for (int i = 0; i < 20; i++) {
		CHECK_EQ(write(d->f.sock, (char *)&m.hdr + i, 1), 1);
		fake_run(d);
	}
	CHECK_EQ(front_get_u64(&d->f, VU_GET_QUEUE_NUM, &n), 0);
	CHECK_EQ(n, FAKE_QUEUES);
	CHECK_EQ(fake_close(d), 0);
}

TEST(half_a_message_and_a_hang_up_leave_nothing)
{
	struct vu_msg m = {.hdr = {VU_SET_VRING_CALL, VU_VERSION, 0}};
	struct fake *d = negotiated(0);
	uint32_t half = VU_SET_VRING_CALL;

	/* A whole message with a descriptor, then a third of a header. */
	CHECK_EQ(front_send(&d->f, &m, FRONT_FD(0)), 0);
	CHECK_EQ(write(d->f.sock, &half, sizeof(half)), sizeof(half));
	fake_run(d);
	CHECK_EQ(fake_close(d), 0);
	CHECK(d->why);
}

TEST(descriptor_of_half_a_message_is_closed)
{
	struct vu_msg m = {.hdr = {VU_SET_VRING_CALL, VU_VERSION, 8}};
	struct fake *d = negotiated(0);
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = {&m.hdr, 14};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	*c = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	CHECK_EQ(sendmsg(d->f.sock, &mh, 0), 14);
	fake_run(d);
	CHECK_EQ(fake_open_fds() - d->fds_before, 3); /* both sockets, this one */
	CHECK_EQ(fake_close(d), 0);
}

TEST(front_end_that_does_not_read_is_let_go)
{
	struct vu_msg m = {.hdr = {VU_GET_FEATURES, VU_VERSION, 0}};
	struct fake *d = fake_open();
	int size = 4096;

	setsockopt(d->f.sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (int i = 0; i < 100000 && vu_connected(d->b); i++) {
		front_send(&d->f, &m, NULL);
		fake_run(d);
	}
	CHECK_STR(d->why, "answer not taken");
	CHECK_EQ(fake_close(d), 0);
}

TEST(features_are_negotiated_as_a_subset)
{
	struct fake *d = fake_open();
	uint64_t v;

	CHECK_EQ(front_get_u64(&d->f, VU_GET_FEATURES, &v), 0);
	CHECK_EQ(v, FRONT_FEATURES);
	CHECK_EQ(front_get_u64(&d->f, VU_GET_PROTOCOL_FEATURES, &v), 0);
	CHECK_EQ(v, FRONT_PROTOCOL);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_PROTOCOL_FEATURES, FRONT_PROTOCOL), 0);
	d->f.protocol = FRONT_PROTOCOL;
	CHECK_EQ(front_set_u64(&d->f, VU_SET_PROTOCOL_FEATURES, 1ull << VU_PF_SHMEM), -EREMOTEIO);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_PROTOCOL_FEATURES, 1ull << VU_PF_GPA_ADDRESSES),
		 -EREMOTEIO);
	CHECK_EQ(front_set(&d->f, VU_SET_OWNER, NULL, 0, NULL), 0);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_FEATURES, FRONT_FEATURES | 1), -EREMOTEIO);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_FEATURES, 1ull << VIRTIO_F_ACCESS_PLATFORM),
		 -EREMOTEIO);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_FEATURES, 1ull << VIRTIO_F_VERSION_1), 0);
	CHECK_EQ(vu_features(d->b), 1ull << VIRTIO_F_VERSION_1);
	CHECK_STR(d->diary, "features");
	CHECK_EQ(fake_close(d), 0);
}

/* As User-mode Linux does it: the acknowledgement is asked for with its own feature. */
TEST(message_that_turns_acknowledgements_on_is_acknowledged)
{
	struct vu_msg m = {.hdr = {VU_SET_PROTOCOL_FEATURES, VU_VERSION | VU_FLAG_NEED_REPLY, 8},
			   .u64 = FRONT_PROTOCOL};
	struct fake *d = fake_open();

	CHECK_EQ(front_send(&d->f, &m, NULL), 0);
	fake_run(d);
	CHECK_EQ(front_recv(&d->f, &m), 0);
	CHECK_EQ(m.hdr.request, VU_SET_PROTOCOL_FEATURES);
	CHECK_EQ(m.u64, 0);
	/* Without the feature there is nothing to wait for. */
	m = (struct vu_msg){.hdr = {VU_SET_PROTOCOL_FEATURES, VU_VERSION, 8}};
	CHECK_EQ(front_send(&d->f, &m, NULL), 0);
	m.hdr.flags |= VU_FLAG_NEED_REPLY;
	CHECK_EQ(front_send(&d->f, &m, NULL), 0);
	fake_run(d);
	CHECK_EQ(recv(d->f.sock, &m, sizeof(m), MSG_DONTWAIT), -1);
	CHECK_EQ(fake_close(d), 0);
}

TEST(features_of_a_running_device_stay)
{
	struct fake *d = fake_open_running();

	CHECK_EQ(front_set_u64(&d->f, VU_SET_FEATURES, FRONT_FEATURES), 0);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_FEATURES, 0), -EREMOTEIO);
	CHECK_EQ(fake_echo(d, 0, 100), 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(numbers_are_answered)
{
	struct fake *d = negotiated(FRONT_PROTOCOL);
	uint64_t v;

	CHECK_EQ(front_get_u64(&d->f, VU_GET_QUEUE_NUM, &v), 0);
	CHECK_EQ(v, FAKE_QUEUES);
	CHECK_EQ(front_get_u64(&d->f, VU_GET_MAX_MEM_SLOTS, &v), 0);
	CHECK_EQ(v, VU_MAX_REGIONS);
	CHECK_EQ(front_get_u64(&d->f, VU_GET_STATUS, &v), 0);
	CHECK_EQ(v, 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(config_space_is_read_and_written)
{
	struct fake *d = negotiated(FRONT_PROTOCOL);
	struct vu_config_msg c = {4, 2, 0, "xy"};
	char buf[256];

	CHECK_EQ(front_get_config(&d->f, 0, buf, 8), 0);
	CHECK(!memcmp(buf, "\0\0CWabcd", 8));
	/* A front end of another device kind asks for what that one has. */
	CHECK_EQ(front_get_config(&d->f, 0, buf, 256), 0);
	CHECK_EQ(buf[7], 'd');
	CHECK_EQ(buf[8], 0);
	CHECK_EQ(front_set(&d->f, VU_SET_CONFIG, &c, VU_CONFIG_HDR + 2, NULL), 0);
	CHECK_EQ(front_get_config(&d->f, 4, buf, 2), 0);
	CHECK_EQ(buf[0], 'x');
	CHECK_EQ(fake_close(d), 0);
}

TEST(config_access_out_of_range_is_refused)
{
	struct fake *d = negotiated(FRONT_PROTOCOL);
	struct vu_msg m = {.config = {.offset = 0, .size = 9}};
	struct vu_config_msg c = {7, 2, 0, "xy"};
	char buf[256];

	CHECK_EQ(front_get_config(&d->f, 1, buf, 256), -EREMOTEIO);
	CHECK_EQ(front_get_config(&d->f, UINT32_MAX, buf, 8), -EREMOTEIO);
	/* Says 9 bytes, brings 8. */
	CHECK_EQ(front_get(&d->f, VU_GET_CONFIG, &m, VU_CONFIG_HDR + 8), 0);
	CHECK_EQ(m.hdr.size, 0);
	CHECK_EQ(front_set(&d->f, VU_SET_CONFIG, &c, VU_CONFIG_HDR + 2, NULL), -EREMOTEIO);
	CHECK_EQ(front_set(&d->f, VU_SET_CONFIG, &c, VU_CONFIG_HDR + 1, NULL), -EREMOTEIO);
	CHECK_EQ(fake_close(d), 0);
}

TEST(status_is_kept_in_any_order_of_steps)
{
	struct fake *d = fake_open();
	uint64_t v;

	CHECK_EQ(front_set_u64(&d->f, VU_SET_PROTOCOL_FEATURES, FRONT_PROTOCOL), 0);
	d->f.protocol = FRONT_PROTOCOL;
	/* FEATURES_OK without features does not stick. */
	CHECK_EQ(front_set_u64(&d->f, VU_SET_STATUS, VIRTIO_CONFIG_S_FEATURES_OK | 1), 0);
	CHECK_EQ(front_get_u64(&d->f, VU_GET_STATUS, &v), 0);
	CHECK_EQ(v, 1);
	CHECK_EQ(front_negotiate(&d->f, FRONT_FEATURES), 0);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_STATUS, VIRTIO_CONFIG_S_FEATURES_OK), 0);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_STATUS, 15), 0);
	CHECK_EQ(front_get_u64(&d->f, VU_GET_STATUS, &v), 0);
	CHECK_EQ(v, 15);
	CHECK_EQ(d->status, 15);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_STATUS, 256), -EREMOTEIO);
	CHECK_EQ(front_set_u64(&d->f, VU_SET_STATUS, 0), 0);
	CHECK_EQ(d->status, 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(next_front_end_starts_from_nothing)
{
	struct fake *d = fake_open_running();
	struct front first = d->f;
	int pair[2];
	uint64_t v;

	front_close(&first);
	CHECK_STR(d->why, "closed");
	CHECK_STR(d->diary, "stop0 remove gone");
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CHECK_EQ(vu_attach(d->b, pair[0]), 0);
	CHECK_EQ(vu_attach(d->b, pair[0]), -EBUSY);
	front_init(&d->f, pair[1]);
	d->f.pump = fake_run;
	d->f.pump_arg = d;
	CHECK_EQ(vu_features(d->b), 0);
	CHECK(!vu_region_next(d->b, NULL));
	CHECK_EQ(front_negotiate(&d->f, FRONT_FEATURES), 0);
	CHECK_EQ(front_get_u64(&d->f, VU_GET_STATUS, &v), 0);
	CHECK_EQ(v, 0);
	CHECK_EQ(front_share(&d->f, 1 << 20), 0);
	CHECK_EQ(front_start_queue(&d->f, 0, 8), 0);
	CHECK_EQ(fake_echo(d, 0, 100), 0);
	CHECK_EQ(fake_close(d), 0);
}

TEST(change_of_configuration_is_told_where_the_front_end_listens)
{
	struct fake *d = negotiated(FRONT_PROTOCOL);
	struct vu_hdr hdr = {0};
	int pair[2];

	vu_config_changed(d->b); /* nobody listens yet */
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CHECK_EQ(front_set(&d->f, VU_SET_BACKEND_REQ_FD, NULL, 0, FRONT_FD(pair[1])), 0);
	CHECK_EQ(recv(pair[0], &hdr, sizeof(hdr), MSG_DONTWAIT), -1);
	vu_config_changed(d->b);
	CHECK_EQ(recv(pair[0], &hdr, sizeof(hdr), MSG_DONTWAIT), sizeof(hdr));
	CHECK_EQ(hdr.request, VU_BACKEND_CONFIG_CHANGE);
	CHECK_EQ(hdr.flags, VU_VERSION);
	CHECK_EQ(hdr.size, 0);
	/* A front end that never reads does not hold the device up. */
	for (int i = 0; i < 100000; i++)
		vu_config_changed(d->b);
	CHECK(vu_connected(d->b));
	close(pair[0]);
	close(pair[1]);
	CHECK_EQ(fake_close(d), 0);
}

TEST(device_that_cannot_be_is_not_created)
{
	static const struct vu_ops none;
	struct vu_params p = {.ops = &none, .nr_queues = 0};
	struct vu_backend *b;

	CHECK_EQ(vu_create(&p, &b), -EINVAL);
	p.nr_queues = VU_MAX_QUEUES + 1;
	CHECK_EQ(vu_create(&p, &b), -EINVAL);
	p.nr_queues = 1;
	p.protocol_features = 1ull << VU_PF_DEVICE_STATE;
	CHECK_EQ(vu_create(&p, &b), -ENOTSUP);
}

TAP_MAIN()
