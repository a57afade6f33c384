/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `causeway run` and the agent in its guest say to each other.
 *
 * Four virtio-serial ports. Three carry the bytes of stdin, stdout and stderr
 * and nothing else; none is ever closed to mark an end, for a close may overtake
 * data. The control port carries messages: a head, then @len bytes. The ends
 * of the streams are byte counts in them. A program on a terminal has its pty's
 * master at both stdin and stdout; stderr stays empty.
 *
 * The job, what to do in the guest, is the file CT_JOB_PATH of the initramfs:
 * records of one letter, a text and a NUL.
 *
 * The host does not trust the agent: a message it does not expect ends the run.
 */
#ifndef TOOLS_RUN_PROTO_H
#define TOOLS_RUN_PROTO_H

#include <stdint.h>

#define CT_PROTO_VERSION 2
#define CT_MSG_MAX 65536

#define CT_PORT_CONTROL "causeway.control"
#define CT_PORT_STDIN "causeway.stdin"
#define CT_PORT_STDOUT "causeway.stdout"
#define CT_PORT_STDERR "causeway.stderr"

#define CT_GUEST_DIR "/causeway"
#define CT_JOB_PATH CT_GUEST_DIR "/job"
#define CT_GUEST_LIB CT_GUEST_DIR "/lib"
#define CT_GUEST_TRACE CT_GUEST_DIR "/trace"
#define CT_GUEST_OUT "/out"
/* How the agent's own lines on the console begin. */
#define CT_AGENT_PREFIX "causeway-agent: "

enum ct_job {
	CT_JOB_ARG = 'a',     /* argument of the program, in order */
	CT_JOB_PROGRAM = 'p', /* file to execute */
	CT_JOB_ENV = 'e',     /* NAME=VALUE */
	CT_JOB_CWD = 'c',     /* folder to start in; made if it is not there */
	CT_JOB_UID = 'u',
	CT_JOB_GID = 'g',
	CT_JOB_MODULE = 'm', /* "PATH PARAMETERS": kernel module, in order */
	CT_JOB_ROOT = 'r',   /* TAG of the share that is below the guest's own files */
	CT_JOB_SHARE = 's',  /* "TAG OPTIONS PATH": OPTIONS is rw or ro */
	CT_JOB_OUT = 'o',    /* send what is in CT_GUEST_OUT at the end */
	CT_JOB_TTY = 'w',    /* empty: the program gets a terminal, not three pipes */
	CT_JOB_TRACE = 't',  /* send CT_GUEST_TRACE at the end */
};

enum ct_msg_type {
	/* guest to host */
	CT_MSG_HELLO = 1, /* struct ct_msg_hello */
	CT_MSG_FAIL,	  /* struct ct_msg_fail: nothing runs, power-off follows */
	CT_MSG_STARTED,	  /* empty: signals reach the program from here on */
	CT_MSG_OUT_OPEN,  /* struct ct_msg_out_open: a file follows */
	CT_MSG_OUT_DATA,  /* bytes of it */
	CT_MSG_OUT_CLOSE, /* empty: the file is complete */
	CT_MSG_EXIT,	  /* struct ct_msg_exit: the last one */
	/* host to guest */
	CT_MSG_STDIN_END = 64, /* struct ct_msg_count: length of stdin */
	CT_MSG_SIGNAL,	       /* struct ct_msg_signal */
	CT_MSG_READER_GONE,    /* struct ct_msg_signal: 1 stdout, 2 stderr */
	CT_MSG_SIZE,	       /* struct ct_msg_size: of the terminal */
	CT_MSG_BYE,	       /* empty: all is received, power off */
};

struct ct_msg_head {
	uint32_t type;
	uint32_t len;
};

struct ct_msg_hello {
	uint32_t version;
};

struct ct_msg_fail {
	int32_t err;	/* errno */
	char text[224]; /* what could not be done; ends with a NUL */
};

enum ct_out_kind {
	CT_OUT_FILE,  /* belongs into the folder of --out */
	CT_OUT_TRACE, /* is the trace */
};

struct ct_msg_out_open {
	uint32_t kind;
	uint32_t mode;	 /* permission bits */
	char path[1024]; /* relative to CT_GUEST_OUT; ends with a NUL */
};

struct ct_msg_exit {
	int32_t status;	 /* as waitpid() gives it */
	uint32_t unsent; /* files in CT_GUEST_OUT left there: killed by a signal */
	uint64_t out_bytes;
	uint64_t err_bytes;
};

struct ct_msg_count {
	uint64_t bytes;
};

struct ct_msg_size {
	uint16_t rows;
	uint16_t columns;
};

struct ct_msg_signal {
	uint32_t number;
};

#endif
