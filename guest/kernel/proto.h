/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions of the driver that more than one file uses, by file.
 */
#ifndef VCUDA_PROTO_H
#define VCUDA_PROTO_H

/* main.c */
extern struct workqueue_struct *vcuda_wq;
unsigned long vcuda_pin_limit_pages(void);
unsigned int vcuda_patience(void);
unsigned long vcuda_retry_period(void);

/* device.c */
struct vcuda_device *vcuda_device_create(struct virtio_device *vdev);
void vcuda_device_free_number(struct vcuda_device *dev);
void vcuda_device_put(struct vcuda_device *dev);
int vcuda_device_start(struct vcuda_device *dev);
void vcuda_device_stop(struct vcuda_device *dev, enum vcuda_state state);
void vcuda_device_retry(struct vcuda_device *dev);
void vcuda_device_die(struct vcuda_device *dev, const char *why);
void vcuda_device_die_locked(struct vcuda_device *dev, const char *why);
void vcuda_watch_get(struct vcuda_device *dev);
void vcuda_watch_put(struct vcuda_device *dev);
bool vcuda_enter(struct vcuda_device *dev, int *ret_idx);
void vcuda_exit(struct vcuda_device *dev, int idx);

static inline bool vcuda_device_live(struct vcuda_device *dev)
{
	return READ_ONCE(dev->state) == VCUDA_LIVE;
}

/* control.c */
struct vcuda_msg *vcuda_msg_create(struct vcuda_device *dev, u16 type, size_t body, size_t room);
int vcuda_msg_init(struct vcuda_msg *msg, struct vcuda_device *dev, u16 type, size_t body,
		   size_t room);
void vcuda_msg_fini(struct vcuda_msg *msg);
void vcuda_msg_rearm(struct vcuda_msg *msg);
void vcuda_msg_set_client(struct vcuda_msg *msg, struct vcuda_client *client, u32 id);
void vcuda_msg_put(struct vcuda_msg *msg);
void vcuda_msg_drop(struct vcuda_msg *msg);
int vcuda_msg_submit(struct vcuda_msg *msg);
bool vcuda_msg_cancel(struct vcuda_msg *msg);
int vcuda_msg_wait(struct vcuda_msg *msg);
int vcuda_msg_call(struct vcuda_msg *msg);
bool vcuda_msg_acked(struct vcuda_msg *msg);
void vcuda_copies_cancel(struct vcuda_client *client);
int vcuda_bell_ring(struct vcuda_client *client);
void vcuda_control_irq(struct virtqueue *vq);
void vcuda_control_release_waiters(struct vcuda_device *dev);
void vcuda_control_collect(struct vcuda_device *dev, struct list_head *ret_msgs);
void vcuda_control_abort(struct vcuda_device *dev, struct list_head *msgs);
void vcuda_pump_work(struct work_struct *work);
void vcuda_reap_work(struct work_struct *work);

static inline void *vcuda_msg_body(struct vcuda_msg *msg)
{
	return msg->req + 1;
}

static inline void *vcuda_msg_answer(struct vcuda_msg *msg)
{
	return msg->resp + 1;
}

/* event.c */
void vcuda_event_irq(struct virtqueue *vq);
void vcuda_event_work(struct work_struct *work);
int vcuda_event_fill(struct vcuda_device *dev);

/* owner.c */
struct vcuda_owner *vcuda_owner_get(struct mm_struct *mm);
void vcuda_owner_put(struct vcuda_owner *owner);
void vcuda_owner_add(struct vcuda_owner *owner, struct vcuda_client *client);
void vcuda_owner_del(struct vcuda_owner *owner, struct vcuda_client *client);
struct mm_struct *vcuda_owner_mm(struct vcuda_owner *owner);
void vcuda_owner_exit(void);

/* client.c */
struct vcuda_client *vcuda_client_create(struct vcuda_device *dev, struct file *file);
void vcuda_client_get(struct vcuda_client *client);
void vcuda_client_put(struct vcuda_client *client);
struct vcuda_client *vcuda_client_find(struct vcuda_device *dev, u32 id);
void vcuda_client_kill(struct vcuda_client *client);
void vcuda_client_kill_all(struct vcuda_device *dev);
void vcuda_client_end(struct vcuda_client *client);
void vcuda_client_release_file(struct vcuda_client *client);
void vcuda_bury_work(struct work_struct *work);
bool vcuda_client_mine(struct vcuda_client *client);

/* Whether OPEN was granted. Pairs with the release in vcuda_open_finish(). */
static inline bool vcuda_client_opened(struct vcuda_client *client)
{
	return smp_load_acquire(&client->opened);
}

static inline bool vcuda_client_dead(struct vcuda_client *client)
{
	return test_bit(VCUDA_CLIENT_DEAD, &client->flags) ||
	       client->generation != READ_ONCE(client->dev->generation) ||
	       !vcuda_device_live(client->dev);
}

/* area.c */
struct vcuda_area *vcuda_area_create(struct vcuda_client *client, u64 len, unsigned int max_runs,
				     unsigned int top_order);
void vcuda_area_get(struct vcuda_area *area);
void vcuda_area_put(struct vcuda_area *area);
void vcuda_area_free_pages(struct vcuda_area *area);
unsigned int vcuda_area_nr_runs(struct vcuda_area *area);
unsigned long vcuda_area_nr_pages(struct vcuda_area *area);
unsigned long vcuda_area_pgoff(struct vcuda_area *area);
void vcuda_area_fill_runs(struct vcuda_area *area, struct virtio_cuda_run *runs);
void *vcuda_area_ptr(struct vcuda_area *area, u64 offset);
int vcuda_area_publish(struct vcuda_client *client, struct vcuda_area *area,
		       unsigned long pgoff);
void vcuda_area_withdraw(struct vcuda_client *client, struct vcuda_area *area);
int vcuda_mmap(struct file *file, struct vm_area_struct *vma);

/* channel.c */
int vcuda_call_open(struct vcuda_client *client, void *arg);

/* region.c */
int vcuda_call_region_alloc(struct vcuda_client *client, void *arg);
int vcuda_call_region_register(struct vcuda_client *client, void *arg);
int vcuda_call_region_free(struct vcuda_client *client, void *arg);
void vcuda_regions_free(struct vcuda_client *client);

/* copy.c */
int vcuda_call_copy(struct vcuda_client *client, void *arg);

/* wait.c */
int vcuda_call_wait(struct vcuda_client *client, void *arg);
int vcuda_call_kick(struct vcuda_client *client, void *arg);
void vcuda_poll_wake_all(struct vcuda_device *dev);
__poll_t vcuda_poll(struct file *file, poll_table *table);

/* ioctl.c */
long vcuda_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif
