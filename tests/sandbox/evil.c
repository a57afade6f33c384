/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A back end that attacks: see evil.h. Never part of the product.
 *
 * Each attack is one function that says whether it got something. System calls
 * are raw ones, as code of a guest would make them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "cw/cuda.h"
#include "cw/util.h"
#include "tests/sandbox/evil.h"

#define PAGE 4096ul
#define ATTACK(id) static bool id(void)
#define DO(name, ...) raw(syscall(SYS_##name, ##__VA_ARGS__))

static char page[PAGE];

/* Whether a call got something. */
static bool raw(long ret)
{
	return ret >= 0;
}

/* A descriptor that should not be there is closed again. */
static bool fd_got(long fd)
{
	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

static bool map_got(void *at, size_t len)
{
	if (at == MAP_FAILED)
		return false;
	munmap(at, len);
	return true;
}

static bool map_file(int fd, uint64_t offset, size_t len, int prot, int flags)
{
	return map_got(mmap(NULL, len, prot, flags, fd, (off_t)offset), len);
}

/* ---- files */

static bool open_got(const char *path, int flags)
{
	return fd_got(syscall(SYS_openat, AT_FDCWD, path, flags, 0600)) ||
	       fd_got(syscall(SYS_open, path, flags, 0600));
}

ATTACK(open_passwd) { return open_got("/etc/passwd", O_RDONLY); }
ATTACK(open_proc_maps) { return open_got("/proc/self/status", O_RDONLY); }
ATTACK(open_proc_fd) { return open_got("/proc/self/fd/64", O_RDWR); }
ATTACK(open_memory) { return open_got("/proc/self/mem", O_RDWR); }

ATTACK(make_file)
{
	bool got = open_got("/tmp/causeway-evil", O_RDWR | O_CREAT);

	syscall(SYS_unlink, "/tmp/causeway-evil");
	return got;
}

ATTACK(look_at_passwd)
{
	struct stat st;

	return DO(stat, "/etc/passwd", &st) || DO(access, "/etc/passwd", F_OK) ||
	       DO(newfstatat, AT_FDCWD, "/etc/passwd", &st, 0) ||
	       DO(newfstatat, AT_FDCWD, "/etc/passwd", &st, AT_EMPTY_PATH);
}

ATTACK(read_link) { return DO(readlink, "/proc/self/exe", page, PAGE); }

ATTACK(list_root)
{
	return open_got("/etc", O_RDONLY | O_DIRECTORY) || DO(chdir, "/etc");
}

/* ---- programs and processes */

static char *const no_args[] = { NULL };

ATTACK(exec_program)
{
	/* Only a path that is there tells one refusal from another. */
	errno = 0;
	syscall(SYS_execve, "/", no_args, no_args);
	return errno == EACCES;
}

ATTACK(exec_descriptor)
{
	errno = 0;
	syscall(SYS_execveat, EVIL_RAM, "", no_args, no_args, AT_EMPTY_PATH);
	return errno == EACCES || errno == ENOEXEC;
}

/* The child ends at once; 0 is its own return. */
static bool fork_got(long pid)
{
	if (!pid)
		syscall(SYS_exit_group, 0);
	return pid > 0;
}

ATTACK(fork_process)
{
	return fork_got(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0)) ||
	       fork_got(syscall(SYS_fork));
}

/* vfork() itself can't be made by syscall(): the child would use its frame. */
ATTACK(fork_virtual)
{
	return fork_got(syscall(SYS_clone, CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, 0));
}

ATTACK(fork_clone3)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	return fork_got(syscall(SYS_clone3, &args, sizeof(args)));
}

ATTACK(share_nothing) { return DO(unshare, CLONE_FS); }
ATTACK(new_user_namespace)
{
	return fork_got(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0));
}

ATTACK(trace_me) { return DO(ptrace, PTRACE_TRACEME, 0, NULL, NULL); }
ATTACK(trace_parent)
{
	return DO(ptrace, PTRACE_SEIZE, getppid(), NULL, NULL);
}

