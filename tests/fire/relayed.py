"""The plays of the queue: a message for the next host is accepted, tried, put
off and delivered; or it is refused there, and its sender gets a bounce.

    Accepted, Both           the client hands it over
    PutOff, Done             it is tried, and what has become of it is written
    Bounced, Told, ToldAway  it fails, and its sender is told
    Dead                     it fails, and has no sender

In all but the first two the message waits already. The next host is closed, so
that nothing happens; it opens when strace is there. Then the faults come, in
try after try, until each thread that should get one had it; then they end.
What must hold besides:

- each recipient gets the message, once; more often only if the fault was on the
  way to the host, whose answer was lost then, or if the server was killed;
- a sender is told of a recipient that the host does not take, once;
- in the end the queue is empty, and nothing was set aside.
"""

import os
import time

from faults import SOCKET_CALLS
from fire import DOMAIN, SENDER, Wrong, deliver, is_yes, wait_until
from host import Host
from plays import Delivery, here, local_part

LATER = "451 4.2.0 Later"


def away(*names):
    return [f"{name}@next.example" for name in names]


class Accepted(Delivery):
    """the client hands it over, for two at another host"""

    aside = ("runner", "turn")
    to = away("bob", "carol")
    sender = SENDER
    bounces = 0

    def __init__(self, folder):
        self.host = Host()
        options = ["--queue", f"{folder}/queue"]
        options += ["--smart-host", self.host.address]
        self.options = [*options, "--retry-first", "0.1", "--retry-max", "0.1"]
        self.is_killed, self.may_be_twice = False, False
        super().__init__(folder)

    def __exit__(self, *_):
        super().__exit__()
        self.host.close()

    def what_is_left(self):
        return self.server.in_queue() + super().what_is_left()

    def settle(self, hits):
        """There is no more trouble: all comes to its end."""
        self.may_be_twice = self.is_killed or any(
            hit.role == "turn" and hit.name in SOCKET_CALLS for hit in hits
        )
        self.host.answers = {}
        self.host.listen()
        self.must_be_taken("next", self.to)
        wait_until("the queue is empty", lambda: not self.server.entries())
        # A text that stays is not looked at any more, and goes at the next
        # start.
        is_left = any(hit.name in ("unlink", "unlinkat") for hit in hits)
        if not is_left:
            is_tidy = lambda: not self.server.in_queue()
            wait_until("the texts are gone", is_tidy)
        self.judge_all()

    def judge_all(self):
        if self.host.torn:
            raise Wrong(f"torn on the way: {self.host.torn[0]}")
        super().judge_all()
        self.judge_bounces()

    def judge_counts(self, mark, reply):
        counts = {self.count(mark, address) for address in self.to}
        is_more = is_yes(reply) and self.may_be_twice and 0 not in counts
        if not is_more:
            super().judge_counts(mark, reply)

    def count(self, mark, address):
        if address in here(local_part(address)):
            return super().count(mark, address)
        return self.host.arrived.get((mark, local_part(address)), 0)

    def judge_bounces(self):
        """How many there are, and how many copies of each."""
        copies = [
            count
            for place in (self.found, self.host.arrived)
            for (mark, _), count in place.items()
            if mark.startswith("bounce")
        ]
        is_more = self.may_be_twice and len(copies) == self.bounces
        if copies != [1] * self.bounces and not is_more:
            raise Wrong(f"copies of each bounce: {copies}")

    def after_a_new_start(self):
        super().after_a_new_start()
        left = self.server.in_queue(), self.server.set_aside()
        if any(left):
            raise Wrong(f"left in the queue, and set aside: {left}")


class Both(Accepted):
    """the client hands it over, for one here and one there"""

    to = here("bob") + away("carol")


class Done(Accepted):
    """both get it"""

    aside = ()
    # What the host says to a recipient while there are faults.
    answers = {}
    # This long it waits for faults that do not come.
    longest = 2

    def begin(self):
        super().begin()
        self.host.answers = dict(self.answers)
        self.reply = deliver(self.server, "first", self.to, sender=self.sender)
        if not is_yes(self.reply):
            raise Wrong(f"it is not accepted: {self.reply}")

    def act(self, tracer, roles):
        self.open()
        if not roles:
            wait_until("it is done", self.is_done)
            return
        end = time.monotonic() + self.longest
        while time.monotonic() < end:
            if roles <= {hit.role for hit in tracer.hits()}:
                break
            time.sleep(0.005)

    def open(self):
        self.host.listen()

    def is_done(self):
        return not self.server.in_queue()

    def kill(self):
        """As soon as the faults have come."""
        self.server.stop()
        self.server.start()
        self.is_killed = True


class PutOff(Done):
    """one gets it, the other one is put off"""

    answers = {"carol": LATER}

    def is_done(self):
        return self.host.put_off > 1


class Bounced(Done):
    """one gets it, the other one is refused, and the bounce is made"""

    to = away("nobody", "carol")
    bounces = 1

    def begin(self):
        self.must_be_taken("before", here(local_part(SENDER)))
        self.shut_mailbox(True)
        super().begin()

    def shut_mailbox(self, is_shut):
        """A mailbox that others may write into gets no mail: so the bounce
        waits."""
        folder = f"{self.server.mail}/{DOMAIN}/{local_part(SENDER)}"
        os.chmod(folder, 0o770 if is_shut else 0o700)

    def is_done(self):
        entries = self.server.entries()
        return entries and all("\nabout\t" in entry for entry in entries)

    def settle(self, hits):
        self.shut_mailbox(False)
        super().settle(hits)

    def must_be_taken(self, mark, to):
        super().must_be_taken(mark, [a for a in to if a not in away("nobody")])

    def judge_counts(self, mark, reply):
        whole, refused = self.to, away("nobody")[0]
        if self.count(mark, refused):
            raise Wrong("the host has got what it has refused")
        self.to = [address for address in whole if address != refused]
        super().judge_counts(mark, reply)
        self.to = whole


class Told(Bounced):
    """the bounce waits, and gets to the sender here"""

    def begin(self):
        super().begin()
        self.host.listen()
        wait_until("there is the bounce", super().is_done)

    def open(self):
        self.shut_mailbox(False)

    def is_done(self):
        return not self.server.in_queue()


class ToldAway(Told):
    """the bounce waits, and gets to the sender elsewhere"""

    sender = away("ann")[0]
    answers = {"ann": LATER}

    def open(self):
        self.host.answers = {}


class Dead(Bounced):
    """one is refused, and there is no sender who could be told"""

    sender = ""
    bounces = 0

    def is_done(self):
        return not self.server.in_queue()

    def judge_all(self):
        super().judge_all()
        kinds = [name.rpartition(".")[2] for name in self.server.dead()]
        if kinds != ["entry", "mail"]:
            raise Wrong(f"among the dead: {self.server.dead()}")
