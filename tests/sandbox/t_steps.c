/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each step of the sandbox, seen from outside: what the kernel says of a worker
 * whose daemon reports the step as on.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sandbox/confined.h"
#include "tests/socket/raw.h"
#include "tests/tap.h"

static struct sock_daemon daemon_one;
static struct raw client;
static pid_t worker;

#define NEEDS(step)                                                                                \
	do {                                                                                       \
		if (!confined(step))                                                               \
			SKIP("not to be had on this machine");                                     \
	} while (0)

/* The words after @key in a file of the worker in /proc; empty: there is none. */
static const char *proc(pid_t pid, const char *file, const char *key)
{
	static char line[512];
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		fclose(f);
		line[strcspn(line, "\n")] = '\0';
		return line + strlen(key) + strspn(line + strlen(key), " \t:");
	}
	if (f)
		fclose(f);
	return "";
}

/* Where a link of the worker leads, in the same way as ours; false: elsewhere. */
static bool same_link(const char *name)
{
	char path[64], theirs[256] = "", ours[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/%s", worker, name);
	if (readlink(path, theirs, sizeof(theirs) - 1) <= 0)
		printf("# %s can't be read\n", path);
	snprintf(path, sizeof(path), "/proc/self/%s", name);
	if (readlink(path, ours, sizeof(ours) - 1) <= 0)
		printf("# %s can't be read\n", path);
	return !*theirs || !*ours || !strcmp(theirs, ours);
}

TEST(descriptors_are_those_that_were_given)
{
	char path[64], to[256];
	int strange = 0, known = 0;

	for (int fd = 1; fd < 512; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", worker, fd);
		n = readlink(path, to, sizeof(to) - 1);
		if (n <= 0)
			continue;
		to[n] = '\0';
		/* Memory files, the socket, the doorbell, the log. */
		if (!strncmp(to, "/memfd:", 7) || !strncmp(to, "socket:", 7) ||
		    !strncmp(to, "anon_inode:[eventfd]", 20) || !strcmp(to, daemon_one.log)) {
			known++;
			continue;
		}
		printf("# %d is %s\n", fd, to);
		strange++;
	}
	CHECK_EQ(strange, 0);
	CHECK(known >= 4);
}

TEST(network_and_ipc_are_its_own)
{
	NEEDS(CW_SB_NETWORK);
	CHECK(!same_link("ns/net"));
	CHECK(!same_link("ns/ipc"));
	CHECK(!same_link("ns/uts"));
	CHECK_STR(proc(worker, "net/route", "lo"), "");
}

TEST(processes_are_its_own)
{
	char both[64];

	NEEDS(CW_SB_PROCESSES);
	CHECK(!same_link("ns/pid"));
	CHECK(!same_link("ns/mnt"));
	/* It has a number of its own inside. */
	snprintf(both, sizeof(both), "%d\t", worker);
	CHECK(!strncmp(proc(worker, "status", "NSpid"), both, strlen(both)));
}

TEST(files_are_none)
{
	char path[64];

	NEEDS(CW_SB_FILES);
	CHECK(!same_link("root"));
	snprintf(path, sizeof(path), "/proc/%d/root/etc", worker);
	CHECK(access(path, F_OK));
	snprintf(path, sizeof(path), "/proc/%d/cwd/etc", worker);
	CHECK(access(path, F_OK));
}

TEST(user_is_nobody_else)
{
	unsigned int uid = 0, gid = 0;

	NEEDS(CW_SB_USER);
	CHECK_EQ(sscanf(proc(worker, "status", "Uid"), "%u", &uid), 1);
	CHECK_EQ(sscanf(proc(worker, "status", "Gid"), "%u", &gid), 1);
	if (!geteuid() && uid) {
		CHECK(uid >= 0x70000000u || uid == 65534);
		CHECK_EQ(gid, uid);
		CHECK_STR(proc(worker, "status", "Groups"), "");
	} else {
		CHECK(!same_link("ns/user"));
	}
}

TEST(capabilities_are_none)
{
	NEEDS(CW_SB_CAPABILITIES);
	CHECK_STR(proc(worker, "status", "CapEff"), "0000000000000000");
	CHECK_STR(proc(worker, "status", "CapPrm"), "0000000000000000");
	CHECK_STR(proc(worker, "status", "CapInh"), "0000000000000000");
	CHECK_STR(proc(worker, "status", "CapAmb"), "0000000000000000");
}

TEST(privileges_are_not_to_be_had)
{
	NEEDS(CW_SB_PRIVILEGES);
	CHECK_STR(proc(worker, "status", "NoNewPrivs"), "1");
}

TEST(dump_is_off)
{
	char path[64];
	struct stat st;

	NEEDS(CW_SB_DUMP);
	/* What /proc has of a process that is not dumpable belongs to root. */
	snprintf(path, sizeof(path), "/proc/%d/status", worker);
	CHECK(!stat(path, &st));
	CHECK_EQ(st.st_uid, 0);
}

/* Soft limit of the worker; ~0: unlimited. */
static unsigned long long limit(const char *name)
{
	const char *text = proc(worker, "limits", name);

	return *text == 'u' ? ~0ull : strtoull(text, NULL, 10);
}

TEST(limits_are_set)
{
	NEEDS(CW_SB_LIMITS);
	CHECK_EQ(limit("Max core file size"), 0);
	CHECK(limit("Max open files") <= 512);
	CHECK(limit("Max processes") <= 2048);
	CHECK(limit("Max file size") <= 256ull << 20);
}

TEST(memory_is_bounded)
{
	NEEDS(CW_SB_MEMORY);
	/* --worker-memory, and stacks. */
	CHECK(limit("Max data size") >= 2ull << 30);
	CHECK(limit("Max data size") < 64ull << 30);
	CHECK(limit("Max address space") < 4ull << 40);
}

TEST(system_calls_are_filtered)
{
	const char *filters = proc(worker, "status", "Seccomp_filters");

	NEEDS(CW_SB_SYSCALLS);
	if (*filters)
		CHECK(atoi(filters) >= 1 + confined(CW_SB_BROKER));
	CHECK_STR(proc(worker, "status", "Seccomp"), "2");
}

TEST(nobody_outlives_the_spawner)
{
	struct sock_daemon d;
	struct raw c;
	pid_t of;

	NEEDS(CW_SB_DEATH);
	sock_daemon_start(&d, NULL);
	raw_open(&c, &d);
	of = sock_worker(&d);
	CHECK(of > 0);
	kill(atoi(proc(of, "status", "PPid")), SIGKILL);
	CHECK(sock_gone(of));
	raw_close(&c);
	/* A daemon without a spawner ends, and says so. */
	CHECK_EQ(waitpid(d.pid, NULL, 0), d.pid);
	CHECK(sock_log_count(&d, "CW-E0005"));
	unlink(d.log);
	unlink(d.path);
	rmdir(d.dir);
}

/* What a daemon prints when run like this; its status comes back. */
static int run(char *text, size_t size, const char *how)
{
	const char *path = getenv("CAUSEWAY_DAEMON");
	char command[512];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "DAEMON=%s; %s", path, how);
	f = popen(command, "r");
	n = f ? fread(text, 1, size - 1, f) : 0;
	text[n] = '\0';
	return f ? pclose(f) : -1;
}

