// The living page: transcripts line by line, in kinds, and step by step.
//
// All of this is an addition. Without JavaScript a transcript stands on the
// page as plain text. The scripts of mdBook have run before this one.

'use strict';

// "C1>" and "S:": who speaks, and in which session if there are several.
const SPEAKER = /^([CSM])(\d?)[:>]/;

function element(name, className, textContent = '') {
    return Object.assign(document.createElement(name), { className, textContent });
}

const loading = {};

// A script of the book that is large, and not needed by every reader.
function load(name) {
    loading[name] ??= new Promise((done, failed) => {
        const script = element('script', '');
        script.onload = done;
        script.onerror = () => failed(new Error(`${name} cannot be loaded`));
        script.src = `${path_to_root}live/${name}`;
        document.head.append(script);
    });
    return loading[name];
}

// "RFC 5321 4.1.1.4" and "RFC 1870 section 3" with links to the section.
function linked(section) {
    const [, rfc, number] = /^RFC (\d+) (?:section )?([\d.]+)$/.exec(section) ?? [];
    const link = element('a', '', section);
    if (number) link.href = `https://www.rfc-editor.org/rfc/rfc${rfc}#section-${number}`;
    return link;
}

// Cards: the path that stands before a block becomes the block's heading.

// The paragraph before a block, if it holds a path in code font and no more.
function captionOf(pre) {
    const before = pre.previousElementSibling;
    const path = before?.matches('p') && before.querySelector(':scope > code')?.textContent;
    return path && path === before.textContent && /^[\w./-]+\.\w+$/.test(path) ? before : null;
}

function putInCard(pre, caption) {
    const card = element('figure', 'card');
    const heading = element('figcaption', '');
    heading.append(...caption.childNodes);
    caption.replaceWith(card);
    card.append(heading, pre);
    return card;
}

// A block can be wider than a phone: it must scroll by keyboard as well, and
// what takes the focus needs a name.
function makeReachable(block, name) {
    block.tabIndex = 0;
    block.setAttribute('role', 'region');
    block.setAttribute('aria-label', name);
}

// Lines: each one gets a kind, a number in the margin and an id to point at.

function kindOf(text) {
    if (text.startsWith('#')) return 'note';
    if (text.startsWith('(')) return 'event';
    return { C: 'client', S: 'server', M: 'mailbox' }[SPEAKER.exec(text)?.[1]] ?? 'empty';
}

// transcripts/01-first/helo.txt gives 01-first-helo. A page may show the same
// file twice.
function idOf(path) {
    const id = path
        .replace(/^(transcripts|book\/exercises|book)\/|\.txt$/g, '')
        .replace(/\W+/g, '-');
    let unique = id;
    for (let n = 2; document.getElementById(`${unique}-L1`); n++) unique = `${id}-${n}`;
    return unique;
}

function drawLine(text, kind, id, number) {
    const line = element('span', `line ${kind}`);
    const link = element('a', 'number');
    link.id = id;
    link.href = `#${id}`;
    link.dataset.number = number;
    link.setAttribute('aria-label', `Line ${number}`);
    link.tabIndex = number === 1 ? 0 : -1;
    line.append(link);
    // The three digits of a reply stand out from the rest.
    const [reply, who, digits] = /^(S\d?[:>] )(\d{3})/.exec(text) ?? [''];
    if (reply) line.append(who, element('b', '', digits));
    line.append(`${text.slice(reply.length)}\n`);
    return line;
}

// The text stays what it was, to the byte; only elements come around it.
function drawLines(code, id) {
    const texts = code.textContent.replace(/\n$/, '').split('\n');
    const headEnd = texts.indexOf('');
    const lines = texts.map((text, i) => {
        const kind = i < headEnd && !text.startsWith('#') ? 'head' : kindOf(text);
        return { text, kind, drawn: drawLine(text, kind, `${id}-L${i + 1}`, i + 1) };
    });
    code.replaceChildren(...lines.map((line) => line.drawn));
    // The copy button asks for innerText, the text as drawn: give it the bytes.
    Object.defineProperty(code, 'innerText', { get: () => code.textContent });
    return lines.slice(headEnd + 1);
}

// One tab stop per transcript; the arrow keys go on from line to line.
function walkLines(event) {
    const links = [...this.querySelectorAll('.line:not([hidden]) .number')];
    const next = links[links.indexOf(event.target) + { ArrowUp: -1, ArrowDown: 1 }[event.key]];
    if (!next || !event.target.matches('.number')) return;
    event.preventDefault();
    next.focus();
}

// Steps: what is shown at once, and what is asked before it.

