// Every goal that a page sets can be reached, and not without its solution:
// node tests/live/goals.mjs. It plays the lines of book/live/talks.

import fs from 'node:fs';
import { machine } from './machine.mjs';

const folder = new URL('../../book/live/talks/', import.meta.url);
const { unescapeBytes, PillarboxMachine } = globalThis;

function read(text) {
    const [head, ...goals] = text.split(/^Goal: /m);
    const server = /^Server: (.*)$/m.exec(head)?.[1] ?? '';
    return goals.map((goal) => ({
        server,
        name: goal.split('\n')[0],
        pattern: new RegExp(/^When: (.*)$/m.exec(goal)[1], 'im'),
        lines: [...goal.matchAll(/^C(:|>) ?(.*)$/gm)].map(([, how, line]) => (how === ':' ? `${line}\r\n` : unescapeBytes(line))),
    }));
}

const live = await machine();

function isReached({ server, pattern, lines }) {
    const turns = [...live.start(server), ...lines.flatMap((line) => live.hear(line))];
    return pattern.test(turns.map(PillarboxMachine.inOneLine).join('\n'));
}

let count = 0;
for (const file of fs.readdirSync(folder)) {
    for (const goal of read(fs.readFileSync(new URL(file, folder), 'utf8'))) {
        const tooEarly = isReached({ ...goal, lines: goal.lines.slice(0, -1) });
        const reached = isReached(goal);
        if (tooEarly || !reached) {
            console.log(`${file}: ${goal.name} ${tooEarly ? 'is reached before its last line' : 'is not reached'}`);
            process.exitCode = 1;
        }
        count += 1;
    }
}
console.log(`${count} goals of the pages: each is reached by its solution, with the last line of it`);
