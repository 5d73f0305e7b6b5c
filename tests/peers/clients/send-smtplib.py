"""smtplib.py PORT FROM FILE TO...: sends one message with smtplib.

FILE has the lines of the wire: smtplib sends bytes as they are.
"""

import smtplib
import sys

REFUSED, LATER = 69, 75

port, sender, file, *to = sys.argv[1:]


def code_of(reply):
    return REFUSED if reply >= 500 else LATER


try:
    with smtplib.SMTP("127.0.0.1", int(port), "client.example") as server:
        text = open(file, "rb").read()
        server.ehlo_or_helo_if_needed()
        # Only a server that knows the word is asked.
        asks = not text.isascii() and server.has_extn("8bitmime")
        options = ["BODY=8BITMIME"] if asks else []
        refused = server.sendmail(sender, to, text, options)
except smtplib.SMTPRecipientsRefused as error:
    refused = error.recipients
except smtplib.SMTPResponseException as error:
    print(repr(error), file=sys.stderr)
    sys.exit(code_of(error.smtp_code))
except (smtplib.SMTPException, OSError) as error:
    print(repr(error), file=sys.stderr)
    sys.exit(LATER)
if refused:
    print(refused, file=sys.stderr)
    sys.exit(max(code_of(reply) for reply, _ in refused.values()))
