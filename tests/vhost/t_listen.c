/* SPDX-License-Identifier: Apache-2.0 */
#include "vhost/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/vhost/fake_device.h"

static char dir[64], path[96];

static void fresh_path(void)
{
	strcpy(dir, "/tmp/t_listen.XXXXXX");
	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
}

static void remove_path(void)
{
	unlink(path);
	rmdir(dir);
}

TEST(listening_socket_is_accepted_from)
{
	int before = fake_open_fds(), fd, conn;
	struct front f;
	struct stat st;
	bool listening;

	fresh_path();
	fd = vu_listen(path, SOCK_STREAM, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	CHECK_EQ(vu_adopt_fd(fd, &listening), 0);
	CHECK(listening);
	CHECK_EQ(vu_accept(fd), -EAGAIN);
	CHECK_EQ(front_connect(&f, path), 0);
	conn = vu_accept(fd);
	CHECK(conn >= 0);
	CHECK_EQ(vu_adopt_fd(conn, &listening), 0);
	CHECK(!listening);
	front_close(&f);
	close(conn);
	close(fd);
	remove_path();
	CHECK_EQ(fake_open_fds(), before);
}

TEST(dead_socket_is_replaced_and_a_live_one_is_not)
{
	int fd;

	fresh_path();
	fd = vu_listen(path, SOCK_STREAM, 0600);
	CHECK_EQ(vu_listen(path, SOCK_STREAM, 0600), -EADDRINUSE);
	close(fd);
	fd = vu_listen(path, SOCK_STREAM, 0600);
	CHECK(fd >= 0);
	close(fd);
	remove_path();
}

static _Atomic int attempts, refused;

/* Connects as often as it can to a socket that is about to come. */
static void *connect_on_sight(void *arg)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	strcpy(addr.sun_path, path);
	for (;;) {
		fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
			break;
		refused += errno != ENOENT;
		attempts++;
		close(fd);
	}
	close(fd);
	return NULL;
}

TEST(socket_that_is_seen_can_be_connected_to)
{
	pthread_t peer;
	int fd, i;

	fresh_path();
	for (i = 0; i < 100; i++) {
		CHECK_EQ(pthread_create(&peer, NULL, connect_on_sight, NULL), 0);
		for (attempts = 0; attempts < 20;)
			;
		fd = vu_listen(path, SOCK_SEQPACKET, 0600);
		CHECK(fd >= 0);
		CHECK_EQ(pthread_join(peer, NULL), 0);
		CHECK_EQ(unlink(path), 0);
		close(fd);
	}
	CHECK_EQ(refused, 0);
	rmdir(dir); /* which only an empty one lets be done */
	CHECK(access(dir, F_OK));
}

TEST(half_made_socket_of_a_dead_program_is_no_hindrance)
{
	char beside[100];
	int fd;

	fresh_path();
	fd = vu_listen(path, SOCK_STREAM, 0600);
	snprintf(beside, sizeof(beside), "%s~", path);
	CHECK_EQ(rename(path, beside), 0);
	close(fd);
	fd = vu_listen(path, SOCK_STREAM, 0600);
	CHECK(fd >= 0);
	CHECK(access(beside, F_OK));
	close(fd);
	remove_path();
}

TEST(file_in_the_way_is_left_alone)
{
	int fd;

	fresh_path();
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	CHECK_EQ(vu_listen(path, SOCK_STREAM, 0600), -EADDRINUSE);
	CHECK_EQ(access(path, F_OK), 0);
	remove_path();
}

TEST(path_that_cannot_be_is_refused)
{
	char longest[200];

	memset(longest, 'a', sizeof(longest));
	longest[199] = 0;
	CHECK_EQ(vu_listen(longest, SOCK_STREAM, 0600), -ENAMETOOLONG);
	CHECK_EQ(vu_listen("", SOCK_STREAM, 0600), -ENAMETOOLONG);
	CHECK_EQ(vu_listen("/nonexistent/sock", SOCK_STREAM, 0600), -ENOENT);
}

TEST(descriptor_that_is_no_unix_stream_is_refused)
{
	int pair[2], udp = socket(AF_INET, SOCK_DGRAM, 0);
	bool listening;

	CHECK_EQ(pipe(pair), 0);
	CHECK_EQ(vu_adopt_fd(pair[0], &listening), -ENOTSOCK);
	CHECK_EQ(vu_adopt_fd(udp, &listening), udp >= 0 ? -EINVAL : -EBADF);
	CHECK_EQ(vu_adopt_fd(-1, &listening), -EBADF);
	close(pair[0]);
	close(pair[1]);
	close(udp);
}

TAP_MAIN()
