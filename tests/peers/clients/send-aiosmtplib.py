"""send-aiosmtplib.py PORT FROM FILE TO...: sends one message with aiosmtplib."""

import asyncio
import sys

import aiosmtplib

REFUSED, LATER = 69, 75

port, sender, file, *to = sys.argv[1:]


def code_of(reply):
    return REFUSED if reply >= 500 else LATER


async def send():
    errors, _ = await aiosmtplib.send(
        open(file, "rb").read(),
        sender=sender,
        recipients=to,
        hostname="127.0.0.1",
        port=int(port),
        local_hostname="client.example",
        start_tls=False,
    )
    return errors


try:
    errors = asyncio.run(send())
except aiosmtplib.SMTPRecipientsRefused as error:
    print(repr(error), file=sys.stderr)
    sys.exit(max(code_of(one.code) for one in error.recipients))
except aiosmtplib.SMTPResponseException as error:
    print(repr(error), file=sys.stderr)
    sys.exit(code_of(error.code))
except (aiosmtplib.SMTPException, OSError) as error:
    print(repr(error), file=sys.stderr)
    sys.exit(LATER)
if errors:
    print(errors, file=sys.stderr)
    sys.exit(max(code_of(reply) for reply, _ in errors.values()))
