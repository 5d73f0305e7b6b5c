"""The next host, played by the trial: a server that takes mail or refuses it.

    Host   listens when it is told to, and not before; counts what arrived
"""

import socket
import threading

from fire import mark_of

# After a write that failed, the client listens for the reason as long as
# RFC 5321 4.5.3.2 has it. The host hangs up earlier on a client that says
# nothing, and at worst it gets the message in another connection.
PATIENCE = 0.5


NEVER = {"nobody": "550 5.1.1 No such user"}


class Host:
    """`answers` has the reply to RCPT for a recipient, by its local part. All
    others are welcome, except nobody."""

    def __init__(self):
        self.answers = {}
        # How often a recipient was put off.
        self.put_off = 0
        # How often a message has come for a recipient: by mark and name.
        self.arrived = {}
        self.torn = []
        self.is_open = False
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def close(self):
        # It wakes the thread that accepts.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def listen(self):
        """Up to now, connections were refused."""
        if self.is_open:
            return
        self.is_open = True
        self.socket.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            talk = threading.Thread(target=self.talk, args=[peer], daemon=True)
            talk.start()

    def talk(self, peer):
        peer.settimeout(PATIENCE)
        try:
            with peer, peer.makefile("rwb", buffering=0) as wire:
                self.converse(wire)
        except OSError:
            pass

    def converse(self, wire):
        wire.write(b"220 next.example ESMTP\r\n")
        recipients = []
        while line := wire.readline().decode():
            verb = line.split()[0].upper()
            if verb == "MAIL":
                recipients = []
            if verb == "RCPT":
                name = line.partition("<")[2].partition("@")[0]
                known = self.answers | NEVER
                answer = known.get(name, "250 2.1.5 OK")
                self.put_off += answer.startswith("4")
                if answer.startswith("2"):
                    recipients.append(name)
            elif verb == "DATA":
                answer = "354 Go on" if recipients else "554 5.5.1 Nobody"
            else:
                answer = {"EHLO": "250 next.example", "QUIT": "221 Bye"}
                answer = answer.get(verb, "250 2.0.0 OK")
            wire.write(answer.encode() + b"\r\n")
            if answer.startswith("354"):
                self.take(wire, recipients)
                wire.write(b"250 2.0.0 Taken\r\n")

    def take(self, wire, recipients):
        lines = []
        while (line := wire.readline()) != b".\r\n":
            if not line.endswith(b"\r\n"):
                raise ConnectionError("the client has hung up")
            lines.append(line.decode())
        stored = "".join(lines).replace("\r\n", "\n")
        mark = mark_of(stored)
        if mark is None:
            self.torn.append(stored)
        for name in recipients:
            key = mark, name
            self.arrived[key] = self.arrived.get(key, 0) + 1
