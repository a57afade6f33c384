/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute time: this VM's share of its card (cw/card.h).
 *
 * Theory of operation: every few milliseconds a daemon adds up what its workers
 * used. If it is ahead of another VM that waits, its workers rest: they see
 * @hold in their gauges, and start no block and no launch. Who does not obey is
 * stopped by signal. A VM waits while most threads of one of its workers have
 * something to do; one that has all it wants holds nobody back, so what it does
 * not use is lent. All of it is sums of time, so a turn that comes late is made
 * up for later.
 */
#include "daemon/share.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cw/card.h"
#include "cw/gauge.h"
#include "daemon/client.h"
#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "daemon/meter.h"
#include "daemon/msg.h"
#include "daemon/quota.h"

#define MS 1000000ull
/* How often: while somebody works, and while nobody does. */
#define TURN_NS (10 * MS)
#define TURN_IDLE_NS (100 * MS)
/* How far one may be ahead, in virtual time. */
#define AHEAD_NS (10 * MS)
/* An entry that nobody looked after for so long does not count. */
#define STALE_NS (1000 * MS)
/* Time to obey, and what may be used after it: a part of real time. */
#define OBEY_NS (200 * MS)
#define OBEY_PART 2
/* cd_client.idle is an average over so many turns. */
#define IDLE_TURNS 8

_Static_assert(CD_MAX_CLIENTS <= CW_CARD_CLIENTS, "each client has its place");

static int card_open_dir(const char *path)
{
	struct stat st;
	int fd;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* In /tmp it may be anybody's; what stands in there must be ours. */
	if (!fstat(fd, &st) && st.st_uid == geteuid() && !(st.st_mode & 022))
		return fd;
	close(fd);
	return -EPERM;
}

static int card_open(struct cd_daemon *d)
{
	const char *name = d->opt.soft ? CW_CARD_FILE : CW_CARD_FILE_NVIDIA;
	char path[PATH_MAX];
	int dir, fd;

	cw_card_dir(path, sizeof(path), geteuid());
	dir = card_open_dir(d->opt.card_dir ? d->opt.card_dir : path);
	if (dir < 0)
		return dir;
	fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && ftruncate(fd, sizeof(struct cw_card))) {
		close(fd);
		fd = -1;
	}
	close(dir);
	return fd < 0 ? -errno : fd;
}

static void top_raise(struct cw_card *card, uint32_t to)
{
	uint32_t at = atomic_load(&card->top);

	while (at < to && !atomic_compare_exchange_weak(&card->top, &at, to))
		;
}

/* Locks an entry that is nobody's. */
static int card_take(struct cd_share *s)
{
	for (uint32_t i = 0; i < CW_CARD_VMS; i++) {
		struct flock lock = {
			.l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = (off_t)((char *)&s->card->vm[i] - (char *)s->card),
			.l_len = sizeof(s->card->vm[i]),
		};

		if (fcntl(s->fd, F_OFD_SETLK, &lock))
			continue;
		s->vm = &s->card->vm[i];
		memset(s->vm, 0, sizeof(*s->vm));
		top_raise(s->card, i + 1);
		return 0;
	}
	return -EUSERS;
}

static void card_limits(struct cd_daemon *d)
{
	struct cw_card_vm *vm = d->share.vm;

	vm->pid = (uint32_t)getpid();
	vm->share = (uint32_t)d->opt.share;
	vm->vm_memory = d->opt.vm_memory;
	vm->client_memory = d->opt.client_memory;
	vm->max_clients = d->opt.max_clients;
	vm->max_threads = d->opt.max_threads;
	vm->max_regions = d->opt.max_regions;
	vm->max_runs = d->opt.max_runs;
	vm->max_chains = d->opt.max_chains;
	vm->max_objects = d->opt.max_objects;
	vm->max_callbacks = d->opt.max_callbacks;
	vm->max_image = d->opt.max_image;
	vm->worker_memory = d->opt.worker_memory;
}

