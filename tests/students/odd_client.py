"""A client with one oddity:

    python3 odd_client.py PORT FROM MESSAGE ODDITY RECIPIENT...

MESSAGE is a file. The exit code is 0 if the mail was sent to all, 69 if somebody
refused it, and 75 if it may be tried again. What each oddity costs is in `tests/odd_clients.rs`.
"""

import socket
import sys

PORT, SENDER, MESSAGE, ODDITY, *RECIPIENTS = sys.argv[1:]
SENT, REFUSED, LATER = 0, 69, 75


class Gone(Exception):
    """The server has left, or says what no server may say."""


class Session:
    def __init__(self):
        self.wire = socket.create_connection(("127.0.0.1", int(PORT)), 30)
        self.lines = self.wire.makefile("rb")

    def reply(self):
        for _ in range(100):
            line = self.lines.readline(1000)
            if not line.endswith(b"\n") or not line[:3].isdigit():
                raise Gone
            if line[3:4] != b"-":
                code = int(line[:3])
                if code == 421:
                    raise Gone
                return code
        raise Gone

    def say(self, words):
        if ODDITY == "noop" and words[:4] in ("MAIL", "RCPT", "QUIT"):
            self.wire.sendall(b"NOOP\r\n")
            self.reply()
        self.wire.sendall(words.encode() + b"\r\n")
        return self.reply()

    def leave(self):
        if ODDITY == "no-quit":
            return
        if ODDITY == "rset":
            self.say("RSET")
        self.say("QUIT")

    def hello(self):
        code = 500
        if ODDITY != "helo":
            code = self.say("EHLO client.example")
        if 500 <= code < 600:
            code = self.say("HELO client.example")
        return code

    def deliver(self, message):
        """The codes that decide: one for each recipient, or one for all."""
        code = self.reply()
        if code // 100 == 2:
            code = self.hello()
        if code // 100 == 2:
            code = self.say(f"MAIL FROM:<{SENDER}>")
        if code // 100 != 2:
            return [code]
        codes = [self.say(f"RCPT TO:<{to}>") for to in RECIPIENTS]
        if not any(code // 100 == 2 for code in codes):
            return codes
        code = self.say("DATA")
        if code == 354:
            text = b"".join(
                (b"." if line.startswith(b".") else b"") + line + b"\r\n"
                for line in message)
            self.wire.sendall(text)
            code = self.say(".")
        if code // 100 != 2:
            return [code]
        return codes


def main():
    with open(MESSAGE, "rb") as file:
        message = file.read().replace(b"\r\n", b"\n").split(b"\n")
    if message[-1] == b"":
        message.pop()
    try:
        session = Session()
        codes = session.deliver(message)
    except (Gone, OSError):
        return LATER
    try:
        session.leave()
    except (Gone, OSError):
        pass
    if any(code // 100 == 4 for code in codes):
        return LATER
    return SENT if all(code // 100 == 2 for code in codes) else REFUSED


sys.exit(main())
