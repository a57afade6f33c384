/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines about calls: where the generated printers write.
 */
#ifndef API_TRACE_H
#define API_TRACE_H

#include <stdbool.h>

#include "cw/util.h"

/**
 * api_trace_on() - Whether calls are to be printed
 *
 * Looks at CAUSEWAY_TRACE once: unset is no, `-` is stderr, else a file that
 * is appended to.
 */
bool api_trace_on(void);

/**
 * api_trace_line() - Print one call
 * @fmt:	the line, without its end
 */
void api_trace_line(const char *fmt, ...) CW_PRINTF(1, 2);

#endif
