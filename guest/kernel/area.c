// SPDX-License-Identifier: GPL-2.0-only
/*
 * Areas: driver-allocated pages that a process maps and a worker shares.
 *
 * Theory of operation: an area is a list of runs of contiguous pages, taken
 * in blocks as large as the allocator gives and split into single pages, so
 * that each page has its own count. A mapping holds the pages it shows: the
 * area gives its own reference back when the device has, and a page that a
 * process still maps stays a page of that process. mmap fills the whole
 * mapping at once; the fault handler serves what was taken out again and is
 * SIGBUS once the device is removed or the area's pages are given back.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "vcuda.h"

/* Pages inserted into a mapping at a time. */
#define VCUDA_INSERT_BATCH 256

struct vcuda_run {
	struct page *page;
	unsigned long first;	/* page index in the area */
	unsigned long nr;
};

/**
 * struct vcuda_area - Pages in runs
 * @ref:	the client's object, mappings, lookups
 * @dev:	referenced
 * @lock:	guards @freed against the fault handler and mmap
 * @freed:	the area's references on its pages are given back
 * @pgoff:	mmap offset in pages, once published
 * @nr_pages:	there are
 * @map_pages:	size of a mapping; @nr_pages may be more, to fill a granule
 * @nr_runs:	of @runs in use
 * @room:	of @runs
 * @runs:	in the order of the area
 */
struct vcuda_area {
	struct kref ref;
	struct vcuda_device *dev;
	spinlock_t lock;
	bool freed;
	unsigned long pgoff;
	unsigned long map_pages;
	unsigned long nr_pages;
	unsigned int nr_runs;
	unsigned int room;
	struct vcuda_run *runs;
};

static void vcuda_area_release(struct kref *ref)
{
	struct vcuda_area *area = container_of(ref, struct vcuda_area, ref);

	vcuda_device_put(area->dev);
	kvfree(area->runs);
	kfree(area);
}

/* Context: Any. */
void vcuda_area_get(struct vcuda_area *area)
{
	kref_get(&area->ref);
}

/* Context: Process. */
void vcuda_area_put(struct vcuda_area *area)
{
	kref_put(&area->ref, vcuda_area_release);
}

unsigned int vcuda_area_nr_runs(struct vcuda_area *area)
{
	return area->nr_runs;
}

unsigned long vcuda_area_nr_pages(struct vcuda_area *area)
{
	return area->nr_pages;
}

/* mmap offset in pages; valid once published. */
unsigned long vcuda_area_pgoff(struct vcuda_area *area)
{
	return area->pgoff;
}

/**
 * vcuda_area_free_pages() - Give the area's pages back
 * @area:	area the device does not hold any more
 *
 * Context: Process.
 */
void vcuda_area_free_pages(struct vcuda_area *area)
{
	unsigned long i;
	unsigned int r;

	spin_lock(&area->lock);
	area->freed = true;
	spin_unlock(&area->lock);
	for (r = 0; r < area->nr_runs; r++) {
		for (i = 0; i < area->runs[r].nr; i++)
			__free_page(area->runs[r].page + i);
		cond_resched();
	}
}

/* Room for one more run; the array doubles. */
static int vcuda_area_grow(struct vcuda_area *area)
{
	unsigned int room = max(8u, area->room * 2);
	struct vcuda_run *runs;

	if (area->nr_runs < area->room)
		return 0;
	runs = kvmalloc_array(room, sizeof(*runs), GFP_KERNEL_ACCOUNT);
	if (!runs)
		return -ENOMEM;
	if (area->nr_runs)
		memcpy(runs, area->runs, area->nr_runs * sizeof(*runs));
	kvfree(area->runs);
	area->runs = runs;
	area->room = room;
	return 0;
}

/* Adds a block; one that continues the last run lengthens it. */
static int vcuda_area_add(struct vcuda_area *area, struct page *page, unsigned int order)
{
	unsigned long nr = 1ul << order;
	struct vcuda_run *run;
	int err;

	if (area->nr_runs) {
		run = &area->runs[area->nr_runs - 1];
		/* A run's length in bytes has 32 bits on the wire. */
		if (page_to_pfn(run->page) + run->nr == page_to_pfn(page) &&
		    run->nr + nr <= SZ_1G >> PAGE_SHIFT) {
			run->nr += nr;
			area->nr_pages += nr;
			return 0;
		}
	}
	err = vcuda_area_grow(area);
	if (err)
		return err;
	run = &area->runs[area->nr_runs++];
	run->page = page;
	run->first = area->nr_pages;
	run->nr = nr;
	area->nr_pages += nr;
	return 0;
}

/*
 * Smallest order whose blocks make @left pages in @runs runs, none of them a
 * neighbour of another.
 */
static unsigned int vcuda_area_floor(unsigned long left, unsigned int runs)
{
	unsigned int order = 0;

	while (order < VCUDA_TOP_ORDER &&
	       (left >> order) + hweight_long(left & ((1ul << order) - 1)) > runs)
		order++;
	return order;
}