// A step is a whole reply, what a client sends in one go, or one event. Notes
// belong to what comes after them.
function goesOn({ first, isOpen, lines }, { text }) {
    if (!first || isOpen || /^(M:|\(also right|\(next message)/.test(text)) return true;
    const [client, before] = [text, lines.at(-1).text].map((line) => /^C\d?(?=[:>])/.exec(line)?.[0]);
    return client !== undefined && client === before;
}

function makeSteps(lines) {
    const steps = [];
    for (const line of lines) {
        if (!steps.length || !goesOn(steps.at(-1), line)) steps.push({ first: '', lines: [] });
        const step = steps.at(-1);
        step.lines.push(line);
        if (line.kind === 'note' || line.kind === 'empty') continue;
        step.first ||= line.text;
        step.isOpen = /^S\d?: \d{3}-/.test(line.text);
    }
    // 000 is a reply that an exercise leaves open.
    for (const step of steps) step.digits = /^S\d?[:>] (?!000)(\d{3})/.exec(step.first)?.[1];
    return steps;
}

function question({ first }) {
    const [, who, n] = SPEAKER.exec(first) ?? [];
    if (who === 'C') return `What does ${n ? `client ${n}` : 'the client'} send now?`;
    if (who === 'S') return `What does the server say${n ? ` to client ${n}` : ''} now?`;
    return first.startsWith('(mailbox') ? 'What is in the mailbox now?' : 'What happens now?';
}

function verdict({ guess, digits }) {
    if (!guess || !digits) return '';
    if (guess === digits) return `✓ Right: ${digits}.`;
    if (guess[0] === digits[0]) return `≈ Nearly: ${digits}. The first digit is right.`;
    return `✗ Not quite: the server says ${digits}.`;
}

function ending(steps) {
    const replies = steps.filter((step) => step.digits);
    const right = replies.filter((step) => step.guess === step.digits).length;
    const guessed = replies.some((step) => step.guess);
    return guessed ? `The end. You knew ${right} of ${replies.length} replies.` : 'The end.';
}

// What the machine says at each reply, and why (walks.js). Where the page leaves
// a reply open, its real text is shown, and is not part of the transcript.
function addReasons(steps, path) {
    const walk = globalThis.pillarboxWalks[path] ?? [];
    const replies = steps.filter(({ first }) => /^S\d?:/.test(first));
    replies.slice(0, walk.length).forEach((step, i) => {
        const [real, reason, before, after] = walk[i];
        const [rule, section] = globalThis.pillarboxReasons[reason];
        step.why = { rule, section, states: before === after ? `stays in ${after}` : `${before} → ${after}` };
        const lines = step.lines.filter(({ kind }) => kind === 'server');
        lines.forEach(({ text, drawn }, n) => {
            if (drawn.querySelector('.real') || !/\{\.\.\.\}|^S\d?: \.\.\.$/.test(text)) return;
            const rest = /\.\.\.$/.test(text) ? real.slice(n).join(' / ') : real[n]?.slice(4);
            const shown = element('span', 'real');
            shown.dataset.real = ` ${rest ?? ''}`;
            drawn.lastChild.before(shown);
        });
    });
}

function addStepper(card, steps, path) {
    const start = element('button', 'start', 'Guess the replies');
    const panel = element('form', 'stepper');
    panel.innerHTML = `
        <p class="controls">
            <input type="text" inputmode="numeric" maxlength="3" autocomplete="off"
                placeholder="digits" aria-label="Your guess: the three digits of the reply">
            <button class="next"></button>
            <button type="button" class="back">Back</button>
            <button type="button" class="stop">Show all</button>
            <span class="progress"></span></p>
        <p role="status"><span class="verdict"></span> <span class="unseen"></span>
            <span class="why"></span> <strong class="question"></strong></p>
        <p class="keys">Keys: Enter or n goes on, the left arrow goes back, Esc shows all.</p>`;
    card.querySelector('figcaption').append(start);
    card.querySelector('figcaption').after(panel);
    const part = (name) => panel.querySelector(name);
    const input = part('input');
    let at = 0;

    function reveal(count) {
        steps.forEach(({ lines }, i) => lines.forEach(({ drawn }) => { drawn.hidden = i >= count; }));
        // The page stays where it is, and the buttons with it.
        const code = card.querySelector('code.smtp');
        code.scrollTop = code.scrollHeight;
    }

    function showReason(step) {
        const why = part('.why');
        why.replaceChildren();
        if (step?.why) why.append(`${step.why.rule} `, linked(step.why.section), ` (${step.why.states})`);
    }

    // Shows the steps before `at`, and asks for the one that comes then.
    function show(done) {
        reveal(at);
        const step = steps[at];
        part('.verdict').textContent = done ? verdict(done) : '';
        part('.unseen').textContent = done ? done.lines.map((line) => line.text).join('. ') : '';
        showReason(done);
        part('.question').textContent = step ? question(step) : ending(steps);
        part('.progress').textContent = `${at} of ${steps.length}`;
        part('.next').textContent = step ? 'Next' : 'Done';
        part('.back').disabled = at === 0;
        input.classList.toggle('unasked', !step?.digits);
        input.disabled = !step?.digits;
        input.value = '';
    }

    function takeFocus() { (input.disabled ? part('.next') : input).focus({ preventScroll: true }); }

    function begin() {
        at = 0;
        for (const step of steps) step.guess = '';
        card.classList.add('stepping');
        show();
        // Without its reasons the stepper steps all the same.
        load('walks.js').then(() => addReasons(steps, path), () => {});
    }

    function next() {
        const step = steps[at];
        if (!step) return stop();
        step.guess = input.value.trim();
        at += 1;
        show(step);
        takeFocus();
    }

    function back() {
        at = Math.max(0, at - 1);
        show();
        takeFocus();
    }

    function stop() {
        reveal(steps.length);
        card.classList.remove('stepping');
        start.focus({ preventScroll: true });
    }

    start.addEventListener('click', () => {
        begin();
        takeFocus();
        panel.scrollIntoView({ block: 'nearest' });
    });
    part('.back').addEventListener('click', back);
    part('.stop').addEventListener('click', stop);
    // The button "Next", and Enter in a guess.
    panel.addEventListener('submit', (event) => { event.preventDefault(); next(); });
    card.addEventListener('keydown', (event) => {
        if (!card.matches('.stepping') || event.altKey || event.ctrlKey || event.metaKey) return;
        const keys = { Escape: stop };
        if (panel.contains(event.target)) Object.assign(keys, { n: next, ArrowDown: next, ArrowUp: back });
        // In a guess, left and right move the cursor.
        if (keys.n && !input.value) Object.assign(keys, { ArrowRight: next, ArrowLeft: back });
        if (!keys[event.key]) return;
        event.preventDefault();
        event.stopPropagation();
        keys[event.key]();
    });
    return begin;
}

// The first conversation of a chapter waits to be guessed, unless a link leads
// into it.
function isMain(card) {
    const first = document.querySelector('#the-conversation ~ .transcript');
    const wanted = document.getElementById(location.hash.slice(1));
    return card === first && !card.contains(wanted);
}

document.querySelectorAll('main pre > code').forEach((code, i) => {
    const pre = code.parentElement;
    const caption = captionOf(pre);
    const path = caption?.textContent;
    makeReachable(code, `Block ${i + 1}: ${path ?? 'text'}`);
    if (!caption) return;
    const card = putInCard(pre, caption);
    if (!code.matches('.smtp')) return;
    card.classList.add('transcript');
    const begin = addStepper(card, makeSteps(drawLines(code, idOf(path))), path);
    code.addEventListener('keydown', walkLines);
    if (isMain(card)) begin();
    if (document.querySelector('.legend')) return;
    const legend = element('p', 'legend');
    const kinds = ['client', 'server', 'mailbox', 'event', 'note'];
    legend.append(...kinds.map((kind) => element('span', `line ${kind}`, kind)));
    card.append(legend);
});

const boxes = document.querySelectorAll('main .table-wrapper, main p:has(> .checkbox-label)');
boxes.forEach((box, i) => makeReachable(box, `${box.matches('p') ? 'Picture' : 'Table'} ${i + 1}`));

// Says it where a box is wider than the page.
const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) target.classList.toggle('wider', target.scrollWidth > target.clientWidth + 1);
});
boxes.forEach((box) => watch.observe(box));

