// The book's pages in a real browser: one line per check, exit code 1 if one of
// them fails. A part of a name as argument runs only what has it in its name.

import { end } from './lib.mjs';

for (const part of ['pages', 'stepper', 'live', 'print', 'report']) await import(`./${part}.mjs`);
await end();
