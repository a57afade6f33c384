/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All memory a kernel may touch: see mem.h.
 *
 * Theory of operation: struct range is the only record of a range; the tree
 * finds it by address. Kernels look at an immutable, reference-counted array
 * made from the tree the first time one is asked for after a change, so that
 * the interpreter needs no lock and a launch sees one state of memory.
 */
#include "softgpu/mem/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cw/soft_info.h"
#include "cw/util.h"
#include "softgpu/mem/arena.h"
#include "softgpu/mem/heap.h"
#include "softgpu/mem/tree.h"

/* Freed blocks at least this big give their pages back. */
#define PUNCH_MIN (64ull << 10)
#define PAGE 4096ull

struct range {
	struct sg_node node;
	struct sg_mem_info info;
};

/* What a map handed out is embedded in. */
struct snapshot {
	struct sg_mem_map map;
	atomic_uint refs;
	struct sg_mem_range ranges[];
};

static struct {
	pthread_mutex_t lock;
	struct sg_arena arena;
	struct sg_heap heap;
	struct sg_tree ranges;
	size_t count;
	uint64_t last_id;
	struct snapshot *current;
	bool open;
	const struct causeway_soft_host *host; /* limits; NULL: the arena alone */
	uint64_t charged;		       /* bytes that were taken from it */
} mem = { .lock = PTHREAD_MUTEX_INITIALIZER, .arena.fd = -1 };

static bool in_arena(enum sg_mem_kind kind)
{
	return kind == SG_MEM_DEVICE || kind == SG_MEM_MODULE;
}

static void snapshot_put(struct snapshot *snap)
{
	if (snap && atomic_fetch_sub(&snap->refs, 1) == 1)
		free(snap);
}

/* The table changed: the next launch makes a new snapshot. */
static void snapshot_drop(void)
{
	snapshot_put(mem.current);
	mem.current = NULL;
}

static struct range *range_at(uint64_t addr)
{
	struct sg_node *node = sg_tree_at_most(&mem.ranges, addr, 0);
	struct range *range;

	if (!node)
		return NULL;
	range = CW_CONTAINER_OF(node, struct range, node);
	return addr - range->info.base < range->info.size ? range : NULL;
}

static void range_add(struct range *range, struct sg_mem_info *info)
{
	info->id = ++mem.last_id;
	range->info = *info;
	range->node.key = info->base;
	range->node.sub = 0;
	sg_tree_insert(&mem.ranges, &range->node);
	mem.count++;
	snapshot_drop();
}

/*
 * With limits, pages are charged while a block uses a byte of them, and given
 * back to the system before they are uncharged: what the arena's file holds is
 * never more than what was charged.
 */
static int arena_alloc(uint64_t size, uint64_t align, uint64_t *ret_off)
{
	int err = sg_heap_alloc(&mem.heap, size, align, ret_off);
	uint64_t start, pages;

	if (err || !mem.host)
		return err;
	pages = sg_heap_own_pages(&mem.heap, *ret_off, PAGE, &start);
	if (!pages || !mem.host->take(pages)) {
		mem.charged += pages;
		return 0;
	}
	/* No page more; what is charged may have room still. */
	sg_heap_free(&mem.heap, *ret_off, NULL);
	if (size > PAGE || align > SG_HEAP_GRANULE)
		return -ENOMEM;
	return sg_heap_alloc_within(&mem.heap, size, PAGE, ret_off);
}

static void arena_free(uint64_t off)
{
	uint64_t start, size;

	if (!mem.host) {
		if (!sg_heap_free(&mem.heap, off, &size) && size >= PUNCH_MIN)
			sg_arena_punch(&mem.arena, off, size);
		return;
	}
	size = sg_heap_own_pages(&mem.heap, off, PAGE, &start);
	sg_heap_free(&mem.heap, off, NULL);
	if (!size)
		return;
	sg_arena_punch(&mem.arena, start, size);
	mem.charged -= size;
	mem.host->give(size);
}

/* Take the range out of the table and give its memory back. */
static void range_drop(struct range *range)
{
	struct sg_mem_info *info = &range->info;

	sg_tree_remove(&mem.ranges, &range->node);
	mem.count--;
	snapshot_drop();
	if (in_arena(info->kind)) {
		arena_free(info->base - (uint64_t)mem.arena.base);
	} else if (info->kind != SG_MEM_REGISTERED) {
		munmap((void *)info->base, cw_align_up(info->size, PAGE));
	}
	free(range);
}

