"""serve-smtpd.py PORT FOLDER: the server of Python's old standard library, as
PyPI still has it (standard-smtpd)."""

import asyncore
import sys

import smtpd
import store

port, folder = sys.argv[1:]


class Channel(smtpd.SMTPChannel):
    """Only RCPT is changed: smtpd asks nobody who lives here."""

    def smtp_RCPT(self, arg):
        rest = self._strip_command_keyword("TO:", arg or "")
        address = self._getaddr(rest)[0] if rest else None
        refusal = address and store.refusal(address)
        if refusal and self.seen_greeting and self.mailfrom is not None:
            self.push(refusal)
        else:
            super().smtp_RCPT(arg)


class Server(smtpd.SMTPServer):
    channel_class = Channel

    def process_message(self, peer, mailfrom, rcpttos, data, **options):
        store.deliver(folder, mailfrom, rcpttos, data + b"\n")


Server(("127.0.0.1", int(port)), None)
asyncore.loop()
