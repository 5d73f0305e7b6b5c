"""What the scripts with clients of all kinds share: the servers.

    start_both        two offices that relay to each other
    rest              what is in a queue
    Mailboxes         reads, checks and empties the mailboxes of offices
    Vitals            memory, threads and descriptors of a process
    processor_time    what it has used
    faults_in_logs    what a server itself calls wrong
"""

import collections
import os
import re

from load import bounce, text

from lab import Office, free_port

NAMES = ["one", "two"]
PEOPLE = ["bob", "carol", "dave"]
# Has no mailbox anywhere, and will cause a bounce.
NOBODY = "nobody"

# A message is called so: a word, a number, and how long it is.
MARK = rb"^Subject: ([a-z]+-\d+-\d+)$"


def start_both(lab, timeout, kind=Office):
    """Two offices, each of them the other's smart host."""
    ports = {name: free_port(["127.0.0.1"]) for name in NAMES}
    offices = []
    for name, other in zip(NAMES, reversed(NAMES)):
        options = ["--hostname", f"{name}.example"]
        options += ["--domain", f"{name}.example"]
        for local in ["ann", *PEOPLE]:
            options += ["--mailbox", f"{local}@{name}.example"]
        options += ["--smart-host", f"127.0.0.1:{ports[other]}"]
        options += ["--retry-first", "0.2", "--retry-max", "0.2"]
        options += ["--timeout", str(timeout)]
        place = f"127.0.0.1:{ports[name]}"
        offices.append(kind(lab, name, place, options, "warn"))
    for office in offices:
        lab.running.append(office)
        office.start()
    return offices


def rest(queue):
    """What is in a queue, whatever it is."""
    for name in listed(queue):
        if name in ("dead", "damaged"):
            yield from listed(f"{queue}/{name}")
        elif name != ".lock":
            yield name


class Mailboxes:
    """What has arrived in the mailboxes of some offices. A message that was
    looked at is removed, or the disk would be full one day."""

    def __init__(self, offices):
        self.offices = offices
        # How often each is there, by address and mark.
        self.found = collections.Counter()
        self.torn = []
        self.bounces = 0

    def empty(self):
        for office in self.offices:
            for domain in listed(office.mail):
                for local in listed(os.path.join(office.mail, domain)):
                    self.look_into(office, f"{local}@{domain}")

    def look_into(self, office, address):
        for path in office.files(address):
            with open(path, "rb") as file:
                words = file.read()
            mark = self.judge(words)
            if mark is None:
                self.torn.append(f"{path}: {words[:200]}")
            else:
                self.found[address, mark] += 1
            os.remove(path)

    def judge(self, words):
        """What a whole message is called; None if it is not whole."""
        marks = re.findall(MARK, words, re.MULTILINE)
        if not marks or not words.startswith(b"Return-Path: <"):
            return None
        mark = marks[0].decode()
        if b"multipart/report" in words:
            self.bounces += 1
            return bounce(mark) if words.endswith(b"--\n") else None
        return mark if words.endswith(b"\n" + text(mark).encode()) else None

    def unfinished(self):
        """The files in the folders of messages that are still coming."""
        count = 0
        for office in self.offices:
            for domain in listed(office.mail):
                for local in listed(os.path.join(office.mail, domain)):
                    folder = os.path.join(office.mail, domain, local, "tmp")
                    count += len(listed(folder))
        return count


def listed(folder):
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


class Vitals(collections.namedtuple("Vitals", "kib threads descriptors")):
    """What a process has of the machine: VmRSS, threads, descriptors."""

    @staticmethod
    def of(program):
        folder = f"/proc/{program.process.pid}"
        with open(f"{folder}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        kib = int(fields["VmRSS"].split()[0])
        return Vitals(kib, int(fields["Threads"]), len(listed(f"{folder}/fd")))

    def __str__(self):
        return (f"{self.kib} KiB, {self.threads} threads, "
                f"{self.descriptors} descriptors")


def processor_time(program):
    """In seconds, since it began."""
    with open(f"/proc/{program.process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def faults_in_logs(offices):
    for office in offices:
        for line in office.said().splitlines():
            if "panicked" in line or " ERROR " in line:
                yield f"the log of {office.name}: {line}"