/**
 * sg_mem_attach() - Have device memory limited
 * @host:	limits; before sg_mem_open()
 */
void sg_mem_attach(const struct causeway_soft_host *host)
{
	mem.host = host;
}

/**
 * sg_mem_open() - Map device memory; later calls do nothing
 *
 * Return: 0 or -errno.
 */
int sg_mem_open(void)
{
	int err = 0;

	pthread_mutex_lock(&mem.lock);
	if (!mem.open) {
		err = sg_arena_open(&mem.arena);
		if (!err) {
			err = sg_heap_init(&mem.heap, mem.arena.size, SG_HEAP_GRANULE);
			if (err)
				sg_arena_close(&mem.arena);
		}
		mem.open = !err;
	}
	pthread_mutex_unlock(&mem.lock);
	return err;
}

uint64_t sg_mem_total(void)
{
	return mem.host ? cw_min(mem.heap.size, mem.host->total) : mem.heap.size;
}

uint64_t sg_mem_arena_base(void)
{
	return (uint64_t)mem.arena.base;
}

uint64_t sg_mem_arena_size(void)
{
	return mem.heap.size;
}

int sg_mem_arena_fd(void)
{
	return mem.arena.fd;
}

/**
 * sg_mem_free_bytes() - Device memory not in use
 *
 * Return: bytes; exact, counting whole granules. What pages that are charged
 * have left counts, too.
 */
uint64_t sg_mem_free_bytes(void)
{
	uint64_t bytes;

	pthread_mutex_lock(&mem.lock);
	bytes = mem.heap.size - mem.heap.in_use;
	if (mem.host)
		bytes = cw_min(bytes, mem.host->available() + mem.charged - mem.heap.in_use);
	pthread_mutex_unlock(&mem.lock);
	return bytes;
}

