// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of calls, and what all of them have in common: the gate, the
 * owner, the size of the structure.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vcuda.h"

static int vcuda_call_query(struct vcuda_client *client, void *arg)
{
	struct vcuda_device *dev = client->dev;
	struct vcuda_query *query = arg;

	if (query->flags)
		return -EINVAL;
	if (!vcuda_device_live(dev))
		return -ENODEV;
	query->version = VCUDA_CHANNEL_VERSION;
	query->wire_version = dev->wire_version;
	query->epoch = dev->epoch;
	query->window_size = dev->window_size;
	query->abilities = dev->abilities;
	query->max_clients = dev->max_clients;
	query->clients = atomic_read(&dev->nr_clients);
	query->granule = 1u << dev->granule_shift;
	query->reserved = 0;
	return 0;
}

/* Asks the device for its counters of a client. */
static int vcuda_stat_ask(struct vcuda_client *client, struct vcuda_stat *stat)
{
	struct virtio_cuda_stat answer;
	struct vcuda_msg *msg;
	int err;

	msg = vcuda_msg_create(client->dev, VIRTIO_CUDA_STAT, 0, sizeof(answer));
	if (!msg)
		return -ENOMEM;
	vcuda_msg_set_client(msg, client, client->id);
	err = vcuda_msg_call(msg);
	if (!err) {
		memcpy(&answer, vcuda_msg_answer(msg), sizeof(answer));
		stat->dev_commands = le64_to_cpu(answer.commands);
		stat->dev_kicks = le64_to_cpu(answer.kicks);
		stat->dev_wakes = le64_to_cpu(answer.wakes);
		stat->dev_copied_bytes = le64_to_cpu(answer.copied_bytes);
	}
	vcuda_msg_put(msg);
	return err;
}

/* The device's counters are zero where it does not answer. */
static int vcuda_call_stat(struct vcuda_client *client, void *arg)
{
	struct vcuda_stat *stat = arg;
	u32 size = stat->size;

	if (stat->flags)
		return -EINVAL;
	memset(stat, 0, sizeof(*stat));
	stat->size = size;
	stat->kicks = atomic64_read(&client->kicks);
	stat->waits = atomic64_read(&client->waits);
	stat->wakes = atomic64_read(&client->wakes);
	stat->copies = atomic64_read(&client->copies_done);
	stat->copied_bytes = atomic64_read(&client->copied);
	stat->bounced_bytes = atomic64_read(&client->bounced);
	stat->pinned_pages = atomic64_read(&client->pinned);
	stat->interrupts = atomic64_read(&client->dev->interrupts);
	if (!vcuda_client_dead(client) && vcuda_stat_ask(client, stat) == -EINTR)
		return -EINTR;
	return 0;
}

/* Room for every structure. */
union vcuda_arg {
	struct {
		__u32 size;
		__u32 flags;
	};
	struct vcuda_query query;
	struct vcuda_open open;
	struct vcuda_wait wait;
	struct vcuda_copy copy;
	struct vcuda_region_alloc alloc;
	struct vcuda_region_register reg;
	struct vcuda_region_free free;
	struct vcuda_stat stat;
};

/**
 * struct vcuda_call - One call of user space
 * @fn:		does it
 * @size:	of its structure, 0 for none
 * @min:	smallest structure accepted: that of the first version
 * @out:	the structure is written back
 * @any:	allowed before OPEN
 * @dead:	allowed on a client that is dead
 */
struct vcuda_call {
	int (*fn)(struct vcuda_client *client, void *arg);
	u16 size;
	u16 min;
	bool out;
	bool any;
	bool dead;
};

#define VCUDA_CALL(nr) [_IOC_NR(nr) - _IOC_NR(VCUDA_IOC_QUERY)]
#define VCUDA_FIRST(type, field) offsetofend(struct type, field)

