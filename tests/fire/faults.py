"""Faults by `strace`: which calls a program makes, and which errors they may
get.

    can_inject  whether strace can be used here
    Tracer      strace on a program that runs; it leaves it when it is closed
    Confused    strace has not seen what there was to see: try again
    Call        one call as strace has written it down
    places      where a fault can be put: calls by name, role and number
    errors      what a call at a place may fail with

A thread's role is its name: `session`, `runner`, `turn`. `when=N` of strace
counts the calls of each thread by itself, from the moment at which strace comes
to it. So a fault at the N-th call hits each thread that gets that far, once.
Strace comes when the program is ready, and it leaves it unharmed.
"""

import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass

from fire import PATIENCE, Wrong, read, wait_until

# All calls that have to do with files and sockets, and a new thread.
TRACED = "%file,%desc,%network,clone3"

# On a descriptor that is open these have no error to give.
HARMLESS = {"fcntl", "lseek", "ioctl", "mmap", "fstat"}

NO_ROOM = ["ENOSPC", "EDQUOT"]
NOT_NOW = ["EMFILE", "ENFILE", "ENOMEM"]
ERRORS = {
    "openat": ["EIO", *NOT_NOW, "EACCES", "EINTR"],
    "statx": ["EIO", "EACCES", "ENOMEM"],
    "read": ["EIO", "EINTR"],
    "write": ["EIO", *NO_ROOM, "EROFS", "EFBIG", "EINTR"],
    "fsync": ["EIO", *NO_ROOM, "EROFS", "EINTR"],
    "close": ["EIO", *NO_ROOM, "EINTR"],
    "mkdir": ["EIO", *NO_ROOM, "EROFS", "ENOMEM", "EACCES", "EMLINK"],
    "linkat": ["EIO", *NO_ROOM, "EROFS", "ENOMEM", "EACCES", "EPERM"]
    + ["EMLINK", "EXDEV", "EOPNOTSUPP"],
    "rename": ["EIO", *NO_ROOM, "EROFS", "ENOMEM", "EACCES"],
    "unlink": ["EIO", "EROFS", "ENOMEM", "EACCES"],
    "getdents64": ["EIO", "ENOMEM"],
    "flock": ["EINTR", "ENOLCK"],
    "accept4": ["ECONNABORTED", *NOT_NOW, "ENOBUFS", "EPROTO", "EINTR"],
    "recvfrom": ["ECONNRESET", "ETIMEDOUT", "ENOMEM", "EAGAIN", "EINTR"],
    "sendto": ["EPIPE", "ECONNRESET", "ETIMEDOUT", "ENOBUFS", "ENOMEM"]
    + ["EAGAIN", "EINTR"],
    "setsockopt": ["ENOBUFS", "ENOMEM"],
    "getsockopt": ["ENOBUFS", "ENOMEM"],
    "getpeername": ["ENOTCONN", "ENOBUFS"],
    "getsockname": ["ENOBUFS"],
    "shutdown": ["ENOTCONN"],
    "socket": [*NOT_NOW, "ENOBUFS", "EACCES"],
    "connect": ["ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH"]
    + ["EADDRNOTAVAIL", "EACCES"],
    "poll": ["ENOMEM", "EINTR"],
    "clone3": ["EAGAIN", "ENOMEM"],
}
# Other machines have these instead.
for one, other in [
    ("newfstatat", "statx"),
    ("mkdirat", "mkdir"),
    ("unlinkat", "unlink"),
    ("rmdir", "unlink"),
    ("link", "linkat"),
    ("renameat", "rename"),
    ("renameat2", "rename"),
    ("ppoll", "poll"),
]:
    ERRORS[one] = ERRORS[other]

SOCKET_CALLS = {"accept4", "recvfrom", "sendto", "setsockopt", "getsockopt"}
SOCKET_CALLS |= {"getpeername", "getsockname", "shutdown", "socket", "connect"}
SOCKET_CALLS |= {"poll", "ppoll"}


