/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of a vhost-user front end that the back end knows.
 *
 * X(name, number, min size, max size, most descriptors, state, protocol
 *   feature that must be acknowledged or -1, answer)
 *
 * Sizes are bytes of payload. The state is the least that must have happened:
 * ANY nothing, OWNED SET_OWNER, NEGOTIATED SET_FEATURES as well. The answer is
 * OWN where the message has a reply of its own, ACK where it is acknowledged
 * on request (REPLY_ACK). REM_MEM_REG may come with a stray descriptor; a
 * padded SET_MEM_TABLE is what User-mode Linux sends.
 */
#ifndef VHOST_MESSAGES_H
#define VHOST_MESSAGES_H

#define VU_MESSAGES(X)                                                         \
	X(GET_FEATURES, 1, 0, 0, 0, ANY, -1, OWN)                              \
	X(SET_FEATURES, 2, 8, 8, 0, OWNED, -1, ACK)                            \
	X(SET_OWNER, 3, 0, 0, 0, ANY, -1, ACK)                                 \
	X(RESET_OWNER, 4, 0, 0, 0, ANY, -1, ACK)                               \
	X(SET_MEM_TABLE, 5, 8, 264, 8, OWNED, -1, ACK)                         \
	X(SET_VRING_NUM, 8, 8, 8, 0, OWNED, -1, ACK)                           \
	X(SET_VRING_ADDR, 9, 40, 40, 0, NEGOTIATED, -1, ACK)                   \
	X(SET_VRING_BASE, 10, 8, 8, 0, OWNED, -1, ACK)                         \
	X(GET_VRING_BASE, 11, 8, 8, 0, OWNED, -1, OWN)                         \
	X(SET_VRING_KICK, 12, 8, 8, 1, NEGOTIATED, -1, ACK)                    \
	X(SET_VRING_CALL, 13, 8, 8, 1, OWNED, -1, ACK)                         \
	X(SET_VRING_ERR, 14, 8, 8, 1, OWNED, -1, ACK)                          \
	X(GET_PROTOCOL_FEATURES, 15, 0, 0, 0, ANY, -1, OWN)                    \
	X(SET_PROTOCOL_FEATURES, 16, 8, 8, 0, ANY, -1, ACK)                    \
	X(GET_QUEUE_NUM, 17, 0, 0, 0, ANY, VU_PF_MQ, OWN)                      \
	X(SET_VRING_ENABLE, 18, 8, 8, 0, NEGOTIATED, -1, ACK)                  \
	X(SET_BACKEND_REQ_FD, 21, 0, 0, 1, ANY, VU_PF_BACKEND_REQ, ACK)        \
	X(GET_CONFIG, 24, 12, 268, 0, ANY, VU_PF_CONFIG, OWN)                  \
	X(SET_CONFIG, 25, 12, 268, 0, ANY, VU_PF_CONFIG, ACK)                  \
	X(RESET_DEVICE, 34, 0, 0, 0, OWNED, VU_PF_RESET_DEVICE, ACK)           \
	X(GET_MAX_MEM_SLOTS, 36, 0, 0, 0, ANY, VU_PF_CONFIGURE_MEM_SLOTS, OWN) \
	X(ADD_MEM_REG, 37, 40, 40, 1, OWNED, VU_PF_CONFIGURE_MEM_SLOTS, ACK)   \
	X(REM_MEM_REG, 38, 40, 40, 1, OWNED, VU_PF_CONFIGURE_MEM_SLOTS, ACK)   \
	X(SET_STATUS, 39, 8, 8, 0, ANY, VU_PF_STATUS, ACK)                     \
	X(GET_STATUS, 40, 0, 0, 0, ANY, VU_PF_STATUS, OWN)

/* Messages the other way, on the socket of SET_BACKEND_REQ_FD. */
enum vu_backend_request {
	VU_BACKEND_CONFIG_CHANGE = 2,
};

enum vu_request {
#define VU_ENUM(name, number, ...) VU_##name = number,
	VU_MESSAGES(VU_ENUM)
#undef VU_ENUM
};

#endif
