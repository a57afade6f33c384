/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this build answers to each function of CUDA: the table behind
 * `causeway api`.
 */
#ifndef API_ANSWERS_H
#define API_ANSWERS_H

/**
 * struct api_answer - A symbol of libcuda or libcudart, and what becomes of it
 * @symbol:	as programs ask for it: "cuMemAlloc_v2"
 * @function:	the function behind it, as a trace names it: "cuMemAlloc"
 * @node:	version node, "libcudart.so.13"; NULL: none
 * @refused:	why it answers "not supported", or NULL where it works
 * @soft:	the same on the software GPU alone
 */
struct api_answer {
	const char *symbol;
	const char *function;
	const char *node;
	const char *refused;
	const char *soft;
};

extern const struct api_answer api_answers[];
extern const unsigned int api_answers_count;
extern const struct api_answer cudart_answers[];
extern const unsigned int cudart_answers_count;

#endif
