#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a program on a terminal and talks to it.

usage: terminal.py STEP... -- PROGRAM [ARGUMENT...]

A step is one of
    size=ROWSxCOLUMNS   sets the terminal's size, which signals the program
    send=TEXT           types TEXT, which may have the escapes of Python
    wait=TEXT           reads until TEXT, likewise, has come after the last one found
    flags=raw|cooked    waits until the terminal is that
    kill=NAME           sends the program SIGNAME
    end                 reads until the program has ended
Exits with the program's status (128 + N after signal N); 99 where a wait lasts
two minutes or the program ends before its time. All it showed is on stdout.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

LIMIT = 120


class Failed(Exception):
    pass


def unescape(text):
    return text.encode().decode("unicode_escape").encode()


class Terminal:
    def __init__(self, argv):
        self.text = b""
        self.seen = 0
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execvp(argv[0], argv)

    def read(self):
        """Reads what there is; False at the end."""
        if not select.select([self.fd], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.text += data
        return bool(data)

    def until(self, what, true):
        end = time.monotonic() + LIMIT
        while not true():
            if not self.read():
                raise Failed(f"the program ended before {what}")
            if time.monotonic() > end:
                raise Failed(f"no {what}")

    def wait(self, text):
        text = unescape(text)
        self.until(repr(text), lambda: text in self.text[self.seen:])
        self.seen = self.text.index(text, self.seen) + len(text)

    def size(self, rows_columns):
        rows, columns = map(int, rows_columns.split("x"))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self.fd, unescape(text))

    def flags(self, kind):
        def is_kind():
            return bool(termios.tcgetattr(self.fd)[3] & termios.ICANON) == (kind == "cooked")
        self.until(kind, is_kind)

    def kill(self, name):
        os.kill(self.pid, getattr(signal, "SIG" + name))

    def end(self, _):
        end = time.monotonic() + LIMIT
        while self.read():
            if time.monotonic() > end:
                raise Failed("no end")

    def close(self):
        """Status of the program, which is killed where it runs yet."""
        self.end("")
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return status if status >= 0 else 128 - status


def main():
    split = sys.argv.index("--")
    term = Terminal(sys.argv[split + 1:])
    status = 99
    try:
        for step in sys.argv[1:split]:
            name, _, value = step.partition("=")
            getattr(term, name)(value)
        status = term.close()
    except Failed as failed:
        os.kill(term.pid, signal.SIGKILL)
        print(failed, file=sys.stderr)
    sys.stdout.buffer.write(term.text)
    return status


sys.exit(main())
