"""What the scripts of the lab share: post offices, a name server, and care that
nothing is left running.

    Lab         a folder and all that runs in it; a "with" block ends it all
    Office      a `pillarbox serve` with mailboxes and a queue
    NameServer  Debian's dnsmasq, with dnsmasq.conf from beside this file
    Wrong       something is not as it should be
    wait_until  waits for a condition, and not for ever
    hurry       the whole script comes to its end, whatever happens
"""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
PILLARBOX = os.environ.get(
    "PILLARBOX", os.path.join(TARGET, "debug", "pillarbox")
)

# A machine that has nothing else to do needs a tenth of it.
PATIENCE = 60


class Wrong(Exception):
    """Something is not as it should be. The text says what."""


def wait_until(what, condition, seconds=PATIENCE, pause=0.02):
    """Comes back with the first result that counts as true."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Wrong(f"waited in vain until {what}")
        time.sleep(pause)


def hurry(seconds=10 * PATIENCE):
    """Something is wrong if the script is not done after this time. A script
    that is ended from outside ends what it has started."""

    def too_late(*_):
        raise Wrong(f"it is not done after {seconds} s")

    signal.signal(signal.SIGALRM, too_late)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.alarm(seconds)


def build():
    """Makes the program, unless PILLARBOX names one."""
    if "PILLARBOX" not in os.environ:
        command = ["cargo", "build", "--quiet", "--locked"]
        subprocess.run(command, cwd=ROOT, check=True)


def pillarbox(*words, text="", may_fail=False):
    """Runs a command to its end; gives its exit code and what it printed."""
    ended = subprocess.run(
        [PILLARBOX, *words],
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=2 * PATIENCE,
    )
    if ended.returncode != 0 and not may_fail:
        raise Wrong(f"pillarbox {words[0]}: {ended.stderr.decode()}")
    return ended.returncode, ended.stdout.decode()


def free_port(addresses):
    """A port that is free on all of these addresses."""
    for _ in range(100):
        first = listener(addresses[0], 0)
        port = first.getsockname()[1]
        first.close()
        try:
            for address in addresses:
                listener(address, port).close()
        except OSError:
            continue
        return port
    raise Wrong(f"no port is free on {' and '.join(addresses)}")


def listener(address, port):
    try:
        return socket.create_server((address, port))
    except OSError as error:
        if port == 0:
            hint = "on macOS: sudo ifconfig lo0 alias ADDRESS"
            raise Wrong(f"cannot listen on {address}: {error} ({hint})")
        raise


class Lab:
    """A folder and all that runs in it."""

    def __init__(self, keep=None):
        self.keep = keep
        self.folder = keep or tempfile.mkdtemp(prefix="lab-")
        if keep:
            os.makedirs(keep)
        # A name server that was started by root goes on as somebody else.
        os.chmod(self.folder, 0o755)
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        signal.alarm(0)
        for program in self.running:
            try:
                program.stop()
            except Wrong as wrong:
                print(f"WRONG: {wrong}")
        if not self.keep:
            shutil.rmtree(self.folder)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def office(self, name, listen, *options, level="debug"):
        office = Office(self, name, listen, options, level)
        self.running.append(office)
        office.start()
        return office

    def name_server(self):
        for _ in range(10):
            server = NameServer(self, free_port(["127.0.0.1"]))
            self.running.append(server)
            if server.start():
                return server
        raise Wrong(f"the name server does not start: {server.said()}")


class Program:
    """A program that runs until it is stopped."""

    def __init__(self, lab, name):
        self.lab, self.name, self.process = lab, name, None
        self.log_path = lab.path(f"{name}.log")

    def launch(self, command, **more):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stderr=log, **more
            )

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """Ends it as `kill -9` does: what it has promised must be there."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.process.stdout:
                self.process.stdout.close()
            self.process = None

    def said(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode(errors="replace")


class Office(Program):
    """A `pillarbox serve` with mailboxes and a queue of its own."""

    def __init__(self, lab, name, listen, options, level):
        super().__init__(lab, name)
        self.listen, self.options, self.level = listen, options, level
        self.mail = lab.path(name, "mail")
        self.queue = lab.path(name, "queue")
        # Where the log was read up to.
        self.read = 0

    def start(self):
        command = [PILLARBOX, "serve", "--listen", self.listen]
        command += ["--mail", self.mail, "--queue", self.queue, *self.options]
        environment = dict(os.environ, RUST_LOG=self.level)
        self.launch(command, stdout=subprocess.PIPE, env=environment)
        line = self.process.stdout.readline().decode()
        found = re.fullmatch(r"pillarbox listening on (\S+)\n", line)
        if not found:
            raise Wrong(f"{self.name} does not start: {self.said()}")
        self.address = found[1]

    def log_line(self, pattern):
        """Waits for the next line of the log that has this in it, and goes on
        from there; gives the line."""

        def next_line():
            with open(self.log_path, "rb") as log:
                log.seek(self.read)
                for line in log:
                    text = line.decode(errors="replace")
                    if text.endswith("\n") and re.search(pattern, text):
                        self.read = log.tell()
                        return text.rstrip("\n")
            return None

        return wait_until(f"the log of {self.name} has {pattern}", next_line)

    def pass_over(self):
        """The log up to now is not looked at any more."""
        self.read = os.path.getsize(self.log_path)

    def skipped(self):
        """What is in the log after the place that was read last."""
        return self.said().encode()[self.read :].decode(errors="replace")

    def files(self, address):
        """The messages in a mailbox that nobody has seen."""
        local, domain = address.split("@")
        folder = os.path.join(self.mail, domain, local, "new")
        try:
            return sorted(os.path.join(folder, f) for f in os.listdir(folder))
        except FileNotFoundError:
            return []

    def waiting(self):
        """The lines of `pillarbox queue`, as lists of fields."""
        _, text = pillarbox("queue", self.queue)
        return [line.split("\t") for line in text.splitlines()]


class NameServer(Program):
    """Debian's dnsmasq (package dnsmasq-base)."""

    def __init__(self, lab, port):
        super().__init__(lab, "names")
        self.port, self.address = port, f"127.0.0.1:{port}"

    def start(self):
        program = shutil.which(
            "dnsmasq", path=os.environ["PATH"] + ":/usr/sbin"
        )
        if not program:
            raise Wrong("dnsmasq is not installed (Debian: dnsmasq-base)")
        conf = os.path.join(HERE, "dnsmasq.conf")
        self.launch(
            [
                program,
                "--no-daemon",
                f"--conf-file={conf}",
                f"--port={self.port}",
            ],
            stdout=subprocess.DEVNULL,
        )
        wait_until(
            "dnsmasq answers or ends",
            lambda: self.answers() or not self.is_running(),
        )
        return self.is_running()

    def answers(self):
        """Whether it says something about one.example."""
        question = b"\x03one\x07example\x00" + struct.pack(">HH", 15, 1)
        header = struct.pack(">6H", 0x1234, 0x0100, 1, 0, 0, 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.settimeout(0.2)
            wire.connect(("127.0.0.1", self.port))
            try:
                wire.send(header + question)
                return wire.recv(512)[:2] == b"\x12\x34"
            except OSError:
                return False
