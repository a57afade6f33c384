/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: what goes to the device and what comes back.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vcuda

#if !defined(VCUDA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VCUDA_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(vcuda_msg_post,
	TP_PROTO(const struct vcuda_msg *msg),
	TP_ARGS(msg),
	TP_STRUCT__entry(
		__field(u32, client)
		__field(u16, type)
		__field(u32, data_len)
		__field(u32, segs)
	),
	TP_fast_assign(
		__entry->client = le32_to_cpu(msg->req->client);
		__entry->type = le16_to_cpu(msg->req->type);
		__entry->data_len = msg->data_len;
		__entry->segs = msg->nr_data;
	),
	TP_printk("client=%u type=%u data_len=%u segs=%u", __entry->client, __entry->type,
		  __entry->data_len, __entry->segs)
);

TRACE_EVENT(vcuda_msg_done,
	TP_PROTO(const struct vcuda_msg *msg, int err),
	TP_ARGS(msg, err),
	TP_STRUCT__entry(
		__field(u32, client)
		__field(u16, type)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->client = le32_to_cpu(msg->req->client);
		__entry->type = le16_to_cpu(msg->req->type);
		__entry->err = err;
	),
	TP_printk("client=%u type=%u err=%d", __entry->client, __entry->type, __entry->err)
);

TRACE_EVENT(vcuda_event,
	TP_PROTO(u32 type, u32 client, u64 slots0, u64 slots1),
	TP_ARGS(type, client, slots0, slots1),
	TP_STRUCT__entry(
		__field(u32, type)
		__field(u32, client)
		__field(u64, slots0)
		__field(u64, slots1)
	),
	TP_fast_assign(
		__entry->type = type;
		__entry->client = client;
		__entry->slots0 = slots0;
		__entry->slots1 = slots1;
	),
	TP_printk("client=%u type=%u slots=%llx:%llx", __entry->client, __entry->type,
		  __entry->slots1, __entry->slots0)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
