/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each device attribute answers in a guest (SEMANTICS 6).
 */
#ifndef API_POLICY_H
#define API_POLICY_H

#include "cw/util.h"

/**
 * enum api_policy_how - Where the value comes from
 * @API_POLICY_PASS:		the host's device
 * @API_POLICY_CONSTANT:	api_policy.value
 * @API_POLICY_COMPUTED:	made by the daemon from what the client gets
 */
enum api_policy_how {
	API_POLICY_PASS,
	API_POLICY_CONSTANT,
	API_POLICY_COMPUTED,
};

struct api_policy {
	int attr; /* CUdevice_attribute */
	enum api_policy_how how;
	int value;
};

/* An attribute that is not here reads 0. */
extern CW_HIDDEN const struct api_policy api_policies[];
extern CW_HIDDEN const unsigned int api_policies_count;

#endif