/**
 * cd_share_init() - Take an entry in the card file
 * @d:	daemon
 *
 * Return: 0; -errno where a share was asked for and can't be had. Without one
 * the file is only for others to see, and its absence is no failure.
 */
int cd_share_init(struct cd_daemon *d)
{
	struct cd_share *s = &d->share;
	void *at = MAP_FAILED;
	int ret = 0;

	s->fd = card_open(d);
	if (s->fd >= 0)
		at = mmap(NULL, sizeof(*s->card), PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (at != MAP_FAILED)
		s->card = at;
	if (s->card)
		ret = card_take(s);
	else
		ret = s->fd < 0 ? s->fd : -errno;
	if (!ret) {
		atomic_store(&s->card->magic, CW_CARD_MAGIC);
		card_limits(d);
		cd_share_publish(d, cd_now_ns());
		return 0;
	}
	if (!d->opt.share) {
		cw_info("no card file why=\"%s\"", strerror(-ret));
		return 0;
	}
	cd_complain(CW_LOG_ERROR, CD_E_SHARE, "why=\"%s\"", strerror(-ret));
	return ret;
}

/**
 * cd_share_interval() - How long until the next turn
 * @d:	daemon
 *
 * Return: ns; for ever without a share.
 */
uint64_t cd_share_interval(const struct cd_daemon *d)
{
	if (!d->opt.share)
		return UINT64_MAX / 2;
	return d->share.active || d->share.held ? TURN_NS : TURN_IDLE_NS;
}

/* An average of the threads that have nothing to do. */
static void idle_sample(struct cd_client *c, bool used)
{
	uint32_t threads = atomic_load(&c->gauge->threads);
	uint32_t idle = cw_min(atomic_load(&c->gauge->idle), threads);
	uint32_t now = used ? 0 : CD_IDLE_ALL;

	if (threads)
		now = (uint32_t)((uint64_t)idle * CD_IDLE_ALL / threads);
	c->idle = (c->idle * (IDLE_TURNS - 1) + now) / IDLE_TURNS;
}

/* Adds up what the workers used since the last turn. */
static uint64_t workers_used(struct cd_daemon *d, bool *ret_waits)
{
	uint64_t sum = 0;

	*ret_waits = false;
	for (int i = 0; i < CD_MAX_CLIENTS; i++) {
		struct cd_client *c = d->client[i];
		uint64_t ns, used = 0;

		if (!c || c->state != CD_CLIENT_OPEN || cd_meter_time(c, &ns))
			continue;
		if (ns > c->time)
			used = ns - c->time;
		c->time = ns;
		sum += used;
		/* Who rests has nothing running and may want all the same. */
		if (!d->share.held)
			idle_sample(c, used);
		*ret_waits |= c->idle < CD_IDLE_ALL / 2;
	}
	return sum;
}

static bool vm_waits(const struct cw_card_vm *vm, uint64_t now)
{
	uint64_t stamp = atomic_load(&vm->stamp);

	return atomic_load(&vm->share) && atomic_load(&vm->waits) && stamp &&
	       (stamp > now || now - stamp < STALE_NS);
}

/* Least virtual time of the others that wait; UINT64_MAX: none does. */
static uint64_t others_vtime(const struct cd_share *s, uint64_t now)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < cw_min(atomic_load(&s->card->top), CW_CARD_VMS); i++) {
		const struct cw_card_vm *vm = &s->card->vm[i];

		if (vm != s->vm && vm_waits(vm, now))
			least = cw_min(least, atomic_load(&vm->vtime));
	}
	return least;
}

static void clock_advance(struct cw_card *card, uint64_t to)
{
	uint64_t at = atomic_load(&card->vclock);

	while (at < to && !atomic_compare_exchange_weak(&card->vclock, &at, to))
		;
}

