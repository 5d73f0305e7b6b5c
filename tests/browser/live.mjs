// The machine in the page: what is said to it, what it answers, and what there
// is where it cannot run.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { base, book, check, findings, pages, root, themes } from './lib.mjs';

const chapter = '04-the-state-machine.html';
const chapters = pages.filter((file) => file !== 'print.html' && fs.readFileSync(path.join(book, file), 'utf8').includes('class="talk"'));
const phone = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };

async function openTalk(page, file = chapter, from = base) {
    await page.goto(from + file);
    await page.getByRole('button', { name: 'Talk to the machine' }).click();
    await page.locator('.panel .log .server').first().waitFor();
    return page.locator('.panel').first();
}

async function say(page, ...lines) {
    for (const line of lines) {
        await page.keyboard.type(line);
        await page.keyboard.press('Enter');
    }
}

const paste = (panel, text) => panel.locator('.saying input').evaluate((input, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', pasted);
    input.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
}, text);

const last = (panel, name) => panel.locator(`.log ${name}`).last().textContent();
const picture = (panel) => panel.locator('.now img').getAttribute('src');

await check('by keyboard alone, each reply comes with rule, section and states', {}, async (page) => {
    await page.goto(base + chapter);
    const start = await page.getByRole('button', { name: 'Talk to the machine' }).elementHandle();
    await start.focus();
    await page.keyboard.press('Enter');
    const panel = page.locator('.panel').first();
    await panel.locator('.log .server').first().waitFor();
    assert.match(await last(panel, '.server'), /220 mx\.example\.org ESMTP/);
    await say(page, 'EHLO client.example');
    assert.match(await last(panel, '.server'), /250 LIMITS/);
    await say(page, 'MAIL FROM:<alice@client.example>', 'RCPT TO:<nobody@example.org>');
    assert.match(await last(panel, '.client'), /RCPT TO:<nobody@example\.org>\\r\\n/);
    assert.match(await last(panel, '.server'), /^S: 550 5\.1\.1/);
    assert.match(await last(panel, '.why'), /Mail → Mail\*/);
    assert.match(await panel.locator('.why a').last().getAttribute('href'), /^https:\/\/www\.rfc-editor\.org\/rfc\/rfc5321#section-3\.3$/);
    assert.match(await picture(panel), /#Mail-MailStar$/);
    assert.match(await panel.locator('.now img').getAttribute('alt'), /in Mail\*/);
    assert.match(await panel.locator('.holds').textContent(), /client client\.example, from <?alice@client\.example>?$/);
    const goal = page.locator('.goals > li').first();
    assert.equal(await goal.evaluate((item) => item.matches('.reached')), false);
    await say(page, 'DATA');
    assert.equal(await goal.evaluate((item) => item.matches('.reached')), true);
    assert.match(await last(panel, '.goal'), /Reached: Make it say 554 to DATA/);
    assert.match(await picture(panel), /#MailStar$/);
    // The arrows of the box turn no page.
    await page.keyboard.press('ArrowLeft');
    assert(page.url().includes(chapter));
});

await check('a message is shown as it lies in the mailbox, before its 250', {}, async (page) => {
    const panel = await openTalk(page, '01-the-post-office.html');
    await paste(panel, 'HELO client.example\nMAIL FROM:<alice@client.example>\nRCPT TO:<bob@example.org>\nDATA\n');
    assert.match(await last(panel, '.server'), /354/);
    await say(page, 'Subject: hello', '', '..dot', '.');
    const mail = panel.locator('.log .mail');
    assert.match(await mail.locator('summary').textContent(), /bob@example\.org/);
    assert.match(await mail.locator('code').textContent(),
        /^Return-Path: <alice@client\.example>\nReceived: from client\.example \(\[127\.0\.0\.1\]\)\n[^]*\nSubject: hello\n\n\.dot\n$/);
    const isBefore = await mail.evaluate((part) => /^S: 250 2\.0\.0 Stored/.test(part.nextElementSibling.textContent));
    assert(isBefore, 'the 250 comes first');
    assert.match(await panel.locator('.holds').textContent(), /client client\.example$/);
});

await check('LF alone, many lines at once, history, and starting over', {}, async (page) => {
    const panel = await openTalk(page, '02-lines-and-replies.html');
    await panel.locator('.ends').selectOption('LF alone');
    await panel.locator('.saying input').focus();
    await say(page, 'NOOP');
    assert.match(await last(panel, '.server'), /500 5\.5\.2 Line feed/);
    await panel.locator('.ends').selectOption('CR LF');
    await paste(panel, 'RSET\r\nNOOP\r\nHELP MAIL\r\nQU');
    assert.equal(await panel.locator('.saying input').inputValue(), 'QU');
    assert.match(await last(panel, '.server'), /MAIL FROM/);
    await panel.locator('.saying input').fill('');
    await panel.locator('.saying input').focus();
    await page.keyboard.press('ArrowUp');
    assert.equal(await panel.locator('.saying input').inputValue(), 'HELP MAIL');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowDown');
    assert.equal(await panel.locator('.saying input').inputValue(), 'NOOP');
    await panel.locator('.tries button', { hasText: 'GET' }).click();
    assert.match(await last(panel, '.event:not(.goal)'), /The server closes/);
    await panel.locator('.tries button').first().click();
    assert.match(await last(panel, '.event'), /nobody hears this/);
    await panel.getByRole('button', { name: 'Start over' }).click();
    await page.waitForFunction(() => document.querySelectorAll('.log .server').length === 1);
    assert.match(await picture(panel), /#Connected$/);
});

await check('a message waits for its end: a bare line feed ends nothing', {}, async (page) => {
    const panel = await openTalk(page, '05-the-message.html');
    await paste(panel, 'HELO a.example\nMAIL FROM:<>\nRCPT TO:<bob@example.org>\nDATA\n');
    await panel.locator('.ends').selectOption('LF alone');
    await panel.locator('.saying input').focus();
    await say(page, '.');
    assert.match(await last(panel, '.event'), /no line has ended yet/);
    await panel.locator('.ends').selectOption('CR LF');
    await panel.locator('.saying input').focus();
    await say(page, 'x', '.');
    assert.match(await last(panel, '.server'), /550 5\.5\.2/);
});

await check('every goal of every chapter is reached with its solution, and not before', {}, async (page) => {
    assert.equal(chapters.length, 6);
    let count = 0;
    for (const file of chapters) {
        const panel = await openTalk(page, file);
        const goals = page.locator('.goals > li');
        for (let n = 0; n < await goals.count(); n += 1) {
            const goal = goals.nth(n);
            const lines = (await goal.locator('pre code').textContent()).split('\n');
            const isReached = () => goal.evaluate((item) => item.matches('.reached'));
            await panel.getByRole('button', { name: 'Start over' }).click();
            await page.waitForFunction(() => document.querySelectorAll('.log .server').length === 1);
            assert.equal(await isReached(), false, `${file}: goal ${n + 1} was reached before`);
            for (const line of lines) {
                // What ends in a bare line feed is typed in parts.
                const parts = line.startsWith('C>') ? line.slice(3).split(/(?<=\\n)/) : [line.slice(3)];
                for (const part of parts) {
                    await panel.locator('.ends').selectOption(/(?<!\\r)\\n$/.test(part) ? 'LF alone' : 'CR LF');
                    await panel.locator('.saying input').fill(part.replace(/(\\r)?\\n$/, ''));
                    await panel.locator('.saying input').press('Enter');
                }
            }
            assert.equal(await isReached(), true, `${file}: goal ${n + 1} is not reached`);
            count += 1;
        }
    }
    assert(count >= 20, `${count} goals`);
});

await check('every transcript that the machine can play has "Talk to it", with its server', {}, async (page) => {
    const walks = fs.readFileSync(path.join(root, 'book/src/live/walks.js'), 'utf8');
    const playable = [...walks.matchAll(/^"(transcripts\/[^"]*)"/gm)].map(([, file]) => file);
    const offered = new Set();
    for (const file of pages.filter((name) => name !== 'print.html')) {
        await page.goto(base + file);
        const paths = await page.locator('.transcript:has(figcaption .talk-start) figcaption code').allTextContents();
        paths.forEach((name) => offered.add(name));
    }
    // It has one client at a time, and nobody to pass mail on to.
    const fits = (file) => !/^[CS]\d[:>]|^Server:.*\brelay=/m.test(fs.readFileSync(path.join(root, file), 'utf8'));
    assert.deepEqual([...offered].sort(), playable.filter(fits).sort());
    await page.goto(`${base}05-the-message.html`);
    const card = page.locator('.transcript', { has: page.locator('code:text-is("transcripts/06-parameters/size.txt")') });
    await card.getByRole('button', { name: 'Talk to it' }).click();
    const panel = page.locator('.panel');
    await panel.locator('.tries button', { hasText: /^EHLO/ }).first().click();
    await panel.locator('.log .server', { hasText: 'SIZE 1000' }).waitFor();
});

await check('a machine that breaks down is told of, and replaced', {}, async (page) => {
    await page.addInitScript(() => {
        const { instantiate } = WebAssembly;
        WebAssembly.instantiate = async (bytes) => {
            const { instance: { exports } } = await instantiate(bytes);
            const think = (seconds) => {
                if (globalThis.trap) throw new WebAssembly.RuntimeError('unreachable');
                exports.think(seconds);
            };
            return { instance: { exports: { ...exports, think } } };
        };
    });
    const panel = await openTalk(page);
    await say(page, 'EHLO client.example');
    await page.evaluate(() => { globalThis.trap = true; });
    await say(page, 'NOOP');
    await panel.locator('.fault').waitFor();
    assert.match(await last(panel, '.fault'), /broken down \(unreachable\).*a new session/);
    await page.evaluate(() => { globalThis.trap = false; });
    assert.match(await picture(panel), /#Connected$/);
    await say(page, 'HELO client.example');
    assert.match(await last(panel, '.server'), /250 mx\.example\.org/);
});

const without = {
    'without WebAssembly': (page) => page.addInitScript(() => { delete globalThis.WebAssembly; }),
    'without its file': (page) => page.route('**/live/machine.js', (route) => route.abort()),
};
for (const [how, take] of Object.entries(without)) {
    await check(`${how}, the page says so, and how to do it at home`, {}, async (page) => {
        await take(page);
        await page.goto(base + chapter);
        await page.getByRole('button', { name: 'Talk to the machine' }).click();
        const panel = page.locator('.panel');
        await panel.getByText('does not run in this browser').waitFor();
        assert.match(await page.locator('.talk').textContent(), /serve --stdio --explain/);
        assert.equal(await page.locator('.talk .offline').isVisible(), true);
        assert.equal(await page.locator('.goals').isVisible(), true);
    });
}

await check('without JavaScript there are lines, goals, solutions, and how to do it at home', { javaScriptEnabled: false }, async (page) => {
    for (const file of chapters) {
        await page.goto(base + file);
        assert.match(await page.locator('.talk .offline').innerText(), /serve --stdio --explain/);
        assert.equal(await page.locator('.talk button').count(), 0);
        assert(await page.locator('.talk .tries li').count() > 3);
        await page.locator('.goals summary').first().click();
        assert(await page.locator('.goals pre').first().isVisible());
    }
    await page.goto(`${base}05-the-message.html`);
    const pictures = page.locator('.microscope .checkbox-label > img');
    assert.equal(await pictures.count(), 2);
    for (const picture of await pictures.all()) {
        assert(await picture.isVisible());
        assert.match(await picture.getAttribute('alt'), /the bytes make [12] message/);
    }
});

await check('on a phone, picture and box are in sight while one types', phone, async (page) => {
    const panel = await openTalk(page);
    // The keyboard takes half of the window.
    await page.setViewportSize({ width: 360, height: 330 });
    await panel.locator('.saying input').tap();
    for (const line of ['EHLO client.example', 'MAIL FROM:<alice@client.example>', 'RCPT TO:<bob@example.org>']) {
        await say(page, line);
        const sight = await page.evaluate(() => ['.now img', '.saying input', '.log .why:last-of-type'].map((name) => {
            const { top, bottom, left, right } = [...document.querySelectorAll(`.panel ${name}`)].at(-1).getBoundingClientRect();
            return { name, isIn: top >= 0 && bottom <= innerHeight && left >= 0 && right <= innerWidth };
        }));
        assert.deepEqual(sight.slice(0, 2).filter(({ isIn }) => !isIn), [], line);
    }
    const width = await page.evaluate(() => document.scrollingElement.scrollWidth);
    assert.equal(width, 360);
});

for (const theme of themes) {
    await check(`axe finds nothing serious while one talks: ${theme}`, { theme }, async (page) => {
        const panel = await openTalk(page, '01-the-post-office.html');
        await paste(panel, 'HELO a.example\nMAIL FROM:<>\nRCPT TO:<nobody@example.org>\nRCPT TO:<bob@example.org>\nDATA\nSubject: x\n\n.\nFROB\n');
        await panel.locator('.goal').first().waitFor();
        await panel.evaluate((part) => part.scrollIntoView({ block: 'center' }));
        assert.deepEqual(await findings(page), []);
    });
    await check(`axe finds nothing serious at the microscope: ${theme}`, { theme }, async (page) => {
        await page.goto(`${base}05-the-message.html`);
        await page.locator('.seen').first().waitFor();
        await page.locator('.microscope').evaluate((part) => part.scrollIntoView({ block: 'center' }));
        assert.deepEqual(await findings(page), []);
    });
}

await check('new replies are told to a screen reader', {}, async (page) => {
    const panel = await openTalk(page);
    const log = panel.getByRole('log', { name: 'The dialogue' });
    assert.equal(await log.count(), 1);
    await panel.getByLabel('What the client says').fill('HELO client.example');
    await panel.getByRole('button', { name: 'Send' }).click();
    assert.match(await log.textContent(), /250 mx\.example\.org/);
});

await check('it works from a file, without a server', {}, async (page) => {
    const panel = await openTalk(page, chapter, pathToFileURL(`${book}/`).href);
    await say(page, 'HELO client.example');
    assert.match(await last(panel, '.server'), /250 mx\.example\.org/);
});

await check('the microscope shows the same bytes by two rules', {}, async (page) => {
    await page.goto(`${base}05-the-message.html`);
    const seen = page.locator('.seen');
    const counts = () => seen.locator('.count').allTextContents();
    const pieces = (n) => seen.nth(n).locator('.piece').evaluateAll((rows) => rows
        .map((row) => `${row.querySelector('.kind').textContent}: ${row.querySelector('code').textContent}`));
    assert.deepEqual(await counts(), ['→ 1 message', '→ 2 messages']);
    // The pictures of those who have no JavaScript say the same.
    for (const [n, name] of ['microscope-crlf.svg', 'microscope-lf.svg'].entries()) {
        const svg = fs.readFileSync(path.join(book, 'pictures', name), 'utf8');
        const said = /<desc id="d">(.*?)\. This makes/s.exec(svg)[1].replaceAll('&lt;', '<').replaceAll('&gt;', '>');
        assert.equal((await pieces(n)).join(', '), said);
    }
    await page.getByRole('button', { name: 'CR LF . CR LF' }).click();
    assert.deepEqual(await counts(), ['→ 2 messages', '→ 2 messages']);
    await page.getByRole('button', { name: 'CR . CR' }).click();
    assert.deepEqual(await counts(), ['→ 1 message', '→ 1 message']);
    await page.locator('.microscope textarea').fill('DATA\\r\\n\n.\\n\nQUIT');
    assert.deepEqual(await pieces(1), ['command: DATA\\r\\n', 'end: .\\n', 'command: QUIT']);
});
