"""A student's server that hangs, and its child too: usage as right.py."""

import os
import signal
import socket
import sys
import time

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("it hangs", flush=True)
os.fork()
while True:
    time.sleep(1000)