ATTACK(signal_self) { return DO(kill, getpid(), 0); }
ATTACK(signal_parent)
{
	return DO(kill, 1, 0) || DO(tgkill, 1, 1, 0) || DO(kill, getppid(), 0);
}

ATTACK(signal_all) { return DO(kill, -1, 0); }
ATTACK(process_descriptor)
{
	return fd_got(syscall(SYS_pidfd_open, getpid(), 0));
}


static bool process_vm(long nr)
{
	struct iovec iov = { page, 8 };

	return raw(syscall(nr, getpid(), &iov, 1, &iov, 1, 0));
}

ATTACK(read_process) { return process_vm(SYS_process_vm_readv); }
ATTACK(write_process) { return process_vm(SYS_process_vm_writev); }

/* ---- sockets and descriptors */

ATTACK(socket_unix)
{
	return fd_got(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
}

ATTACK(socket_inet)
{
	return fd_got(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
}


ATTACK(socket_pair)
{
	int pair[2];

	return DO(socketpair, AF_UNIX, SOCK_STREAM, 0, pair) && fd_got(pair[0]) && fd_got(pair[1]);
}

ATTACK(connect_control)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "/nowhere" };

	errno = 0;
	syscall(SYS_connect, EVIL_CONTROL, &addr, sizeof(addr));
	/* The kernel has looked at it: that it is connected, or where to. */
	return errno != EPERM;
}

ATTACK(duplicate) { return fd_got(syscall(SYS_dup, EVIL_RAM)); }
ATTACK(duplicate_to)
{
	return fd_got(syscall(SYS_dup2, EVIL_RAM, 200)) ||
	       fd_got(syscall(SYS_dup3, EVIL_RAM, 200, 0));
}

ATTACK(duplicate_by_fcntl)
{
	return fd_got(syscall(SYS_fcntl, EVIL_RAM, F_DUPFD, 100));
}


ATTACK(set_flags)
{
	return DO(fcntl, EVIL_SIGNAL, F_SETFL, O_NONBLOCK) || DO(fcntl, EVIL_DOORBELL, F_SETFL, 0);
}

ATTACK(set_flags_by_ioctl)
{
	int on = 1;

	return DO(ioctl, EVIL_SIGNAL, FIONBIO, &on);
}

ATTACK(pass_descriptor)
{
	struct iovec iov = { page, 1 };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			     .msg_controllen = sizeof(control) };
	struct mmsghdr many = { .msg_hdr = mh };

	*(int *)CMSG_DATA(&control.head) = EVIL_RAM;
	return DO(sendmsg, EVIL_CONTROL, &mh, MSG_NOSIGNAL) ||
	       DO(sendmmsg, EVIL_CONTROL, &many, 1, MSG_NOSIGNAL);
}

ATTACK(memory_file) { return fd_got(syscall(SYS_memfd_create, "evil", 0)); }
ATTACK(make_event) { return fd_got(syscall(SYS_eventfd2, 0, 0)); }
ATTACK(make_poll) { return fd_got(syscall(SYS_epoll_create1, 0)); }

ATTACK(make_pipe)
{
	int ends[2];

	return DO(pipe2, ends, 0) && fd_got(ends[0]) && fd_got(ends[1]);
}

/* ---- guest memory: mapping */

ATTACK(map_memory)
{
	return map_file(EVIL_RAM, 0, PAGE, PROT_READ, MAP_SHARED);
}

ATTACK(map_to_read)
{
	return map_file(EVIL_RAM_READ, 0, PAGE, PROT_READ, MAP_SHARED);
}

ATTACK(map_private)
{
	return map_file(EVIL_RAM, 0, PAGE, PROT_READ, MAP_PRIVATE);
}


/* Where a region lies in its file is in /proc, or else to be guessed. */
static uint64_t piece_offset;

ATTACK(map_behind)
{
	return map_file(EVIL_RAM, piece_offset + EVIL_PIECE, PAGE, PROT_READ, MAP_SHARED);
}