def can_inject():
    """Tries it on a program that does nothing."""
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            with Tracer(sleeper.pid, os.devnull):
                return True
        except (FileNotFoundError, Wrong):
            return False
        finally:
            sleeper.kill()


@dataclass
class Call:
    """One call as strace has written it down."""

    thread: str
    role: str
    name: str
    words: str

    def makes_a_file(self):
        return "O_CREAT" in self.words

    def is_about(self, path):
        return path in self.words

    def is_hit(self):
        return "(INJECTED)" in self.words

    def error(self):
        return re.search(r" = -1 (E\w+) ", self.words)[1]


class Confused(Exception):
    """Strace came to a thread in the middle of a call, and took its end for the
    beginning of the next one. It says so itself; that is rare."""


LINE = re.compile(r"(\d+)<([^>]*)> (\w+)\((.*)")
REST = re.compile(r"(\d+)<[^>]*> <\.\.\. \w+ resumed>(.*)")


class Tracer:
    """Strace on a program that runs: with a fault such as
    `fsync:error=EIO:when=2`, and others that are not looked at, or only to look
    on."""

    def __init__(self, pid, path, fault=None, always=()):
        self.path, self.call = path, fault and fault.split(":")[0]
        faults = [fault, *always] if fault else always
        calls = {fault.split(":")[0] for fault in faults}
        traced = ",".join(sorted(calls)) if fault else TRACED
        command = ["strace", "-f", "-Y", "-y", "-s", "64", "-qq", "-o", path]
        command += ["-e", f"trace={traced}"]
        for fault in faults:
            command += ["-e", f"inject={fault}"]
        command += ["-p", str(pid)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        has_ended = lambda: self.process.poll() is not None
        wait_until("strace is there", lambda: is_traced(pid) or has_ended())
        if has_ended():
            raise Wrong("strace has ended")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            _, said = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Wrong("strace does not end") from None
        if b"ptrace_syscall_info" in said:
            raise Confused

    def calls(self):
        """Each call that has begun, in order. If other threads come between
        its beginning and its end, it has two lines."""
        begun, last = [], {}
        for line in read(self.path).splitlines():
            found, rest = LINE.match(line), REST.match(line)
            if found:
                thread, name, call, words = found.groups()
                last[thread] = Call(thread, role(name), call, words)
                begun.append(last[thread])
            elif rest and rest[1] in last:
                last[rest[1]].words += rest[2]
        return begun

    def hits(self):
        """The calls that had the fault."""
        calls = self.calls()
        return [c for c in calls if c.name == self.call and c.is_hit()]


def is_traced(pid):
    """A thread may end while we look."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            status = read(f"/proc/{pid}/task/{thread}/status")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if "TracerPid:\t0\n" in status:
            return False
    return True


def role(name):
    return re.sub(r"-?\d+$", "", name)


@dataclass
class Place:
    """The N-th call of this name, of each thread that gets that far."""

    call: str
    number: int
    roles: set
    errors: list


def places(calls):
    """Where a fault can be put, and whom it would hit there.

    On Linux the close of a folder has no error to give. Rust's library relies
    on that: it panics if it gets one after it has listed a folder."""
    found, counts, listed = {}, Counter(), set()
    for call in calls:
        if call.name in HARMLESS:
            continue
        counts[call.thread, call.name] += 1
        key = call.name, counts[call.thread, call.name]
        place = found.setdefault(key, Place(*key, set(), []))
        place.roles.add(call.role)
        more = [e for e in errors(call) if e not in place.errors]
        place.errors.extend(more)
        # The next close of this thread closes the folder.
        if call.name == "getdents64":
            listed.add(("close", counts[call.thread, "close"] + 1))
    for key in listed & set(found):
        found[key].errors = ["EINTR"]
    return list(found.values())


def errors(call):
    known = ERRORS.get(call.name, ["EIO"])
    if call.makes_a_file():
        return [*known, *NO_ROOM, "EROFS"]
    return known
