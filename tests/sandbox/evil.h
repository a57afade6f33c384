/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hostile worker tries: evil.c does it, t_evil.c wants it to get nothing.
 *
 * The attacks run in a back end for tests, which is where code of a guest runs:
 * a libcuda.so.1 whose cuCtxGetLimit() carries one out. They know of the worker
 * what one could find out: the numbers of descriptors, where regions lie.
 */
#ifndef TESTS_SANDBOX_EVIL_H
#define TESTS_SANDBOX_EVIL_H

#include "worker/sandbox.h"

/* With one file of guest memory: to write, to read; then the worker's own. */
#define EVIL_RAM WK_GUARDED_FD
#define EVIL_RAM_READ (WK_GUARDED_FD + 1)
#define EVIL_CONTROL (WK_GUARDED_FD + 2)
#define EVIL_DOORBELL (WK_GUARDED_FD + 3)
#define EVIL_SIGNAL (WK_GUARDED_FD + 4)

/* Regions that the test attaches: two pieces of two pages each. */
#define EVIL_REGION 0x300100000000ull
#define EVIL_READS 0x300200000000ull
#define EVIL_PIECE 8192ull

/*
 * Name; what is tried. Those of the first list get something wherever nothing
 * stops them, whoever runs the daemon; the others also need rights that a user
 * or a container may lack.
 */
#define EVIL_SURE(X)                                                                               \
	X(open_passwd, "open /etc/passwd")                                                         \
	X(open_proc_maps, "open a file of /proc/self")                                             \
	X(open_proc_fd, "open guest memory anew by /proc/self/fd")                                 \
	X(open_memory, "open the process' own memory")                                             \
	X(look_at_passwd, "see that /etc/passwd is there")                                         \
	X(read_link, "read a symbolic link")                                                       \
	X(list_root, "list a folder")                                                              \
	X(make_file, "make a file")                                                                \
	X(exec_program, "execute a program")                                                       \
	X(exec_descriptor, "execute a descriptor")                                                 \
	X(socket_unix, "make a Unix socket")                                                       \
	X(socket_inet, "make an internet socket")                                                  \
	X(socket_pair, "make a pair of sockets")                                                   \
	X(connect_control, "connect the socket it has elsewhere")                                  \
	X(fork_process, "fork")                                                                    \
	X(fork_virtual, "vfork")                                                                   \
	X(fork_clone3, "fork by clone3")                                                           \
	X(share_nothing, "unshare the table of descriptors")                                       \
	X(trace_me, "be traced")                                                                   \
	X(signal_self, "signal a process, by kill")                                                \
	X(signal_parent, "see whether the parent is there, by kill")                               \
	X(process_descriptor, "get a descriptor of a process")                                     \
	X(read_process, "read a process' memory")                                                  \
	X(map_memory, "map guest memory from its start")                                           \
	X(map_behind, "map what lies behind a granted piece")                                      \
	X(map_granted_again, "map a granted piece a second time")                                  \
	X(map_granted_elsewhere, "map a granted piece at another address")                         \
	X(map_to_read, "map guest memory by the other descriptor")                                 \
	X(map_private, "map guest memory as a private copy")                                       \
	X(map_executable, "map the client's own file to execute it")                               \
	X(remap_grow, "grow the mapping of a granted piece")                                       \
	X(remap_copy, "copy the mapping of a granted piece")                                       \
	X(remap_pages, "rearrange the pages of a granted piece")                                   \
	X(pread_memory, "pread guest memory")                                                      \
	X(read_memory, "read guest memory")                                                        \
	X(preadv_memory, "preadv guest memory")                                                    \
	X(pwrite_memory, "pwrite guest memory")                                                    \
	X(write_memory, "write guest memory")                                                      \
	X(seek_memory, "seek in guest memory")                                                     \
	X(punch_memory, "punch a hole into guest memory")                                          \
	X(send_memory, "sendfile guest memory")                                  \
	X(copy_memory, "copy_file_range guest memory")                           \
	X(seal_memory, "look at the seals of guest memory")                                        \
	X(duplicate, "dup")                                                                        \
	X(duplicate_to, "dup2")                                                                    \
	X(duplicate_by_fcntl, "dup by fcntl")                                                      \
	X(set_flags, "change the flags of a shared descriptor")                                    \
	X(set_flags_by_ioctl, "change the flags of a shared descriptor by ioctl")                  \
	X(memory_file, "make a memory file")                                                       \
	X(shared_memory, "get memory that is not counted as its own")                              \
	X(big_memory, "get more memory than it may have")                                          \
	X(big_space, "get more address space than it may have")                                    \
	X(big_output, "let its output grow beyond bounds")                                         \
	X(make_pipe, "make a pipe")                                                                \
	X(make_event, "make an eventfd")                                                           \
	X(make_poll, "make an epoll set")                                                          \
	X(raise_limit, "set a limit")                                                              \
	X(outlive, "outlive the spawner")                                                          \
	X(dumpable, "be dumpable again")                                                           \
	X(pass_descriptor, "pass a descriptor")

#define EVIL_MAYBE(X)                                                                              \
	X(trace_parent, "trace the spawner")                                                       \
	X(signal_all, "signal every process")                                                      \
	X(write_process, "write a process' memory")                                                \
	X(splice_memory, "splice guest memory")                                                    \
	X(ring, "make an io_uring")                                                                \
	X(fault_handler, "handle page faults by userfaultfd")                                      \
	X(load_bpf, "load a BPF program")                                                          \
	X(perf, "open a performance counter")                                                      \
	X(add_key, "add a key")                                                                    \
	X(be_root, "become root")                                                                  \
	X(mount_root, "mount")                                                                     \
	X(change_root, "chroot")                                                                   \
	X(new_user_namespace, "make a user namespace")                                             \
	X(unprotect, "write to a piece that is granted for reading")

#define EVIL_ENUM(id, what) EVIL_##id,
enum evil { EVIL_SURE(EVIL_ENUM) EVIL_MAYBE(EVIL_ENUM) EVIL_COUNT };
#undef EVIL_ENUM

/* The answer: what was got (1: something, 0: nothing), and errno. */
#define EVIL_GOT(answer) ((answer) >> 32)
#define EVIL_ERRNO(answer) ((uint32_t)(answer))

#endif
