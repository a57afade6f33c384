// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: guest pages that the worker maps at the process's own address.
 *
 * A region is granted by ATTACH and stays the device's until DETACH or CLOSE
 * is answered or the device is reset. It is in client->regions from before
 * ATTACH is posted until then, so that the graveyard finds whatever a killed
 * caller left, and it is freed by whoever takes it out of there.
 */
#include <linux/capability.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "vcuda.h"

/* Largest block asked for: a huge page of the host. */
#define VCUDA_REGION_ORDER (21 - PAGE_SHIFT)
/* Pages pinned between two looks for a signal. */
#define VCUDA_PIN_BATCH 512

/**
 * struct vcuda_region - Pages granted to a client's worker
 * @client:	whose; it outlives the region
 * @id:		with the device; 0 before it is entered
 * @busy:	ATTACH or DETACH is being done: nobody else may begin one.
 *		Under the xa_lock of client->regions
 * @nr_runs:	charged to client->nr_runs
 * @area:	driver's pages, or NULL
 * @pages:	the process's pinned pages, or NULL
 * @nr_pages:	of either
 * @mm:		the process's, for registered pages
 * @charged:	pages charged to @mm's pinned_vm
 * @writable:	pinned for writing: dirty when given back
 */
struct vcuda_region {
	struct vcuda_client *client;
	u32 id;
	bool busy;
	unsigned int nr_runs;
	struct vcuda_area *area;
	struct page **pages;
	unsigned long nr_pages;
	unsigned long charged;
	struct mm_struct *mm;
	bool writable;
};

static void vcuda_region_unpin(struct vcuda_region *region)
{
	unsigned long done, nr;

	for (done = 0; done < region->nr_pages; done += nr) {
		nr = min_t(unsigned long, VCUDA_PIN_BATCH, region->nr_pages - done);
		unpin_user_pages_dirty_lock(region->pages + done, nr, region->writable);
		cond_resched();
	}
	kvfree(region->pages);
	if (region->charged)
		atomic64_sub(region->charged, &region->mm->pinned_vm);
	mmdrop(region->mm);
	atomic64_sub(region->nr_pages, &region->client->pinned);
}

/* Frees a region that the device does not hold and client->regions neither. */
static void vcuda_region_free(struct vcuda_region *region)
{
	struct vcuda_client *client = region->client;

	atomic_sub(region->nr_runs, &client->nr_runs);
	atomic_long_sub(region->nr_pages, &client->pages);
	if (region->area) {
		vcuda_area_withdraw(client, region->area);
		vcuda_area_free_pages(region->area);
		vcuda_area_put(region->area);
	} else {
		vcuda_region_unpin(region);
	}
	kfree(region);
}

/**
 * vcuda_regions_free() - Free all regions of a client
 * @client:	ended; the device holds nothing of it
 *
 * Context: Process.
 */
void vcuda_regions_free(struct vcuda_client *client)
{
	struct vcuda_region *region;
	unsigned long id;

	xa_for_each(&client->regions, id, region) {
		xa_erase(&client->regions, id);
		vcuda_region_free(region);
	}
}

static struct vcuda_region *vcuda_region_new(struct vcuda_client *client)
{
	struct vcuda_region *region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);

	if (region)
		region->client = client;
	return region;
}

/* Enters a region with its runs and pages counted. */
static int vcuda_region_enter(struct vcuda_region *region, unsigned int nr_runs)
{
	struct vcuda_client *client = region->client;
	int err;

	atomic_long_add(region->nr_pages, &client->pages);
	region->nr_runs = nr_runs;
	if (atomic_add_return(nr_runs, &client->nr_runs) > VIRTIO_CUDA_MAX_CLIENT_RUNS)
		return -ENOMEM;
	region->busy = true;
	err = xa_alloc_cyclic(&client->regions, &region->id, region, xa_limit_31b,
			      &client->next_region, GFP_KERNEL_ACCOUNT);
	return err < 0 ? err : 0;
}

/* Takes a region out of the client and frees it. */
static void vcuda_region_leave(struct vcuda_region *region)
{
	if (region->id)
		xa_erase(&region->client->regions, region->id);
	vcuda_region_free(region);
}

