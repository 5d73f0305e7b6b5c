// Whether the bank of questions is GIFT, in the eyes of a parser that others
// wrote: node gift.mjs BANK.gift

import assert from 'node:assert/strict';
import fs from 'node:fs';
import gift from 'gift-pegjs';

const text = fs.readFileSync(process.argv[2], 'utf8');
const questions = gift.parse(text).filter((one) => one.type !== 'Category');
for (const one of questions) {
    const where = one.title;
    assert.equal(one.type, 'MC', where);
    assert.equal(one.choices.length, 4, where);
    assert.equal(one.choices.filter((choice) => choice.isCorrect).length, 1, where);
    const texts = one.choices.map((choice) => choice.text.text);
    assert.equal(new Set(texts).size, 4, where);
    assert.ok(one.stem.text.includes('<p>'), where);
    assert.ok(one.globalFeedback, where);
}
const names = new Set(questions.map((one) => one.title));
assert.equal(names.size, questions.length, 'two questions have one name');
assert.ok(questions.length >= 150, `${questions.length} questions are too few`);
console.log(`gift-pegjs reads ${questions.length} questions`);
