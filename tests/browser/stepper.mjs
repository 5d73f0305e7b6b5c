// Guessing the replies, step by step.

import assert from 'node:assert/strict';
import { base, check, openSample, sample, sampleLines, samplePage, sampleText, shownLines } from './lib.mjs';

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

await check('six clicks at one place are six steps', {}, async (page) => {
    const card = await openSample(page);
    await card.locator('.start').click();
    const { x, y, width, height } = await card.locator('.next').boundingBox();
    for (let click = 1; click <= 6; click += 1) {
        await page.mouse.click(x + width / 2, y + height / 2);
        assert.match(await card.locator('.progress').textContent(), new RegExp(`^${click} of`));
    }
});

await check('after a guess the page says why, and what the reply really is', {}, async (page) => {
    const card = await openSample(page);
    await card.locator('.start').click();
    const why = card.locator('.stepper .why');
    await card.locator('.stepper input').fill('220');
    await card.locator('.next').click();
    // The reasons are loaded when somebody begins.
    await page.waitForFunction(() => globalThis.pillarboxWalks);
    await card.locator('.back').click();
    await card.locator('.stepper input').fill('220');
    await card.locator('.next').click();
    assert.match(await card.locator('.verdict').textContent(), /Right: 220/);
    assert.match(await why.textContent(), /The server speaks first.*RFC 5321 3\.1.*stays in Connected/);
    assert.match(await why.locator('a').getAttribute('href'), /rfc5321#section-3\.1$/);
    await card.locator('.next').click();
    await card.locator('.next').click();
    assert.match(await why.textContent(), /Connected → Greeted/);
});

await check('what a page leaves open shows its real text, and is not copied', {}, async (page) => {
    await page.goto(`${base}04-the-state-machine.html`);
    const card = page.locator('.transcript').first();
    if (!await card.evaluate((part) => part.matches('.stepping'))) await card.locator('.start').click();
    await page.waitForFunction(() => document.querySelector('.real'));
    const before = await card.locator('code.smtp').evaluate((code) => code.textContent);
    const real = await card.locator('.real').evaluateAll((parts) => parts.map((part) => getComputedStyle(part, '::before').content));
    assert(real.length > 2 && real.every((text) => /\w/.test(text)), real.join());
    assert(real.some((text) => text.includes('ESMTP')), real.join());
    assert(before.includes('{...}') && !before.includes('ESMTP'));
});

await check('the first conversation of a chapter starts hidden, and one click shows it all', {}, async (page) => {
    await page.goto(base + samplePage);
    const card = page.locator('.transcript').first();
    assert.equal(await card.locator('figcaption code').textContent(), sample);
    assert((await shownLines(card)).length < sampleLines.length);
    const ladder = page.locator('img[src*="ladder-01-first-helo"]').first();
    assert.equal(await ladder.isVisible(), false, 'the ladder tells');
    assert.equal(await page.evaluate(() => document.activeElement === document.body), true, 'it took the focus');
    assert.equal(await page.evaluate(() => scrollY), 0);
    await card.getByRole('button', { name: 'Show all' }).click();
    assert.deepEqual(await shownLines(card), sampleLines);
    assert.equal(await ladder.isVisible(), true);
    assert.equal(await card.locator('code.smtp').evaluate((code) => code.textContent), sampleText);
});

await check('the stepper is called what it is, and tells its keys', {}, async (page) => {
    const card = await openSample(page);
    await card.getByRole('button', { name: 'Guess the replies' }).click();
    assert.match(await card.locator('.keys').textContent(), /Enter.*left arrow.*Esc/);
});
