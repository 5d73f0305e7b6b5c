"""The kinds of clients of the soak.

Each is a function that gets a `Caller` and plays one connection. Those in
`QUICK` take a moment; those in `SLOW` take until the server has had enough of
them. The numbers say how often one of its kind calls.

What was answered 250 goes into the `Ledger` (caller.py), and what must never
arrive, too.
"""

import time

from caller import SMALL, envelope
from load import PATIENCE, Gone, Wrong, expect, on_wire
from offices import NAMES, NOBODY


# Clients that behave well.


def one_message(caller):
    with caller.greeted() as peer:
        caller.deliver(peer)
        expect(peer.say("QUIT"), 221, "QUIT")


def many_messages(caller):
    with caller.greeted() as peer:
        for _ in range(caller.rng.randint(2, 30)):
            caller.deliver(peer)
        expect(peer.say("QUIT"), 221, "QUIT")


def undeliverable(caller):
    """To nobody, and now and then to somebody as well."""
    with caller.greeted() as peer:
        recipients = [f"{NOBODY}@{caller.other()}.example"]
        if caller.rng.random() < 0.5:
            recipients += [f"bob@{name}.example" for name in NAMES]
        caller.deliver(peer, recipients)
        expect(peer.say("QUIT"), 221, "QUIT")


def batches(caller):
    """Each envelope in one write, as PIPELINING allows."""
    with caller.greeted() as peer:
        for _ in range(caller.rng.randint(1, 5)):
            sender, recipients, mark = caller.envelope_and_mark()
            peer.send(envelope(sender, recipients).encode())
            for _ in range(len(recipients) + 1):
                expect(peer.reply(), 250, "an envelope")
            expect(peer.reply(), 354, "DATA")
            peer.send(on_wire(mark))
            expect(peer.reply(), 250, f"the dot of {mark}")
            caller.ledger.promise(mark, sender, recipients, caller.office)


def refused_recipients(caller):
    with caller.greeted() as peer:
        expect(peer.say("MAIL FROM:<ann@one.example>"), 250, "MAIL")
        for number in range(caller.rng.randint(1, 20)):
            address = f"{NOBODY}.{number}@{caller.office.name}.example"
            expect(peer.say(f"RCPT TO:<{address}>"), 550, "RCPT")
        expect(peer.say("DATA"), 554, "DATA for nobody")
        expect(peer.say("RSET"), 250, "RSET")
        caller.deliver(peer)


def half_close(caller):
    """All in one piece, nothing more after it, and the answers at the end."""
    sender, recipients, mark = caller.envelope_and_mark()
    with caller.peer() as peer:
        words = "EHLO client.example\r\n" + envelope(sender, recipients)
        peer.send(words.encode() + on_wire(mark))
        peer.half_close()
        codes = peer.rest()
        wanted = [220, 250, 250, *[250] * len(recipients), 354, 250]
        expect(codes, wanted, "a session in one piece")
        caller.ledger.promise(mark, sender, recipients, caller.office)


def chatter(caller):
    with caller.greeted() as peer:
        for _ in range(caller.rng.randint(1, 50)):
            verb = caller.rng.choice(["NOOP", "RSET", "VRFY bob", "HELP"])
            expect(peer.say(verb) // 100, 2, verb)
        caller.deliver(peer)


# Clients that do not.


def reset(caller):
    part = caller.part_of_a_session()
    with caller.peer() as peer:
        peer.send(part)
        peer.reset()


def hang_up(caller):
    part = caller.part_of_a_session()
    with caller.peer() as peer:
        peer.send(part)


def gone_before_the_answer(caller):
    """Whether this message was taken, nobody knows; it may be there."""
    sender, recipients, mark = caller.envelope_and_mark()
    with caller.greeted() as peer:
        peer.send(envelope(sender, recipients).encode() + on_wire(mark))
        if caller.rng.random() < 0.5:
            peer.reset()


def garbage(caller):
    with caller.peer() as peer:
        for _ in range(caller.rng.randint(1, 30)):
            peer.send(caller.rng.randbytes(caller.rng.randint(1, 3000)))
        peer.half_close()
        peer.rest()


def chunks(caller):
    """BDAT, which is not offered: what it brings are no commands."""
    with caller.greeted() as peer:
        expect(peer.say("MAIL FROM:<ann@one.example>"), 250, "MAIL")
        address = f"bob@{caller.office.name}.example"
        expect(peer.say(f"RCPT TO:<{address}>"), 250, "RCPT")
        expect(peer.say("BDAT 5000 LAST"), 502, "BDAT")
        peer.send(caller.rng.randbytes(5000))
        if caller.rng.random() < 0.5:
            peer.half_close()
            peer.rest()


def browser(caller):
    with caller.peer() as peer:
        peer.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\n")
        expect(peer.rest(), [220, 421], "a browser")


def only_mistakes(caller):
    with caller.greeted() as peer:
        codes = [peer.say(f"FROB {n}") for n in range(20)]
        expect(codes, [500] * 19 + [421], "twenty mistakes")
        expect(peer.rest(), [], "the end")


def wrong_line_ends(caller):
    """A message with a line feed alone, which is refused as a whole."""
    sender, recipients, mark = caller.envelope_and_mark()
    caller.ledger.never.add(mark)
    with caller.greeted() as peer:
        peer.send(envelope(sender, recipients).encode())
        for _ in recipients:
            peer.reply()
        expect([peer.reply(), peer.reply()], [250, 354], "an envelope")
        head, _, tail = on_wire(mark).partition(b"\r\n")
        peer.send(head + b"\n.\n" + tail)
        expect(peer.reply(), 550, "a message with a bare line feed")


# Clients that take their time.


def silent(caller):
    """Says nothing more: before HELO, in an envelope or in a message."""
    with caller.peer() as peer:
        words = caller.part_of_a_session(SMALL)
        peer.send(words[:caller.rng.choice([0, 10, 60, len(words)])])
        is_told = 421 in peer.rest()
        expect(is_told, True, "silence")


def dripping(caller):
    """A byte now and then, in a command or in a message."""
    with caller.peer() as peer:
        words = caller.part_of_a_session(SMALL)
        begin = caller.rng.choice([0, len(words) - 1])
        peer.send(words[:begin])
        try:
            for _ in range(10_000):
                peer.send(b"x")
                time.sleep(0.3)
        except Gone:
            return
    raise Wrong("nobody stops a client that sends a byte now and then")


def never_reads(caller):
    """Asks and asks, and has no room for the answers. Each write that gets
    some bytes away has the whole time-out again."""
    with caller.peer(room=2048) as peer:
        peer.socket.settimeout(10 * PATIENCE)
        try:
            for _ in range(100_000):
                peer.send(b"HELP\r\n" * 100)
        except Gone:
            return
    raise Wrong("a client that never reads is listened to for ever")


def slow_but_honest(caller):
    with caller.greeted() as peer:
        for _ in range(3):
            time.sleep(caller.rng.random())
            caller.deliver(peer)
            expect(peer.say("NOOP"), 250, "NOOP")


QUICK = {
    one_message: 30, many_messages: 6, undeliverable: 6, batches: 10,
    refused_recipients: 6, half_close: 6, chatter: 4, reset: 8, hang_up: 8,
    gone_before_the_answer: 5, garbage: 6, chunks: 3, browser: 3,
    only_mistakes: 3, wrong_line_ends: 3,
}
SLOW = {silent: 4, dripping: 2, never_reads: 1, slow_but_honest: 1}
FRIENDLY = {one_message, many_messages, undeliverable, batches,
            refused_recipients, half_close, chatter, slow_but_honest}