static void vcuda_region_set_busy(struct vcuda_region *region, bool busy)
{
	xa_lock(&region->client->regions);
	region->busy = busy;
	xa_unlock(&region->client->regions);
}

/* Makes ATTACH with room for the runs; the caller fills them in. */
static struct vcuda_msg *vcuda_attach_create(struct vcuda_region *region, u64 va, u32 flags)
{
	struct virtio_cuda_attach *body;
	struct vcuda_msg *msg;

	msg = vcuda_msg_create(region->client->dev, VIRTIO_CUDA_ATTACH,
			       sizeof(*body) + region->nr_runs * sizeof(body->runs[0]), 0);
	if (!msg)
		return NULL;
	vcuda_msg_set_client(msg, region->client, region->client->id);
	body = vcuda_msg_body(msg);
	body->region = cpu_to_le32(region->id);
	body->flags = cpu_to_le32(flags);
	body->va = cpu_to_le64(va);
	body->len = cpu_to_le64((u64)region->nr_pages << PAGE_SHIFT);
	body->nr_runs = cpu_to_le32(region->nr_runs);
	return msg;
}

/*
 * Sends ATTACH. The region stays in the client if it is granted, and also
 * where nobody knows: then the graveyard has it.
 */
static int vcuda_region_attach(struct vcuda_region *region, struct vcuda_msg *msg)
{
	int err = vcuda_msg_call(msg);

	if (err && vcuda_msg_acked(msg))
		vcuda_region_leave(region);
	else if (!err)
		vcuda_region_set_busy(region, false);
	vcuda_msg_put(msg);
	return err;
}

static int vcuda_region_alloc_check(struct vcuda_client *client,
				    const struct vcuda_region_alloc *arg)
{
	u64 granule = 1ull << client->dev->granule_shift;

	if (arg->flags || arg->reserved || !arg->len)
		return -EINVAL;
	if (!IS_ALIGNED(arg->len, granule) || !IS_ALIGNED(arg->va, granule))
		return -EINVAL;
	if (arg->va < client->arena_base ||
	    arg->va - client->arena_base > client->arena_size ||
	    arg->len > client->arena_size - (arg->va - client->arena_base))
		return -EINVAL;
	return 0;
}

/* Gives a region pages, an mmap offset, and an id. */
static int vcuda_region_build(struct vcuda_region *region, u64 len)
{
	struct vcuda_client *client = region->client;
	struct vcuda_area *area;
	unsigned long pgoff;
	int err;

	area = vcuda_area_create(client, len, client->dev->max_region_runs, VCUDA_REGION_ORDER);
	if (IS_ERR(area))
		return PTR_ERR(area);
	region->area = area;
	region->nr_pages = vcuda_area_nr_pages(area);
	/* Offsets are never used again: a stale one maps nothing. */
	mutex_lock(&client->lock);
	pgoff = client->next_pgoff;
	client->next_pgoff += region->nr_pages + 1;
	mutex_unlock(&client->lock);
	err = vcuda_region_enter(region, vcuda_area_nr_runs(area));
	if (!err)
		err = vcuda_area_publish(client, area, pgoff);
	if (!err)
		return pgoff > ULONG_MAX >> PAGE_SHIFT ? -ENOSPC : 0;
	return err;
}

/**
 * vcuda_call_region_alloc() - VCUDA_IOC_REGION_ALLOC
 * @client:	open
 * @arg:	struct vcuda_region_alloc
 *
 * Context: Process; killable.
 * Return: 0; -ENOMEM also where too many runs would be needed; -EADDRINUSE where
 * the address is not free in the worker; -EINVAL, -EINTR, -EIO.
 */
