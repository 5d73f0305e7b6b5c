"""A student's server: one page, one thread for each client.

Usage: python3 right.py PORT MAILDIR

It stores each message as MAILDIR/ADDRESS/new/NAME.
"""

import itertools
import os
import socketserver
import sys

PORT, MAILDIR = int(sys.argv[1]), sys.argv[2]
KNOWN = {"bob@example.org", "carol@example.org"}
NUMBER = itertools.count()


def store(address, lines):
    name = f"{next(NUMBER):06}.student"
    for folder in ("tmp", "new", "cur"):
        os.makedirs(f"{MAILDIR}/{address}/{folder}", exist_ok=True)
    with open(f"{MAILDIR}/{address}/tmp/{name}", "wb") as file:
        file.write(b"".join(line + b"\n" for line in lines))
    os.rename(f"{MAILDIR}/{address}/tmp/{name}", f"{MAILDIR}/{address}/new/{name}")


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def message(self):
        lines = []
        while (line := self.rfile.readline().rstrip(b"\r\n")) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        return lines

    def handle(self):
        self.say("220 student.example at your service")
        sender, to = None, []
        while line := self.rfile.readline():
            words = line.decode().strip()
            verb = words[:4].upper()
            if verb in ("HELO", "EHLO"):
                sender, to = None, []
                self.say("250 Hello")
            elif verb == "MAIL":
                sender = words[10:].strip("<>")
                self.say("250 OK")
            elif verb == "RCPT" and sender is None:
                self.say("503 Who sends it?")
            elif verb == "RCPT":
                address = words[8:].strip("<>")
                if address in KNOWN:
                    to.append(address)
                self.say("250 OK" if address in KNOWN else "554 Who?")
            elif verb == "DATA":
                self.say("354 Go on")
                lines = [b"return-path: <" + sender.encode() + b">"]
                lines += self.message()
                for address in to:
                    store(address, lines)
                self.say("250 Stored")
                sender, to = None, []
            elif verb == "QUIT":
                self.say("221 Bye")
                return
            else:
                self.say("502 What?")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("127.0.0.1", PORT), Session).serve_forever()
