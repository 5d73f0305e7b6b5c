"""A server with one oddity:   python3 odd.py PORT MAILDIR ODDITY

The rest is `right.py`. What each oddity costs, and what the report says of it
first, is in `tests/students.rs`: one fault is one report.
"""

import os
import sys
import time

sys.dont_write_bytecode = True  # so that no folder appears beside us
import right

PORT, ODDITY = int(sys.argv[1]), sys.argv[3]


class Session(right.Session):
    def handle(self):
        self.kept = []
        if ODDITY == "late-greeting":
            time.sleep(2)
        super().handle()
        if ODDITY == "stays":
            # It says good-bye, and then waits for the client to go.
            self.rfile.read()

    def obey(self, line):
        if line.upper() == b"QUIT":
            for self.sender, self.recipients, message in self.kept:
                super().store(message)
        return super().obey(line)

    def say(self, reply):
        if ODDITY == "lf":
            self.wfile.write(reply.replace("\r\n", "\n").encode() + b"\n")
        else:
            super().say(reply)

    def hello(self, verb, name):
        if ODDITY == "helo-only" and verb == "EHLO":
            return self.say("500 No such command")
        super().hello(verb, name)

    def data(self):
        if ODDITY == "crashes":
            os._exit(1)
        super().data()

    def take(self, message):
        if ODDITY == "wants-from" and b"From:" not in message:
            return "554 Who wrote this?"
        return super().take(message)

    def store(self, message):
        if ODDITY == "prints-only":
            print(message.decode("latin-1"), flush=True)
        elif ODDITY == "after-quit":
            self.kept.append((self.sender, self.recipients, message))
        else:
            super().store(message)


if ODDITY == "late-listener":
    time.sleep(2)
if ODDITY == "fixed-port":
    PORT = 2599
right.Server(("127.0.0.1", PORT), Session).serve_forever()
