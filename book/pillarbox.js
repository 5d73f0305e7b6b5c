// The living page: transcripts line by line, in kinds, and step by step.
//
// All of this is an addition. Without JavaScript a transcript stands on the
// page as plain text. The scripts of mdBook have run before this one.

'use strict';

// "C1>" and "S:": who speaks, and in which session if there are several.
const SPEAKER = /^([CSM])(\d?)[:>]/;
const KINDS = { C: 'client', S: 'server', M: 'mailbox' };

function element(name, className, text = '') {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
}

function kindOf(text) {
    if (text.startsWith('#')) return 'note';
    if (text.startsWith('(')) return 'stage';
    return KINDS[SPEAKER.exec(text)?.[1]] ?? 'empty';
}

// Cards: the path that stands before a block becomes the block's heading.

// The paragraph before a block, if it holds a path in code font and no more.
function captionOf(pre) {
    const before = pre.previousElementSibling;
    const isPath = before?.matches('p') && before.children.length === 1
        && before.firstElementChild.matches('code')
        && before.textContent === before.firstElementChild.textContent
        && /^[\w.-]+(\/[\w.-]+)*\.\w+$/.test(before.textContent);
    return isPath ? before : null;
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

// transcripts/01-first/helo.txt gives 01-first-helo. A page may show the same
// file twice.
function idOf(path) {
    const id = path
        .replace(/^(transcripts|book\/exercises|book)\//, '')
        .replace(/\.txt$/, '')
        .replace(/\W+/g, '-');
    let unique = id;
    for (let n = 2; document.getElementById(`${unique}-L1`); n++) {
        unique = `${id}-${n}`;
    }
    return unique;
}

function makeLine(text, kind, id, number) {
    const line = element('span', `line ${kind}`);
    line.id = id;
    const link = element('a', 'number');
    link.href = `#${id}`;
    link.dataset.number = number;
    link.setAttribute('aria-label', `Line ${number}`);
    link.tabIndex = number === 1 ? 0 : -1;
    // Who speaks and the three digits of a reply stand out from the rest.
    const [start, who, digits = ''] = /^([CSM]\d?[:>])?( \d{3})?/.exec(text);
    line.append(link);
    if (who) line.append(element('b', 'who', who));
    if (who && digits) line.append(element('b', 'digits', digits));
    line.append(`${who ? text.slice(start.length) : text}\n`);
    return line;
}

// The text stays what it was, to the byte; only elements come around it.
function makeLines(code, id) {
    const texts = code.textContent.replace(/\n$/, '').split('\n');
    const headerEnd = texts.indexOf('');
    const lines = texts.map((text, i) => {
        const kind = i < headerEnd && !text.startsWith('#') ? 'head' : kindOf(text);
        return makeLine(text, kind, `${id}-L${i + 1}`, i + 1);
    });
    code.replaceChildren(...lines);
    // The copy button asks for innerText, which would add a line end per line.
    Object.defineProperty(code, 'innerText', { get: () => code.textContent });
    return lines.slice(headerEnd + 1);
}

// One tab stop per transcript; the arrow keys go on from line to line.
function walkLines(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const links = [...this.querySelectorAll('.line:not([hidden]) .number')];
    const next = links[links.indexOf(event.target) + step];
    if (!next || !event.target.matches('.number')) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
}

// Steps: what is shown at once, and what is asked before it.

const textOf = (line) => line.textContent.trimEnd();

// A step is a whole reply, what the client sends in one go, or one event. Notes
// belong to what comes after them.
function goesOn(step, line) {
    const text = textOf(line);
    const last = textOf(step.lines.at(-1));
    if (!step.first) return true;
    if (step.isOpen || /^(M:|\(also right|\(next message)/.test(text)) return true;
    const [client, before] = [text, last].map((t) => /^C\d?(?=[:>])/.exec(t)?.[0]);
    return client !== undefined && client === before;
}

function makeSteps(lines) {
    const steps = [];
    for (const line of lines) {
        let step = steps.at(-1);
        if (!step || !goesOn(step, line)) steps.push(step = { lines: [] });
        step.lines.push(line);
        const text = textOf(line);
        if (/^[^#]/.test(text)) {
            step.first ??= text;
            step.isOpen = /^S\d?: \d{3}-/.test(text);
        }
    }
    for (const step of steps) {
        // 000 is a reply that the exercise leaves open.
        const digits = /^S\d?[:>] (\d{3})/.exec(step.first)?.[1];
        step.digits = digits === '000' ? undefined : digits;
        step.question = question(step.first ?? '');
    }
    return steps;
}

function question(first) {
    const [, who, n] = SPEAKER.exec(first) ?? [];
    if (who === 'C') return `What does ${n ? `client ${n}` : 'the client'} send now?`;
    if (who === 'S') return `What does the server say${n ? ` to client ${n}` : ''} now?`;
    return first.startsWith('(mailbox') ? 'What is in the mailbox now?' : 'What happens now?';
}

function verdict(guess, digits) {
    if (!guess || !digits) return '';
    if (guess === digits) return `✓ Right: ${digits}.`;
    if (guess[0] === digits[0]) return `≈ Nearly: ${digits}. The first digit is right.`;
    return `✗ Not quite: the server says ${digits}.`;
}

function makeStepper(card, steps) {
    const start = element('button', 'start', 'Step through');
    const panel = element('form', 'stepper');
    panel.hidden = true;
    panel.innerHTML = `
        <p role="status"><span class="verdict"></span> <span class="unseen"></span>
            <strong class="question"></strong></p>
        <p class="controls">
            <input type="text" inputmode="numeric" maxlength="3" autocomplete="off"
                placeholder="digits" aria-label="Your guess: the three digits of the reply">
            <button class="next"></button>
            <button type="button" class="back">Back</button>
            <button type="button" class="stop">Show all</button>
            <span class="progress"></span></p>`;
    const part = (selector) => panel.querySelector(selector);
    const input = part('input');
    let at = 0;

    // Shows the first `at` steps, and asks for the one behind them.
    function show(news = '', lines = []) {
        steps.forEach((step, i) => step.lines.forEach((line) => { line.hidden = i >= at; }));
        const step = steps[at];
        part('.verdict').textContent = news;
        part('.unseen').textContent = lines.map(textOf).join('. ');
        part('.question').textContent = step ? step.question : ending();
        part('.progress').textContent = `${at} of ${steps.length}`;
        part('.next').textContent = step ? 'Next' : 'Done';
        part('.back').disabled = at === 0;
        input.hidden = !step?.digits;
        input.value = '';
        (input.hidden ? part('.next') : input).focus({ preventScroll: true });
        panel.scrollIntoView({ block: 'nearest' });
    }

    function ending() {
        const replies = steps.filter((step) => step.digits);
        const right = replies.filter((step) => step.guess === step.digits).length;
        const guessed = replies.some((step) => step.guess);
        return guessed ? `The end. You knew ${right} of ${replies.length} replies.` : 'The end.';
    }

    function next() {
        const step = steps[at];
        if (!step) return stop();
        at += 1;
        step.guess = input.value.trim();
        show(verdict(step.guess, step.digits), step.lines);
    }

    function back() {
        at = Math.max(0, at - 1);
        show();
    }

    function stop() {
        steps.forEach((step) => step.lines.forEach((line) => { line.hidden = false; }));
        panel.hidden = true;
        start.hidden = false;
        start.focus();
    }

    start.addEventListener('click', () => {
        steps.forEach((step) => { step.guess = ''; });
        start.hidden = true;
        panel.hidden = false;
        at = 0;
        show();
    });
    part('.back').addEventListener('click', back);
    part('.stop').addEventListener('click', stop);
    panel.addEventListener('submit', (event) => {
        event.preventDefault();
        next();
    });
    card.addEventListener('keydown', (event) => {
        if (panel.hidden || event.altKey || event.ctrlKey || event.metaKey) return;
        const inPanel = panel.contains(event.target);
        // In a guess that is being typed, left and right move the cursor.
        const typing = event.target === input && input.value !== '';
        const key = event.key;
        if (key === 'Escape') stop();
        else if (inPanel && (key === 'n' || key === 'ArrowDown' || (key === 'ArrowRight' && !typing))) next();
        else if (inPanel && (key === 'ArrowUp' || (key === 'ArrowLeft' && !typing))) back();
        else return;
        event.preventDefault();
        event.stopPropagation();
    });
    card.querySelector('figcaption').append(start);
    card.append(panel);
}

// The page.

function makeLegend() {
    const legend = element('p', 'legend');
    const kinds = { client: 'client', server: 'server', mailbox: 'mailbox', stage: 'event', note: 'note' };
    for (const [kind, name] of Object.entries(kinds)) {
        legend.append(element('span', `line ${kind}`, name));
    }
    return legend;
}

document.querySelectorAll('main pre').forEach((pre, i) => {
    const code = pre.querySelector('code');
    const caption = captionOf(pre);
    const path = caption?.textContent;
    makeReachable(pre, `Block ${i + 1}: ${path ?? 'text'}`);
    if (!caption) return;
    const card = putInCard(pre, caption);
    if (!code.matches('.language-smtp')) return;
    card.classList.add('transcript');
    const lines = makeLines(code, idOf(path));
    code.addEventListener('keydown', walkLines);
    makeStepper(card, makeSteps(lines));
    if (!document.querySelector('.legend')) card.append(makeLegend());
});

document.querySelectorAll('main .table-wrapper').forEach((table, i) => {
    makeReachable(table, `Table ${i + 1}`);
});

// A selection within a transcript is copied as it stands in the file.
document.addEventListener('copy', (event) => {
    const selection = document.getSelection();
    const range = selection.rangeCount ? selection.getRangeAt(0) : null;
    const code = range?.commonAncestorContainer.parentElement.closest('.transcript pre');
    if (!code) return;
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
