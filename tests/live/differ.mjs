// Plays random sessions to two of our machines: node tests/live/differ.mjs ONE
// OTHER [SESSIONS]. What they say must be the same, with the reasons, the
// states and the messages they store.
//
// Each of the two is a script as book/src/live/machine.js, or the program
// `pillarbox` itself, which is asked through `serve --stdio --explain`.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { machineFrom } from './machine.mjs';

const [one, other, count = '2000'] = process.argv.slice(2);

// Numbers that are the same in every run (mulberry32).
function numbers(seed) {
    return (below) => {
        seed = (seed + 0x6d2b79f5) | 0;
        let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    };
}

const commands = [
    'EHLO client.example', 'EHLO client.example', 'HELO client.example', 'EHLO', 'HELO [192.0.2.1]',
    'MAIL FROM:<alice@client.example>', 'MAIL FROM:<alice@client.example>', 'MAIL FROM:<>',
    'MAIL FROM:<alice@client.example> SIZE=500 BODY=8BITMIME', 'MAIL FROM:<k\u00c3\u00a4the@client.example> SMTPUTF8',
    'MAIL FROM:<alice@client.example> SIZE=99999', 'MAIL FROM: <alice@client.example>', 'MAIL FROM:alice',
    'RCPT TO:<bob@example.org>', 'RCPT TO:<bob@example.org>', 'RCPT TO:<Bob+x@EXAMPLE.org>', 'RCPT TO:<carol@example.org>',
    'RCPT TO:<nobody@example.org>', 'RCPT TO:<dave@elsewhere.example>', 'RCPT TO:<postmaster>', 'RCPT TO:bob',
    'RCPT TO:<@relay.example:bob@example.org>', 'RCPT TO:<bob@example.org> NOTIFY=NEVER',
    'DATA', 'DATA', 'DATA', 'DATA now', 'RSET', 'NOOP', 'NOOP x', 'HELP', 'HELP MAIL', 'VRFY bob', 'EXPN staff', 'QUIT',
    'STARTTLS', 'FROB', 'data', '', 'GET / HTTP/1.1', 'x'.repeat(2100),
];
const texts = [
    '.', '.', '.', '.', '..', '.x', '', 'Subject: hello', 'Received: from a', 'text', 'a\rb', 'a\nb', 'nul\0nul',
    'From: alice@client.example', ' folded', '\u00c3\u00a4', 'y'.repeat(5000), 'MAIL FROM:<x@y.example>', 'QUIT',
];
const optionRows = [
    '', '', 'max-size=200', 'max-recipients=1', 'without=HELP', 'without=8BITMIME without=SIZE',
    'without=ENHANCEDSTATUSCODES', 'domain=example.org domain=example.net mailbox=bob@example.net',
];

// One session: its options, and what the client sends in one go each.
function session(seed) {
    const below = numbers(seed);
    const pick = (list) => list[below(list.length)];
    const end = () => (below(30) ? '\r\n' : pick(['\n', '\r\n\r\n', '\r\r\n']));
    const hurried = ['EHLO client.example', 'MAIL FROM:<alice@client.example>', 'RCPT TO:<bob@example.org>', 'DATA'];
    const chunks = below(2) ? hurried.map((line) => `${line}\r\n`) : [];
    for (let n = 5 + below(30); n > 0; n -= 1) chunks.push(pick(below(3) ? commands : texts) + end());
    return { options: pick(optionRows), chunks };
}

// A time that is the same for both.
Date.now = () => 784_111_777_000;

async function page(file) {
    const live = await machineFrom(file);
    return ({ options, chunks }) => {
        const turns = live.start(options);
        for (const chunk of chunks) turns.push(...live.hear(chunk));
        return turns;
    };
}

// The program tells no more than the log has: the page's turns are cut down.
function program(file) {
    const base = { hostname: 'mx.example.org', domain: ['example.org'], mailbox: ['bob@example.org', 'carol@example.org'] };
    return ({ options, chunks }) => {
        const given = { ...base };
        for (const [key, value] of options.split(' ').filter(Boolean).map((word) => word.split('='))) {
            given[key] = base[key] === given[key] ? [value] : [...given[key], value];
        }
        const words = Object.entries(given).flatMap(([key, values]) => [values].flat().flatMap((value) => [`--${key}`, value]));
        const mail = fs.mkdtempSync(path.join(os.tmpdir(), 'pillarbox-live-'));
        const input = Buffer.from(chunks.join(''), 'latin1');
        const asked = ['serve', '--stdio', '--explain', '--mail', mail, ...words];
        const { stderr, status } = spawnSync(file, asked, { input, env: { NO_COLOR: '1', RUST_LOG: 'info' } });
        if (status !== 0) throw new Error(`${file} ${asked.join(' ')}: ${stderr}`);
        const mails = fs.readdirSync(mail, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile() && entry.parentPath.endsWith('new'))
            .map((entry) => fs.readFileSync(path.join(entry.parentPath, entry.name), 'latin1'));
        fs.rmSync(mail, { recursive: true });
        return { dialogue: stderr.toString('latin1'), mails };
    };
}

// The lines of the server, each reply with its reason, as --explain has them.
function asTold(turns) {
    const steps = turns.map(({ said, rule, section, before, after }) => [
        ...said.map((line) => `S: ${line}`), rule, `${section} ${before} -> ${after}`.replaceAll('*', ''),
    ]);
    return steps.flat();
}

function asPrinted(dialogue) {
    const kept = dialogue.replace(/^\[1\] S: .*(?:\n {8}\S.*)*/gm, (all) => all.replace(/\n {8}/g, ''))
        .split('\n').filter((line) => /^(\[1\] S:| {7}\S)/.test(line));
    return kept.map((line) => line.replace(/^\[1\] /, '').trim().replace(/ {2,}/g, ' '));
}

const withoutTrace = (content) => content.replace(/^Received: [^\n]*\n\t[^\n]*\n\t[^\n]*\n/m, '');

function comparable(told) {
    if (told.dialogue === undefined) {
        const mails = told.flatMap(({ mail }) => (mail ? mail.to.map(() => withoutTrace(mail.content)) : []));
        return [asTold(told), mails.sort()];
    }
    return [asPrinted(told.dialogue), told.mails.map(withoutTrace).sort()];
}

const isPage = (file) => file.endsWith('.js');
const player = (file) => (isPage(file) ? page(path.resolve(file)) : program(path.resolve(file)));
const players = [await player(one), await player(other)];
const same = isPage(one) && isPage(other) ? (told) => told : comparable;

let different = 0;
let stored = 0;
for (let seed = 1; seed <= Number(count); seed += 1) {
    const played = session(seed);
    const [left, right] = players.map((play) => JSON.stringify(same(play(played)), null, 1));
    stored += left.match(/250( 2\.0\.0)? Stored/g)?.length ?? 0;
    if (left === right) continue;
    different += 1;
    if (different > 1) continue;
    const [a, b] = [left, right].map((text) => text.split('\n'));
    const at = a.findIndex((line, n) => line !== b[n]);
    console.log(`session ${seed} (${played.options}): ${JSON.stringify(played.chunks.join('').slice(0, 400))}`);
    console.log(`${one}: ${a.slice(Math.max(0, at - 2), at + 3).join('\n')}\n${other}: ${b.slice(Math.max(0, at - 2), at + 3).join('\n')}`);
}
console.log(`${count} random sessions, ${stored} messages stored: ${different} differ between ${one} and ${other}`);
process.exitCode = different ? 1 : 0;
