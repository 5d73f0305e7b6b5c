"""A student's server that takes its time: late.py PORT LISTENS GREETS

It listens after the first number of seconds, and greets its only client after
the second one.
"""

import socket
import sys
import time

port, listens, greets = int(sys.argv[1]), *map(float, sys.argv[2:])
time.sleep(listens)
client, _ = socket.create_server(("127.0.0.1", port)).accept()
time.sleep(greets)
client.sendall(b"220 late.example\r\n")
client.recv(99)
client.sendall(b"221 Bye\r\n")
