/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stable codes of everything that the daemon complains about.
 *
 * A code is never given a second meaning: people search for it. CW-E00xx is
 * start-up, CW-E01xx the client socket, CW-E02xx workers (from CW-E0211 on as they
 * see it: worker/internal.h), CW-E03xx the device, CW-E04xx the guest library.
 */
#ifndef DAEMON_CODES_H
#define DAEMON_CODES_H

#include "cw/log.h"

/*	name			code		what happened */
#define CD_CODES(X)                                                                                \
	X(CD_E_OPTION,		"CW-E0001",	"wrong argument")                                  \
	X(CD_E_BACK_END,	"CW-E0002",	"back end is not usable")                          \
	X(CD_E_SOCKET,		"CW-E0003",	"socket can't be set up")                          \
	X(CD_E_START,		"CW-E0004",	"daemon can't be set up")                          \
	X(CD_E_SPAWNER,		"CW-E0005",	"spawner is gone")                                 \
	X(CD_E_PEER,		"CW-E0101",	"peer does not speak the client protocol")         \
	X(CD_E_CLIENT_VERSION,	"CW-E0102",	"client speaks another version")                   \
	X(CD_E_CLIENT_TYPE,	"CW-E0103",	"client sent a message of unknown type")           \
	X(CD_E_CLIENT_SIZE,	"CW-E0104",	"client sent a message of wrong size")             \
	X(CD_E_CLIENT_FDS,	"CW-E0105",	"client sent a wrong number of descriptors")       \
	X(CD_E_CLIENT_STATE,	"CW-E0106",	"client sent a message out of turn")               \
	X(CD_E_CLIENT_FIELD,	"CW-E0107",	"client sent a value out of range")                \
	X(CD_E_CLIENT_MEMFD,	"CW-E0108",	"client sent a descriptor that is no sealed memfd")\
	X(CD_E_CLIENT_STUCK,	"CW-E0109",	"client does not read its socket")                 \
	X(CD_E_CLIENT_LIMIT,	"CW-E0110",	"too many clients")                                \
	X(CD_E_WORKER_SPAWN,	"CW-E0201",	"worker can't be started")                         \
	X(CD_E_WORKER_MESSAGE,	"CW-E0202",	"worker sent a malformed message")                 \
	X(CD_E_WORKER_TIMEOUT,	"CW-E0203",	"worker does not answer")                          \
	X(CD_E_WORKER_MAPPING,	"CW-E0204",	"worker keeps memory that it gave back")           \
	X(CD_E_WORKER_DIED,	"CW-E0205",	"worker died")                                     \
	X(CD_E_WORKER_START,	"CW-E0206",	"worker could not start its client")               \
	X(CD_E_WORKER_MEMORY,	"CW-E0207",	"worker uses more memory than it was given")       \
	X(CD_E_SHARE,		"CW-E0208",	"compute time can't be shared out")                \
	X(CD_E_WORKER_BROKER,	"CW-E0209",	"worker wants to map what was not granted")        \
	X(CD_E_WORKER_SANDBOX,	"CW-E0210",	"worker's sandbox is not as the probe's was")      \
	X(CD_E_WORKER_SIZE,	"CW-E0220",	"worker has grown beyond its limit")               \
	X(CD_E_VM_FRONT,	"CW-E0301",	"front end broke the vhost-user protocol")         \
	X(CD_E_VM_QUEUE,	"CW-E0302",	"guest driver broke a queue")                      \
	X(CD_E_VM_REQUEST,	"CW-E0303",	"guest driver sent a malformed request")

#define CD_CODE_ENUM(name, code, text) name,
enum cd_code { CD_CODES(CD_CODE_ENUM) CD_CODE_COUNT };
#undef CD_CODE_ENUM

const char *cd_code_name(enum cd_code code);
const char *cd_code_text(enum cd_code code);

/**
 * cd_complain() - One log line with a stable code
 * @level:	CW_LOG_ERROR, CW_LOG_WARN ...
 * @code:	enum cd_code
 * @...:	format and arguments: what in particular, as key=value
 */
#define cd_complain(level, code, fmt, ...)                                                         \
	cw_log(level, "%s %s " fmt, cd_code_name(code), cd_code_text(code), ##__VA_ARGS__)

#endif
