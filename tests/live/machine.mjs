// The machine of the pages, for the tests here: from book/src/live/machine.js,
// or from the file that LIVE_MACHINE names.

import { pathToFileURL } from 'node:url';
import '../../book/live/glue.js';

export async function machineFrom(file) {
    await import(pathToFileURL(file));
    return globalThis.PillarboxMachine.load(globalThis.pillarboxMachine);
}

const ours = new URL('../../book/src/live/machine.js', import.meta.url).pathname;

export const machine = () => machineFrom(process.env.LIVE_MACHINE ?? ours);
