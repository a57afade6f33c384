/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions: memory of the process that its worker has mapped at the same
 * address.
 */
#ifndef DAEMON_REGION_H
#define DAEMON_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "cw/worker_proto.h"
#include "daemon/client.h"
#include "daemon/memory.h"
#include "daemon/msg.h"

/**
 * enum cd_region_state - Life of a region
 * @CD_REGION_ATTACH_QUEUED:	accepted; the worker is to be told
 * @CD_REGION_ATTACHING:	the worker was told and has not answered
 * @CD_REGION_ATTACHED:		mapped. Legal: detach.
 * @CD_REGION_DETACH_QUEUED:	the worker is to be told
 * @CD_REGION_DETACHING:	the worker was told and has not answered
 */
enum cd_region_state {
	CD_REGION_ATTACH_QUEUED,
	CD_REGION_ATTACHING,
	CD_REGION_ATTACHED,
	CD_REGION_DETACH_QUEUED,
	CD_REGION_DETACHING,
};

/**
 * struct cd_region_spec - What is to be attached
 * @id:		chosen by the process, not 0
 * @flags:	VIRTIO_CUDA_REGION_*
 * @va:		address of the first byte in both processes
 * @len:	bytes
 * @nr_segs:	pieces
 * @nr_fds:	files that @seg refers to
 * @seg:	pieces, in order; their sum is @len (checked)
 * @fds:	files; the caller keeps them
 */
struct cd_region_spec {
	uint32_t id;
	uint32_t flags;
	uint64_t va;
	uint64_t len;
	uint32_t nr_segs;
	uint32_t nr_fds;
	const struct cw_worker_seg *seg;
	const int *fds;
};

/**
 * struct cd_region - A region
 * @next:	in cd_client.regions
 * @queue_next:	in cd_client.queue
 * @state:	see there
 * @token:	for the client's world: whom to answer
 * @fds:	files of @seg, held until the worker has them; none where they are the
 *		guest's memory, which it has
 * @guarded:	a read-only region is mapped by a descriptor that can't write
 * @nr_mapped, @mapped_len: pieces that the broker has let the worker map
 * @range:	the same pieces as @seg, to find them in the worker's map
 */
struct cd_region {
	struct cd_region *next;
	struct cd_region *queue_next;
	enum cd_region_state state;
	void *token;
	uint32_t id;
	uint32_t flags;
	uint64_t va;
	uint64_t len;
	uint32_t nr_fds;
	int fds[CD_MSG_MAX_FDS];
	bool guarded;
	uint32_t nr_mapped;
	uint64_t mapped_len;
	uint32_t nr_segs;
	struct cd_file_range *range;
	struct cw_worker_seg seg[];
};

/* Regions a client may have at most. */
#define CD_MAX_REGIONS 4096

/* No answer yet: it comes through cd_client_ops.region. */
#define CD_PENDING UINT32_MAX

uint32_t cd_region_attach(struct cd_client *c, const struct cd_region_spec *spec, void *token);
uint32_t cd_region_detach(struct cd_client *c, uint32_t id, void *token);
int cd_region_done(struct cd_client *c, const struct cw_worker_done *done);
void cd_region_pump(struct cd_client *c);
void cd_regions_drop(struct cd_client *c);

#endif
