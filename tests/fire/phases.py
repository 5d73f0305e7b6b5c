"""The slow clients of the trial of that name.

    Slow      one of them; what they all can do
    PHASES    in which phase of a conversation it is slow

The words under the name of a phase say what happens, and how it must end.
"""

import select
import threading
import time

from load import Gone, Peer, Wrong, expect, on_wire

# A message has one second more for this many bytes.
BYTES_PER_SECOND = 500


class Slow(threading.Thread):
    """One slow client. `waited` says after how long the server had enough of
    it, and `due` when it was to; both are 0 if the client came to its end."""

    def __init__(self, office, timeout, phase, number):
        super().__init__(daemon=True)
        self.office, self.timeout, self.phase = office, timeout, phase
        # Slow, and yet in time.
        self.pause = timeout / 6
        self.mark = f"slow-{number}-1200"
        self.is_stored, self.wrong = False, None
        self.waited = self.due = 0

    def run(self):
        try:
            self.phase(self)
        except (Gone, Wrong, OSError) as wrong:
            self.wrong = f"{type(wrong).__name__}: {wrong}"

    def connect(self, **more):
        self.peer = Peer(self.office.address, **more)
        self.since = time.monotonic()

    def say(self, line, code):
        self.since = time.monotonic()
        expect(self.peer.say(line), code, line)

    def greet(self):
        self.connect()
        expect(self.peer.reply(), 220, "a connection")
        self.say("HELO client.example", 250)

    def begin_message(self, pause=0):
        for line, code in [("MAIL FROM:<ann@one.example>", 250),
                           ("RCPT TO:<bob@one.example>", 250), ("DATA", 354)]:
            time.sleep(pause)
            self.say(line, code)

    def end_message(self):
        expect(self.peer.reply(), 250, "the dot")
        self.is_stored = True

    def send_message(self):
        self.begin_message()
        self.peer.send(on_wire(self.mark))
        self.end_message()

    def drip(self, pieces):
        """A piece now and then, until the server says something. Gives how
        many bytes that was."""
        count = 0
        for piece in pieces:
            self.peer.send(piece)
            count += len(piece)
            if select.select([self.peer.socket], [], [], self.pause)[0]:
                return count
        raise Wrong("it may be slow for ever")

    def is_told(self, bytes_of_message=0):
        expect(self.peer.reply(), 421, "a slow client")
        self.is_ended(bytes_of_message)

    def is_ended(self, bytes_of_message=0):
        expect(self.peer.rest(), [], "the end")
        self.waited = time.monotonic() - self.since
        self.due = self.timeout + bytes_of_message // BYTES_PER_SECOND


def greeting_read_late(slow):
    """reads the greeting late: done"""
    slow.connect()
    time.sleep(slow.pause)
    expect(slow.peer.reply(), 220, "a connection")
    slow.say("HELO client.example", 250)
    slow.send_message()
    slow.say("QUIT", 221)


def says_nothing(slow):
    """silent after the greeting: 421"""
    slow.connect()
    expect(slow.peer.reply(), 220, "a connection")
    slow.is_told()


def silent_in_an_envelope(slow):
    """silent after RCPT: 421"""
    slow.greet()
    slow.say("MAIL FROM:<ann@one.example>", 250)
    slow.say("RCPT TO:<bob@one.example>", 250)
    slow.is_told()


def slow_between_commands(slow):
    """a pause before each command: done"""
    slow.greet()
    slow.begin_message(slow.pause)
    slow.peer.send(on_wire(slow.mark))
    slow.end_message()
    time.sleep(slow.pause)
    slow.say("QUIT", 221)


def command_by_bytes(slow):
    """a command byte by byte: 421"""
    slow.greet()
    slow.drip([b"N", b"O", b"O", b"P", b" ", *[b"x"] * 1000])
    slow.is_told()


def text_by_bytes(slow):
    """a message byte by byte: 421"""
    slow.greet()
    slow.begin_message()
    slow.is_told(slow.drip([b"x"] * 1000))


def text_by_lines(slow):
    """a message line by line, too slowly: 421"""
    slow.greet()
    slow.begin_message()
    slow.is_told(slow.drip([b"a line\r\n"] * 1000))


def text_fast_enough(slow):
    """a message line by line, fast enough: done"""
    slow.mark = slow.mark.replace("-1200", "-4000")
    slow.greet()
    slow.begin_message()
    words = on_wire(slow.mark)
    # Twice as fast as the rules want it.
    step = int(2 * BYTES_PER_SECOND * slow.pause)
    for begin in range(0, len(words), step):
        time.sleep(slow.pause)
        slow.peer.send(words[begin:begin + step])
    slow.end_message()


def silent_before_the_dot(slow):
    """silent before the dot: 421"""
    slow.greet()
    slow.begin_message()
    words = on_wire(slow.mark)[:-len(".\r\n")]
    slow.peer.send(words)
    slow.is_told(len(words))


def silent_after_the_dot(slow):
    """silent in the middle of the last line end: 421"""
    slow.greet()
    slow.begin_message()
    words = on_wire(slow.mark)[:-1]
    slow.peer.send(words)
    slow.is_told(len(words))


def reads_nothing(slow):
    """never reads a reply: hung up"""
    slow.connect(room=2048)
    try:
        while True:
            slow.peer.send(b"HELP\r\n" * 100)
    except Gone:
        slow.waited = time.monotonic() - slow.since
        slow.due = slow.timeout


def in_a_chunk(slow):
    """a chunk after BDAT, which is not offered, byte by byte: 421"""
    slow.greet()
    slow.say("BDAT 1000000 LAST", 502)
    slow.drip([b"x"] * 1000)
    slow.is_told()


def silent_before_quit(slow):
    """silent before QUIT: 421"""
    slow.greet()
    slow.since = time.monotonic()
    slow.send_message()
    slow.is_told()


def stays_after_quit(slow):
    """does not close after QUIT: done"""
    slow.greet()
    slow.send_message()
    slow.say("QUIT", 221)
    expect(slow.peer.rest(), [], "the end")
    time.sleep(slow.timeout)


PHASES = [greeting_read_late, says_nothing, silent_in_an_envelope,
          slow_between_commands, command_by_bytes, text_by_bytes,
          text_by_lines, text_fast_enough, silent_before_the_dot,
          silent_after_the_dot, reads_nothing, in_a_chunk,
          silent_before_quit, stays_after_quit]
