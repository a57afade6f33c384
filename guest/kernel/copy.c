// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bulk data between the caller's memory and the client's window.
 *
 * Theory of operation: a call is cut into chains of at most max_copy bytes and
 * max_segs segments, of which up to VIRTIO_CUDA_MAX_CHAINS are under way at a
 * time: the next one is pinned while the device copies the ones before. The
 * call returns when the device has returned them all. A caller that is killed
 * leaves its chains behind: the pages stay pinned by them until the device
 * returns them or is reset, and count for the graveyard meanwhile.
 *
 * Memory that cannot be pinned (device memory, for one) goes through pages of
 * our own, a small chain at a time.
 */
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vcuda.h"

/* Bytes of a chain that bounces. */
#define VCUDA_BOUNCE_MAX (64u << 10)

/**
 * struct vcuda_chain - Part of a copy
 * @msg:	first; its release frees the chain
 * @link:	in the call
 * @user:	first byte, for a bounced chain's copy_to_user()
 * @pinned:	@pages are pinned user pages, else our own
 * @orphan:	counted in dev->grave_pages
 * @nr_pages:	of @pages
 * @max_segs:	room in @sg; a reset may change what the device takes meanwhile
 * @pages:	hold the data
 * @sg:		@msg's data segments
 */
struct vcuda_chain {
	struct vcuda_msg msg;
	struct list_head link;
	u64 user;
	bool pinned;
	bool orphan;
	unsigned int nr_pages;
	unsigned int max_segs;
	struct page **pages;
	struct scatterlist *sg;
};

/**
 * struct vcuda_copying - A copy call under way
 * @client:	whose window
 * @out:	window to user memory
 * @id:		of the bulk operation
 * @addr:	next user byte
 * @offset:	of it in the window
 * @left:	bytes not yet in a chain
 * @chains:	submitted, oldest first
 * @nr_chains:	of them
 * @ask:	pages to pin next: twice what the last chain could use
 */
struct vcuda_copying {
	struct vcuda_client *client;
	bool out;
	u64 id;
	u64 addr;
	u64 offset;
	u64 left;
	struct list_head chains;
	unsigned int nr_chains;
	unsigned int ask;
};

static void vcuda_chain_free_pages(struct vcuda_chain *chain)
{
	unsigned int i;

	if (chain->pinned) {
		unpin_user_pages_dirty_lock(chain->pages, chain->nr_pages, chain->msg.data_in);
		return;
	}
	for (i = 0; i < chain->nr_pages; i++)
		__free_page(chain->pages[i]);
}

static void vcuda_chain_release(struct vcuda_msg *msg)
{
	struct vcuda_chain *chain = container_of(msg, struct vcuda_chain, msg);

	vcuda_chain_free_pages(chain);
	if (chain->orphan) {
		atomic_long_sub(chain->nr_pages, &msg->dev->grave_pages);
		wake_up_all(&msg->dev->grave_wq);
	}
	kvfree(chain->pages);
	kvfree(chain->sg);
	vcuda_msg_fini(msg);
	kfree(chain);
}

static struct vcuda_chain *vcuda_chain_create(struct vcuda_copying *copy, unsigned int nr_pages)
{
	struct vcuda_client *client = copy->client;
	struct vcuda_device *dev = client->dev;
	struct vcuda_chain *chain = kzalloc(sizeof(*chain), GFP_KERNEL_ACCOUNT);

	if (!chain)
		return NULL;
	chain->pages = kvmalloc_array(nr_pages, sizeof(*chain->pages), GFP_KERNEL_ACCOUNT);
	chain->max_segs = min(nr_pages, READ_ONCE(dev->max_segs));
	chain->sg = kvmalloc_array(chain->max_segs, sizeof(*chain->sg), GFP_KERNEL_ACCOUNT);
	if (!chain->pages || !chain->sg ||
	    vcuda_msg_init(&chain->msg, dev,
			   copy->out ? VIRTIO_CUDA_COPY_OUT : VIRTIO_CUDA_COPY_IN,
			   sizeof(struct virtio_cuda_copy), 0)) {
		kvfree(chain->pages);
		kvfree(chain->sg);
		kfree(chain);
		return NULL;
	}
	chain->msg.class = VCUDA_MSG_COPY;
	chain->msg.release = vcuda_chain_release;
	chain->msg.data_in = copy->out;
	vcuda_msg_set_client(&chain->msg, client, client->id);
	return chain;
}

