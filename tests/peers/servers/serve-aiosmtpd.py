"""serve-aiosmtpd.py PORT FOLDER: a server with aiosmtpd."""

import signal
import sys

import store
from aiosmtpd.controller import Controller

port, folder = sys.argv[1:]


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        refusal = store.refusal(address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server, session, envelope):
        store.deliver(
            folder, envelope.mail_from, envelope.rcpt_tos, envelope.content
        )
        return "250 2.0.0 Stored"


controller = Controller(
    Handler(),
    hostname="127.0.0.1",
    port=int(port),
    server_hostname="mx.example.org",
)
controller.start()
signal.pause()
