"""What is played while calls fail, and what must hold afterwards: deliveries.

    Delivery, Known, Copies  a message for three mailboxes here
    wanted                   how a call's error must show in the reply

The plays of the queue are in `relayed.py`.

A play is begun without faults. `act` is watched, and has the fault; `judge`
comes when the fault is over. What must hold:

- a message that was answered 250 is with each recipient, whole; one that was
  refused is with nobody, and has left nothing;
- an error of the disk that matters is told, with the code that it has in the
  server's own table, and the session goes on;
- the server lives, the next message is taken, and no descriptor is lost;
- after a kill and a new start all this is so, and nothing is left over.
"""

from faults import SOCKET_CALLS
from fire import DOMAIN, Server, Session, Wrong, deliver, is_yes, wait_until

# Replies to errors of the disk, as they are in src/mailbox/delivery.rs.
REFUSALS = {"ENOSPC": "452 4.3.1", "EDQUOT": "452 4.2.2"}
LOCAL_ERROR = "451 4.3.0"
# A link that cannot be made is made up for by a copy.
COPIED = {"EPERM", "EACCES", "EMLINK", "EXDEV", "EOPNOTSUPP"}
# What a session may end by.
ENDS = SOCKET_CALLS | {"clone3"}


def here(*names):
    return [f"{name}@{DOMAIN}" for name in names]


def local_part(address):
    return address.partition("@")[0]


class Delivery:
    """a message for three who have no mailbox yet"""

    # Faults that are there all the time.
    always = ()
    # Whose calls are for another play.
    aside = ()
    # Who has got mail before.
    known = ()
    to = here("bob", "carol", "dave")
    # Larger than the server's buffer: it takes several writes.
    size = 20_000
    options = ()

    def __init__(self, folder):
        self.server = Server(folder, *self.options)
        # The answers to the message, and to another one in the same session.
        self.reply, self.again = None, None
        self.left = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()

    def begin(self):
        if self.known:
            self.must_be_taken("before", self.known)
        self.mailboxes = self.server.mailboxes()
        self.wait_for_sessions()
        self.descriptors = len(self.server.descriptors())

    def act(self, tracer, _):
        with Session(self.server) as session:
            if session.greet():
                self.reply = session.send("first", self.to, size=self.size)
            if self.reply and not is_yes(self.reply):
                self.left = self.what_is_left()
            # After an error of the disk the session goes on.
            hits = in_session(tracer.hits())
            if any(hit.name not in ENDS for hit in hits):
                self.again = session.send("again", self.to)
                if not is_yes(self.again):
                    raise Wrong(f"in the same session: {self.again}")
            session.quit()
        self.wait_for_sessions()

    def what_is_left(self):
        new = set(self.server.mailboxes()) - set(self.mailboxes)
        return self.server.left_over() + sorted(new)

    def judge(self, hits):
        self.server.must_live()
        self.judge_reply(hits)
        self.settle(hits)
        # A descriptor that could not be closed is the fault's.
        if not any(hit.name == "close" for hit in hits):
            self.judge_descriptors()
        self.after_a_new_start()

    def judge_descriptors(self):
        """When the sessions are over there are as many as before."""
        are_closed = lambda: len(self.server.descriptors()) <= self.descriptors
        try:
            wait_until("the descriptors are closed", are_closed)
        except Wrong:
            found = self.server.descriptors()
            raise Wrong(f"{self.descriptors} were open, now {found}") from None

    def judge_reply(self, hits):
        for hit in in_session(hits):
            want = wanted(hit)
            if want and not (self.reply or "").startswith(want):
                raise Wrong(f"{hit.name} got {hit.error()}: {self.reply}")
        if not self.reply and not any(hit.name in ENDS for hit in hits):
            raise Wrong("the server has hung up")
        if self.left:
            raise Wrong(f"refused, and left over: {self.left}")

    def settle(self, _):
        self.must_be_taken("next", self.to)
        self.judge_all()

    def judge_all(self):
        self.found = self.server.found()
        self.judge_counts("first", self.reply)
        self.judge_counts("again", self.again)
        self.judge_counts("next", "250")

    def judge_counts(self, mark, reply):
        counts = {self.count(mark, address) for address in self.to}
        # If the answer was lost, nobody knows.
        is_one_of_two = reply is None and counts in ({0}, {1})
        if counts != {int(is_yes(reply))} and not is_one_of_two:
            raise Wrong(f"{mark}, {reply}: found {counts} times")

    def count(self, mark, address):
        return self.found.get((mark, local_part(address)), 0)

    def must_be_taken(self, mark, to):
        reply = deliver(self.server, mark, to)
        if not is_yes(reply):
            raise Wrong(f"the message {mark}: {reply}")

    def wait_for_sessions(self):
        is_session = lambda name: name.startswith("session")
        are_over = lambda: not any(map(is_session, self.server.threads()))
        wait_until("the sessions are over", are_over)

    def after_a_new_start(self):
        self.server.stop()
        self.server.start()
        if self.server.left_over():
            raise Wrong(f"left over: {self.server.left_over()}")
        if self.server.found() != self.found:
            raise Wrong("after a new start there is other mail")


class Known(Delivery):
    """a message for three who have got mail before"""

    known = Delivery.to


class Copies(Delivery):
    """a message for three, one of them new, where no link can be made"""

    always = ("linkat:error=EXDEV",)
    known = here("bob", "carol")


def in_session(hits):
    return [hit for hit in hits if hit.role == "session"]


def wanted(hit):
    """How the reply to a message begins, if the error must show in it."""
    error = hit.error()
    if hit.name in SOCKET_CALLS:
        return "250" if error == "EINTR" else None
    if error == "EINTR" or hit.name == "close":
        return "250"
    # Whether the claim on the folder is intact: if not, it is claimed anew.
    if "mail/.lock" in hit.words:
        return "250"
    if hit.name in ("linkat", "link") and error in COPIED:
        # The name of a mailbox; the queue makes no copies.
        return "250" if f"/{DOMAIN}/" in hit.words else LOCAL_ERROR
    return REFUSALS.get(error, LOCAL_ERROR)