static int host_map(struct sg_mem_info *info)
{
	void *p = mmap(NULL, cw_align_up(info->size, PAGE), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	/* A worker may have no memory but what counts as its own. */
	if (p == MAP_FAILED && errno == EPERM)
		p = mmap(NULL, cw_align_up(info->size, PAGE), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	info->base = (uint64_t)p;
	return 0;
}

/**
 * sg_mem_alloc() - Make a range of any kind but SG_MEM_REGISTERED
 * @info:	kind, size, owner, pool and flags are read; base and id are set
 * @align:	power of two; host memory is page aligned whatever it says
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int sg_mem_alloc(struct sg_mem_info *info, uint64_t align)
{
	struct range *range;
	uint64_t off = 0;
	int err;

	if (!info->size || info->size > UINT64_MAX - PAGE)
		return -EINVAL;
	range = calloc(1, sizeof(*range));
	if (!range)
		return -ENOMEM;
	pthread_mutex_lock(&mem.lock);
	if (in_arena(info->kind)) {
		err = arena_alloc(info->size, align, &off);
		info->base = (uint64_t)mem.arena.base + off;
	} else {
		err = host_map(info);
	}
	if (!err)
		range_add(range, info);
	pthread_mutex_unlock(&mem.lock);
	if (err)
		free(range);
	return err;
}

/**
 * sg_mem_register() - Let kernels touch the caller's memory
 * @info:	base, size, owner and flags are read; id is set
 *
 * Return: 0, -EINVAL, -EEXIST where a part is in the table already, -ENOMEM.
 */
int sg_mem_register(struct sg_mem_info *info)
{
	uint64_t end = info->base + info->size;
	struct sg_node *above;
	struct range *range;
	bool clash;

	if (!info->base || !info->size || end < info->base || end > SG_SHARED_WINDOW)
		return -EINVAL;
	range = calloc(1, sizeof(*range));
	if (!range)
		return -ENOMEM;
	pthread_mutex_lock(&mem.lock);
	above = sg_tree_at_least(&mem.ranges, info->base, 0);
	clash = range_at(info->base) || (above && above->key < end);
	if (!clash) {
		info->kind = SG_MEM_REGISTERED;
		range_add(range, info);
	}
	pthread_mutex_unlock(&mem.lock);
	if (clash)
		free(range);
	return clash ? -EEXIST : 0;
}

/**
 * sg_mem_release() - Give a range back
 * @base:	its first byte; an address inside is refused
 * @kinds:	SG_MEM_BIT() of each kind the caller may free
 * @ret_info:	what it was; may be NULL
 *
 * Return: 0, or -EINVAL where no such range starts there.
 */
int sg_mem_release(uint64_t base, uint32_t kinds, struct sg_mem_info *ret_info)
{
	struct range *range;
	int err = -EINVAL;

	pthread_mutex_lock(&mem.lock);
	range = range_at(base);
	if (range && range->info.base == base && (kinds & SG_MEM_BIT(range->info.kind))) {
		if (ret_info)
			*ret_info = range->info;
		range_drop(range);
		err = 0;
	}
	pthread_mutex_unlock(&mem.lock);
	return err;
}

/**
 * sg_mem_release_owner() - Give back all that a context still holds
 * @owner:	the context; nothing of it may be running
 * @freed:	called for memory of a pool; may not come back to this file
 */
void sg_mem_release_owner(const void *owner, void (*freed)(void *pool, uint64_t size))
{
	uint64_t key = 0;
	struct sg_node *node;

	pthread_mutex_lock(&mem.lock);
	while ((node = sg_tree_at_least(&mem.ranges, key, 0))) {
		struct range *range = CW_CONTAINER_OF(node, struct range, node);

		key = node->key + 1;
		if (range->info.owner != owner)
			continue;
		if (range->info.pool)
			freed(range->info.pool, range->info.size);
		range_drop(range);
	}
	pthread_mutex_unlock(&mem.lock);
}

/**
 * sg_mem_find() - Range that holds an address
 * @addr:	any number
 * @ret_info:	the range; may be NULL
 *
 * Return: whether there is one.
 */
bool sg_mem_find(uint64_t addr, struct sg_mem_info *ret_info)
{
	return sg_mem_contains(addr, 1, ret_info);
}

/**
 * sg_mem_contains() - Whether bytes lie inside one range
 * @addr:	first byte, any number
 * @size:	bytes, any number
 * @ret_info:	the range; may be NULL
 *
 * Return: true if they do.
 */
bool sg_mem_contains(uint64_t addr, uint64_t size, struct sg_mem_info *ret_info)
{
	struct range *range;
	bool ok;

	pthread_mutex_lock(&mem.lock);
	range = range_at(addr);
	ok = range && size <= range->info.size - (addr - range->info.base);
	if (ok && ret_info)
		*ret_info = range->info;
	pthread_mutex_unlock(&mem.lock);
	return ok;
}

static struct snapshot *snapshot_make(void)
{
	struct snapshot *snap = malloc(sizeof(*snap) + mem.count * sizeof(snap->ranges[0]));
	struct sg_node *node = sg_tree_at_least(&mem.ranges, 0, 0);
	size_t n = 0;

	if (!snap)
		return NULL;
	for (; node; node = sg_tree_at_least(&mem.ranges, node->key + 1, 0)) {
		const struct sg_mem_info *info =
			&CW_CONTAINER_OF(node, struct range, node)->info;

		snap->ranges[n++] = (struct sg_mem_range){
			.base = info->base,
			.size = info->size,
			.host = (void *)info->base,
		};
	}
	snap->map.ranges = snap->ranges;
	snap->map.n = n;
	/* One for the table, until the next change. */
	atomic_init(&snap->refs, 1);
	return snap;
}

/**
 * sg_mem_map_get() - What kernels may touch now
 *
 * Return: a map that stays as it is until sg_mem_map_put(), or NULL when out
 * of memory.
 */
const struct sg_mem_map *sg_mem_map_get(void)
{
	struct snapshot *snap;

	pthread_mutex_lock(&mem.lock);
	if (!mem.current)
		mem.current = snapshot_make();
	snap = mem.current;
	if (snap)
		atomic_fetch_add(&snap->refs, 1);
	pthread_mutex_unlock(&mem.lock);
	return snap ? &snap->map : NULL;
}

/**
 * sg_mem_map_put() - Done with a map
 * @map:	from sg_mem_map_get(), or NULL
 */
void sg_mem_map_put(const struct sg_mem_map *map)
{
	if (map)
		snapshot_put(CW_CONTAINER_OF(map, struct snapshot, map));
}
