/** `pigeonpost api`, `worker` and `migrate`: single roles against an external PostgreSQL and Temporal. */
import type { Logger } from 'pino';
import { loadConfig, type Config } from '../config.js';
import { OperatorError } from '../errors.js';
import { loadKeys } from '../keys.js';
import { createLogger } from '../log.js';
import { migrate } from '../store/migrate.js';
import { connectTemporal, installRuntime, lazyTemporal, type TemporalClient } from '../worker/connection.js';
import { ensureSearchAttributes, ensureUpkeep } from '../worker/registration.js';
import { closeShared, openShared, runApi, runWorker, type Connect, type Shared, type Stoppable } from './services.js';
import { watchSignals } from './stopping.js';

/** Accepts events and starts their deliveries. While Temporal is away it accepts; deliveries start later. */
export function api(): Promise<void> {
  return runRole(
    () => lazyTemporal,
    async (shared) => {
      const running = await runApi(shared, { eager: false });
      shared.log.info(`the API listens at ${running.url}`);
      return running;
    },
  );
}

/** Makes attempts and keeps house. */
export function worker(): Promise<void> {
  const connect = (log: Logger): typeof connectTemporal => {
    installRuntime(log);
    return connectTemporal;
  };
  return runRole(connect, async (shared) => {
    const { client } = shared.access;
    await ensureSearchAttributes(client, shared.temporal.namespace, shared.log);
    const running = await runWorker(shared);
    await ensureUpkeep(client);
    shared.log.info('the worker runs');
    return running;
  });
}

/** Brings the database to the newest schema. */
export async function migrateDatabase(): Promise<void> {
  const applied = await migrate(externalDatabase(loadConfig()));
  console.log(applied.length > 0 ? `migrated: ${applied.join(', ')}` : 'the database is up to date');
}

/** Runs one part until a signal comes. Temporal's runtime is for workers only: unused, it would keep the process alive. */
async function runRole<Access extends TemporalClient>(
  connect: (log: Logger) => Connect<Access>,
  start: (shared: Shared<Access>) => Promise<Stoppable>,
): Promise<void> {
  const signals = watchSignals();
  const config = loadConfig();
  const databaseUrl = externalDatabase(config);
  if (config.temporal.embedded) throw missing('TEMPORAL_ADDRESS');
  const log = createLogger(config.logLevel);
  const keys = await loadKeys(config);
  const shared = await openShared({ config, keys, log, databaseUrl, temporal: config.temporal }, connect(log));
  const running = await start(shared);
  await signals.orderly();
  await running.stop();
  await closeShared(shared);
}

function externalDatabase({ databaseUrl }: Config): string {
  if (databaseUrl === undefined) throw missing('DATABASE_URL');
  return databaseUrl;
}

function missing(name: string): OperatorError {
  return new OperatorError(
    `${name} is not set.`,
    'A single role needs an external PostgreSQL and Temporal; `up` embeds both.',
  );
}