int vcuda_call_region_alloc(struct vcuda_client *client, void *arg)
{
	struct vcuda_region_alloc *alloc = arg;
	struct vcuda_region *region;
	struct vcuda_msg *msg;
	int err = vcuda_region_alloc_check(client, alloc);

	if (err)
		return err;
	region = vcuda_region_new(client);
	if (!region)
		return -ENOMEM;
	err = vcuda_region_build(region, alloc->len);
	if (err && !region->area) {
		kfree(region);
		return err;
	}
	msg = err ? NULL : vcuda_attach_create(region, alloc->va, 0);
	if (!msg) {
		vcuda_region_leave(region);
		return err ? err : -ENOMEM;
	}
	vcuda_area_fill_runs(region->area,
			     ((struct virtio_cuda_attach *)vcuda_msg_body(msg))->runs);
	alloc->region = region->id;
	alloc->mmap_offset = (u64)vcuda_area_pgoff(region->area) << PAGE_SHIFT;
	return vcuda_region_attach(region, msg);
}

/* Charges pinned_vm of the caller's mm, within its limit. */
static int vcuda_region_charge(struct vcuda_region *region, unsigned long nr)
{
	unsigned long limit = max(rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT, vcuda_pin_limit_pages());

	if (atomic64_add_return(nr, &region->mm->pinned_vm) > limit && !capable(CAP_IPC_LOCK)) {
		atomic64_sub(nr, &region->mm->pinned_vm);
		return -ENOMEM;
	}
	region->charged = nr;
	return 0;
}

/*
 * Pins [addr, addr + nr pages) for as long as it takes. Read-only memory is
 * pinned for writing too where the mapping lets us: the process may write to
 * it later, and a copy-on-write would then part it from what was pinned.
 */
static int vcuda_region_pin(struct vcuda_region *region, u64 addr, unsigned long nr, bool readonly)
{
	unsigned int gup = FOLL_LONGTERM | FOLL_WRITE;

	region->writable = true;
	while (region->nr_pages < nr) {
		unsigned long batch = min_t(unsigned long, VCUDA_PIN_BATCH, nr - region->nr_pages);
		long got;

		if (fatal_signal_pending(current))
			return -EINTR;
		got = pin_user_pages_fast(addr + (region->nr_pages << PAGE_SHIFT), batch, gup,
					  region->pages + region->nr_pages);
		if (got == -EFAULT && readonly && gup & FOLL_WRITE) {
			gup &= ~FOLL_WRITE;
			continue;
		}
		if (got <= 0)
			return got ? got : -EFAULT;
		region->nr_pages += got;
		atomic64_add(got, &region->client->pinned);
		cond_resched();
	}
	return 0;
}

/* Walks pinned pages as runs; fills @runs where it is not NULL. */
static unsigned int vcuda_region_runs(struct vcuda_region *region, struct virtio_cuda_run *runs)
{
	unsigned int nr = 0;
	unsigned long i = 0;

	while (i < region->nr_pages) {
		unsigned long n = 1;

		while (i + n < region->nr_pages && n < SZ_1G >> PAGE_SHIFT &&
		       page_to_pfn(region->pages[i + n]) == page_to_pfn(region->pages[i]) + n)
			n++;
		if (runs) {
			runs[nr].addr = cpu_to_le64(page_to_phys(region->pages[i]));
			runs[nr].len = cpu_to_le32(n << PAGE_SHIFT);
			runs[nr].zero = 0;
		}
		nr++;
		i += n;
	}
	return nr;
}

static int vcuda_region_register(struct vcuda_region *region, struct vcuda_region_register *arg,
				 struct vcuda_msg **ret_msg)
{
	unsigned long nr = arg->len >> PAGE_SHIFT;
	bool readonly = arg->flags & VCUDA_REGISTER_READONLY;
	struct vcuda_msg *msg;
	unsigned int runs;
	int err;

	/* No guest has more, and a limit on pinned memory need not be there. */
	if (nr > totalram_pages())
		return -ENOMEM;
	err = vcuda_region_charge(region, nr);
	if (err)
		return err;
	region->pages = kvmalloc_array(nr, sizeof(*region->pages), GFP_KERNEL_ACCOUNT);
	if (!region->pages)
		return -ENOMEM;
	err = vcuda_region_pin(region, arg->addr, nr, readonly);
	if (err)
		return err;
	runs = vcuda_region_runs(region, NULL);
	if (runs > region->client->dev->max_region_runs)
		return -EOPNOTSUPP;
	err = vcuda_region_enter(region, runs);
	if (err)
		return err == -ENOMEM ? -EOPNOTSUPP : err;
	msg = vcuda_attach_create(region, arg->addr,
				  readonly ? VIRTIO_CUDA_REGION_READONLY : 0);
	if (!msg)
		return -ENOMEM;
	vcuda_region_runs(region, ((struct virtio_cuda_attach *)vcuda_msg_body(msg))->runs);
	*ret_msg = msg;
	return 0;
}

