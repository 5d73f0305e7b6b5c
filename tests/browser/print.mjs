// Tables and pictures at every width, and the book on paper.

import assert from 'node:assert/strict';
import { base, check, pages } from './lib.mjs';

const phone = { viewport: { width: 360, height: 640 } };

await check('on a phone, what is wider than the page says so, and has small padding', phone, async (page) => {
    for (const file of ['appendix/state-table.html', '10-matrix.html', '04-the-state-machine.html']) {
        await page.goto(base + file);
        await page.locator('.wider').first().waitFor();
        const wrong = await page.evaluate(() => [...document.querySelectorAll('main .table-wrapper, main p:has(> .checkbox-label)')]
            .filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1)
            .filter((box) => !getComputedStyle(box, '::before').content.includes('scroll sideways') || box.tabIndex !== 0)
            .map((box) => box.outerHTML.slice(0, 80)));
        assert.deepEqual(wrong, [], file);
    }
    await page.goto(`${base}appendix/state-table.html`);
    const padding = await page.locator('main td').first().evaluate((cell) => parseFloat(getComputedStyle(cell).paddingLeft));
    assert(padding <= 6, `${padding} pixels`);
});

await check('pictures are as wide as the text, bars as they are drawn, and no ladder is longer than a window', { viewport: { width: 1280, height: 900 } }, async (page) => {
    const bars = ['throughput', 'held'].map((name) => `${base}pictures/${name}.svg`);
    let count = 0;
    for (const file of pages.filter((name) => name !== 'print.html')) {
        await page.goto(base + file);
        await page.evaluate(() => document.querySelectorAll('.stepping .stop').forEach((button) => button.click()));
        const sizes = await page.locator('.checkbox-label > img').evaluateAll(async (images) => {
            await Promise.all(images.map((image) => image.decode()));
            return images.filter((image) => image.checkVisibility()).map((image) => {
                const { width, height } = image.getBoundingClientRect();
                return { src: image.src, width, height, natural: image.naturalWidth, text: image.closest('main').clientWidth };
            });
        });
        for (const { src, width, height, natural, text } of sizes) {
            assert(height <= 900, `${src} is ${height} high`);
            const least = bars.includes(src) ? natural : text * 0.9;
            assert(width >= least || height > 800, `${src} is ${width} wide, and the text ${text}`);
            count += 1;
        }
    }
    assert(count > 15, `${count} pictures`);
});

await check('the matrix: names stay in sight, rows and marks lead on, dull rows are folded', {}, async (page) => {
    await page.goto(`${base}10-matrix.html`);
    const table = page.locator('.matrix .table-wrapper').first();
    await table.scrollIntoViewIfNeeded();
    await table.evaluate((box) => { box.scrollTop = 400; });
    const isInSight = await table.evaluate((box) => {
        const head = box.querySelector('thead th').getBoundingClientRect();
        return Math.abs(head.top - box.getBoundingClientRect().top) < 3;
    });
    assert(isInSight, 'the header has gone');
    const mark = table.locator('td a[href^="#"]').first();
    const target = (await mark.getAttribute('href')).slice(1);
    assert.equal(await page.locator(`[id="${target}"]`).count(), 1);
    const row = await table.locator('tbody tr td:first-child a').first().getAttribute('href');
    assert.match(row, /^[\w-]+\.html#[\w-]+$/);
    const folded = page.locator('details:has(.matrix)');
    assert.match(await folded.locator('summary').textContent(), /\d+ rows in which nobody fails/);
    const said = await table.locator('tbody tr:has(td:first-child a)').evaluateAll((rows) => rows.filter((one) => !/[✗~]/.test(one.textContent)).length);
    assert.equal(said, 0);
});

await check('a link to an option leads to it', {}, async (page) => {
    await page.goto(`${base}appendix/command-line.html#serve-max-size`);
    const text = await page.locator(':target').evaluate((place) => place.parentElement.textContent);
    assert.match(text, /^\s*--max-size/);
});

await check('the printed book: contents, whole cards, answers and notes at the end, under 300 pages', {}, async (page) => {
    await page.goto(`${base}print.html`);
    const links = await page.locator('.contents a').evaluateAll((all) => all.map((link) => [link.textContent, link.getAttribute('href')]));
    assert(links.some(([text]) => text.startsWith('4. The state machine')));
    for (const [text, href] of links) assert.equal(await page.locator(`[id="${href.slice(1)}"]`).count(), 1, text);
    const order = await page.locator('main h1').allTextContents();
    assert.deepEqual(order.slice(-2), ['Answers', 'Notes for the instructor']);
    assert.equal(await page.locator('main details.instructor').count(), 0);
    const left = await page.locator('main summary').allTextContents();
    assert.equal(left.filter((text) => text === 'Answer').length, 0);
    assert(await page.locator('.moved').count() > 30);
    // An answer of chapter 4, which is on two pages of the site, is here once.
    const text = await page.locator('main').textContent();
    assert.equal(text.split('501: the name is missing').length, 2);
    await page.emulateMedia({ media: 'print' });
    const broken = await page.locator('.card').evaluateAll((cards) => cards.filter((card) => getComputedStyle(card).breakInside !== 'avoid').length);
    assert.equal(broken, 0);
    const pdf = (await page.pdf({ format: 'A4' })).toString('latin1');
    const count = pdf.match(/\/Type\s*\/Page\b/g).length;
    console.log(`      ${count} pages`);
    assert(count < 300, `${count} pages`);
});
