/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive balanced tree: see tree.h.
 */
#include "softgpu/mem/tree.h"

#include <stdbool.h>
#include <stddef.h>

static bool node_less(const struct sg_node *a, uint64_t key, uint64_t sub)
{
	return a->key < key || (a->key == key && a->sub < sub);
}

/* Cut @node's subtree into the part below (key, sub) and the rest. */
static void tree_split(struct sg_node *node, uint64_t key, uint64_t sub, struct sg_node *ret[2])
{
	struct sg_node **low = &ret[0], **high = &ret[1];

	while (node) {
		if (node_less(node, key, sub)) {
			*low = node;
			low = &node->child[1];
			node = *low;
		} else {
			*high = node;
			high = &node->child[0];
			node = *high;
		}
	}
	*low = NULL;
	*high = NULL;
}

/* Every key of @a is below every key of @b. */
static struct sg_node *tree_join(struct sg_node *a, struct sg_node *b)
{
	struct sg_node *root = NULL, **link = &root;

	while (a && b) {
		if (a->prio > b->prio) {
			*link = a;
			link = &a->child[1];
			a = *link;
		} else {
			*link = b;
			link = &b->child[0];
			b = *link;
		}
	}
	*link = a ? a : b;
	return root;
}

/**
 * sg_tree_insert() - Put a node into the tree
 * @tree:	where to
 * @node:	its key and sub are set and not yet in @tree
 */
void sg_tree_insert(struct sg_tree *tree, struct sg_node *node)
{
	struct sg_node **link = &tree->root;
	struct sg_node *part[2];

	tree->seed = tree->seed * 1664525u + 1013904223u;
	node->prio = tree->seed ^ (tree->seed >> 16);
	while (*link && (*link)->prio > node->prio)
		link = &(*link)->child[node_less(*link, node->key, node->sub)];
	tree_split(*link, node->key, node->sub, part);
	node->child[0] = part[0];
	node->child[1] = part[1];
	*link = node;
}

/**
 * sg_tree_remove() - Take a node out
 * @tree:	where it is
 * @node:	a node of @tree
 */
void sg_tree_remove(struct sg_tree *tree, struct sg_node *node)
{
	struct sg_node **link = &tree->root;

	while (*link && *link != node)
		link = &(*link)->child[node_less(*link, node->key, node->sub)];
	if (*link)
		*link = tree_join(node->child[0], node->child[1]);
}

/**
 * sg_tree_at_most() - Last node not above (key, sub)
 * @tree:	where to look
 * @key:	major key
 * @sub:	minor key
 *
 * Return: the node, or NULL.
 */
struct sg_node *sg_tree_at_most(const struct sg_tree *tree, uint64_t key, uint64_t sub)
{
	struct sg_node *node = tree->root, *best = NULL;

	while (node) {
		bool below = node_less(node, key, sub) || (node->key == key && node->sub == sub);

		if (below)
			best = node;
		node = node->child[below];
	}
	return best;
}

/**
 * sg_tree_at_least() - First node not below (key, sub)
 * @tree:	where to look
 * @key:	major key
 * @sub:	minor key
 *
 * Return: the node, or NULL.
 */
struct sg_node *sg_tree_at_least(const struct sg_tree *tree, uint64_t key, uint64_t sub)
{
	struct sg_node *node = tree->root, *best = NULL;

	while (node) {
		bool below = node_less(node, key, sub);

		if (!below)
			best = node;
		node = node->child[below];
	}
	return best;
}
