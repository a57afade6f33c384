// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owner of a client is the mm that opened the file.
 *
 * When that mm exits, by exit or exec, its clients end, even if a forked child
 * still holds the file. An mmu notifier says so; there is one per mm however
 * many clients it has. A kernel without notifiers (Kconfig selects them, a
 * foreign configuration may not have them) ends a client at the last close.
 */
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "vcuda.h"

#ifdef CONFIG_MMU_NOTIFIER

/**
 * struct vcuda_owner - An mm with clients
 * @mn:		holds the mm (its structure, not its memory)
 * @lock:	guards @clients
 * @clients:	not ended or not yet freed
 */
struct vcuda_owner {
	struct mmu_notifier mn;
	spinlock_t lock;
	struct list_head clients;
};

static struct mmu_notifier *vcuda_owner_alloc(struct mm_struct *mm)
{
	struct vcuda_owner *owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);

	if (!owner)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&owner->lock);
	INIT_LIST_HEAD(&owner->clients);
	return &owner->mn;
}

static void vcuda_owner_free(struct mmu_notifier *mn)
{
	kfree(container_of(mn, struct vcuda_owner, mn));
}

/* The mm exits: no thread of it is left. */
static void vcuda_owner_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct vcuda_owner *owner = container_of(mn, struct vcuda_owner, mn);
	struct vcuda_client *client;

	spin_lock(&owner->lock);
	list_for_each_entry(client, &owner->clients, of_owner)
		vcuda_client_end(client);
	spin_unlock(&owner->lock);
}

static const struct mmu_notifier_ops vcuda_owner_ops = {
	.alloc_notifier = vcuda_owner_alloc,
	.free_notifier = vcuda_owner_free,
	.release = vcuda_owner_release,
};

/**
 * vcuda_owner_get() - Owner for an mm
 * @mm:		the caller's
 *
 * Context: Process; takes mmap_lock.
 * Return: owner or an ERR_PTR().
 */
struct vcuda_owner *vcuda_owner_get(struct mm_struct *mm)
{
	struct mmu_notifier *mn = mmu_notifier_get(&vcuda_owner_ops, mm);

	return IS_ERR(mn) ? ERR_CAST(mn) : container_of(mn, struct vcuda_owner, mn);
}

/**
 * vcuda_owner_put() - Undo vcuda_owner_get()
 * @owner:	from there
 *
 * Context: Process; does not wait.
 */
void vcuda_owner_put(struct vcuda_owner *owner)
{
	mmu_notifier_put(&owner->mn);
}

/* The mm; its structure lives as long as the owner. */
struct mm_struct *vcuda_owner_mm(struct vcuda_owner *owner)
{
	return owner->mn.mm;
}

/* Waits for vcuda_owner_free() of every owner: for the module's exit. */
void vcuda_owner_exit(void)
{
	mmu_notifier_synchronize();
}

#else

struct vcuda_owner {
	struct mm_struct *mm;
	spinlock_t lock;
	struct list_head clients;
};

struct vcuda_owner *vcuda_owner_get(struct mm_struct *mm)
{
	struct vcuda_owner *owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);

	if (!owner)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&owner->lock);
	INIT_LIST_HEAD(&owner->clients);
	mmgrab(mm);
	owner->mm = mm;
	return owner;
}

void vcuda_owner_put(struct vcuda_owner *owner)
{
	mmdrop(owner->mm);
	kfree(owner);
}

struct mm_struct *vcuda_owner_mm(struct vcuda_owner *owner)
{
	return owner->mm;
}

void vcuda_owner_exit(void)
{
}

#endif

/**
 * vcuda_owner_add() - Tell an owner of a client
 * @owner:	owner
 * @client:	new
 *
 * Context: Process.
 */
void vcuda_owner_add(struct vcuda_owner *owner, struct vcuda_client *client)
{
	spin_lock(&owner->lock);
	list_add_tail(&client->of_owner, &owner->clients);
	spin_unlock(&owner->lock);
}

/**
 * vcuda_owner_del() - Undo vcuda_owner_add()
 * @owner:	owner
 * @client:	its
 *
 * Context: Process.
 */
void vcuda_owner_del(struct vcuda_owner *owner, struct vcuda_client *client)
{
	spin_lock(&owner->lock);
	list_del(&client->of_owner);
	spin_unlock(&owner->lock);
}
