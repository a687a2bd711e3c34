/** Looks at everything Pigeonpost depends on, and changes nothing. */
import { join } from 'node:path';
import { readPackage } from '../../lib/package.js';
import { loadConfig, type Config } from '../../config/config.js';
import { lockHolder } from '../../embedded/file-lock.js';
import { isFree } from '../../embedded/ports.js';
import type { ApiOptions } from '../find-api.js';
import { api } from './api.js';
import { checked, failure, ok, problem, type Finding } from './finding.js';
import { dataFolder, nodeFinding } from './machine.js';
import { postgres } from './postgres.js';
import { temporal } from './temporal.js';

/** Every finding, what others depend on first. With settings that cannot be used there is no more to look at. */
export async function examine(options: ApiOptions, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const node = nodeFinding(process.versions.node, readPackage().engines.node);
  let config: Config;
  try {
    config = loadConfig(env);
  } catch (error) {
    return [node, failure('Settings', error)];
  }
  const running = await lockHolder(join(config.dataDir, 'lock'));
  const found = await Promise.all([
    checked('Data folder', () => dataFolder(config)),
    checked('Ports', () => ports(config, running)),
    checked('PostgreSQL', () => postgres(config)),
    checked('Temporal', () => temporal(config, running !== undefined)),
    checked('API', () => api(config, options, env)),
  ]);
  return [node, ok('Settings', 'can be used'), ...found.flat()];
}

/** The ports that the embedded servers will want; the running ones have theirs. */
async function ports(config: Config, running: number | undefined): Promise<Finding[]> {
  if (running !== undefined) return [ok('Ports', `Pigeonpost runs here (pid ${running}) and has its ports`)];
  const wanted: [variable: string, port: number | undefined][] = [
    ...(config.temporal.embedded
      ? ([
          ['PIGEONPOST_TEMPORAL_PORT', config.temporalPort],
          ['PIGEONPOST_TEMPORAL_UI_PORT', config.temporalUiPort],
        ] as [string, number][])
      : []),
    ['PIGEONPOST_POSTGRES_PORT', config.databaseUrl === undefined ? config.postgresPort : undefined],
  ];
  const taken: Finding[] = [];
  for (const [variable, port] of wanted)
    if (port !== undefined && !(await isFree(port)))
      taken.push(
        problem('Ports', `${port} is in use.`, `Stop what listens there, or set ${variable} to another port.`),
      );
  return taken.length > 0 ? taken : [ok('Ports', 'those of the embedded servers are free')];
}