ATTACK(map_granted_again)
{
	void *want = (void *)EVIL_REGION;
	void *at = mmap(want, EVIL_PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, EVIL_RAM,
			(off_t)piece_offset);

	return at != MAP_FAILED; /* it stays where it was */
}

ATTACK(map_granted_elsewhere)
{
	return map_file(EVIL_RAM, piece_offset, EVIL_PIECE, PROT_READ | PROT_WRITE, MAP_SHARED);
}

/* The window: which number it has is not known, so all are tried. */
ATTACK(map_executable)
{
	bool got = false;

	for (int fd = 0; fd < WK_GUARDED_FD && !got; fd++)
		got = map_file(fd, 0, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED);
	return got;
}

ATTACK(remap_grow)
{
	void *at = (void *)syscall(SYS_mremap, EVIL_REGION, PAGE, 4 * PAGE, MREMAP_MAYMOVE, 0);
	void *back = (void *)EVIL_REGION;

	if (at == MAP_FAILED)
		return false;
	/* Back where it was, for the attacks that follow. */
	return mremap(at, 4 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, back) == back;
}

ATTACK(remap_copy)
{
	return map_got((void *)syscall(SYS_mremap, EVIL_REGION, 0, PAGE, MREMAP_MAYMOVE, 0), PAGE);
}

ATTACK(remap_pages)
{
	return DO(remap_file_pages, EVIL_REGION, PAGE, 0, 0, 0);
}


ATTACK(unprotect)
{
	return DO(mprotect, EVIL_READS, PAGE, PROT_READ | PROT_WRITE);
}


/* ---- guest memory: the descriptor */

ATTACK(pread_memory)
{
	return DO(pread64, EVIL_RAM, page, 8, 0) || DO(pread64, EVIL_RAM_READ, page, 8, 0);
}

ATTACK(read_memory)
{
	return DO(read, EVIL_RAM, page, 8) || DO(read, EVIL_RAM_READ, page, 8);
}

ATTACK(pwrite_memory) { return DO(pwrite64, EVIL_RAM, page, 0, 0); }
ATTACK(write_memory) { return DO(write, EVIL_RAM, page, 0); }
ATTACK(seek_memory) { return DO(lseek, EVIL_RAM, 0, SEEK_CUR); }
ATTACK(seal_memory) { return DO(fcntl, EVIL_RAM, F_GET_SEALS); }
ATTACK(send_memory) { return DO(sendfile, EVIL_CONTROL, EVIL_RAM, NULL, 0); }
ATTACK(copy_memory)
{
	return DO(copy_file_range, EVIL_RAM_READ, NULL, EVIL_RAM, NULL, 0, 0);
}


ATTACK(preadv_memory)
{
	struct iovec iov = { page, 8 };

	return DO(preadv, EVIL_RAM, &iov, 1, 0, 0) || DO(preadv2, EVIL_RAM, &iov, 1, 0, 0, 0) ||
	       DO(readv, EVIL_RAM, &iov, 1);
}

ATTACK(punch_memory)
{
	/* Beyond its end: nothing is lost where it works. */
	return DO(fallocate, EVIL_RAM, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1l << 40, PAGE);
}

ATTACK(splice_memory)
{
	struct iovec iov = { page, 8 };

	return DO(splice, EVIL_RAM, NULL, EVIL_DOORBELL, NULL, 8, SPLICE_F_NONBLOCK) ||
	       DO(vmsplice, EVIL_DOORBELL, &iov, 1, SPLICE_F_NONBLOCK) ||
	       DO(tee, EVIL_DOORBELL, EVIL_DOORBELL, 8, SPLICE_F_NONBLOCK);
}

/* ---- more than its share */

static bool anonymous(size_t len, int prot, int flags)
{
	return map_got(mmap(NULL, len, prot, MAP_ANONYMOUS | flags, -1, 0), len);
}