/*
 * Makes segments of the first pages, until @limit bytes or the segments are
 * used up.
 *
 * Return: number of pages used.
 */
static unsigned int vcuda_chain_fill(struct vcuda_chain *chain, u64 addr, u32 limit)
{
	struct vcuda_msg *msg = &chain->msg;
	unsigned int max_segs = min(chain->nr_pages, chain->max_segs);
	unsigned int i, nr = 0, start = offset_in_page(addr);
	struct page *last = NULL;
	u32 len = 0;

	sg_init_table(chain->sg, max_segs);
	for (i = 0; i < chain->nr_pages && len < limit; i++) {
		u32 part = min_t(u32, PAGE_SIZE - start, limit - len);

		if (last && page_to_pfn(chain->pages[i]) == page_to_pfn(last) + 1) {
			chain->sg[nr - 1].length += part;
		} else {
			if (nr == max_segs)
				break;
			sg_set_page(&chain->sg[nr++], chain->pages[i], part, start);
		}
		last = chain->pages[i];
		len += part;
		start = 0;
	}
	sg_mark_end(&chain->sg[nr - 1]);
	msg->data = chain->sg;
	msg->nr_data = nr;
	msg->data_len = len;
	return i;
}

/* Pins what a chain can take. 0, or -errno and nothing is pinned. */
static int vcuda_chain_pin(struct vcuda_copying *copy, struct vcuda_chain *chain,
			   unsigned int nr_pages)
{
	u32 limit = min_t(u64, copy->left, copy->client->dev->max_copy);
	unsigned int used;
	int got;

	got = pin_user_pages_fast(copy->addr & PAGE_MASK, nr_pages, copy->out ? FOLL_WRITE : 0,
				  chain->pages);
	if (got <= 0)
		return got ? got : -EFAULT;
	chain->pinned = true;
	chain->nr_pages = got;
	used = vcuda_chain_fill(chain, copy->addr, limit);
	unpin_user_pages(chain->pages + used, got - used);
	chain->nr_pages = used;
	copy->ask = 2 * used;
	return 0;
}

/* Fills a chain with pages of our own, and these with data to send. */
static int vcuda_chain_bounce(struct vcuda_copying *copy, struct vcuda_chain *chain,
			      unsigned int nr_pages)
{
	u32 limit = min3(copy->left, (u64)VCUDA_BOUNCE_MAX, (u64)nr_pages << PAGE_SHIFT);
	unsigned int i, n = min_t(unsigned int, chain->max_segs, DIV_ROUND_UP(limit, PAGE_SIZE));
	u32 done = 0;

	chain->pinned = false;
	chain->nr_pages = 0;
	chain->user = copy->addr;
	for (i = 0; i < n; i++) {
		chain->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!chain->pages[i])
			return -ENOMEM;
		chain->nr_pages++;
	}
	vcuda_chain_fill(chain, 0, limit);
	for (i = 0; !copy->out && i < n && done < chain->msg.data_len; i++) {
		u32 part = min_t(u32, PAGE_SIZE, chain->msg.data_len - done);

		if (copy_from_user(page_address(chain->pages[i]),
				   u64_to_user_ptr(copy->addr + done), part))
			return -EFAULT;
		done += part;
	}
	atomic64_add(chain->msg.data_len, &copy->client->bounced);
	return 0;
}

/* Gives a bounced chain's data to the caller. */
static int vcuda_chain_unbounce(struct vcuda_chain *chain)
{
	u32 done, part, i = 0;

	for (done = 0; done < chain->msg.data_len; done += part) {
		part = min_t(u32, PAGE_SIZE, chain->msg.data_len - done);
		if (copy_to_user(u64_to_user_ptr(chain->user + done),
				 page_address(chain->pages[i++]), part))
			return -EFAULT;
	}
	return 0;
}

static struct vcuda_chain *vcuda_chain_build(struct vcuda_copying *copy)
{
	u32 max_copy = copy->client->dev->max_copy;
	u64 span = offset_in_page(copy->addr) + min_t(u64, copy->left, max_copy);
	unsigned int nr_pages = min_t(u64, copy->ask, DIV_ROUND_UP(span, PAGE_SIZE));
	struct vcuda_chain *chain = vcuda_chain_create(copy, nr_pages);
	int err;

