// The microscope: the bytes of a message, read by two rules. The pictures that
// stand here without JavaScript are of tests/book/microscope.rs.

'use strict';

const RULES = [
    { words: 'CR LF and nothing else ends a line', end: /\r\n/g, tail: /\r\n$/ },
    { words: 'A line feed alone ends a line, too', end: /\n/g, tail: /\r?\n$/ },
];

// What a server of this rule sees. It knows DATA and the dot, no more.
function look(bytes, rule) {
    const pieces = [];
    let isText = false;
    for (let at = 0; at < bytes.length;) {
        const end = new RegExp(rule.end);
        end.lastIndex = at;
        const isWhole = end.test(bytes);
        const line = bytes.slice(at, isWhole ? end.lastIndex : undefined);
        const words = line.replace(rule.tail, '');
        const kind = isText ? (words === '.' && isWhole ? 'end' : 'text') : 'command';
        isText = kind === 'command' ? words.toUpperCase() === 'DATA' : kind === 'text';
        pieces.push({ kind, line });
        at += line.length;
    }
    return pieces;
}

const visibly = (bytes) => bytes.replace(/\r/g, '\\r').replace(/\n/g, '\\n');

function drawPieces(rule, bytes) {
    const pieces = look(bytes, rule);
    const view = element('figure', 'seen');
    const rows = element('ol', 'pieces');
    for (const { kind, line } of pieces) {
        const row = element('li', `piece ${kind}`);
        const code = element('code', '');
        for (const part of line.split(/(\r?\n|\r)/)) {
            code.append(/[\r\n]/.test(part) ? element('span', 'end', visibly(part)) : part);
        }
        row.append(element('span', 'kind', kind), ' ', code);
        rows.append(row);
    }
    const count = pieces.filter(({ kind }) => kind === 'end').length;
    view.append(element('figcaption', '', rule.words), rows,
        element('p', 'count', `→ ${count} message${count === 1 ? '' : 's'}`));
    return view;
}

// What stands between the two messages.
const BETWEEN = { 'LF . LF': '\\n.\\n', 'LF . CR LF': '\\n.\\r\\n', 'CR LF . LF': '\\r\\n.\\n', 'CR . CR': '\\r.\\r', 'CR LF . CR LF': '\\r\\n.\\r\\n' };

function openMicroscope(place) {
    const id = 'microscope-bytes';
    const label = element('label', '', 'The bytes that are sent (\\r is CR, \\n is LF; change them):');
    label.htmlFor = id;
    const box = element('textarea', '');
    Object.assign(box, { id, rows: 10, spellcheck: false });
    const inRows = (text) => text.replace(/\\n/g, '\\n\n').trimEnd();
    box.value = inRows(place.dataset.bytes);
    const seen = element('div', 'both');
    seen.setAttribute('aria-live', 'polite');
    const buttons = element('p', 'between', 'Between the two: ');
    const show = () => {
        // Where the box goes on below, nothing is sent.
        const bytes = unescapeBytes(box.value.replace(/\n/g, ''));
        seen.replaceChildren(...RULES.map((rule) => drawPieces(rule, bytes)));
    };
    for (const [words, bytes] of Object.entries(BETWEEN)) {
        const button = element('button', '', words);
        button.type = 'button';
        button.addEventListener('click', () => {
            box.value = inRows(place.dataset.bytes.replace('\\n.\\n', bytes));
            show();
        });
        buttons.append(button, ' ');
    }
    box.addEventListener('input', show);
    place.classList.add('live');
    place.prepend(label, box, buttons, seen);
    // What is typed here turns no page.
    place.addEventListener('keydown', (event) => event.stopPropagation());
    show();
}

globalThis.pillarboxMicroscope = { RULES, look };
// The tests look without a page.
if (globalThis.document) document.querySelectorAll('.microscope').forEach(openMicroscope);
