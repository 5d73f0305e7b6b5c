"""One client of the soak, before it is known what kind it is.

    Ledger    what was promised to whom, and what must never arrive
    Caller    one connection to an office, the dice for it, and what many do
    envelope  the commands from MAIL to DATA
"""

import threading

from load import Peer, bounce, expect, on_wire
from offices import NAMES, NOBODY, PEOPLE


class Ledger:
    """What was promised to whom, and what must not be there."""

    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = 0
        self.promised, self.never, self.wrong = set(), set(), []
        self.messages = self.relayed = self.calls = self.hostile = 0

    def mark(self, rng, share=1):
        """A name for a new message. Most of them are small."""
        share *= rng.random()
        least, most = next(
            sizes for limit, sizes in SIZES if share <= limit)
        size = int(least * (most / least) ** rng.random())
        with self.lock:
            self.numbers += 1
            return f"soak-{self.numbers}-{size}"

    def count(self, is_friendly):
        with self.lock:
            self.calls += 1
            self.hostile += not is_friendly

    def promise(self, mark, sender, recipients, office):
        with self.lock:
            self.messages += 1
            for address in recipients:
                local, domain = address.split("@")
                self.relayed += domain != f"{office.name}.example"
                key = (sender, bounce(mark)) if local == NOBODY else (
                    address, mark)
                self.promised.add(key)


# Up to which share of the messages, and from how many bytes to how many.
SIZES = [(0.8, (100, 10_000)), (0.95, (10_000, 100_000)),
         (1, (100_000, 1_000_000))]
# None but small ones: a server waits longer for the end of a large one.
SMALL = 0.8


class Caller:
    """One connection to an office, and the dice for it."""

    def __init__(self, office, ledger, rng, pace):
        self.office, self.ledger, self.rng, self.pace = (
            office, ledger, rng, pace)

    def peer(self, **more):
        return Peer(self.office.address, **more)

    def greeted(self, **more):
        """A client that has said EHLO."""
        peer = self.peer(**more)
        expect(peer.reply(), 220, "a connection")
        expect(peer.say("EHLO client.example"), 250, "EHLO")
        return peer

    def sender(self):
        return f"ann@{self.rng.choice(NAMES)}.example"

    def recipients(self):
        """One or more; some live here, some at the other office."""
        people = [f"{local}@{name}.example"
                  for local in PEOPLE for name in NAMES]
        return self.rng.sample(people, self.rng.choice([1, 1, 1, 1, 2, 4]))

    def other(self):
        return NAMES[1 - NAMES.index(self.office.name)]

    def deliver(self, peer, recipients=None, mark=None):
        """One message, command by command."""
        self.pace()
        mark = mark or self.ledger.mark(self.rng)
        sender, recipients = self.sender(), recipients or self.recipients()
        expect(peer.say(f"MAIL FROM:<{sender}>"), 250, "MAIL")
        for address in recipients:
            expect(peer.say(f"RCPT TO:<{address}>"), 250, f"RCPT {address}")
        expect(peer.say("DATA"), 354, "DATA")
        peer.send(on_wire(mark))
        expect(peer.reply(), 250, f"the dot of {mark}")
        self.ledger.promise(mark, sender, recipients, self.office)

    def part_of_a_session(self, share=1):
        """What a client says that vanishes before its last byte."""
        self.pace()
        mark = self.ledger.mark(self.rng, share)
        self.ledger.never.add(mark)
        words = "EHLO client.example\r\n" + envelope(
            self.sender(), self.recipients())
        words = words.encode() + on_wire(mark)
        return words[:self.rng.randrange(len(words))]

    def envelope_and_mark(self):
        self.pace()
        return self.sender(), self.recipients(), self.ledger.mark(self.rng)


def envelope(sender, recipients):
    lines = [f"MAIL FROM:<{sender}>"]
    lines += [f"RCPT TO:<{address}>" for address in recipients]
    return "".join(f"{line}\r\n" for line in [*lines, "DATA"])
