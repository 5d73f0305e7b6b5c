"""A server with five faults:   python3 five_faults.py PORT MAILDIR [NUMBER]...

Students make them again and again, and do not notice: with the client that
they have written themselves, all goes well. Here they are alone: the rest is
`right.py`. Each one is found by a transcript:

  1  a blank is demanded after the colon     01-first/helo.txt
  2  the dots of the client are kept         07-message/dots.txt
  3  a line feed alone ends a line           08-end-of-data/lf-dot-lf.txt
  4  RCPT is taken before MAIL               03-order/rcpt-before-mail.txt
  5  one client after the other              11-clients/two-at-once.txt

The first one hides the others, since no mail comes in at all. So numbers may
follow: then it has only those faults.
"""

import socketserver
import sys

sys.dont_write_bytecode = True  # so that no folder appears beside us
import right

FAULTS = sys.argv[3:] or list("12345")


class Session(right.Session):
    pass


class Server(right.Server):
    pass


if "1" in FAULTS:
    # Mail programs show "From: <...>". In a command there is no blank.
    Session.MAIL = right.MAIL.replace("FROM:", "FROM: ")
    Session.RCPT = right.RCPT.replace("TO:", "TO: ")

if "2" in FAULTS:
    # The client doubles a dot at the beginning; one must be taken away.
    Session.unstuffed = lambda self, line: line

if "3" in FAULTS:

    def read_line(self):
        """readline() is content with LF, also between CR and CR."""
        line = self.rfile.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError
        return line.rstrip(b"\r\n")

    Session.read_line = read_line

if "4" in FAULTS:
    # Nobody asks whether there was a MAIL.
    Session.has_sender = lambda self: True

if "5" in FAULTS:
    # The thread is missing: the next client waits until this one has gone.
    Server.process_request = socketserver.TCPServer.process_request

if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Session).serve_forever()
