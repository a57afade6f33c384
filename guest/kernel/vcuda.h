/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's own types. Lock order, outermost first:
 *
 *	dev->life_lock		mutex: start, stop and reset of the device
 *	dev->files_lock		mutex: list of open files
 *	client->lock		mutex: OPEN of a client against itself
 *	owner lock (owner.c)	spinlock
 *	dev->grave_lock		spinlock
 *	dev->vq_lock		spinlock, irqs off: queues and their lists
 *	dev->clients' xa_lock	spinlock, irqs off: ids
 *
 * mmap_lock is taken inside life_lock and files_lock by nobody and inside
 * client->lock by nobody: user memory is touched with none of them held.
 */
#ifndef VCUDA_H
#define VCUDA_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/virtio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <linux/vcuda.h>
#include <linux/virtio_cuda.h>

#include "compat.h"

struct vcuda_area;
struct vcuda_owner;

/* Descriptors of controlq that bulk copies never take. */
#define VCUDA_KEEP_SLOTS 32
/* Of these, what no message but the doorbell takes: header and response. */
#define VCUDA_KEEP_BELL 2
/* Data segments of a chain where the device has no indirect descriptors. */
#define VCUDA_DIRECT_SEGS 16
/* Below this a queue holds no copy chain beside the kept slots. */
#define VCUDA_MIN_RING 64

/**
 * enum vcuda_state - Life of a device
 * @VCUDA_STOPPED:	no queues: before probe ends, frozen, shut down.
 * @VCUDA_STARTING:	queues are there, HELLO is out; nothing else is posted.
 * @VCUDA_LIVE:		HELLO is answered. The only state that takes messages.
 * @VCUDA_DEAD:		it does not answer, or lied. Messages are still out and
 *			their pages still the device's; life_work resets it.
 * @VCUDA_GONE:		removed. Final.
 *
 * Written under vq_lock; read without it where a stale value does no harm.
 */
enum vcuda_state {
	VCUDA_STOPPED,
	VCUDA_STARTING,
	VCUDA_LIVE,
	VCUDA_DEAD,
	VCUDA_GONE,
};

/**
 * enum vcuda_class - Which queue a message waits in before it is posted
 * @VCUDA_MSG_NOW:	posted as soon as there is room.
 * @VCUDA_MSG_SLOW:	answered by a worker: VIRTIO_CUDA_MAX_WAITING are posted.
 * @VCUDA_MSG_COPY:	bulk data: VIRTIO_CUDA_MAX_CHAINS per client, clients take
 *			turns, VCUDA_KEEP_SLOTS descriptors stay free.
 */
enum vcuda_class {
	VCUDA_MSG_NOW,
	VCUDA_MSG_SLOW,
	VCUDA_MSG_COPY,
};

/**
 * enum vcuda_msg_state - Life of a message; written under vq_lock
 * @VCUDA_MSG_IDLE:	not with the queue; may be submitted.
 * @VCUDA_MSG_QUEUED:	waits in the driver; may be cancelled.
 * @VCUDA_MSG_POSTED:	with the device; only an answer or a reset ends it.
 * @VCUDA_MSG_DONE:	answered, or taken back by a reset.
 */
enum vcuda_msg_state {
	VCUDA_MSG_IDLE,
	VCUDA_MSG_QUEUED,
	VCUDA_MSG_POSTED,
	VCUDA_MSG_DONE,
};

/**
 * struct vcuda_msg - A request to the device and its answer
 * @link:	in the queue of its class, or in dev->posted
 * @ref:	one of the creator, one of the queue while it is not idle or done
 * @dev:	the device; the message holds no reference on it
 * @client:	whose it is (referenced), or NULL
 * @done:	completed by the answer, by a reset and by the device's death; only
 *		@state tells them apart
 * @err:	0 or -errno, valid in VCUDA_MSG_DONE
 * @acked:	the device has given back what the message is about: it answered
 *		by the rules, or it was reset. Never set by a wrong answer.
 * @on_done:	called once with vq_lock held when the state becomes DONE, or NULL
 * @release:	called in process context by the last reference
 * @reap:	in dev->reap
 * @req:	header and body for the device; kmalloc memory
 * @resp:	room for the answer; kmalloc memory, zeroed
 * @req_len:	bytes of @req
 * @resp_len:	bytes of room at @resp
 * @data:	bulk data, NULL where there is none
 * @nr_data:	entries of @data
 * @data_len:	bytes of @data
 * @data_in:	the device writes @data
 */
struct vcuda_msg {
	struct list_head link;
	refcount_t ref;
	enum vcuda_class class;
	enum vcuda_msg_state state;
	struct vcuda_device *dev;
	struct vcuda_client *client;
	struct completion done;
	int err;
	bool acked;
	void (*on_done)(struct vcuda_msg *msg);
	void (*release)(struct vcuda_msg *msg);
	struct llist_node reap;
	struct virtio_cuda_req *req;
	struct virtio_cuda_resp *resp;
	u32 req_len;
	u32 resp_len;
	struct scatterlist *data;
	unsigned int nr_data;
	u32 data_len;
	bool data_in;
};

