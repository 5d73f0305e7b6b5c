// The book's pages in a real browser: one line per check, exit code 1 if one of
// them fails. A part of a name as argument runs only what has it in its name.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../../', import.meta.url));
const book = path.join(root, 'book/book');
const pages = fs.readdirSync(book, { recursive: true })
    .filter((file) => file.endsWith('.html') && file !== 'toc.html')
    .sort();

const judged = [
    '01-the-post-office.html',
    '04-the-state-machine.html',
    '05-the-message.html',
    'appendix/reply-table.html',
    'appendix/command-line.html',
];
const themes = ['light', 'rust', 'coal', 'navy', 'ayu'];
const sample = 'transcripts/01-first/helo.txt';
const sampleText = fs.readFileSync(path.join(root, sample), 'utf8');
const sampleLines = sampleText.trimEnd().split('\n');

// Generous: only a page that never gets there takes so long.
const deadline = 60_000;

const types = {
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css',
    '.js': 'text/javascript',
    '.svg': 'image/svg+xml',
    '.png': 'image/png',
    '.woff2': 'font/woff2',
};

function serve() {
    const server = http.createServer((request, response) => {
        const { pathname } = new URL(request.url, 'http://localhost');
        const file = path.join(book, decodeURIComponent(pathname));
        fs.readFile(file, (error, bytes) => {
            const type = types[path.extname(file)] ?? 'application/octet-stream';
            response.writeHead(error ? 404 : 200, { 'content-type': type });
            response.end(bytes);
        });
    });
    return new Promise((ready) => {
        server.listen(0, '127.0.0.1', () => ready(server));
    });
}

const server = await serve();
const base = `http://127.0.0.1:${server.address().port}/`;
// A fresh profile for each run is what launch() does by itself.
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
    timeout: deadline,
});

// A page of its own for each check: its own window, its own storage.
async function withPage({ theme, ...options }, use) {
    const context = await browser.newContext({
        permissions: ['clipboard-read', 'clipboard-write'],
        ...options,
    });
    context.setDefaultTimeout(deadline);
    await context.addInitScript((name) => {
        if (name) localStorage.setItem('mdbook-theme', name);
        // print.html would open a dialogue.
        window.print = () => {};
    }, theme);
    try {
        return await use(await context.newPage());
    } finally {
        await context.close();
    }
}

const only = process.argv[2] ?? '';
let failed = 0;

async function check(name, options, body) {
    if (!name.includes(only)) return;
    try {
        await withPage(options, body);
        console.log(`ok    ${name}`);
    } catch (error) {
        failed += 1;
        console.log(`FAIL  ${name}\n      ${error.message.trim().replaceAll('\n', '\n      ')}`);
    }
}

// The page that shows the sample, and its card there.
const samplePage = pages.find((page) => page !== 'print.html'
    && fs.readFileSync(path.join(book, page), 'utf8').includes(`<p><code>${sample}</code></p>`));

async function openSample(page, fragment = '') {
    assert(samplePage, `no page shows ${sample}`);
    await page.goto(base + samplePage + fragment);
    return page.locator('.transcript', { has: page.locator(`figcaption code:text-is("${sample}")`) }).first();
}

const shownLines = (card) => card.locator('pre .line').evaluateAll((lines) => lines
    .filter((line) => line.checkVisibility())
    .map((line) => line.textContent.replace(/\n$/, '')));

// Every page

await check('no page has an error or a warning in the console, or asks for what is not there', {}, async (page) => {
    const errors = new Set();
    const report = (text) => errors.add(`${page.url().replace(base, '')}: ${text}`);
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) report(message.text());
    });
    page.on('pageerror', (error) => report(error.message));
    page.on('requestfailed', (request) => {
        const { errorText } = request.failure();
        // Aborted: we went on to the next page before its icon came.
        if (errorText !== 'net::ERR_ABORTED') report(`${errorText}, ${request.url()}`);
    });
    page.on('response', (response) => {
        if (response.status() >= 400) report(`no ${response.url().replace(base, '')}`);
    });
    page.on('request', (request) => {
        const ours = request.url().startsWith(base) || request.url().startsWith('data:');
        if (!ours) report(`asks another server: ${request.url()}`);
    });
    for (const file of pages) await page.goto(base + file);
    assert.deepEqual([...errors], []);
});

