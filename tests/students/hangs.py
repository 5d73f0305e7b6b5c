"""A student's mail server that hangs:   python3 hangs.py PORT MAILDIR

It greets, and then never says another word: it waits for the client to be the
first to speak, and for ever, since it reads all up to the end of the
connection. Its grader must not wait with it.
"""

import socketserver
import sys


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 mx.example.org\r\n")
        # The fault: read() comes back when the client has closed. One line
        # should be read here, and answered.
        self.rfile.read()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Session).serve_forever()
