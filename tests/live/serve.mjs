// The machine of the pages as a server, so that our own judge can judge it:
// node tests/live/serve.mjs PORT MAILDIR [OPTION]...
//
// The options are those of `pillarbox serve` that the machine has.

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { machine } from './machine.mjs';

const [port, maildir, ...options] = process.argv.slice(2);

// `--max-size=1000` is what a transcript writes as `max-size=1000`.
const inWords = (words) => words.map((word) => word.replace(/^--/, '')).join(' ');

// As long as `pillarbox serve` waits for the line feed after a carriage return.
const lineFeedWait = 5000;

let stored = 0;

function store({ to, content }) {
    for (const address of to) {
        const [, localPart, domain] = /^(.*)@(.*)$/.exec(address);
        const folder = path.join(maildir, domain, localPart, 'new');
        fs.mkdirSync(folder, { recursive: true });
        stored += 1;
        fs.writeFileSync(path.join(folder, `${Date.now()}.${stored}.page`), Buffer.from(content, 'latin1'));
    }
}

async function converse(socket) {
    const live = await machine();
    let timer;
    const answer = (turns) => {
        for (const turn of turns) {
            // It is in the mailbox before its 250 is said.
            if (turn.mail) store(turn.mail);
            socket.write(turn.said.map((line) => `${line}\r\n`).join(''), 'latin1');
            if (turn.isClosed) socket.end();
        }
        clearTimeout(timer);
        timer = setTimeout(() => answer(live.hear('')), lineFeedWait);
        timer.unref();
    };
    socket.on('data', (bytes) => answer(live.hear(bytes.toString('latin1'))));
    socket.on('close', () => clearTimeout(timer));
    answer(live.start(inWords(options)));
}

const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    converse(socket).catch((error) => {
        console.error(error);
        socket.destroy();
    });
});
server.listen(Number(port), '127.0.0.1');