ATTACK(shared_memory)
{
	return anonymous(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
}

ATTACK(big_memory)
{
	return anonymous(512ull << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);
}

ATTACK(big_space)
{
	return anonymous(32ull << 40, PROT_READ, MAP_PRIVATE | MAP_NORESERVE);
}

ATTACK(big_output)
{
	/* Its output is a memory file; a hole of this size costs nothing. */
	bool got = DO(ftruncate, 1, 1l << 30);

	for (int fd = 0; fd < WK_GUARDED_FD && !got; fd++)
		got = DO(fallocate, fd, 0, 1l << 30, PAGE);
	return got;
}

ATTACK(raise_limit)
{
	struct rlimit lim = { 0, 0 };

	return DO(setrlimit, RLIMIT_CORE, &lim) || DO(prlimit64, 0, RLIMIT_CORE, &lim, NULL);
}

ATTACK(outlive)
{
	bool got = DO(prctl, PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0);

	return got && DO(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/* ---- the kernel */

ATTACK(ring)
{
	struct io_uring_params p = { 0 };

	return fd_got(syscall(SYS_io_uring_setup, 1, &p));
}

ATTACK(fault_handler) { return fd_got(syscall(SYS_userfaultfd, 0)); }

ATTACK(load_bpf)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
				.max_entries = 1 };

	return fd_got(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

ATTACK(perf)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
					.config = PERF_COUNT_SW_CPU_CLOCK };

	return fd_got(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

ATTACK(add_key) { return DO(add_key, "user", "evil", page, 1, -3); }
ATTACK(be_root) { return DO(setresuid, 0, 0, 0) || DO(setuid, 0); }

/* Nothing is to be mounted where it works. */
ATTACK(mount_root)
{
	errno = 0;
	syscall(SYS_mount, "none", "/no/such/folder", "tmpfs", 0, NULL);
	return errno != EPERM;
}

ATTACK(change_root) { return DO(chroot, "/"); }
ATTACK(dumpable) { return DO(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0); }

#define EVIL_ROW(id, what) [EVIL_##id] = id,
static bool (*const attacks[])(void) = { EVIL_SURE(EVIL_ROW) EVIL_MAYBE(EVIL_ROW) };

/* ---- the libcuda that a worker takes it for */

/**
 * cuCtxGetLimit() - Attack
 * @pvalue:	EVIL_GOT and EVIL_ERRNO of it
 * @limit:	number of the attack; from EVIL_COUNT on: where the piece of
 *		EVIL_REGION lies in its file, in pages
 */
CW_EXPORT CUresult cuCtxGetLimit(size_t *pvalue, CUlimit limit)
{
	unsigned int n = (unsigned int)limit;
	bool got;

	if (n >= EVIL_COUNT) {
		piece_offset = (n - EVIL_COUNT) * PAGE;
		*pvalue = 0;
		return CUDA_SUCCESS;
	}
	errno = 0;
	got = attacks[n]();
	*pvalue = (size_t)got << 32 | (unsigned int)errno;
	return CUDA_SUCCESS;
}

/* One that ends the process: a system call of another architecture. */
CW_EXPORT CUresult cuCtxGetCacheConfig(CUfunc_cache *config)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(20) : "memory"); /* getpid */
	*config = (CUfunc_cache)ret;
	return CUDA_SUCCESS;
}

CW_EXPORT CUresult cuInit(unsigned int flags) { return CUDA_SUCCESS; }
CW_EXPORT CUresult cuLaunchKernel(void) { return CUDA_ERROR_NOT_SUPPORTED; }
CW_EXPORT CUresult cuDriverGetVersion(int *version)
{
	*version = 13000;
	return CUDA_SUCCESS;
}

CW_EXPORT CUresult cuDeviceGetCount(int *count)
{
	*count = 1;
	return CUDA_SUCCESS;
}

CW_EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice dev)
{
	*bytes = 1 << 20;
	return CUDA_SUCCESS;
}

CW_EXPORT CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice dev)
{
	*v = 0;
	return CUDA_SUCCESS;
}

CW_EXPORT CUresult cuDeviceGetName(char *name, int len, CUdevice dev)
{
	strncpy(name, "Evil GPU", (size_t)len);
	return CUDA_SUCCESS;
}