static const struct vcuda_call vcuda_calls[] = {
	VCUDA_CALL(VCUDA_IOC_QUERY) = { vcuda_call_query, sizeof(struct vcuda_query),
					VCUDA_FIRST(vcuda_query, clients), true, true, true },
	VCUDA_CALL(VCUDA_IOC_OPEN) = { vcuda_call_open, sizeof(struct vcuda_open),
				       VCUDA_FIRST(vcuda_open, client), true, true, true },
	VCUDA_CALL(VCUDA_IOC_KICK) = { vcuda_call_kick },
	VCUDA_CALL(VCUDA_IOC_WAIT) = { vcuda_call_wait, sizeof(struct vcuda_wait),
				       VCUDA_FIRST(vcuda_wait, deadline_ns), .dead = true },
	VCUDA_CALL(VCUDA_IOC_COPY) = { vcuda_call_copy, sizeof(struct vcuda_copy),
				       VCUDA_FIRST(vcuda_copy, id) },
	VCUDA_CALL(VCUDA_IOC_REGION_ALLOC) = { vcuda_call_region_alloc,
					       sizeof(struct vcuda_region_alloc),
					       VCUDA_FIRST(vcuda_region_alloc, reserved), true },
	VCUDA_CALL(VCUDA_IOC_REGION_REGISTER) = { vcuda_call_region_register,
						  sizeof(struct vcuda_region_register),
						  VCUDA_FIRST(vcuda_region_register, reserved),
						  true },
	VCUDA_CALL(VCUDA_IOC_REGION_FREE) = { vcuda_call_region_free,
					      sizeof(struct vcuda_region_free),
					      VCUDA_FIRST(vcuda_region_free, reserved) },
	VCUDA_CALL(VCUDA_IOC_STAT) = { vcuda_call_stat, sizeof(struct vcuda_stat),
				       VCUDA_FIRST(vcuda_stat, dev_copied_bytes), true, false,
				       true },
};

/* A structure of another size has another number: only the index counts. */
static const struct vcuda_call *vcuda_call_find(unsigned int cmd)
{
	unsigned int index = _IOC_NR(cmd) - _IOC_NR(VCUDA_IOC_QUERY);

	if (_IOC_TYPE(cmd) != _IOC_TYPE(VCUDA_IOC_QUERY) || index >= ARRAY_SIZE(vcuda_calls))
		return NULL;
	return &vcuda_calls[index];
}

static int vcuda_call_check(struct vcuda_client *client, const struct vcuda_call *call)
{
	if (!vcuda_client_mine(client))
		return -EPERM;
	if (test_bit(VCUDA_CLIENT_ENDED, &client->flags))
		return -EIO;
	if (!call->any && !vcuda_client_opened(client))
		return -ENOTCONN;
	if (!call->dead && vcuda_client_dead(client))
		return -EIO;
	return 0;
}

static long vcuda_call_do(struct vcuda_client *client, const struct vcuda_call *call,
			  void __user *user)
{
	union vcuda_arg arg;
	u32 size = 0;
	int err = vcuda_call_check(client, call);

	if (err || !call->size)
		return err ? err : call->fn(client, NULL);
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < call->min || size > PAGE_SIZE)
		return -EINVAL;
	err = copy_struct_from_user(&arg, call->size, user, size);
	if (err)
		return err == -E2BIG ? -EINVAL : err;
	/* Read twice; the first reading is the one that was checked. */
	arg.size = size;
	err = call->fn(client, &arg);
	if (!err && call->out && copy_to_user(user, &arg, min_t(u32, size, call->size)))
		err = -EFAULT;
	return err;
}

/* Every call of user space but mmap and poll. */
long vcuda_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vcuda_client *client = file->private_data;
	const struct vcuda_call *call = vcuda_call_find(cmd);
	long ret;
	int idx;

	if (!call)
		return -ENOTTY;
	if (!vcuda_enter(client->dev, &idx))
		return -ENODEV;
	ret = vcuda_call_do(client, call, (void __user *)arg);
	vcuda_exit(client->dev, idx);
	return ret;
}
