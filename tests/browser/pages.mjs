// Every page, the keyboard, and the lines of a transcript.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { base, book, check, findings, judged, openSample, pages, root, sample, sampleLines, samplePage, sampleText, shownLines, themes } from './lib.mjs';

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
    // Not at the top, where the menu bar may be in front of it.
    const button = card.locator('.clip-button');
    await button.evaluate((it) => it.scrollIntoView({ block: 'center' }));
    await card.locator('pre').hover({ position: { x: 20, y: 20 } });
    await button.click();
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
