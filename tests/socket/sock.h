/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon in a child process, and client processes of it.
 *
 * Clients are forks of the test program: the library has no thread and no file
 * before cuInit, which only they call. What fails in a client is printed there
 * and ends it with status 1.
 */
#ifndef TESTS_SOCKET_SOCK_H
#define TESTS_SOCKET_SOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SOCK_SANITIZED 1
#endif

/* Longest wait for anything; only a test that fails takes so long. */
#define SOCK_PATIENCE_MS 300000
#define SOCK_WORKERS_MAX 2048

struct sock_daemon {
	pid_t pid;
	char dir[64];
	char path[96];
	char log[96];
};

/* Starts a daemon with the software GPU and test hooks; ends the test program
 * where it does not come up. @path: its socket, NULL for one of its own. */
void sock_daemon_start(struct sock_daemon *d, const char *path);
/* The same with up to SOCK_ARGS_MAX further arguments, ended by NULL. */
#define SOCK_ARGS_MAX 8
void sock_daemon_start_with(struct sock_daemon *d, const char *const *args);
/* SIGTERM; whether it left with status 0 and nothing of it stays. */
bool sock_daemon_stop(struct sock_daemon *d);
/* A connection to its socket, or -1. */
int sock_connect(const struct sock_daemon *d);
/* Lines of its log, workers' included, that hold a word. */
int sock_log_count(const struct sock_daemon *d, const char *word);
/* The same, as soon as there are @n. */
bool sock_log_has(const struct sock_daemon *d, const char *word, int n);

/* Workers of the daemon that live. */
int sock_workers(const struct sock_daemon *d, pid_t workers[SOCK_WORKERS_MAX]);
/* Waits until there are just @n. */
bool sock_workers_become(const struct sock_daemon *d, int n);
/* The only worker. */
pid_t sock_worker(const struct sock_daemon *d);
/* The one of a client process, by what both have mapped; -1: there is none. */
pid_t sock_worker_of(const struct sock_daemon *d, pid_t client);
/* The daemon's open files. */
int sock_fds(const struct sock_daemon *d);
/* Waits until they are not more than they were: then one may have been closing. */
bool sock_fds_become(const struct sock_daemon *d, int n);
/* Times that the threads of a process went to sleep of themselves. */
uint64_t sock_sleeps(pid_t pid);
/* Bytes of memory a process has. */
uint64_t sock_rss(pid_t pid);
/* Bytes of its heap and other data, resident or not. */
uint64_t sock_data(pid_t pid);
/* The process that starts the daemon's workers. */
pid_t sock_spawner(const struct sock_daemon *d);
/* Waits until a process' first thread sleeps; a worker's is its dispatcher. */
bool sock_asleep(pid_t pid);
bool sock_gone(pid_t pid);

/* Runs a function in a client process, its stderr in @log where not NULL. */
pid_t sock_client(const struct sock_daemon *d, int (*fn)(void *), void *arg, const char *log);
/* Its status, 256 + signal, or -1 where it does not end. */
int sock_end(pid_t pid);
/* sock_client() and sock_end(). */
int sock_run(const struct sock_daemon *d, int (*fn)(void *), void *arg);

void sock_nap(void);
double sock_now(void);

/* In a client: what must hold, or the client ends. */
#define WANT(expr)                                                                                 \
	do {                                                                                       \
		if (!(expr)) {                                                                     \
			printf("# %s:%d: WANT(%s) failed\n", __FILE__, __LINE__, #expr);           \
			fflush(stdout);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)
#define WANT_EQ(a, b)                                                                              \
	do {                                                                                       \
		long long want_a_ = (long long)(a), want_b_ = (long long)(b);                      \
		if (want_a_ != want_b_) {                                                          \
			printf("# %s:%d: %s is %lld, wanted %lld\n", __FILE__, __LINE__, #a,       \
			       want_a_, want_b_);                                                  \
			fflush(stdout);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

#endif