await check('no page scrolls sideways at 360 pixels', { viewport: { width: 360, height: 640 } }, async (page) => {
    const wide = [];
    for (const file of pages) {
        await page.goto(base + file);
        // Boxes that scroll inside themselves are right; the page must not.
        const tooWide = await page.evaluate(() => {
            const outer = [document.scrollingElement, document.querySelector('#mdbook-content')];
            if (outer.every((box) => box.scrollWidth <= box.clientWidth)) return null;
            const beyond = [...document.querySelectorAll('main *')]
                .filter((part) => part.getBoundingClientRect().right > innerWidth
                    && !part.parentElement.closest('pre, .table-wrapper'));
            return beyond.slice(0, 3).map((part) => part.outerHTML.slice(0, 80));
        });
        if (tooWide) wide.push(`${file}: ${tooWide.join(' ')}`);
    }
    assert.deepEqual(wide, []);
});

for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? 'with' : 'without';
    await check(`${how} JavaScript every transcript has the text of its file`, { javaScriptEnabled }, async (page) => {
        let count = 0;
        for (const file of pages) {
            await page.goto(base + file);
            const shown = await page.locator('code.smtp').evaluateAll((blocks) => blocks.map((code) => {
                const before = code.closest('.card')?.querySelector('figcaption code')
                    ?? code.parentElement.previousElementSibling;
                return { path: before?.textContent, text: code.textContent, height: code.offsetHeight };
            }));
            for (const { path: name, text, height } of shown) {
                const place = `${file}: ${name}`;
                assert.match(name ?? '', /^[\w./-]+\.txt$/, `${place}: a transcript without its path`);
                assert.equal(text, fs.readFileSync(path.join(root, name), 'utf8'), place);
                assert(height > 0, `${place} is not visible`);
                count += 1;
            }
        }
        assert(count > 0, 'no page shows a transcript');
    });
}

await check('on print.html no id stands twice', {}, async (page) => {
    await page.goto(`${base}print.html`);
    const twice = await page.evaluate(() => {
        const ids = [...document.querySelectorAll('main [id]')].map((part) => part.id);
        return ids.filter((id, i) => ids.indexOf(id) !== i);
    });
    assert.deepEqual(twice, []);
});

await check('on paper the folded parts are open, and no buttons stand', {}, async (page) => {
    await page.goto(`${base}print.html`);
    await page.emulateMedia({ media: 'print' });
    const wrong = await page.evaluate(() => {
        const folded = [...document.querySelectorAll('main details > :not(summary)')];
        const buttons = [...document.querySelectorAll('main button, main .stepper')];
        return [...folded.filter((part) => !part.checkVisibility()), ...buttons.filter((part) => part.checkVisibility({ visibilityProperty: true }))]
            .map((part) => part.outerHTML.slice(0, 80));
    });
    assert.deepEqual(wrong, []);
});

await check('search finds "dot-stuffing"', {}, async (page) => {
    await page.goto(`${base}index.html`);
    await page.keyboard.press('s');
    await page.keyboard.type('dot-stuffing');
    const first = page.locator('#mdbook-searchresults li').first();
    await first.waitFor();
    assert.match(await first.locator('.teaser').textContent(), /dot-stuffing/i);
});

// Can everybody read it?

