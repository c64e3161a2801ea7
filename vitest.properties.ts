/**
 * fast-check as tests import it (`vitest.config.ts`): with one seed, so that one commit has one result. With
 * `PROPERTY_SEED` (a number, or `random` for another one each time) tests explore; a failure tells its seed.
 */
import fc from './node_modules/fast-check/lib/fast-check.js';

const { PROPERTY_SEED = '20240917' } = process.env;
if (PROPERTY_SEED !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(PROPERTY_SEED) });

export * from './node_modules/fast-check/lib/fast-check.js';
export { default } from './node_modules/fast-check/lib/fast-check.js';