	if (!chain)
		return ERR_PTR(-ENOMEM);
	err = vcuda_chain_pin(copy, chain, nr_pages);
	if (err == -EFAULT)
		err = vcuda_chain_bounce(copy, chain, nr_pages);
	if (err) {
		vcuda_msg_put(&chain->msg);
		return ERR_PTR(err);
	}
	return chain;
}

/* Builds the next chain and submits it. */
static int vcuda_copy_next(struct vcuda_copying *copy)
{
	struct vcuda_chain *chain = vcuda_chain_build(copy);
	struct virtio_cuda_copy *body;
	int err;

	if (IS_ERR(chain))
		return PTR_ERR(chain);
	body = vcuda_msg_body(&chain->msg);
	body->id = cpu_to_le64(copy->id);
	body->offset = cpu_to_le64(copy->offset);
	body->len = cpu_to_le32(chain->msg.data_len);
	err = vcuda_msg_submit(&chain->msg);
	if (err) {
		vcuda_msg_put(&chain->msg);
		return err == -ENODEV ? -EIO : err;
	}
	list_add_tail(&chain->link, &copy->chains);
	copy->nr_chains++;
	copy->addr += chain->msg.data_len;
	copy->offset += chain->msg.data_len;
	copy->left -= chain->msg.data_len;
	return 0;
}

/* Leaves a chain to the device, or takes it back if the device has not got it. */
static void vcuda_chain_abandon(struct vcuda_chain *chain)
{
	if (!vcuda_msg_cancel(&chain->msg) && !vcuda_msg_acked(&chain->msg)) {
		chain->orphan = true;
		atomic_long_add(chain->nr_pages, &chain->msg.dev->grave_pages);
	}
	vcuda_msg_put(&chain->msg);
}

/* Waits for the oldest chain. -EINTR: the caller was killed. */
static int vcuda_copy_reap(struct vcuda_copying *copy)
{
	struct vcuda_chain *chain = list_first_entry(&copy->chains, struct vcuda_chain, link);
	int err = vcuda_msg_wait(&chain->msg);

	list_del(&chain->link);
	copy->nr_chains--;
	if (!err && !chain->pinned && copy->out)
		err = vcuda_chain_unbounce(chain);
	if (!err)
		atomic64_add(chain->msg.data_len, &copy->client->copied);
	vcuda_chain_abandon(chain);
	return err;
}

static int vcuda_copy_run(struct vcuda_copying *copy)
{
	int err = 0;

	while ((!err && copy->left) || copy->nr_chains) {
		int ret;

		if (!err && copy->left && copy->nr_chains < VIRTIO_CUDA_MAX_CHAINS) {
			err = vcuda_client_dead(copy->client) ? -EIO : vcuda_copy_next(copy);
			continue;
		}
		/* After a kill each wait returns at once, so this still ends. */
		ret = vcuda_copy_reap(copy);
		err = err ? err : ret;
	}
	return err;
}

/**
 * vcuda_call_copy() - VCUDA_IOC_COPY
 * @client:	open
 * @arg:	struct vcuda_copy
 *
 * Context: Process; killable.
 * Return: 0 when every byte has been copied; -ERANGE where the device has not
 * granted the window range; -EFAULT, -EINVAL, -ENOMEM, -EINTR, -EIO. After an
 * error any part may have been copied.
 */
int vcuda_call_copy(struct vcuda_client *client, void *arg)
{
	struct vcuda_copy *req = arg;
	struct vcuda_copying copy = {
		.client = client,
		.out = req->flags & VCUDA_COPY_OUT,
		.id = req->id,
		.addr = req->addr,
		.offset = req->offset,
		.left = req->len,
		.chains = LIST_HEAD_INIT(copy.chains),
		.ask = UINT_MAX,
	};

	if (req->flags & ~VCUDA_COPY_OUT || req->addr + req->len < req->addr)
		return -EINVAL;
	if (req->offset > client->window_size || req->len > client->window_size - req->offset)
		return -EINVAL;
	atomic64_inc(&client->copies_done);
	return vcuda_copy_run(&copy);
}
