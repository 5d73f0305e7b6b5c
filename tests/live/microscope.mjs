// The microscope's strict rule is the machine's: node tests/live/microscope.mjs
//
// Random bytes after DATA: what the microscope takes for text and for the end
// is what the machine takes for it.

import { machine } from './machine.mjs';
import './../../book/live/microscope.js';

const { RULES, look } = globalThis.pillarboxMicroscope;
const live = await machine();

const pieces = ['.', '.', '\r', '\n', '\r\n', '\r\n', 'x', '..', 'DATA'];
let seed = 1;
const below = (limit) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 1;
    return (seed >>> 8) % limit;
};

let ends = 0;
for (let n = 0; n < 2000; n += 1) {
    const bytes = Array.from({ length: 3 + below(12) }, () => pieces[below(pieces.length)]).join('');
    live.start('');
    live.hear('HELO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n');
    const [turn] = live.hear(bytes);
    const seen = look(`DATA\r\n${bytes}`, RULES[0]).slice(1);
    const end = seen.findIndex(({ kind }) => kind === 'end');
    const text = (end < 0 ? seen.filter(({ line }) => line.endsWith('\r\n')) : seen.slice(0, end + 1)).map(({ line }) => line);
    const heard = turn?.before === 'Data' ? turn.text : live.open.text;
    if ((end >= 0) !== (turn?.before === 'Data') || JSON.stringify(text) !== JSON.stringify(heard)) {
        console.log(`${JSON.stringify(bytes)}: the microscope sees ${JSON.stringify(text)}, the machine ${JSON.stringify(heard)}`);
        process.exitCode = 1;
    }
    ends += end >= 0;
}
console.log(`2000 messages under the microscope, ${ends} with their end: seen as the machine sees them`);
