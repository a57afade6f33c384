/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command line, sockets and start-up of the daemon.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/vhost/t_daemon_harness.h"

static int lines(const struct t_daemon *d)
{
	return t_daemon_log_count(d, "\n");
}

TEST(wrong_argument_is_one_line_and_a_status)
{
	static const char *const args[] = {
		"--no-such-option", "--window-size=3", "--window-size=1Q", "--window-size=-2M",
		"--max-clients=0",  "--max-clients=257", "--log-level=loud", "--fd=x",
		"--fd",		    "stray",
	};
	struct t_daemon d;

	for (size_t i = 0; i < CW_ARRAY_SIZE(args); i++) {
		CHECK(t_daemon_run(&d, args[i], NULL) == 1);
		CHECK_EQ(t_daemon_log_count(&d, "CW-E0001"), 1);
		CHECK_EQ(lines(&d), 1);
		unlink(d.log);
	}
	CHECK_EQ(t_daemon_run(&d, NULL), 1);
	CHECK_EQ(t_daemon_log_count(&d, "CW-E0001"), 1);
	unlink(d.log);
}

TEST(questions_are_answered_without_a_socket)
{
	static const char *const args[] = { "--help", "--version", "--print-capabilities" };
	struct t_daemon d;
	int out = dup(1), null = open("/dev/null", O_WRONLY);

	for (size_t i = 0; i < CW_ARRAY_SIZE(args); i++) {
		int ret;

		fflush(stdout);
		dup2(null, 1);
		ret = t_daemon_run(&d, args[i], NULL);
		dup2(out, 1);
		CHECK_EQ(ret, 0);
		CHECK_EQ(lines(&d), 0);
		unlink(d.log);
	}
	close(out);
	close(null);
}

TEST(back_end_that_is_missing_or_useless_is_one_line)
{
	struct t_daemon d;

	CHECK_EQ(t_daemon_run(&d, "--client-socket=/tmp/causeway-none", "--backend=/no/such", NULL),
		 1);
	CHECK_EQ(t_daemon_log_count(&d, "CW-E0002"), 1);
	CHECK_EQ(lines(&d), 1);
	unlink(d.log);
	CHECK_EQ(t_daemon_run(&d, "--client-socket=/tmp/causeway-none", "--backend=amd", NULL), 1);
	CHECK_EQ(t_daemon_log_count(&d, "CW-E0002"), 1);
	unlink(d.log);
}

static int run_probe(const char *how, struct t_daemon *d)
{
	char arg[] = "--client-socket=/tmp/causeway-test-probe";
	int ret;

	setenv("CAUSEWAY_TEST_PROBE", how, 1);
	ret = t_daemon_run(d, arg, "--backend=/dev/null", NULL);
	unsetenv("CAUSEWAY_TEST_PROBE");
	CHECK(access("/tmp/causeway-test-probe", F_OK));
	return ret;
}

TEST(probe_that_fails_ends_the_daemon_with_its_reason)
{
	struct t_daemon d;

	CHECK_EQ(run_probe("none", &d), 1);
	CHECK_EQ(t_daemon_log_count(&d, "made to fail"), 1);
	CHECK_EQ(lines(&d), 1);
	unlink(d.log);
	CHECK_EQ(run_probe("die", &d), 1);
	CHECK_EQ(t_daemon_log_count(&d, "CW-E0002"), 1);
	unlink(d.log);
	CHECK_EQ(run_probe("table", &d), 1);
	CHECK_EQ(t_daemon_log_count(&d, "no usable table"), 1);
	unlink(d.log);
}

TEST(client_socket_is_the_owners_alone)
{
	struct t_daemon d = t_daemon_start(NULL);
	struct stat st;

	CHECK(!stat(d.path, &st));
	CHECK_EQ(st.st_mode & 0777, 0600);
	CHECK(t_daemon_stop(&d));
}

static int bound_socket(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	CHECK(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	CHECK(!listen(fd, 8));
	return fd;
}

TEST(stale_socket_is_replaced_but_a_living_one_and_a_file_are_not)
{
	char dir[] = "/tmp/causeway-test-XXXXXX", path[64], arg[96];
	struct t_daemon d, second;
	int fd;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/client", dir);
	snprintf(arg, sizeof(arg), "--client-socket=%s", path);
	fd = bound_socket(path);
	CHECK_EQ(t_daemon_run(&second, arg, "--backend=/dev/null", NULL), 1);
	CHECK_EQ(t_daemon_log_count(&second, "CW-E0003"), 1);
	unlink(second.log);
	CHECK(!access(path, F_OK));
	close(fd); /* now it is stale */
	d = t_daemon_start(arg, NULL);
	fd = t_connect(&d);
	CHECK(fd >= 0);
	close(fd);
	CHECK(t_daemon_stop(&d));
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	CHECK_EQ(t_daemon_run(&second, arg, "--backend=/dev/null", NULL), 1);
	unlink(second.log);
	CHECK(!access(path, F_OK));
	unlink(path);
	rmdir(dir);
}

TEST(inherited_socket_may_be_connected)
{
	struct t_daemon by_fd;
	struct t_client c;
	char arg[32];
	int pair[2];

	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	snprintf(arg, sizeof(arg), "--fd=%d", pair[1]);
	by_fd = t_daemon_start(arg, NULL);
	close(pair[1]);
	c = t_client_open(&by_fd, NULL);
	close(c.sock);
	c.sock = pair[0];
	t_client_reopen(&c, NULL);
	CHECK_EQ(c.opened.status, VIRTIO_CUDA_OK);
	t_client_close(&c);
	CHECK(t_daemon_stop(&by_fd));
}

TEST(inherited_socket_may_be_listening)
{
	char dir[] = "/tmp/causeway-test-XXXXXX", arg[32];
	struct t_daemon d;
	struct t_client c;
	int fd, status;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(d.path, sizeof(d.path), "%s/listening", dir);
	fd = bound_socket(d.path);
	fcntl(fd, F_SETFD, 0);
	snprintf(arg, sizeof(arg), "--fd=%d", fd);
	d.pid = fork();
	if (!d.pid) {
		execl(getenv("DAEMON"), getenv("DAEMON"), arg, "--backend=/dev/null", NULL);
		_exit(126);
	}
	close(fd);
	c = t_client_open(&d, NULL);
	CHECK_EQ(c.opened.status, VIRTIO_CUDA_OK);
	t_client_close(&c);
	kill(d.pid, SIGTERM);
	CHECK_EQ(waitpid(d.pid, &status, 0), d.pid);
	CHECK_EQ(status, 0);
	CHECK(!unlink(d.path)); /* it is not the daemon's to remove */
	rmdir(dir);
}

TAP_MAIN()
