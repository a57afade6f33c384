/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer to the CUDA runtime's integrity check.
 *
 * NVIDIA's libcudart asks the driver, through an export table, for 16 bytes
 * and refuses to work when they are not what it computes itself. The value is
 * HMAC-MD2: RFC 2104 over RFC 1319 with the block size of 16 that MD2 has, with
 * a fixed key, over facts about the driver and its devices.
 *
 * Provenance: the message layout, the key and the two constants are described
 * in public, permissively licensed projects (ZLUDA; LUPINE, formerly SCUDA)
 * and were confirmed by observing what unmodified programs ask for. That the
 * function is HMAC-MD2 was found by us; the code below was written from the
 * two RFCs. It is shipped so that independently written software can work
 * together with unmodified programs. Programs on Causeway's own libcudart never
 * come here.
 *
 * Everything is a static function without state, so that the guest library
 * and the software GPU use the same text.
 */
#ifndef CW_CUDART_CHECK_H
#define CW_CUDART_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CW_MD2_SIZE 16
#define CW_CUDART_CHECK_HEAD 48
#define CW_CUDART_CHECK_DEVICE 28

/* RFC 1319, 3.2: a permutation of 0..255 made from the digits of pi. */
static const uint8_t cw_md2_pi[256] = {
	41, 46, 67, 201, 162, 216, 124, 1, 61, 54, 84, 161, 236, 240, 6, 19, 98, 167, 5, 243, 192,
	199, 115, 140, 152, 147, 43, 217, 188, 76, 130, 202, 30, 155, 87, 60, 253, 212, 224, 22,
	103, 66, 111, 24, 138, 23, 229, 18, 190, 78, 196, 214, 218, 158, 222, 73, 160, 251, 245,
	142, 187, 47, 238, 122, 169, 104, 121, 145, 21, 178, 7, 63, 148, 194, 16, 137, 11, 34, 95,
	33, 128, 127, 93, 154, 90, 144, 50, 39, 53, 62, 204, 231, 191, 247, 151, 3, 255, 25, 48,
	179, 72, 165, 181, 209, 215, 94, 146, 42, 172, 86, 170, 198, 79, 184, 56, 210, 150, 164,
	125, 182, 118, 252, 107, 226, 156, 116, 4, 241, 69, 157, 112, 89, 100, 113, 135, 32, 134,
	91, 207, 101, 230, 45, 168, 2, 27, 96, 37, 173, 174, 176, 185, 246, 28, 70, 97, 105, 52, 64,
	126, 15, 85, 71, 163, 35, 221, 81, 175, 58, 195, 92, 249, 206, 186, 197, 234, 38, 44, 83,
	13, 110, 133, 40, 132, 9, 211, 223, 205, 244, 65, 129, 77, 82, 106, 220, 55, 200, 108, 193,
	171, 250, 36, 225, 123, 8, 12, 189, 177, 74, 120, 136, 149, 139, 227, 99, 232, 109, 233,
	203, 213, 254, 59, 0, 29, 57, 242, 239, 183, 14, 102, 88, 208, 228, 166, 119, 114, 248, 235,
	117, 75, 10, 49, 68, 80, 180, 143, 237, 31, 26, 219, 153, 141, 51, 159, 17, 131, 20,
};

/**
 * struct cw_md2 - A hash in progress; all zero is an empty one
 * @state:	RFC 1319's X
 * @sum:	checksum so far
 * @block:	bytes not hashed yet
 * @used:	how many
 */
struct cw_md2 {
	uint8_t state[48];
	uint8_t sum[CW_MD2_SIZE];
	uint8_t block[CW_MD2_SIZE];
	size_t used;
};

static inline void cw_md2_mix(uint8_t state[48], const uint8_t block[16])
{
	uint8_t t = 0;

	for (int j = 0; j < 16; j++) {
		state[16 + j] = block[j];
		state[32 + j] = state[16 + j] ^ state[j];
	}
	for (int round = 0; round < 18; round++) {
		for (int k = 0; k < 48; k++)
			t = state[k] ^= cw_md2_pi[t];
		t = (uint8_t)(t + round);
	}
}

/* The checksum as corrected by the RFC's erratum: C[j] is XORed, not set. */
static inline void cw_md2_block(struct cw_md2 *md)
{
	uint8_t last = md->sum[15];

	for (int j = 0; j < 16; j++)
		last = md->sum[j] ^= cw_md2_pi[md->block[j] ^ last];
	cw_md2_mix(md->state, md->block);
	md->used = 0;
}

