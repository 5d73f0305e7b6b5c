// Your own mail server, in JavaScript.   node server.mjs PORT MAILDIR
//
// It greets each client, and says "not yet" to whatever comes. The comments
// say what each chapter of the book adds, and where. Change whatever you like:
// what counts is what your server says, and what it stores.

import net from 'node:net';

const [port, maildir] = process.argv.slice(2);
// Chapter 6: messages go into `maildir`/DOMAIN/LOCAL-PART/new, a file for
// each. `node:fs` has what you need: mkdirSync, writeFileSync, renameSync.

// Talks to one client, from the greeting to the end.
function serve(client) {
    // A line of SMTP ends in CR LF, both ways. In JavaScript that is \r\n.
    client.write('220 mx.example.org ESMTP\r\n');
    // Chapter 4: what has this client said so far? Keep it in variables here.
    let received = '';
    // With 'latin1' each byte is one character, and none is lost.
    client.setEncoding('latin1');
    client.on('data', (piece) => {
        received += piece;
        // A piece is not a line: it may hold half of one, or three at once.
        // Chapter 1: take each line out of `received`, up to its CR LF, and
        //            answer HELO, MAIL, RCPT, DATA and QUIT. Store the message.
        // Chapter 2: answer what you do not know, too.
        // Chapter 3: read the address in MAIL and RCPT. Who lives here?
        // Chapter 5: after 354 lines are text, up to the dot. Mind the dots.
        client.write('502 Not yet\r\n');
    });
    // The client is gone. The next one may come.
    client.on('error', () => client.destroy());
}

// Only this machine can connect. Node serves many clients at once by itself:
// in chapter 7, find out what that is called, and what it costs.
net.createServer(serve).listen(Number(port), '127.0.0.1');
