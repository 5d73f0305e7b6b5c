"""Where the small servers beside this file store mail: in a Maildir for each
mailbox, FOLDER/example.org/NAME. What comes in is written as it came."""

import itertools
import os
import time

NAMES = ("bob", "carol", "postmaster")

numbers = itertools.count(1)


def split(address):
    """The name and the domain. Quotes that are not needed mean nothing (RFC 5321
    4.1.2), and postmaster needs no domain."""
    name, _, domain = address.lower().rpartition("@")
    if not name:
        name, domain = domain, "example.org"
    return name.strip('"').replace("\\", ""), domain


def refusal(address):
    """Why an address gets no mail here, as a reply; or None."""
    name, domain = split(address)
    if domain != "example.org":
        return "550 5.7.1 Relaying refused"
    if name not in NAMES:
        return "550 5.1.1 No such mailbox"
    return None


def deliver(folder, sender, recipients, message):
    for address in recipients:
        name, _ = split(address)
        place = os.path.join(folder, "example.org", name)
        for part in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(place, part), exist_ok=True)
        file = f"{time.time():.6f}.{os.getpid()}.{next(numbers)}"
        new = os.path.join(place, "tmp", file)
        with open(new, "wb") as out:
            out.write(f"Return-Path: <{sender or ''}>\r\n".encode())
            out.write(message)
        os.rename(new, os.path.join(place, "new", file))
