// The report of a replay as a page: for a screen, a phone, paper and the dark.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { check, findings, root } from './lib.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'report-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true }));

// Writes a report, and gives the address of its page.
async function report(name, ...words) {
    const file = path.join(folder, `${name}.html`);
    const all = ['run', '--quiet', '--locked', '--', 'replay', '--report', 'html', '--out', file, ...words];
    const cargo = spawn('cargo', all, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    const code = await new Promise((over) => { cargo.on('close', over); });
    assert.equal(code, 1, `${name}: something fails in this report`);
    return pathToFileURL(file).href;
}

// Made once, if a check wants it.
let made;
const faulty = () => made ??= report(
    'faulty',
    '--run', 'python3 tests/students/odd.py {port} {maildir} prints-only', '--jobs', '4',
    'transcripts/01-first', 'transcripts/02-hello', 'transcripts/07-message/dots.txt',
);

// What is wider than the window, if anything is.
const tooWide = (page) => page.evaluate(() => [...document.querySelectorAll('*')]
    .filter((part) => part.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map((part) => part.outerHTML.slice(0, 80)));

const places = (page) => page.locator('article').first().locator('figure').evaluateAll((boxes) => boxes
    .filter((box) => !box.matches('.sent'))
    .map((box) => box.getBoundingClientRect().toJSON()));

await check('a report can be read without any script: the sum, what to mend first, talk and log', { javaScriptEnabled: false }, async (page) => {
    await page.goto(await faulty());
    assert.match(await page.locator('.points').textContent(), /^\d+ of \d+ points/);
    const parts = await page.locator('h2').allTextContents();
    assert.match(parts[0], /^Mend this first/);
    assert.deepEqual(parts.slice(-2), ['Passed', 'Not judged']);
    const cause = page.locator('article').first();
    assert.equal(await cause.locator('h3').textContent(), 'DATA hands over a message');
    assert.match(await cause.locator('.got pre').textContent(), /is empty\)$/);
    assert.match(await cause.locator('dl').textContent(), /rule.*RFC 5321.*hint.*nothing was stored/s);
    assert(await cause.locator('.talk li.wrong').isVisible());
    assert(await cause.getByText('Subject: delivered').last().isVisible());
    assert.equal(await cause.locator('dd a[href="https://www.rfc-editor.org/rfc/rfc5321#section-4.1.1.4"]').count(), 1);
});

for (const colorScheme of ['light', 'dark']) {
    await check(`everybody can read a report (${colorScheme})`, { colorScheme }, async (page) => {
        await page.goto(await faulty());
        await page.evaluate(() => document.querySelectorAll('details').forEach((part) => { part.open = true; }));
        assert.deepEqual(await findings(page), []);
    });
}

await check('in a report, expected and got are side by side, and on a phone one below the other', {}, async (page) => {
    await page.goto(await faulty());
    const [expected, got] = await places(page);
    assert.equal(expected.top, got.top);
    await page.setViewportSize({ width: 360, height: 640 });
    const [above, below] = await places(page);
    assert(above.bottom <= below.top);
    await page.evaluate(() => document.querySelectorAll('details').forEach((part) => { part.open = true; }));
    assert.deepEqual(await tooWide(page), []);
});

await check('a report on paper is black on white, whatever the screen is, and has the talk', { colorScheme: 'dark' }, async (page) => {
    await page.goto(await faulty());
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const colors = await page.locator('body').evaluate((body) => [getComputedStyle(body).backgroundColor, getComputedStyle(body).color]);
    assert.deepEqual(colors, ['rgb(255, 255, 255)', 'rgb(0, 0, 0)']);
    assert(await page.locator('article .talk').first().isVisible());
    const pdf = (await page.pdf({ format: 'A4' })).toString('latin1');
    assert(pdf.match(/\/Type\s*\/Page\b/g).length < 5);
});

await check('in a report, what a server says is text, and is never obeyed', {}, async (page) => {
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202e';
    const server = net.createServer((socket) => {
        socket.on('error', () => {});
        socket.write(`220 ${evil}\r\n`);
        socket.on('data', () => socket.write(`250 ${evil.repeat(3)}\r\n`));
    });
    await new Promise((ready) => { server.listen(0, '127.0.0.1', ready); });
    const place = `127.0.0.1:${server.address().port}`;
    const address = await report('evil', '--server', place, '--timeout', '5', 'transcripts/01-first', 'transcripts/04-lines/unknown.txt');
    server.close();
    await page.goto(address);
    assert.equal(await page.locator('main script, main img').count(), 0);
    assert.equal(await page.title(), 'What the server does');
    assert((await page.locator('.talk').first().textContent()).includes('<script>document.title=2</script>'));
    assert(!(await page.content()).includes('\u202e'));
    await page.setViewportSize({ width: 360, height: 640 });
    assert.deepEqual(await tooWide(page), []);
});