/**
 * vcuda_call_region_register() - VCUDA_IOC_REGION_REGISTER
 * @client:	open
 * @arg:	struct vcuda_region_register
 *
 * Context: Process; killable.
 * Return: 0; -EOPNOTSUPP where the memory is too scattered or the device's
 * granule is above a page; -ENOMEM over the limit of pinned memory; -EFAULT;
 * -EADDRINUSE where the address is not free in the worker; -EINVAL, -EINTR, -EIO.
 */
int vcuda_call_region_register(struct vcuda_client *client, void *arg)
{
	struct vcuda_region_register *reg = arg;
	struct vcuda_region *region;
	struct vcuda_msg *msg = NULL;
	int err;

	if (reg->flags & ~VCUDA_REGISTER_READONLY || reg->reserved || !reg->len ||
	    !PAGE_ALIGNED(reg->addr) || !PAGE_ALIGNED(reg->len) ||
	    reg->addr + reg->len < reg->addr || reg->len > TASK_SIZE_MAX)
		return -EINVAL;
	if (client->dev->granule_shift > PAGE_SHIFT)
		return -EOPNOTSUPP;
	region = vcuda_region_new(client);
	if (!region)
		return -ENOMEM;
	mmgrab(current->mm);
	region->mm = current->mm;
	err = vcuda_region_register(region, reg, &msg);
	if (err) {
		/* Not counted as the client's unless it was entered. */
		if (!region->nr_runs)
			atomic_long_add(region->nr_pages, &client->pages);
		vcuda_region_leave(region);
		return err;
	}
	reg->region = region->id;
	return vcuda_region_attach(region, msg);
}

/* Finds a region and marks it busy, so that one caller frees it. */
static struct vcuda_region *vcuda_region_take(struct vcuda_client *client, u32 id)
{
	struct vcuda_region *region;

	xa_lock(&client->regions);
	region = xa_load(&client->regions, id);
	if (region && region->busy)
		region = NULL;
	if (region)
		region->busy = true;
	xa_unlock(&client->regions);
	return region;
}

/**
 * vcuda_call_region_free() - VCUDA_IOC_REGION_FREE
 * @client:	open
 * @arg:	struct vcuda_region_free
 *
 * Context: Process; killable. A region whose DETACH got no answer stays busy
 * until the client ends; one whose DETACH was refused is as it was.
 * Return: 0; -ENOENT where there is no such region; -EINVAL, -ENOMEM, -EINTR, -EIO.
 */
int vcuda_call_region_free(struct vcuda_client *client, void *arg)
{
	struct vcuda_region_free *free = arg;
	struct virtio_cuda_detach *body;
	struct vcuda_region *region;
	struct vcuda_msg *msg;
	int err;

	if (free->flags || free->reserved)
		return -EINVAL;
	msg = vcuda_msg_create(client->dev, VIRTIO_CUDA_DETACH, sizeof(*body), 0);
	if (!msg)
		return -ENOMEM;
	region = vcuda_region_take(client, free->region);
	if (!region) {
		vcuda_msg_put(msg);
		return -ENOENT;
	}
	body = vcuda_msg_body(msg);
	body->region = cpu_to_le32(region->id);
	msg->class = VCUDA_MSG_SLOW;
	vcuda_msg_set_client(msg, client, client->id);
	err = vcuda_msg_call(msg);
	if (err != -ENODEV && vcuda_msg_acked(msg))
		vcuda_region_leave(region);
	else if (err != -EINTR && err != -EIO)
		vcuda_region_set_busy(region, false);
	vcuda_msg_put(msg);
	return err;
}
