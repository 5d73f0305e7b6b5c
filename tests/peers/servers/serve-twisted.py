"""serve-twisted.py PORT FOLDER: a server with Twisted."""

import sys

import store
from twisted.internet import defer, reactor
from twisted.mail import smtp
from zope.interface import implementer

port, folder = sys.argv[1:]


@implementer(smtp.IMessage)
class Message:
    def __init__(self, sender, recipient):
        self.sender, self.recipient, self.lines = sender, recipient, []

    def lineReceived(self, line):
        self.lines.append(line)

    def eomReceived(self):
        message = b"".join(line + b"\r\n" for line in self.lines)
        store.deliver(folder, self.sender, [self.recipient], message)
        return defer.succeed(None)

    def connectionLost(self):
        self.lines = []


@implementer(smtp.IMessageDelivery)
class Delivery:
    sender = ""

    def receivedHeader(self, helo, origin, recipients):
        return b"Received: by mx.example.org"

    def validateFrom(self, helo, origin):
        self.sender = str(origin)
        return origin

    def validateTo(self, user):
        address = str(user.dest)
        # Twisted gives its own name to who has no domain: the postmaster.
        if user.dest.domain == smtp.DNSNAME:
            address = user.dest.local.decode()
        if store.refusal(address):
            raise smtp.SMTPBadRcpt(user)
        return lambda: Message(self.sender, address)


class Factory(smtp.SMTPFactory):
    protocol = smtp.ESMTP

    def buildProtocol(self, address):
        protocol = super().buildProtocol(address)
        protocol.delivery = Delivery()
        protocol.host = b"mx.example.org"
        return protocol


reactor.listenTCP(int(port), Factory(), interface="127.0.0.1")
reactor.run()