static void client_hold(struct cd_client *c, bool hold)
{
	atomic_store(&c->gauge->hold, hold);
	if (!hold)
		syscall(SYS_futex, &c->gauge->hold, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/*
 * A worker that uses time although it should rest is stopped: a block may be
 * long, or somebody's code does not obey. Not while it owes us an answer.
 */
static void client_stop(struct cd_client *c, bool stop)
{
	if (c->deadline || c->state != CD_CLIENT_OPEN)
		stop = false;
	if (c->stopped == stop ||
	    cd_spawner_hold(&c->d->spawner, c->cookie, CD_HOLD_SHARE, stop))
		return;
	c->stopped = stop;
}

static bool disobeyed(struct cd_share *s, uint64_t now)
{
	uint64_t since = now - s->held_at;

	if (since < OBEY_NS)
		s->held_used = s->used;
	return since >= 2 * OBEY_NS && (s->used - s->held_used) * OBEY_PART > since - OBEY_NS;
}

static void share_hold(struct cd_daemon *d, bool hold, uint64_t now)
{
	struct cd_share *s = &d->share;
	bool stop;

	if (hold && !s->held)
		s->held_at = now;
	s->held = hold;
	stop = hold && disobeyed(s, now);
	for (int i = 0; i < CD_MAX_CLIENTS; i++) {
		struct cd_client *c = d->client[i];

		if (!c || !c->gauge)
			continue;
		if (atomic_load(&c->gauge->hold) != hold)
			client_hold(c, hold && c->state == CD_CLIENT_OPEN);
		client_stop(c, stop || (hold && c->stopped));
	}
}

/**
 * cd_share_turn() - Account for what was used, and rest where that is too much
 * @d:		daemon
 * @now:	of cd_now_ns()
 */
void cd_share_turn(struct cd_daemon *d, uint64_t now)
{
	struct cd_share *s = &d->share;
	uint64_t used = workers_used(d, &s->waits), others;

	s->used += used;
	s->active = used;
	if (!d->opt.share || !s->card)
		return;
	s->vtime += used * 100 / d->opt.share;
	if (!s->waits)
		s->vtime = cw_max(s->vtime, atomic_load(&s->card->vclock));
	others = others_vtime(s, now);
	if (s->waits)
		clock_advance(s->card, cw_min(others, s->vtime));
	atomic_store(&s->vm->vtime, s->vtime);
	atomic_store(&s->vm->waits, s->waits);
	atomic_store(&s->vm->stamp, now);
	share_hold(d, others != UINT64_MAX && s->vtime > others + AHEAD_NS, now);
	atomic_store(&s->vm->held, s->held);
}

/**
 * cd_share_publish() - Bring the entry up to date, for people to look at
 * @d:		daemon
 * @now:	of cd_now_ns()
 */
void cd_share_publish(struct cd_daemon *d, uint64_t now)
{
	struct cw_card_vm *vm = d->share.vm;
	uint64_t memory = 0;

	if (!vm)
		return;
	for (int i = 0; i < CD_MAX_CLIENTS; i++) {
		struct cd_client *c = d->client[i];
		uint64_t used = c ? cd_quota_used(c) : 0;

		memory += used;
		atomic_store(&vm->client[i].pid, c ? (uint32_t)c->worker_pid : 0);
		atomic_store(&vm->client[i].memory, used);
	}
	atomic_store(&vm->clients, d->nr_clients);
	atomic_store(&vm->memory, memory);
	atomic_store(&vm->used, d->share.used);
	atomic_store(&vm->stamp, now);
}

/**
 * cd_share_finish() - Leave the card
 * @d:	daemon
 */
void cd_share_finish(struct cd_daemon *d)
{
	struct cd_share *s = &d->share;

	if (s->vm)
		memset(s->vm, 0, sizeof(*s->vm));
	if (s->card)
		munmap(s->card, sizeof(*s->card));
	s->vm = NULL;
	s->card = NULL;
	cd_close(&s->fd);
}
