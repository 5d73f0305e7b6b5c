// What the checks have in common: a server for the book, a browser, and a page of
// its own for each check.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const book = path.join(root, 'book/book');
export const pages = fs.readdirSync(book, { recursive: true })
    .filter((file) => file.endsWith('.html') && file !== 'toc.html')
    .sort();

export const judged = [
    '01-the-post-office.html',
    '04-the-state-machine.html',
    '05-the-message.html',
    'appendix/reply-table.html',
    'appendix/command-line.html',
];
export const themes = ['light', 'rust', 'coal', 'navy', 'ayu'];
export const sample = 'transcripts/01-first/helo.txt';
export const sampleText = fs.readFileSync(path.join(root, sample), 'utf8');
export const sampleLines = sampleText.trimEnd().split('\n');

// Generous: only a page that never gets there takes so long.
export const deadline = 60_000;

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
export const base = `http://127.0.0.1:${server.address().port}/`;
// A fresh profile for each run is what launch() does by itself.
export const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
    timeout: deadline,
});

// A page of its own for each check: its own window, its own storage.
export async function withPage({ theme, ...options }, use) {
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

export async function check(name, options, body) {
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
export const samplePage = pages.find((page) => page !== 'print.html'
    && fs.readFileSync(path.join(book, page), 'utf8').includes(`<p><code>${sample}</code></p>`));

export async function openSample(page, fragment = '') {
    assert(samplePage, `no page shows ${sample}`);
    await page.goto(base + samplePage + fragment);
    const card = page.locator('.transcript', { has: page.locator(`figcaption code:text-is("${sample}")`) }).first();
    // The first conversation of a chapter waits to be guessed.
    if (!fragment) await card.evaluate((part) => {
        if (part.matches('.stepping')) part.querySelector('.stop').click();
        document.activeElement.blur();
        scrollTo(0, 0);
    });
    return card;
}

export const shownLines = (card) => card.locator('pre .line').evaluateAll((lines) => lines
    .filter((line) => line.checkVisibility())
    .map((line) => line.textContent.replace(/\n$/, '')));

// Can everybody read it?

export async function findings(page) {
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

// Ends it all; the exit code is 1 if a check has failed.
export async function end() {
    await browser.close();
    server.close();
    if (failed) console.log(`${failed} failed`);
    process.exitCode = failed ? 1 : 0;
}
