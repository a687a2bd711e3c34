import { settings } from '../../src/config/config.js';

/** Settings that say where programs are; all others are the tests' own business. */
const KEPT = ['PIGEONPOST_CACHE_DIR', 'PIGEONPOST_TEMPORAL_CLI', 'PIGEONPOST_TEMPORAL_TEST_SERVER'];

/** Removes the settings of a developer's own Pigeonpost, which must not change what tests do. */
export function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  for (const { name } of settings) if (!KEPT.includes(name)) delete env[name];
  return env;
}
