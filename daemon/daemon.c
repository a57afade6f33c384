/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting the daemon up and taking it down.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/client.h"
#include "daemon/codes.h"
#include "daemon/meter.h"
#include "daemon/msg.h"
#include "daemon/socket.h"
#include "daemon/vm.h"

static int signals_init(struct cd_daemon *d)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	d->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signal_fd < 0)
		return -errno;
	return cd_fd_watch(d, d->signal_fd, cd_fd_key(CD_FD_SIGNAL, 0, 0));
}

static int base_init(struct cd_daemon *d)
{
	int ret;

	d->epfd = d->signal_fd = d->spare_fd = d->listen_fd = d->probe.sock = -1;
	d->probe.fd_info = d->spawner.sock = d->share.fd = -1;
	/* First of all: it shall have nothing that comes later. */
	ret = cd_spawner_init(&d->spawner, &d->opt);
	if (ret)
		return ret;
	d->epfd = epoll_create1(EPOLL_CLOEXEC);
	d->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (d->epfd < 0 || d->spare_fd < 0)
		return -errno;
	do {
		if (getrandom(&d->epoch, sizeof(d->epoch), 0) != sizeof(d->epoch))
			return -errno;
	} while (!d->epoch); /* 0 stands for "none" */
	ret = signals_init(d);
	if (!ret)
		ret = cd_fd_watch(d, d->spawner.sock, cd_fd_key(CD_FD_SPAWNER, 0, 0));
	if (!ret)
		ret = cd_probe_start(d);
	return ret;
}

static int listen_watch(struct cd_daemon *d, int fd)
{
	if (d->listen_fd >= 0)
		return -EEXIST;
	d->listen_fd = fd;
	return cd_fd_watch(d, fd, cd_fd_key(CD_FD_LISTEN, 0, 0));
}

/*
 * --fd: management hands over a socket. Some programs take the word to mean a
 * connected one, some a listening one; the socket itself knows.
 */
static int adopt_fd(struct cd_daemon *d, int fd)
{
	int type = 0, listening = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len))
		return -errno;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (type == SOCK_STREAM && d->vm)
		return -EEXIST;
	if (type == SOCK_STREAM)
		return cd_vm_create(d, fd, listening);
	if (type != SOCK_SEQPACKET)
		return -EPROTOTYPE;
	return listening ? listen_watch(d, fd) : cd_socket_adopt(d, fd);
}

/* A socket for the owner only; -errno after one line in the log. */
static int listen_at(const char *path, int type)
{
	int fd = vu_listen(path, type, 0600);

	if (fd < 0)
		cd_complain(CW_LOG_ERROR, CD_E_SOCKET, "path=\"%s\" why=\"%s\"", path,
			    strerror(-fd));
	return fd;
}

static int adopt_or_complain(struct cd_daemon *d, int fd)
{
	int ret = adopt_fd(d, fd);

	if (ret)
		cd_complain(CW_LOG_ERROR, CD_E_SOCKET, "fd=%d why=\"%s\"", fd, strerror(-ret));
	return ret;
}

static int sockets_init(struct cd_daemon *d)
{
	int fd, ret;

	if (d->opt.socket_path) {
		fd = listen_at(d->opt.socket_path, SOCK_STREAM);
		if (fd < 0) {
			d->opt.socket_path = NULL; /* not ours: leave it at the end */
			return fd;
		}
		ret = cd_vm_create(d, fd, true);
		if (ret)
			return ret;
	}
	if (d->opt.client_socket) {
		fd = listen_at(d->opt.client_socket, SOCK_SEQPACKET);
		if (fd < 0) {
			d->opt.client_socket = NULL; /* not ours: leave it at the end */
			return fd;
		}
		ret = listen_watch(d, fd);
		if (ret)
			return ret;
	}
	ret = d->opt.fd < 0 ? 0 : adopt_or_complain(d, d->opt.fd);
	for (int i = 0; !ret && i < d->opt.activation.n_fds; i++)
		ret = adopt_or_complain(d, CD_ACTIVATION_FIRST + i);
	return ret;
}

/**
 * cd_daemon_init() - Set everything up
 * @d:	daemon; d->opt is complete, all else zero
 *
 * Return: 0, or -errno after one line in the log. cd_daemon_finish() is due in
 * either case.
 */
int cd_daemon_init(struct cd_daemon *d)
{
	int ret = base_init(d);

	if (ret) {
		cd_complain(CW_LOG_ERROR, CD_E_START, "why=\"%s\"", strerror(-ret));
		d->opt.client_socket = NULL;
		d->opt.socket_path = NULL;
		return ret;
	}
	cd_meter_init(d);
	ret = cd_share_init(d);
	return ret ? ret : sockets_init(d);
}

/**
 * cd_daemon_finish() - End all workers, tell all clients, remove the sockets
 * @d:	daemon, also one that is set up in part
 */
void cd_daemon_finish(struct cd_daemon *d)
{
	if (d->opt.client_socket)
		unlink(d->opt.client_socket);
	if (d->opt.socket_path)
		unlink(d->opt.socket_path);
	cd_spawner_finish(&d->spawner);
	cd_clients_finish(d);
	cd_vm_destroy(d->vm);
	cd_probe_finish(d);
	cd_share_finish(d);
	cd_meter_finish(d);
	cd_close(&d->listen_fd);
	cd_close(&d->spare_fd);
	cd_close(&d->signal_fd);
	cd_close(&d->epfd);
}
