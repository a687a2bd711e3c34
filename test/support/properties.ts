/**
 * One seed for all property-based tests, so that a run can be repeated; `FUZZ_SEED=<number>` sets another, and
 * `FUZZ_SEED=random` a new one each time.
 */
import * as fc from 'fast-check';

const FIXED_SEED = 20_261_121;

const setting = process.env.FUZZ_SEED ?? String(FIXED_SEED);
export const SEED = setting === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(setting);

fc.configureGlobal({ seed: SEED });
