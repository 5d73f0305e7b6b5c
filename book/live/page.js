// A place on the page where one talks to the machine: see glue.js. What is used
// here and not made here is in pillarbox.js.

'use strict';

// Text of the page as bytes, and back.
const toBytes = (text) => Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
const toText = (bytes) => new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));

// A line of the dialogue. Its end, and what else cannot be seen, is written
// with a backslash.
function spoken(who, bytes, kind) {
    const line = element('p', `say ${kind}`);
    line.append(element('span', 'who', `${who}: `));
    const visible = (byte) => ({ '\r': '\\r', '\n': '\\n', '\t': '\\t' })[byte] ?? `\\x${byte.charCodeAt().toString(16).padStart(2, '0')}`;
    for (const part of toText(bytes).split(/([\0-\x1f\x7f]+)/)) {
        const isEnd = /^[\0-\x1f\x7f]/.test(part);
        line.append(isEnd ? element('span', 'end', part.replace(/./gs, visible)) : part);
    }
    return line;
}

const TALK = `
    <div class="log" role="log" aria-label="The dialogue"></div>
    <div class="now"><img alt=""><p class="holds"></p></div>
    <form class="saying">
        <input type="text" aria-label="What the client says" autocomplete="off" autocapitalize="off"
            autocorrect="off" spellcheck="false" enterkeyhint="send">
        <button class="send">Send</button>
        <label>ends in <select class="ends"><option>CR LF</option><option>LF alone</option></select></label>
        <button type="button" class="again">Start over</button>
    </form>
    <p class="keys">Enter sends; the up arrow brings back what was sent; many lines can be pasted.</p>`;

function makeButton(className, words, act) {
    const button = Object.assign(element('button', className, words), { type: 'button' });
    button.addEventListener('click', act);
    return button;
}

class Talk {
    // `place` holds the goals, if there are any.
    constructor(place, server, tries) {
        Object.assign(this, { place, server, sent: [], shown: 0 });
        this.panel = element('section', 'panel');
        this.panel.setAttribute('aria-label', 'Talk to the machine');
        this.panel.innerHTML = TALK;
        const part = (name) => this.panel.querySelector(name);
        [this.log, this.picture, this.holds, this.input, this.ends] = ['.log', 'img', '.holds', 'input', '.ends'].map(part);
        makeReachable(this.log, 'The dialogue');
        this.log.setAttribute('role', 'log');
        this.goals = [...place.querySelectorAll('.goals > li')]
            .map((item) => ({ item, pattern: new RegExp(item.dataset.when, 'im') }));
        part('form').addEventListener('submit', (event) => { event.preventDefault(); this.sendInput(); });
        part('.again').addEventListener('click', () => { this.begin(); this.input.focus(); });
        this.input.addEventListener('paste', (event) => this.paste(event));
        // What is typed here turns no page.
        this.panel.addEventListener('keydown', (event) => { event.stopPropagation(); this.remember(event); });
        const list = element('p', 'tries', tries.length ? 'Try: ' : '');
        for (const line of tries) list.append(makeButton('', line || '(empty line)', () => this.say([line])), ' ');
        part('form').after(list);
    }

    async begin() {
        try {
            await load('machine.js');
            this.machine ??= await PillarboxMachine.load(globalThis.pillarboxMachine);
        } catch (error) {
            return this.cannot(error);
        }
        this.log.replaceChildren();
        Object.assign(this, { history: [], shown: 0 });
        if (this.server) this.note(`A server with ${this.server}.`);
        this.show(this.machine.start(this.server));
    }

    // Without WebAssembly, or without its file, the page says how else.
    cannot(error) {
        this.place.classList.remove('live');
        this.panel.replaceChildren(element('p', '', `The machine does not run in this browser (${error.message}). At home it does: `),
            element('code', '', 'cargo run -- serve --stdio --explain'));
    }

    note(text, kind = '') {
        this.log.append(element('p', `event ${kind}`, text));
    }

    sendInput() {
        const line = this.input.value;
        this.input.value = '';
        this.say([line]);
    }

