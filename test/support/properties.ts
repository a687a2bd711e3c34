/**
 * One seed for all property-based tests, so that a run can be repeated; `FUZZ_SEED=<number>` sets another, and
 * `FUZZ_SEED=random` a new one each time.
 */
import * as fc from 'fast-check';

const FIXED_SEED = 20_261_121;

const given = process.env.FUZZ_SEED ?? String(FIXED_SEED);
export const SEED = given === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(given);

fc.configureGlobal({ seed: SEED });
