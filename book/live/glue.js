// The machine of src/protocol as an object: bytes in, turns out. The page and
// the tests under tests/live use it; what is said over the border is described
// in src/tell.rs. Text is here as one character for each byte.

'use strict';

// The escapes of Rust: \t, \r, \n, \', \", \\ and \xHH.
function unescapeBytes(text) {
    const short = { t: '\t', r: '\r', n: '\n' };
    const letter = (all, hex, one) => (hex ? String.fromCharCode(parseInt(hex, 16)) : short[one] ?? one);
    return text.replace(/\\(?:x(..)|(.))/g, letter);
}

// A turn is what the client has said, what the server answers, and why:
// { client, text, said, rule, section, before, after, mail, holds, isClosed }.
class PillarboxMachine {
    // `wasm` is what machine.js has, in base64.
    static async load(wasm) {
        const bytes = Uint8Array.from(atob(wasm), (letter) => letter.charCodeAt(0));
        return new PillarboxMachine((await WebAssembly.instantiate(bytes)).instance.exports);
    }

    constructor(exports) {
        this.exports = exports;
    }

    // A server with these options, written as in the header of a transcript.
    start(options) {
        this.send(options);
        this.open = { text: [], said: [] };
        this.exports.start();
        return this.turns();
    }

    // The client says these bytes; none, if it was silent for a while.
    hear(bytes) {
        this.send(bytes);
        this.exports.think(Date.now() / 1000);
        return this.turns();
    }

    send(bytes) {
        for (let at = 0; at < bytes.length; at += 1) this.exports.hear(bytes.charCodeAt(at));
    }

    // All that is told, as turns. Lines of a message wait for their reply.
    turns() {
        let told = '';
        for (let byte = this.exports.tell(); byte >= 0; byte = this.exports.tell()) told += String.fromCharCode(byte);
        const turns = [];
        for (const line of told.split('\n').slice(0, -1)) {
            const [what, ...parts] = line.split('\t').map(unescapeBytes);
            const turn = this.open;
            if (what === 'wrong') throw new Error(`${parts[0]} is no option of the machine`);
            else if (what === 'client') [turn.client] = parts;
            else if (what === 'text' || what === 'said') turn[what].push(parts[0]);
            else if (what === 'step') [turn.rule, turn.section, turn.before, turn.after] = parts;
            else if (what === 'mail') turn.mail = { to: parts[0].split(' '), content: parts[1] };
            else if (what === 'closed') turns.at(-1).isClosed = true;
            else {
                const [client, from, to, parameters] = parts;
                turns.push({ ...turn, holds: { client, from, to, parameters } });
                this.open = { text: [], said: [] };
            }
        }
        return turns;
    }
}

Object.assign(globalThis, { PillarboxMachine, unescapeBytes });

// A turn as one line, for the goals of a page to be looked for in (see the
// folder talks).
PillarboxMachine.inOneLine = ({ client, said, before, after, mail }) => {
    const visible = (text) => text.replace(/\r?\n/g, '\\n');
    const command = client?.replace(/\r\n$/, '') ?? (before === 'Data' ? '(message)' : '');
    const stored = mail ? ` | stored for ${mail.to.join(' ')}: ${mail.content}` : '';
    return visible(`${command} | ${said.join(' / ')} | ${before} -> ${after}${stored}`);
};