/**
 * struct vcuda_device - A device; outlives its virtio_device
 * @ref:	one of probe to remove, one of each client
 * @srcu:	gate of every call from user space; see vcuda_enter()
 * @gone:	gate is shut
 * @vdev:	valid inside the gate and in works until remove() has ended them
 * @reset_at:	jiffies of the last reset, so that a lying device is reset at
 *		most every vcuda_retry_period()
 * @generation:	counts resets: a client of another generation owns its pages
 * @posted:	every message the device has, but for the doorbell
 * @expecting:	number of messages in @posted; at 0 interrupts are off, so that
 *		a used doorbell buffer raises none
 * @copiers:	clients with queued chains that may post another one
 * @full:	clients with queued chains and @max_chains posted
 * @bell_owed:	a bit was set while @bell was idle; under vq_lock
 * @grave_wq:	woken when @grave_pages gets less and when the device dies
 * @watched:	calls that wait for the device; PINGs go out while not 0
 */
struct vcuda_device {
	struct kref ref;
	struct miscdevice misc;
	struct notifier_block reboot;
	int number;
	struct srcu_struct srcu;
	bool gone;
	struct virtio_device *vdev;

	struct mutex life_lock;
	struct delayed_work life_work;
	struct work_struct death_work;
	unsigned long reset_at;

	spinlock_t vq_lock;
	enum vcuda_state state;
	unsigned int generation;
	struct virtqueue *ctl;
	struct virtqueue *ev;
	struct list_head now;
	struct list_head slow;
	struct list_head copiers;
	struct list_head full;
	struct list_head posted;
	unsigned int slow_posted;
	unsigned int expecting;
	bool irq_on, bell_owed, indirect;
	unsigned int ring_size;
	unsigned int max_segs;
	struct delayed_work pump_work;

	struct vcuda_msg *hello;
	struct vcuda_msg *ping;
	struct vcuda_msg *bell;
	unsigned long *bells;
	unsigned int ping_missed;
	atomic_t watched;
	struct delayed_work watch_work;

	struct virtio_cuda_event *events;
	unsigned int nr_events;
	struct work_struct event_work;

	u64 epoch;
	u64 abilities;
	u64 window_size;
	u32 max_clients, max_copy, max_region_runs, max_chains;
	u16 wire_version, granule_shift;

	struct mutex files_lock;
	struct list_head files;
	struct xarray clients;
	u32 next_id;
	atomic_t nr_clients;

	spinlock_t grave_lock;
	struct list_head graveyard;
	atomic_long_t grave_pages;
	wait_queue_head_t grave_wq;
	struct work_struct bury_work;
	struct llist_head reap;
	struct work_struct reap_work;
	struct work_struct free_work;

	atomic64_t interrupts;
};

enum {
	VCUDA_CLIENT_DEAD,	/* worker or device gone, or ended; waits end */
	VCUDA_CLIENT_ENDED,	/* in the graveyard */
	VCUDA_CLIENT_UPCALL,	/* slot 0 woken since the last WAIT on it */
};

/**
 * struct vcuda_client - One open file and, after OPEN, one worker
 * @ref:	file, graveyard, messages
 * @id:		0 until OPEN; under @lock
 * @generation:	of the device when OPEN was posted
 * @opened:	OPEN was granted; what it says does not change any more
 * @channel:	the channel's pages from a granted OPEN on, else NULL
 * @areas:	page offset of mmap to area; the channel is at 0
 * @regions:	region id to region
 * @copies:	queued chains; under dev->vq_lock, as the next two
 * @copying:	in dev->copiers or dev->full while @copies is not empty
 * @nr_posted:	chains with the device
 * @open_msg:	last OPEN; may be with the device after its caller was killed
 * @close_msg:	made at OPEN, so that an end needs no memory
 */
struct vcuda_client {
	struct kref ref;
	struct vcuda_device *dev;
	struct vcuda_owner *owner;
	struct list_head of_owner;
	struct list_head of_device;
	struct file *file;
	unsigned long flags;

	struct mutex lock;
	u32 id;
	unsigned int generation;
	bool counted;
	bool opened;
	u64 window_size;
	u64 arena_base;
	u64 arena_size;
	struct vcuda_area *channel;
	struct vcuda_msg *open_msg;
	struct vcuda_msg *close_msg;

	struct xarray areas;
	struct xarray regions;
	u32 next_region;
	unsigned long next_pgoff;
	atomic_t nr_runs;

	struct list_head copies;
	struct list_head copying;
	unsigned int nr_posted;

	struct list_head grave;
	struct work_struct free_work;
	long grave_pages;
	atomic_long_t pages;

	wait_queue_head_t poll_wq;
	wait_queue_head_t slots[VCUDA_SLOTS];

	atomic64_t kicks, waits, wakes;
	atomic64_t copies_done, copied, bounced, pinned;
};

#include "proto.h"

#endif
