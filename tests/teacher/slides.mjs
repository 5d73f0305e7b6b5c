// The slides and the sheets in a real browser: node slides.mjs PACK [SHOTS]
//
// Every slide fits the window, the keyboard turns them, the notes follow in
// their own window, and on paper a slide is a page. With SHOTS, a folder, each
// slide leaves a picture there.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [pack, shots] = process.argv.slice(2);
const decks = fs.readdirSync(path.join(pack, 'slides')).sort();
const address = (name) => pathToFileURL(path.resolve(pack, name)).href;
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });

async function open(name) {
    const page = await context.newPage();
    page.on('pageerror', (error) => assert.fail(`${name}: ${error}`));
    await page.goto(address(name));
    return page;
}

async function picture(page, name) {
    if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`) });
}

// What the slide that is shown is like.
const look = () => {
    const now = document.querySelectorAll('section.now');
    const box = now[0].querySelector('.slide');
    return {
        count: now.length,
        title: box.querySelector('h1, h2').textContent,
        isWhole: box.scrollHeight <= box.clientHeight + 1,
        isWide: box.scrollWidth > box.clientWidth + 1,
        letters: parseFloat(getComputedStyle(box).fontSize),
        pictures: [...box.querySelectorAll('img')].map((img) => img.naturalWidth),
    };
};

async function turn(page, deck) {
    const total = await page.locator('section').count();
    for (let number = 1; number <= total; number += 1) {
        const slide = await page.evaluate(look);
        const where = `${deck}#${number} ${slide.title}`;
        assert.equal(slide.count, 1, where);
        assert.ok(slide.isWhole && !slide.isWide, `${where} does not fit`);
        assert.ok(slide.letters >= 13, `${where}: letters of ${slide.letters}`);
        assert.ok(slide.pictures.every((width) => width > 0), where);
        await picture(page, `${deck}-${String(number).padStart(2, '0')}`);
        await page.keyboard.press('ArrowRight');
    }
    // There is nothing after the last one, and Home leads back.
    const place = () => page.evaluate(() => location.hash);
    assert.equal(await place(), `#${total}`, deck);
    await page.keyboard.press('Home');
    assert.equal(await place(), '#1', deck);
    return total;
}

async function notesFollow(page) {
    const [notes] = await Promise.all([
        context.waitForEvent('page'), page.keyboard.press('n'),
    ]);
    const first = await notes.locator('body').innerText();
    assert.match(first, /1 of \d+/);
    await page.keyboard.press('ArrowRight');
    assert.match(await notes.locator('body').innerText(), /2 of \d+/);
    // The teacher's hands may be at that window.
    await notes.keyboard.press('ArrowRight');
    assert.match(await notes.locator('body').innerText(), /3 of \d+/);
    assert.equal(await page.evaluate(() => location.hash), '#3');
    await picture(notes, 'notes');
    await notes.close();
}

const pagesOf = (pdf) => pdf.toString('latin1').match(/\/Type\s*\/Page\b/g).length;

let slides = 0;
for (const deck of decks) {
    const page = await open(`slides/${deck}`);
    const total = await turn(page, deck.replace('.html', ''));
    slides += total;
    if (deck === decks[0]) await notesFollow(page);
    const pdf = await page.pdf({ preferCSSPageSize: true });
    assert.equal(pagesOf(pdf), total, `${deck}: a slide is a page`);
    if (shots) fs.writeFileSync(path.join(shots, deck.replace('.html', '.pdf')), pdf);
    await page.goto(`${address(`slides/${deck}`)}?notes`);
    const isSeen = await page.locator('section').evaluateAll(
        (all) => all.every((one) => one.getBoundingClientRect().height > 0));
    assert.ok(isSeen, `${deck}?notes shows all slides`);
    await page.close();
}
for (const name of ['questions/sheets.html', 'questions/answers.html', 'index.html']) {
    const page = await open(name);
    await picture(page, path.basename(name, '.html'));
    const pdf = await page.pdf({ preferCSSPageSize: true });
    assert.ok(pagesOf(pdf) >= await page.locator('section').count(), name);
    if (shots) fs.writeFileSync(path.join(shots, `${path.basename(name, '.html')}.pdf`), pdf);
    await page.close();
}
await browser.close();
console.log(`${slides} slides fit, on the screen and on paper`);