TEST(strict_fails_where_a_step_is_missing_and_only_there)
{
	char text[4096];
	bool all = true;
	int status;

	for (int i = 0; i < CW_SANDBOX_COUNT; i++)
		all = all && (confined((enum cw_sandbox_step)i) ||
			      !cw_sandbox_step_needed((enum cw_sandbox_step)i));
	status = run(text, sizeof(text), "$DAEMON --print-sandbox --sandbox=strict 2>&1");
	CHECK_EQ(!status, all);
	CHECK(all || strstr(text, "sandbox is not strict"));
}

/* Where no namespace can be made there is a step at least that is missing. */
TEST(strict_fails_without_namespaces)
{
	char text[4096];
	int status = run(text, sizeof(text),
			 "unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && "
			 "echo 0 >/proc/sys/user/max_net_namespaces && echo ready && "
			 "exec '$DAEMON' --print-sandbox --sandbox=strict' 2>&1");

	if (!strstr(text, "ready"))
		SKIP("no user namespace");
	CHECK(status);
	CHECK(strstr(text, "sandbox is not strict"));
	status = run(text, sizeof(text),
		     "unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && "
		     "echo 0 >/proc/sys/user/max_net_namespaces && "
		     "exec '$DAEMON' --print-sandbox' 2>&1");
	CHECK_EQ(status, 0);
	CHECK(strstr(text, "network       unavailable"));
}

TEST(off_is_off)
{
	char text[4096];

	CHECK_EQ(run(text, sizeof(text), "$DAEMON --print-sandbox --sandbox=off"), 0);
	CHECK(strstr(text, "syscalls      off"));
	CHECK(!strstr(text, " on\n"));
	CHECK(run(text, sizeof(text), "$DAEMON --print-sandbox --sandbox=sideways 2>&1"));
}

/* Any path but the software GPU's own goes the way of a driver. */
TEST(profile_nvidia_closes_too)
{
	char text[4096];

	setenv("SOFT", getenv("CAUSEWAY_SOFT"), 1);
	CHECK_EQ(run(text, sizeof(text),
		     "$DAEMON --print-sandbox --backend=$SOFT/libcuda.so.1"), 0);
	CHECK(strstr(text, "memory        off: not in profile nvidia"));
	CHECK(!confined(CW_SB_SYSCALLS) || strstr(text, "syscalls      on\n"));
	CHECK(!confined(CW_SB_BROKER) || strstr(text, "broker        on\n"));
	CHECK(!confined(CW_SB_NETWORK) || strstr(text, "files         on: devices\n"));
}

int main(int argc, char **argv)
{
	int r;

	setenv("DAEMON", getenv("CAUSEWAY_DAEMON"), 1);
	confined_begin();
	sock_daemon_start(&daemon_one, NULL);
	raw_open(&client, &daemon_one);
	worker = sock_worker(&daemon_one);
	r = tap_run(argc > 1 ? argv[1] : NULL);
	raw_close(&client);
	return sock_daemon_stop(&daemon_one) ? r : 1;
}
