"""A student's mail server that is right: python3 right.py PORT MAILDIR

It passes every transcript of the level `must`. A message for bob@example.org
becomes a file in MAILDIR/example.org/bob/new. Compare `five_faults.py`.
"""

import email.utils
import itertools
import os
import re
import socketserver
import sys
import threading

KNOWN = {b"bob@example.org", b"carol@example.org", b"postmaster@example.org"}
LONGEST_COMMAND = 2048
LONGEST_MESSAGE = 10_000_000

# A mailbox is local-part@domain. In quotes the local part may hold anything.
LOCAL = rb'"(?:[^"\\]|\\.)*"|[^\s<>@":,]+'
MAILBOX = rb"(?:" + LOCAL + rb")@[^\s<>@]+"
# Some old clients write a route before it, which is to be ignored.
ROUTE = rb"(?:@[^\s<>:]+:)?"
FROM = re.compile(
    rb"FROM:<" + ROUTE + rb"(|" + MAILBOX + rb")>(?: BODY=(?:7BIT|8BITMIME))?",
    re.IGNORECASE,
)
TO = re.compile(
    rb"TO:<" + ROUTE + rb"(postmaster|" + MAILBOX + rb")>", re.IGNORECASE
)
HELLO = re.compile(rb"[\w.-]+|\[[\w.:]+\](?: .*)?")

numbers = itertools.count(1)


def plain(mailbox):
    """The form in which mailboxes are compared: no needless quotes."""
    local, _, domain = mailbox.rpartition(b"@")
    if local.startswith(b'"'):
        local = re.sub(rb"\\(.)", rb"\1", local[1:-1])
    # Only the postmaster may come without a domain.
    return (local or domain).lower() + b"@" + (local and domain or b"example.org").lower()


class Session(socketserver.StreamRequestHandler):
    """One client, in a thread of its own."""

    def handle(self):
        self.client = None
        self.reset()
        self.say("220 mx.example.org ESMTP")
        try:
            while self.obey(self.read_line().rstrip(b" \t")):
                pass
        except ConnectionError:
            pass  # The client is gone. What it has not ended is forgotten.

    def reset(self):
        self.sender = None
        self.recipients = []

    def say(self, reply):
        self.wfile.write(reply.encode() + b"\r\n")

    def read_line(self):
        """A line ends in CR LF. A LF alone is a character like any other."""
        line = b""
        while not line.endswith(b"\r\n"):
            piece = self.rfile.readline()
            if not piece:
                raise ConnectionError
            line += piece
        return line[:-2]

    def obey(self, line):
        """Does what one command asks for. False: that was the last one."""
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        if len(line) > LONGEST_COMMAND:
            self.say("500 Line too long")
        elif verb in (b"RSET", b"DATA", b"QUIT") and argument:
            self.say("501 No argument here")
        elif verb in (b"HELO", b"EHLO"):
            self.hello(verb, argument)
        elif verb == b"MAIL":
            self.mail(argument)
        elif verb == b"RCPT":
            self.rcpt(argument)
        elif verb == b"DATA":
            self.data()
        elif verb == b"RSET":
            self.reset()
            self.say("250 Forgotten")
        elif verb == b"NOOP":
            self.say("250 OK")
        elif verb == b"VRFY":
            self.say("252 Perhaps")
        elif verb == b"QUIT":
            self.say("221 Good-bye")
            return False
        else:
            self.say("500 No such command")
        return True

    def hello(self, verb, argument):
        if not HELLO.fullmatch(argument):
            self.say("501 Who are you?")
            return
        self.client = argument
        self.reset()
        if verb == b"EHLO":
            self.say("250-mx.example.org\r\n250-PIPELINING\r\n250 8BITMIME")
        else:
            self.say("250 mx.example.org")

    def mail(self, argument):
        found = FROM.fullmatch(argument)
        if self.client is None:
            self.say("503 Say hello first")
        elif self.sender is not None:
            self.say("503 There is a sender already")
        elif not found:
            self.say("501 Write MAIL FROM:<address>")
        else:
            self.sender = found[1]
            self.say("250 OK")

    def rcpt(self, argument):
        found = TO.fullmatch(argument)
        if self.sender is None:
            self.say("503 Who is it from?")
        elif not found:
            self.say("501 Write RCPT TO:<address>")
        elif plain(found[1]) not in KNOWN:
            self.say("550 Nobody of this name here")
        else:
            if plain(found[1]) not in self.recipients:
                self.recipients.append(plain(found[1]))
            self.say("250 OK")

    def data(self):
        if not self.recipients:
            self.say("503 Who is it for?")
            return
        self.say("354 Go on; a dot alone ends it")
        lines, size = [], 0
        while (line := self.read_line()) != b".":
            # The client has put a dot before each dot at the beginning.
            line = line[1:] if line.startswith(b".") else line
            size += len(line) + 2
            if size <= LONGEST_MESSAGE:
                lines.append(line + b"\n")
        if size > LONGEST_MESSAGE:
            self.say("552 Too big")
        else:
            self.store(b"".join(lines))
            self.say("250 Stored")
        self.reset()

    def store(self, message):
        """In `tmp` until it is whole and on the disk, then in `new`."""
        trace = b"Return-Path: <%s>\nReceived: from %s by mx.example.org;\n\t%s\n" % (
            self.sender,
            self.client,
            email.utils.formatdate().encode(),
        )
        name = f"{os.getpid()}.{next(numbers)}.mx.example.org"
        for recipient in self.recipients:
            local, domain = recipient.decode().split("@")
            mailbox = os.path.join(MAILDIR, domain, local)
            for folder in ("tmp", "new", "cur"):
                os.makedirs(os.path.join(mailbox, folder), exist_ok=True)
            with open(os.path.join(mailbox, "tmp", name), "wb") as file:
                file.write(trace + message)
                file.flush()
                os.fsync(file.fileno())
            os.rename(
                os.path.join(mailbox, "tmp", name),
                os.path.join(mailbox, "new", name),
            )


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    MAILDIR = sys.argv[2]
    Server(("127.0.0.1", int(sys.argv[1])), Session).serve_forever()
