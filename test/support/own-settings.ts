import { fileVariables, settings } from '../../src/config/config.js';

/** Settings with paths of programs; all others are set by the tests. */
const KEPT = ['PIGEONPOST_CACHE_DIR', 'PIGEONPOST_TEMPORAL_CLI', 'PIGEONPOST_TEMPORAL_TEST_SERVER'];

/** Removes the settings of a developer's own Pigeonpost, which must not affect tests. */
export function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = [...settings.map(({ name }) => name), ...fileVariables];
  for (const name of names) if (!KEPT.includes(name)) delete env[name];
  return env;
}
