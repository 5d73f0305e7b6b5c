"""Your own mail server, in Python.   python3 server.py PORT MAILDIR

It greets each client, and says "not yet" to whatever comes. The comments say
what each chapter of the book adds, and where. Change whatever you like: what
counts is what your server says, and what it stores.
"""

import socket
import sys

PORT = int(sys.argv[1])
MAILDIR = sys.argv[2]  # Chapter 6: DOMAIN/LOCAL-PART/new, with a file each.


def serve(client):
    """Talks to one client, from the greeting to the end."""
    # A line of SMTP ends in CR LF, both ways. In Python that is \r\n.
    client.sendall(b"220 mx.example.org ESMTP\r\n")
    # Chapter 4: what has this client said so far? Keep it in variables here.
    received = b""
    while piece := client.recv(4096):
        received += piece
        # A piece is not a line: it may hold half of one, or three at once.
        # Chapter 1: take each line out of `received`, up to its CR LF, and
        #            answer HELO, MAIL, RCPT, DATA and QUIT. Store the message.
        # Chapter 2: answer what you do not know, too.
        # Chapter 3: read the address in MAIL and RCPT. Who lives here?
        # Chapter 5: after 354 lines are text, up to the dot. Mind the dots.
        client.sendall(b"502 Not yet\r\n")
    # recv gave nothing: the client has hung up.


# Only this machine can connect. Chapter 7: one client at a time is too few;
# give each one a thread (`import threading`).
with socket.create_server(("127.0.0.1", PORT)) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            try:
                serve(connection)
            except ConnectionError:
                pass  # This client is gone. The next one may come.
