#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts a daemon as systemd does: with sockets, and told where to report.

usage: activate.py [--pid=N] KIND=PATH... -- DAEMON [ARGUMENT...]

KIND is stream or seqpacket. Prints what the daemon reports, line by line; ends it
with SIGTERM when standard input ends, and exits with its status. The file pid
gets the daemon's. --pid is what LISTEN_PID says in its place.
"""
import os
import select
import signal
import socket
import sys

KINDS = {"stream": socket.SOCK_STREAM, "seqpacket": socket.SOCK_SEQPACKET}


def main():
    split = sys.argv.index("--")
    pid = None
    fds = []
    keep = []
    for word in sys.argv[1:split]:
        kind, _, value = word.partition("=")
        if kind == "--pid":
            pid = value
            continue
        sock = socket.socket(socket.AF_UNIX, KINDS[kind])
        sock.bind(value)
        sock.listen(8)
        keep.append(sock)
        fds.append(sock.fileno())
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if os.path.exists("notify"):
        os.unlink("notify")
    notify.bind("notify")
    child = os.fork()
    if not child:
        high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)
        os.closerange(3 + len(fds), 200)
        os.environ["LISTEN_FDS"] = str(len(fds))
        os.environ["LISTEN_PID"] = pid or str(os.getpid())
        os.environ["NOTIFY_SOCKET"] = os.path.abspath("notify")
        os.execv(sys.argv[split + 1], sys.argv[split + 1:])
    with open("pid", "w", encoding="ascii") as file:
        file.write(str(child))
    waiting = [notify, sys.stdin]
    done = False
    while not done:
        for ready in select.select(waiting, [], [], 0.2)[0]:
            if ready is notify:
                print(notify.recv(4096).decode(), flush=True)
            elif not sys.stdin.read(1):
                waiting.remove(sys.stdin)
                os.kill(child, signal.SIGTERM)
        ended, status = os.waitpid(child, os.WNOHANG)
        done = bool(ended)
    while select.select([notify], [], [], 0)[0]:
        print(notify.recv(4096).decode(), flush=True)
    return os.waitstatus_to_exitcode(status) & 255


sys.exit(main())
