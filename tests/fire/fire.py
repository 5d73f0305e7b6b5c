"""What the scripts share that make calls of the server fail: a server, a client
that writes down what it was promised, and a look at what is on the disk.

    Wrong       something is not as it should be
    PATIENCE    a machine that has nothing else to do needs a tenth of it
    hurry       the whole script comes to its end, whatever happens
    scratch     a folder for trials, in memory if possible
    Server      a `pillarbox serve` on a free port; stop, start again
    Session     a client's connection
    deliver     one message in a session of its own
    text        a message that says where it begins and where it ends
    wait_until  waits for a condition, and not for ever
"""

import os
import select
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lab"))

import lab
from lab import PILLARBOX, Wrong, build, hurry

PATIENCE = 30
DOMAIN = "example.org"
SENDER = f"ann@{DOMAIN}"


def scratch():
    """In memory no other program's work on the disk can slow a trial down."""
    in_memory = "/dev/shm"
    place = in_memory if os.access(in_memory, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="fire-", dir=place)


def wait_until(what, condition, seconds=PATIENCE):
    """As in the lab, and it looks more often: there are thousands of trials."""
    return lab.wait_until(what, condition, seconds, pause=0.002)


def text(mark, size):
    """The lines of a message of about this size."""
    lines = [f"Subject: {mark}", ""]
    while size > 0:
        lines.append(f"{mark} line {len(lines)} " + 40 * "x")
        size -= len(lines[-1]) + 2
    return lines + [f"{mark} ends"]


def mark_of(stored):
    """The mark of a message, or of a bounce; none if it is not whole."""
    if "multipart/report" in stored:
        bounce = stored.partition("Message-ID: ")[2].partition("\n")[0]
        return f"bounce {bounce}" if stored.endswith("--\n") else None
    mark = stored.partition("Subject: ")[2].partition("\n")[0]
    return mark if mark and stored.endswith(f"\n{mark} ends\n") else None


class Server:
    """A `pillarbox serve` that keeps everything below one folder."""

    def __init__(self, folder, *options, name="mx." + DOMAIN):
        self.mail, self.queue = f"{folder}/mail", f"{folder}/queue"
        self.log_path = f"{folder}/log"
        self.command = [PILLARBOX, "serve", "--listen", "127.0.0.1:0"]
        self.command += ["--hostname", name, "--domain", DOMAIN]
        self.command += ["--mail", self.mail, *options]
        self.start()

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        # A server that says nothing must not hang the trial.
        has_said, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline().decode() if has_said else ""
        if "listening on" not in line:
            self.stop()
            raise Wrong(f"the server does not start: {self.log()[-300:]}")
        self.pid, self.port = self.process.pid, int(line.rsplit(":", 1)[1])

    def stop(self):
        """As `kill -9` does: what it has promised must be there."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def must_live(self):
        if self.process.poll() is not None:
            raise Wrong(f"the server has ended: {self.log()[-300:]}")
        if "panicked" in self.log():
            raise Wrong(f"a panic: {self.log()[-300:]}")

    def log(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode(errors="replace")

    def descriptors(self):
        """What is open. A descriptor may be closed while we look."""
        folder, found = f"/proc/{self.pid}/fd", []
        for number in os.listdir(folder):
            try:
                found.append(os.readlink(f"{folder}/{number}"))
            except OSError:
                pass
        return sorted(found)

    def threads(self):
        """The names of its threads. One may end while we look."""
        folder = f"/proc/{self.pid}/task"
        names = []
        for thread in os.listdir(folder):
            try:
                names.append(read(f"{folder}/{thread}/comm"))
            except OSError:
                pass
        return names

    def mailboxes(self):
        return files(f"{self.mail}/{DOMAIN}")

    def found(self):
        """How often each message is in each mailbox: by mark and name."""
        found = {}
        for name in self.mailboxes():
            folder = f"{self.mail}/{DOMAIN}/{name}/new"
            for file in files(folder):
                mark = mark_of(read(f"{folder}/{file}"))
                if mark is None:
                    raise Wrong(f"a torn message for {name}: {file}")
                found[mark, name] = found.get((mark, name), 0) + 1
        return found

    def left_over(self):
        """What is in the places for files on their way."""
        folders = [f"{self.mail}/.tmp"]
        for name in self.mailboxes():
            folders.append(f"{self.mail}/{DOMAIN}/{name}/tmp")
        return [file for folder in folders for file in files(folder)]

    def in_queue(self):
        """The files in the queue, apart from its lock and its folders."""
        names = files(self.queue)
        return [name for name in names if name.endswith(KINDS)]

    def entries(self):
        """The entries in the queue. One may go while we look."""
        found = []
        for name in self.in_queue():
            try:
                if name.endswith(".entry"):
                    found.append(read(f"{self.queue}/{name}"))
            except FileNotFoundError:
                pass
        return found

    def set_aside(self):
        return files(f"{self.queue}/damaged")

    def dead(self):
        return files(f"{self.queue}/dead")


KINDS = (".mail", ".entry", ".draft")


def files(folder):
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def read(path):
    with open(path, "rb") as file:
        return file.read().decode(errors="replace")


class Session:
    """A client's connection. A reply is its last line; none if the server has
    hung up."""

    def __init__(self, server):
        address = ("127.0.0.1", server.port)
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.wire = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()
        self.socket.close()

    def reply(self):
        try:
            while True:
                line = self.wire.readline().decode()
                if not line.endswith("\n"):
                    return None
                if line[3:4] != "-":
                    return line.strip()
        except TimeoutError:
            raise Wrong("the server hangs") from None
        except ConnectionError:
            return None

    def ask(self, line):
        try:
            self.socket.sendall(line.encode() + b"\r\n")
        except ConnectionError:
            # Why it has hung up may be there to be read.
            pass
        return self.reply()

    def greet(self):
        """Whether the server is there."""
        greeting = self.reply()
        return is_yes(greeting, "220") and is_yes(self.ask("EHLO c.example"))

    def quit(self):
        """Comes back when the server has closed the connection."""
        while self.ask("QUIT") is not None:
            pass

    def send(self, mark, to, sender=SENDER, size=300):
        """Hands a message over. Gives the reply to its end, or the one before
        it that was no; none if the server has hung up."""
        said = [f"MAIL FROM:<{sender}>"]
        said += [f"RCPT TO:<{address}>" for address in to] + ["DATA"]
        for line in said:
            reply = self.ask(line)
            if not is_yes(reply, "354" if line == "DATA" else "250"):
                return reply
        return self.ask("\r\n".join(text(mark, size)) + "\r\n.")


def is_yes(reply, code="250"):
    return reply is not None and reply.startswith(code)


def deliver(server, mark, to, **more):
    """One message in a session of its own."""
    with Session(server) as session:
        reply = session.send(mark, to, **more) if session.greet() else None
        session.quit()
        return reply