// mdBook's button for the contents is a label, which no key can reach.
const contents = document.getElementById('mdbook-sidebar-toggle');
contents.setAttribute('role', 'button');
contents.tabIndex = 0;
contents.addEventListener('keydown', (event) => {
    if (!['Enter', ' '].includes(event.key)) return;
    event.preventDefault();
    contents.click();
});

// A link may lead to a line that a stepper still hides.
window.addEventListener('hashchange', () => {
    const number = document.querySelector('.line[hidden] > :target');
    number?.closest('.card').querySelector('.stop').click();
    number?.focus();
});

// A selection within a transcript is copied as it stands in the file.
document.addEventListener('copy', (event) => {
    if (document.getSelection().isCollapsed) return;
    const range = document.getSelection().getRangeAt(0);
    if (!range.commonAncestorContainer.parentElement?.closest('.transcript pre')) return;
    const copy = range.cloneContents();
    copy.querySelectorAll('[hidden], .buttons').forEach((part) => part.remove());
    event.clipboardData.setData('text/plain', copy.textContent);
    event.preventDefault();
});

// mdBook turns the page at a bare left or right arrow. Not while somebody reads
// code: there the arrows scroll, or move the cursor of a screen reader. This
// element is the last one before the document, where mdBook listens.
document.documentElement.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const nothingHasFocus = event.target === document.body;
    const node = nothingHasFocus ? document.getSelection().anchorNode : event.target;
    const place = node instanceof Element ? node : node?.parentElement;
    if (place?.closest('pre, code, .stepper, .table-wrapper')) event.stopPropagation();
});
