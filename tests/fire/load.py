"""What the scripts with clients of all kinds share: the clients.

The servers are in offices.py.

    Peer            a client, to the byte; it can vanish in three ways
    Gone            the server has hung up
    text, on_wire   a message that is made from its mark, and so can be checked
    bounce          what we call the report that one was not delivered
    note            adds a row to a table of measurements
"""

import os
import socket
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lab"))

from lab import PATIENCE, Wrong

# SO_LINGER with no time: what is closed then is reset.
LINGER_NOT = struct.pack("ii", 1, 0)


class Gone(Exception):
    """The server has hung up."""


class Peer:
    """A client. `reply` waits for a whole reply, and gives its code."""

    def __init__(self, address, room=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket.socket()
        if room:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.heard = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, words):
        try:
            self.socket.sendall(words)
        except ConnectionError as error:
            raise Gone(str(error))

    def say(self, line):
        """A command, and the code of the answer."""
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def reply(self):
        while True:
            line = self.line()
            if line[3:4] != b"-":
                return int(line[:3])

    def line(self):
        while b"\n" not in self.heard:
            self.hear()
        line, _, self.heard = self.heard.partition(b"\n")
        return line

    def hear(self):
        try:
            words = self.socket.recv(65536)
        except socket.timeout:
            raise Wrong(f"no answer within {PATIENCE} s")
        except ConnectionError as error:
            raise Gone(str(error))
        if not words:
            raise Gone("closed")
        self.heard += words

    def rest(self):
        """The codes of all replies, up to the end of the connection."""
        codes = []
        try:
            while True:
                codes.append(self.reply())
        except Gone:
            return codes

    def half_close(self):
        """Nothing more will be sent; replies are still read."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Gone(str(error))

    def reset(self):
        """Goes as a machine does whose power is cut and comes back."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self.socket.close()

    def close(self):
        self.socket.close()


def expect(said, wanted, what):
    if said != wanted:
        raise Wrong(f"{what} was answered {said}, not {wanted}")


def text(mark):
    """The message that is called so. The mark ends in its size, about."""
    size = int(mark.rsplit("-", 1)[1])
    head = f"Subject: {mark}\n\n"
    line = f" {mark} {'.' * 40}\n"
    count = max(size - len(head), 0) // (len(line) + 4) + 1
    # Each tenth line begins with a dot, which must come through.
    starts = (f"{'.' if n % 10 == 0 else '-'}{n % 1000:03}"
              for n in range(count))
    return head + "".join(start + line for start in starts)


def on_wire(mark):
    """The message as it is sent, with its end."""
    words = text(mark).replace("\n.", "\n..").replace("\n", "\r\n")
    return words.encode() + b".\r\n"


def bounce(mark):
    """What we call the report that this message was not delivered."""
    return f"bounce of {mark}"


def note(table, **columns):
    append = os.path.join(os.path.dirname(HERE), "figures", "append")
    row = [f"{name}={value}" for name, value in columns.items()]
    subprocess.run([append, table, *row], check=True)
