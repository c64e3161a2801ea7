/**
 * fast-check as tests import it (`vitest.config.ts`): with one seed, so that one commit has one result. With
 * `PROPERTY_SEED` (a number, or `random` for another one each time) tests explore; a failure tells its seed. Whatever
 * says how long it may be gets that long: of itself, fast-check makes lists of ten at the most, whatever is allowed.
 */
import fc from './node_modules/fast-check/lib/fast-check.js';

const { PROPERTY_SEED = '20240917' } = process.env;
fc.configureGlobal({ ...fc.readConfigureGlobal(), defaultSizeToMaxWhenMaxSpecified: true, ...(PROPERTY_SEED !== 'random' && { seed: Number(PROPERTY_SEED) }) });

export * from './node_modules/fast-check/lib/fast-check.js';
export { default } from './node_modules/fast-check/lib/fast-check.js';
