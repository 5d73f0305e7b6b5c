"""aiosmtpd as a server: aiosmtpd_peer.py PORT MAIL_FOLDER MAX_SIZE

aiosmtpd has a handler that writes a Maildir, but into one mailbox only, and
for everybody. This one refuses strangers, and has a mailbox for each name.
"""

import mailbox
import os
import signal
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox

NAMES = ("bob", "carol", "postmaster")


class Mailboxes(Mailbox):
    def __init__(self, folder):
        super().__init__(os.path.join(folder, "postmaster"))
        self.boxes = {
            name: mailbox.Maildir(os.path.join(folder, name)) for name in NAMES
        }

    async def handle_RCPT(self, server, session, envelope, address, options):
        local_part, _, domain = address.lower().partition("@")
        if domain != "example.org" and address.lower() != "postmaster":
            return "550 5.7.1 Relaying refused"
        if local_part not in NAMES:
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    def handle_message(self, message):
        recipients = message["X-RcptTo"].lower().split(", ")
        for name in {address.split("@")[0] for address in recipients}:
            self.boxes[name].add(message)


port, folder, max_size = sys.argv[1:]
controller = Controller(
    Mailboxes(folder),
    hostname="127.0.0.1",
    port=int(port),
    server_hostname="mx.example.org",
    data_size_limit=int(max_size),
)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
controller.start()
signal.sigwait([signal.SIGTERM])
