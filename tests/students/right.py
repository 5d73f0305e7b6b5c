"""A student's mail server that is right:   python3 right.py PORT MAILDIR

It passes every transcript of the level `must` that fits what it offers. Mail
for bob@example.org becomes a file in MAILDIR/example.org/bob/new.

`five_faults.py` changes five things in it. That is why some of them, like
`unstuffed`, are functions of their own.
"""

import itertools
import os
import re
import socketserver
import sys
import time

MAILBOXES = {"bob@example.org", "carol@example.org", "postmaster@example.org"}

# local-part@domain; in quotes, the local part may hold (nearly) anything.
ADDRESS = r'((?:"(?:[^"\\]|\\.)*"|[^\s<>@":,]+)@[^\s<>@]+)'
# Old clients write a route before the address. It is to be ignored.
ROUTE = r"(?:@[^\s<>:]+:)?"
MAIL = rf"FROM:<(?:{ROUTE}{ADDRESS})?>( BODY=(7BIT|8BITMIME))?"
RCPT = rf"TO:<(?:{ROUTE}{ADDRESS}|postmaster)>"
# How a message with a header begins, or one with an empty header.
HEADER = rb"[!-9;-~]+[ \t]*:|\n|$"

numbers = itertools.count(1)


def mailbox(address):
    """One name for all ways to write an address: no quotes, small letters."""
    local, _, domain = address.rpartition("@")
    if local.startswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    return f"{local}@{domain}".lower()


class Session(socketserver.StreamRequestHandler):
    """One client, from the greeting to the end."""

    MAIL, RCPT = MAIL, RCPT

    def handle(self):
        self.client = None
        self.reset()
        try:
            self.say("220 mx.example.org ESMTP")
            while self.obey(self.read_line()):
                pass
        except ConnectionError:
            pass  # The client has gone. What it has not ended is forgotten.

    def reset(self):
        self.sender = None
        self.recipients = set()

    def say(self, reply):
        self.wfile.write(reply.encode() + b"\r\n")

    def read_line(self):
        """Reads up to CR LF. A line feed alone ends nothing."""
        line = b""
        while not line.endswith(b"\r\n"):
            piece = self.rfile.readline()
            if not piece:
                raise ConnectionError
            line += piece
        return line[:-2]

    def obey(self, line):
        """Runs a command. Says no only if it was the last one."""
        line = line.decode("latin-1").rstrip(" \t")
        verb, _, argument = line.partition(" ")
        verb = verb.upper()
        if len(line) > 2000:
            self.say("500 Line too long")
        elif verb in ("HELO", "EHLO"):
            self.hello(verb, argument)
        elif verb == "MAIL":
            self.mail(argument)
        elif verb == "RCPT":
            self.rcpt(argument)
        elif verb == "NOOP":
            self.say("250 OK")
        elif verb == "VRFY":
            self.say("252 Perhaps")
        elif verb in ("DATA", "RSET", "QUIT") and argument:
            self.say("501 Nothing may follow this")
        elif verb == "DATA":
            self.data()
        elif verb == "RSET":
            self.reset()
            self.say("250 Forgotten")
        elif verb == "QUIT":
            self.say("221 Good-bye")
        else:
            self.say("500 No such command")
        return line.upper() != "QUIT"

    def hello(self, verb, name):
        if not name:
            return self.say("501 Who are you?")
        self.client = name
        self.reset()
        if verb == "HELO":
            return self.say("250 mx.example.org")
        self.say("250-mx.example.org\r\n250-PIPELINING\r\n250 8BITMIME")

    def mail(self, argument):
        found = re.fullmatch(self.MAIL, argument, re.IGNORECASE)
        if not self.client or self.sender is not None:
            self.say("503 Not now")
        elif not found:
            self.say("501 This is no sender")
        else:
            self.sender = found[1] or ""
            self.say("250 OK")

    def has_sender(self):
        return self.sender is not None

    def rcpt(self, argument):
        if not self.has_sender():
            return self.say("503 MAIL comes first")
        found = re.fullmatch(self.RCPT, argument, re.IGNORECASE)
        if not found:
            return self.say("501 This is no recipient")
        recipient = mailbox(found[1] or "postmaster@example.org")
        if recipient not in MAILBOXES:
            return self.say("550 Not here")
        self.recipients.add(recipient)
        self.say("250 OK")

    def data(self):
        if not self.recipients:
            return self.say("503 RCPT comes first")
        self.say("354 A dot alone ends the message")
        lines = []
        while (line := self.read_line()) != b".":
            lines.append(self.unstuffed(line))
        self.say(self.take(b"".join(line + b"\n" for line in lines)))
        self.reset()

    def take(self, message):
        """Stores it, or not. The reply says which."""
        self.store(message)
        return "250 Stored"

    def unstuffed(self, line):
        """The client has put a dot before each dot that begins a line."""
        return line[1:] if line.startswith(b".") else line

    def store(self, message):
        date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
        trace = f"Return-Path: <{self.sender}>\nReceived: from {self.client}\n"
        trace += f"\tby mx.example.org; {date}\n"
        if not re.match(HEADER, message):
            trace += "\n"
        name = f"{time.time()}.{os.getpid()}_{next(numbers)}.mx.example.org"
        for recipient in self.recipients:
            local, domain = recipient.split("@")
            folder = f"{sys.argv[2]}/{domain}/{local}"
            for part in ("tmp", "new", "cur"):
                os.makedirs(f"{folder}/{part}", exist_ok=True)
            # A reader looks into `new`: there it appears whole, or not at all.
            with open(f"{folder}/tmp/{name}", "wb") as file:
                file.write(trace.encode("latin-1") + message)
                file.flush()
                os.fsync(file.fileno())
            os.rename(f"{folder}/tmp/{name}", f"{folder}/new/{name}")


class Server(socketserver.ThreadingTCPServer):
    """Each client has a thread of its own."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 100


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Session).serve_forever()