static struct page *vcuda_area_alloc_block(unsigned int order, bool needed)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN;
	struct page *page;

	/*
	 * Where a smaller block will do as well, no effort. Where it will not,
	 * all effort but killing: in a fragmented guest memory is moved then.
	 */
	if (order)
		gfp |= needed ? __GFP_RETRY_MAYFAIL : __GFP_NORETRY;
	page = alloc_pages(gfp, order);
	if (page && order)
		split_page(page, order);
	return page;
}

/* Takes blocks until @want pages are there or the runs are used up. */
static int vcuda_area_alloc(struct vcuda_area *area, unsigned long want, unsigned int max_runs,
			    unsigned int order)
{
	unsigned int low = area->dev->granule_shift - PAGE_SHIFT;

	while (area->nr_pages < want) {
		unsigned long left = want - area->nr_pages;
		unsigned int floor;
		struct page *page;
		unsigned long i;

		if (fatal_signal_pending(current))
			return -EINTR;
		order = max(low, min_t(unsigned int, order, ilog2(left)));
		/* Even if every run left had this order it would not do. */
		if (area->nr_runs > max_runs ||
		    ((u64)(max_runs - area->nr_runs + 1) << VCUDA_TOP_ORDER) < left)
			return -ENOMEM;
		floor = max(low, vcuda_area_floor(left, max_runs - area->nr_runs));
		page = vcuda_area_alloc_block(order, order == floor);
		if (!page) {
			if (order == low)
				return -ENOMEM;
			order--;
			continue;
		}
		if (vcuda_area_add(area, page, order)) {
			for (i = 0; i < 1ul << order; i++)
				__free_page(page + i);
			return -ENOMEM;
		}
		cond_resched();
	}
	return area->nr_runs <= max_runs ? 0 : -ENOMEM;
}

/**
 * vcuda_area_create() - Allocate zeroed pages in runs
 * @client:	whose; its memory cgroup is charged
 * @len:	bytes; rounded up to the device's granule
 * @max_runs:	runs allowed
 * @top_order:	largest block to ask for
 *
 * Context: Process; killable.
 * Return: area, or an ERR_PTR(): -ENOMEM also where the runs do not suffice.
 */
struct vcuda_area *vcuda_area_create(struct vcuda_client *client, u64 len, unsigned int max_runs,
				     unsigned int top_order)
{
	struct vcuda_device *dev = client->dev;
	unsigned long want = ALIGN(len, 1ull << dev->granule_shift) >> PAGE_SHIFT;
	struct vcuda_area *area;
	int err;

	/* No guest has more; keeps all sums below small. */
	if (want > totalram_pages())
		return ERR_PTR(-ENOMEM);
	area = kzalloc(sizeof(*area), GFP_KERNEL_ACCOUNT);
	if (!area)
		return ERR_PTR(-ENOMEM);
	kref_init(&area->ref);
	kref_get(&dev->ref);
	area->dev = dev;
	area->map_pages = PAGE_ALIGN(len) >> PAGE_SHIFT;
	spin_lock_init(&area->lock);
	err = vcuda_area_alloc(area, want, max_runs, min_t(unsigned int, top_order,
							   VCUDA_TOP_ORDER));
	if (err) {
		vcuda_area_free_pages(area);
		vcuda_area_put(area);
		return ERR_PTR(err);
	}
	return area;
}

/**
 * vcuda_area_fill_runs() - Name the pages for the device
 * @area:	area
 * @runs:	room for vcuda_area_nr_runs()
 *
 * Context: Any.
 */
void vcuda_area_fill_runs(struct vcuda_area *area, struct virtio_cuda_run *runs)
{
	unsigned int r;

	for (r = 0; r < area->nr_runs; r++) {
		runs[r].addr = cpu_to_le64(page_to_phys(area->runs[r].page));
		runs[r].len = cpu_to_le32(area->runs[r].nr << PAGE_SHIFT);
		runs[r].zero = 0;
	}
}

/* Page of an index; runs are sorted by it. */
static struct page *vcuda_area_page(struct vcuda_area *area, unsigned long index)
{
	unsigned int low = 0, high = area->nr_runs;

	while (high - low > 1) {
		unsigned int mid = low + (high - low) / 2;

		if (area->runs[mid].first <= index)
			low = mid;
		else
			high = mid;
	}
	return area->runs[low].page + (index - area->runs[low].first);
}

/**
 * vcuda_area_ptr() - Kernel address inside an area
 * @area:	area whose pages are not given back
 * @offset:	of an object that does not cross a page
 *
 * Context: Any.
 */
void *vcuda_area_ptr(struct vcuda_area *area, u64 offset)
{
	return page_address(vcuda_area_page(area, offset >> PAGE_SHIFT)) + offset_in_page(offset);
}

