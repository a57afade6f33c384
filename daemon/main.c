/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user-cuda: gives a VM, or processes without one, a CUDA GPU.
 *
 * Processes: this one is the daemon. It serves sockets and queues, holds the
 * guest's memory, and runs no CUDA at all. Its first act is to fork the
 * spawner, which later starts this same program once per client with --worker;
 * a worker has that client's channel, window and regions, and the back end's
 * libcuda. --probe is a worker that only looks at the devices, once, at start.
 * Who has guest code in it (a worker) can't reach what the daemon holds; who
 * holds it (the daemon) runs nothing of the guest's.
 *
 * Conventions of vhost-user back ends: it stays in the foreground, ends on
 * SIGTERM, and fails early, with a status that is not 0 and one line that says
 * why.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/codes.h"
#include "daemon/daemon.h"
#include "worker/main.h"

/* 0, 1 and 2 must be something, or the next socket becomes somebody's stderr. */
static void have_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

/* A client is some ten descriptors, a guest with regions more. */
static void raise_fd_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
}

static int daemon_main(int argc, char **argv)
{
	static struct cd_daemon d;
	int ret;

	if (cd_options_parse(&d.opt, argc, argv))
		return EXIT_FAILURE;
	if (d.opt.print) {
		d.opt.print(stdout);
		return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	signal(SIGPIPE, SIG_IGN);
	raise_fd_limit();
	ret = EXIT_FAILURE;
	if (!cd_daemon_init(&d)) {
		cd_activation_tell(&d.opt.activation, "READY=1");
		ret = cd_daemon_run(&d);
		cd_activation_tell(&d.opt.activation, "STOPPING=1");
	}
	cd_daemon_finish(&d);
	return ret;
}

int main(int argc, char **argv)
{
	cw_log_name = "vhost-user-cuda";
	if (argc == 2 && !strcmp(argv[1], "--worker"))
		return wk_main();
	if (argc == 2 && !strcmp(argv[1], "--probe"))
		return wk_probe_main();
	have_standard_fds();
	return daemon_main(argc, argv);
}