static inline void cw_md2_update(struct cw_md2 *md, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		md->block[md->used++] = ((const uint8_t *)data)[i];
		if (md->used == CW_MD2_SIZE)
			cw_md2_block(md);
	}
}

static inline void cw_md2_final(struct cw_md2 *md, uint8_t ret_hash[CW_MD2_SIZE])
{
	uint8_t pad = (uint8_t)(CW_MD2_SIZE - md->used);

	memset(md->block + md->used, pad, pad);
	cw_md2_block(md);
	cw_md2_mix(md->state, md->sum);
	memcpy(ret_hash, md->state, CW_MD2_SIZE);
}

/**
 * cw_cudart_hmac() - HMAC-MD2 with the runtime's key
 * @data:	message
 * @len:	bytes
 * @ret_hash:	the code
 */
static inline void cw_cudart_hmac(const void *data, size_t len, uint8_t ret_hash[CW_MD2_SIZE])
{
	static const uint8_t key[16] = { 0x14, 0x6a, 0xdd, 0xae, 0x53, 0xa9, 0xa7, 0x52,
					 0xaa, 0x08, 0x41, 0x36, 0x0b, 0xf5, 0x5a, 0x9f };
	struct cw_md2 inner = { .used = 0 }, outer = { .used = 0 };
	uint8_t pad[16], hash[CW_MD2_SIZE];

	for (int i = 0; i < 16; i++)
		pad[i] = key[i] ^ 0x36;
	cw_md2_update(&inner, pad, sizeof(pad));
	cw_md2_update(&inner, data, len);
	cw_md2_final(&inner, hash);
	for (int i = 0; i < 16; i++)
		pad[i] = key[i] ^ 0x5c;
	cw_md2_update(&outer, pad, sizeof(pad));
	cw_md2_update(&outer, hash, sizeof(hash));
	cw_md2_final(&outer, ret_hash);
}

/**
 * struct cw_cudart_facts - What the message is made of, but for the devices
 * @driver_version: as cuDriverGetVersion() says
 * @version:	the runtime's argument
 * @pid:	getpid()
 * @thread:	low half of pthread_self()
 * @table_runtime: address of export table 6BD5FB6C
 * @table_check: address of export table D4082055
 * @function:	what slot 1 of the latter holds
 * @seconds:	the runtime's argument
 */
struct cw_cudart_facts {
	uint32_t driver_version;
	uint32_t version;
	uint32_t pid;
	uint32_t thread;
	uint64_t table_runtime;
	uint64_t table_check;
	uint64_t function;
	uint64_t seconds;
};

static inline uint8_t *cw_cudart_put(uint8_t *p, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> (8 * i));
	return p + bytes;
}

/* Write the CW_CUDART_CHECK_HEAD bytes the message starts with. */
static inline void cw_cudart_head(uint8_t *buf, const struct cw_cudart_facts *f)
{
	uint8_t *p = buf;

	p = cw_cudart_put(p, f->driver_version, 4);
	p = cw_cudart_put(p, f->version, 4);
	p = cw_cudart_put(p, f->pid, 4);
	p = cw_cudart_put(p, f->thread, 4);
	p = cw_cudart_put(p, f->table_runtime, 8);
	p = cw_cudart_put(p, f->table_check, 8);
	p = cw_cudart_put(p, f->function, 8);
	cw_cudart_put(p, f->seconds, 8);
}

/* Write the CW_CUDART_CHECK_DEVICE bytes of one device; @pci: domain, bus, device. */
static inline void cw_cudart_device(uint8_t *buf, const void *uuid, const int32_t pci[3])
{
	memcpy(buf, uuid, 16);
	for (int i = 0; i < 3; i++)
		cw_cudart_put(buf + 16 + 4 * i, (uint32_t)pci[i], 4);
}

/**
 * cw_cudart_answer() - The 16 bytes a runtime expects
 * @version:	its argument; the last digit says which answer it wants
 * @message:	head and devices
 * @len:	bytes
 * @ret_answer:	16 bytes
 */
static inline void cw_cudart_answer(uint32_t version, const void *message, size_t len,
				    uint8_t ret_answer[16])
{
	uint64_t first = version % 10 ? 0x1841181c03cb675cull : 0x3341181c03cb675cull;

	if (version % 10 > 1) {
		cw_cudart_hmac(message, len, ret_answer);
		return;
	}
	cw_cudart_put(ret_answer, first, 8);
	cw_cudart_put(ret_answer + 8, 0x8ed383aa1f4cd1e8ull, 8);
}

#endif