/**
 * vcuda_area_publish() - Let the process map an area
 * @client:	whose
 * @area:	not published; a reference is taken
 * @pgoff:	mmap offset in pages, unique in the client
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int vcuda_area_publish(struct vcuda_client *client, struct vcuda_area *area, unsigned long pgoff)
{
	int err = xa_insert(&client->areas, pgoff, area, GFP_KERNEL_ACCOUNT);

	if (err)
		return err;
	area->pgoff = pgoff;
	vcuda_area_get(area);
	return 0;
}

/**
 * vcuda_area_withdraw() - Undo vcuda_area_publish(), if it was done
 * @client:	whose
 * @area:	area
 *
 * Context: Process.
 */
void vcuda_area_withdraw(struct vcuda_client *client, struct vcuda_area *area)
{
	if (xa_cmpxchg(&client->areas, area->pgoff, area, NULL, 0) == area)
		vcuda_area_put(area);
}

static struct vcuda_area *vcuda_area_find(struct vcuda_client *client, unsigned long pgoff)
{
	struct vcuda_area *area;

	xa_lock(&client->areas);
	area = xa_load(&client->areas, pgoff);
	if (area)
		vcuda_area_get(area);
	xa_unlock(&client->areas);
	return area;
}

static void vcuda_vma_open(struct vm_area_struct *vma)
{
	vcuda_area_get(vma->vm_private_data);
}

static void vcuda_vma_close(struct vm_area_struct *vma)
{
	vcuda_area_put(vma->vm_private_data);
}

/*
 * A page that the process gave up (MADV_DONTNEED) or that removal took away.
 * A removal that runs meanwhile may miss this one page; it is then a page of
 * the process and of nobody else.
 */
static vm_fault_t vcuda_vma_fault(struct vm_fault *vmf)
{
	struct vcuda_area *area = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long index = vmf->pgoff - area->pgoff;
	int idx;

	if (!vcuda_enter(area->dev, &idx))
		return VM_FAULT_SIGBUS;
	spin_lock(&area->lock);
	if (!area->freed && vmf->pgoff >= area->pgoff && index < area->map_pages) {
		vmf->page = vcuda_area_page(area, index);
		get_page(vmf->page);
		ret = 0;
	}
	spin_unlock(&area->lock);
	vcuda_exit(area->dev, idx);
	return ret;
}

static const struct vm_operations_struct vcuda_vma_ops = {
	.open = vcuda_vma_open,
	.close = vcuda_vma_close,
	.fault = vcuda_vma_fault,
};

/* Holds pages of an area, which REGION_FREE may be giving back at this moment. */
static int vcuda_area_hold(struct vcuda_area *area, unsigned long first, unsigned long nr,
			   struct page **ret_pages)
{
	unsigned long i;
	bool freed;

	spin_lock(&area->lock);
	freed = area->freed;
	for (i = 0; i < nr && !freed; i++) {
		ret_pages[i] = vcuda_area_page(area, first + i);
		get_page(ret_pages[i]);
	}
	spin_unlock(&area->lock);
	return freed ? -EINVAL : 0;
}

/* Puts every page of an area into a mapping of its size. */
static int vcuda_area_insert(struct vcuda_area *area, struct vm_area_struct *vma)
{
	unsigned long done = 0, nr, left, i;
	struct page **pages;
	int err = 0;

	pages = kmalloc_array(VCUDA_INSERT_BATCH, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	while (!err && done < area->map_pages) {
		nr = min_t(unsigned long, VCUDA_INSERT_BATCH, area->map_pages - done);
		err = vcuda_area_hold(area, done, nr, pages);
		if (err)
			break;
		left = nr;
		err = vm_insert_pages(vma, vma->vm_start + (done << PAGE_SHIFT), pages, &left);
		for (i = 0; i < nr; i++)
			put_page(pages[i]);
		done += nr;
		cond_resched();
	}
	kfree(pages);
	return err;
}

static int vcuda_area_mmap(struct vcuda_client *client, struct vm_area_struct *vma)
{
	struct vcuda_area *area;
	int err;

	if (!vcuda_client_mine(client))
		return -EPERM;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC)
		return -EINVAL;
	area = vcuda_area_find(client, vma->vm_pgoff);
	if (!area)
		return -EINVAL;
	if (vma_pages(vma) != area->map_pages) {
		vcuda_area_put(area);
		return -EINVAL;
	}
	vcuda_vma_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vcuda_vma_flags_clear(vma, VM_MAYEXEC);
	err = vcuda_area_insert(area, vma);
	if (err) {
		vcuda_area_put(area);
		return err;
	}
	vma->vm_private_data = area;
	vma->vm_ops = &vcuda_vma_ops;
	return 0;
}

/* mmap of the channel or a region, as a whole. */
int vcuda_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vcuda_client *client = file->private_data;
	int err, idx;

	if (!vcuda_enter(client->dev, &idx))
		return -ENODEV;
	err = vcuda_area_mmap(client, vma);
	vcuda_exit(client->dev, idx);
	return err;
}
