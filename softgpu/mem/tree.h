/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive balanced tree ordered by a pair of numbers.
 *
 * A treap whose priorities come from a per-tree generator, so that it is
 * balanced whatever the order of insertion. The caller embeds struct
 * sg_node, owns the memory and the locking.
 */
#ifndef SOFTGPU_MEM_TREE_H
#define SOFTGPU_MEM_TREE_H

#include <stdint.h>

/**
 * struct sg_node - Member of a tree
 * @key:	major key
 * @sub:	minor key; the pair is unique in a tree
 * @child:	smaller, larger
 * @prio:	heap order, larger ones are nearer the root
 */
struct sg_node {
	uint64_t key;
	uint64_t sub;
	struct sg_node *child[2];
	uint32_t prio;
};

/**
 * struct sg_tree - A tree; all zero is an empty one
 * @root:	top node, NULL where empty
 * @seed:	state of the priority generator
 */
struct sg_tree {
	struct sg_node *root;
	uint32_t seed;
};

void sg_tree_insert(struct sg_tree *tree, struct sg_node *node);
void sg_tree_remove(struct sg_tree *tree, struct sg_node *node);
struct sg_node *sg_tree_at_most(const struct sg_tree *tree, uint64_t key, uint64_t sub);
struct sg_node *sg_tree_at_least(const struct sg_tree *tree, uint64_t key, uint64_t sub);

#endif