    // The arrows up and down walk through what was sent.
    remember(event) {
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!step || event.target !== this.input || !this.sent.length) return;
        event.preventDefault();
        this.at = Math.min(Math.max((this.at ?? this.sent.length) + step, 0), this.sent.length);
        this.input.value = this.sent[this.at] ?? '';
    }

    // Whole lines are sent at once; what comes after the last one stays.
    paste(event) {
        const lines = event.clipboardData.getData('text/plain').split(/\r?\n/);
        if (lines.length < 2) return;
        event.preventDefault();
        const { value, selectionStart, selectionEnd } = this.input;
        lines[0] = value.slice(0, selectionStart) + lines[0];
        this.input.value = lines.pop() + value.slice(selectionEnd);
        this.say(lines);
    }

    say(lines) {
        if (!this.machine) return;
        this.sent.push(...lines.filter(Boolean));
        this.at = this.sent.length;
        const end = this.ends.selectedIndex ? '\n' : '\r\n';
        if (this.isClosed) this.note('The server has closed the connection: nobody hears this. Start over.');
        else this.hear(toBytes(lines.map((line) => `${line}${end}`).join('')));
        this.log.scrollTop = this.log.scrollHeight;
    }

    hear(bytes) {
        try {
            const turns = this.machine.hear(bytes);
            const isNew = turns.length || this.machine.open.text.length > this.shown;
            this.show(turns);
            if (!isNew) this.note('The server waits: to it, no line has ended yet.');
        } catch (error) {
            // The machine is broken for good; a new one knows nothing of this.
            this.machine = undefined;
            this.begin().then(() => this.note(`The machine has broken down (${error.message}): a fault of ours. This is a new one, and a new session.`, 'fault'));
        }
    }

    show(turns) {
        for (const turn of turns) this.showTurn(turn);
        // Lines of a message have no reply of their own.
        this.showText(this.machine.open.text);
        this.log.scrollTop = this.log.scrollHeight;
    }

    showText(lines) {
        for (const line of lines.slice(this.shown)) this.log.append(spoken('C', line, 'client text'));
        this.shown = lines.length;
    }

    showTurn(turn) {
        this.showText(turn.text);
        this.shown = 0;
        if (turn.client !== undefined) this.log.append(spoken('C', turn.client, 'client'));
        if (turn.mail) this.showMail(turn.mail);
        for (const line of turn.said) this.log.append(spoken('S', line, 'server'));
        const why = element('p', 'why', `${turn.rule} `);
        why.append(linked(turn.section), element('span', 'states', ` ${turn.before} → ${turn.after}`));
        this.log.append(why);
        if (turn.isClosed) this.note('The server closes the connection.');
        this.isClosed = turn.isClosed;
        this.showState(turn);
        this.history.push(PillarboxMachine.inOneLine(turn));
        for (const goal of this.goals) this.look(goal);
    }

    // It is on the disk before its 250 is said.
    showMail({ to, content }) {
        const mail = element('details', 'mail');
        mail.open = true;
        const text = element('pre', '');
        text.append(element('code', 'nohighlight', toText(content)));
        mail.append(element('summary', '', `In the mailbox of ${to.join(' and of ')}`), text);
        this.log.append(mail);
    }

    showState({ before, after, holds }) {
        // The picture has an address for each step (machine_picture.rs).
        const step = (before === after ? after : `${before}-${after}`).replaceAll('*', 'Star');
        this.picture.src = `${path_to_root}pictures/state-machine-small.svg#${step}`;
        this.picture.alt = `The session is in ${after}. Last step: ${before} to ${after}.`;
        const { client, from, to, parameters } = after === 'Closed' ? {} : holds;
        const things = [client && `client ${client}`, from && `from ${from}`, to && `to ${to}`, parameters];
        this.holds.textContent = `The server holds: ${things.filter(Boolean).join(', ') || 'nothing'}`;
    }

    look(goal) {
        if (goal.isReached || !goal.pattern.test(this.history.join('\n'))) return;
        goal.isReached = true;
        goal.item.classList.add('reached');
        this.note(`✓ Reached: ${goal.item.querySelector('span').textContent}`, 'goal');
    }
}

// The places that a chapter has.
for (const place of document.querySelectorAll('main .talk')) {
    const tries = [...place.querySelectorAll('.tries code')].map((code) => code.textContent);
    const talk = new Talk(place, place.dataset.server, tries);
    place.classList.add('live');
    place.prepend(makeButton('talk-start', 'Talk to the machine', ({ currentTarget }) => {
        currentTarget.replaceWith(talk.panel);
        talk.begin().then(() => talk.input.focus());
    }));
}

// Every transcript that the machine can play: one client, no clock, no queue, and
// not the server's part.
const NOT_PLAYED = /^(?:Plays: server|Server:.*\b(?:timeout|max-connections|max-per-client|relay)=|[CS]\d[:>])/m;

for (const card of document.querySelectorAll('.transcript')) {
    const text = card.querySelector('code.smtp').textContent;
    const path = card.querySelector('figcaption code').textContent;
    if (!path.startsWith('transcripts/') || NOT_PLAYED.test(text)) continue;
    const server = /^Server: (.*)$/m.exec(text)?.[1] ?? '';
    const lines = [...text.matchAll(/^C:(?: (.*))?$/gm)].map(([, line]) => line ?? '').filter((line) => !/[{\\]/.test(line));
    card.querySelector('figcaption').append(makeButton('talk-start', 'Talk to it', ({ currentTarget }) => {
        const talk = new Talk(card, server, [...new Set(lines)]);
        currentTarget.disabled = true;
        card.after(talk.panel);
        talk.begin().then(() => talk.input.focus());
    }));
}