async function findings(page) {
    await page.evaluate(axe.source);
    const result = await page.evaluate(() => window.axe.run());
    const grave = result.violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
    // What axe cannot tell is not good enough in what we draw ourselves.
    const unsure = result.incomplete.filter(({ id }) => id === 'color-contrast');
    return [
        ...grave.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 120)} ${node.failureSummary}`)),
        ...unsure.flatMap(({ id, nodes }) => nodes
            .filter((node) => /class="(line|question|verdict)/.test(node.html))
            .map((node) => `${id} not known: ${node.html.slice(0, 120)}`)),
    ];
}

for (const theme of ['light', 'navy']) {
    for (const file of judged) {
        await check(`axe finds nothing serious: ${file}, ${theme}`, { theme }, async (page) => {
            await page.goto(base + file);
            assert.deepEqual(await findings(page), []);
        });
    }
}

for (const theme of themes) {
    await check(`axe finds nothing serious while stepping: ${theme}`, { theme }, async (page) => {
        const card = await openSample(page);
        await card.locator('.start').click();
        await card.locator('.stepper input').fill('299');
        await card.locator('.next').click();
        await card.locator('.next').click();
        // Away from the bar at the top, which would hide lines from axe.
        await card.evaluate((part) => part.scrollIntoView({ block: 'center' }));
        assert.deepEqual(await findings(page), []);
    });
}

// Stepping

await check('by keyboard alone, each line comes in the order of the file', {}, async (page) => {
    const card = await openSample(page);
    const start = await card.locator('.start').elementHandle();
    for (let tabs = 0; tabs < 1000; tabs += 1) {
        await page.keyboard.press('Tab');
        if (await start.evaluate((button) => button === document.activeElement)) break;
    }
    await page.keyboard.press('Enter');
    let shown = await shownLines(card);
    // Nothing but the header to begin with.
    assert.deepEqual(shown, sampleLines.slice(0, sampleLines.indexOf('') + 1));
    const keys = ['Enter', 'n', 'ArrowRight', 'ArrowDown'];
    let steps = 0;
    while (shown.length < sampleLines.length) {
        const digits = /^S: (\d{3})/.exec(sampleLines.slice(shown.length).find((line) => /^[^#]/.test(line)))?.[1];
        const asks = await card.locator('.stepper input').isVisible();
        assert.equal(asks, digits !== undefined, `after ${shown.at(-1)}`);
        // The second reply is guessed nearly, the third one wrong.
        if (asks) {
            const guess = { 2: '299', 3: '500' }[shown.filter((line) => line.startsWith('S:')).length + 1] ?? digits;
            await page.keyboard.type(guess);
            await page.keyboard.press('Enter');
            const said = await card.locator('.verdict').textContent();
            const wanted = { 299: /Nearly: 250/, 500: /Not quite.*250/ }[guess] ?? /Right/;
            assert.match(said, wanted);
        } else {
            await page.keyboard.press(keys[steps % keys.length]);
        }
        const before = shown.length;
        shown = await shownLines(card);
        assert(shown.length > before, `no new line after ${shown.at(-1)}`);
        assert.deepEqual(shown, sampleLines.slice(0, shown.length));
        steps += 1;
    }
    const replies = sampleLines.filter((line) => line.startsWith('S:')).length;
    const end = await card.locator('.question').textContent();
    assert.match(end, new RegExp(`You knew ${replies - 2} of ${replies}`));
    await page.keyboard.press('Enter');
    assert.equal(await card.locator('.stepper').isVisible(), false);
    assert(await start.evaluate((button) => button === document.activeElement), 'where is the focus?');
});

await check('by mouse: next, back, show all', {}, async (page) => {
    const card = await openSample(page);
    await card.locator('.start').click();
    const atFirst = await shownLines(card);
    await card.locator('.next').click();
    await card.locator('.next').click();
    const two = await shownLines(card);
    await card.locator('.next').click();
    await card.locator('.back').click();
    assert.deepEqual(await shownLines(card), two);
    assert(two.length > atFirst.length);
    await card.locator('.stop').click();
    assert.deepEqual(await shownLines(card), sampleLines);
});

await check('a link to a line that is still hidden shows all lines', {}, async (page) => {
    const card = await openSample(page);
    await card.locator('.start').click();
    await page.evaluate(() => { location.hash = '#01-first-helo-L12'; });
    await card.locator('.number:target').waitFor();
    assert.deepEqual(await shownLines(card), sampleLines);
    assert(await card.locator('.number:target').evaluate((line) => line === document.activeElement));
});

await check('in a closed answer, too, a link leads to its line', {}, async (page) => {
    await page.route(`**/${samplePage}`, async (route) => {
        const response = await route.fetch();
        const [before, after] = (await response.text()).split(`<p><code>${sample}</code></p>`);
        const body = `${before}<details><p><code>${sample}</code></p>${after.replace('</pre>', '</pre></details>')}`;
        await route.fulfill({ response, body });
    });
    const card = await openSample(page, '#01-first-helo-L12');
    await page.waitForFunction(() => document.querySelector(':target').closest('details')?.open);
    assert(await card.locator('.line:has(:target)').isVisible());
});

await check('Escape shows all lines again, and Tab leaves the stepper', {}, async (page) => {
    const card = await openSample(page);
    await card.locator('.start').click();
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowLeft');
    for (let tabs = 0; tabs < 5; tabs += 1) await page.keyboard.press('Tab');
    const inside = await card.locator('.stepper').evaluate((panel) => panel.contains(document.activeElement));
    assert.equal(inside, false, 'the focus is trapped');
    await card.locator('.stepper .back, .stepper .next').first().focus();
    await page.keyboard.press('Escape');
    assert.deepEqual(await shownLines(card), sampleLines);
    assert.equal(await card.locator('.start').evaluate((button) => button === document.activeElement), true);
});

// The rest of the keyboard

await check('Enter opens and shuts the contents', {}, async (page) => {
    await page.goto(`${base}index.html`);
    const contents = page.getByRole('button', { name: 'Toggle Table of Contents' });
    const isOpen = () => contents.getAttribute('aria-expanded');
    const before = await isOpen();
    await contents.press('Enter');
    assert.notEqual(await isOpen(), before);
    await contents.press('Enter');
    assert.equal(await isOpen(), before);
});

// Lines

await check('a link to a line scrolls to it and marks it', {}, async (page) => {
    const card = await openSample(page, '#01-first-helo-L12');
    const line = card.locator('.line:has(:target)');
    assert.equal((await line.textContent()).trimEnd(), sampleLines[11]);
    assert.notEqual(await line.evaluate((part) => getComputedStyle(part).outlineStyle), 'none');
    await page.waitForFunction(() => {
        const { top, bottom } = document.querySelector(':target').getBoundingClientRect();
        return top > 50 && bottom < innerHeight;
    });
    await card.locator('.number').nth(19).click();
    await page.waitForURL(/#01-first-helo-L20$/);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#01-first-helo-L19$/);
});

const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

await check('the copy button gives the bytes of the file', {}, async (page) => {
    const card = await openSample(page);
    await card.locator('pre').hover();
    await card.locator('.clip-button').click();
    await card.locator('.clip-button.tooltipped').waitFor();
    assert.equal(await clipboard(page), sampleText);
});

await check('a selection is copied without line numbers', {}, async (page) => {
    const card = await openSample(page);
    await card.locator('code.smtp').evaluate((code) => getSelection().selectAllChildren(code));
    await page.keyboard.press('Control+C');
    assert.equal(await clipboard(page), sampleText);
});

await check('left and right turn the page, but not while code is read', {}, async (page) => {
    const card = await openSample(page);
    await page.evaluate(() => {
        window.turns = [];
        navigation.addEventListener('navigate', (event) => {
            event.preventDefault();
            window.turns.push(event.destination.url);
        });
    });
    const turns = () => page.evaluate(() => window.turns.splice(0).length);
    const press = async () => {
        await page.keyboard.press('ArrowRight');
        await page.keyboard.press('ArrowLeft');
    };
    await press();
    assert.equal(await turns(), 2, 'from the page');
    await card.locator('code.smtp').focus();
    await press();
    assert.equal(await turns(), 0, 'from a focused block');
    await card.locator('.number').first().focus();
    await press();
    assert.equal(await turns(), 0, 'from a line');
    await page.evaluate(() => document.activeElement.blur());
    await card.locator('code.smtp').evaluate((code) => getSelection().selectAllChildren(code));
    await press();
    assert.equal(await turns(), 0, 'from a selection');
    await card.locator('.start').click();
    await press();
    await page.keyboard.press('Tab');
    await press();
    assert.equal(await turns(), 0, 'from the stepper');
});

await browser.close();
server.close();
if (failed) console.log(`${failed} failed`);
process.exitCode = failed ? 1 : 0;
