/** `pigeonpost api`, `worker` and `migrate`: single roles against an external PostgreSQL and Temporal. */
import { loadConfig, type Config } from '../config/config.js';
import { OperatorError } from '../lib/errors.js';
import { loadKeys } from './keys.js';
import { createLogger } from '../lib/log.js';
import { migrate } from '../store/migrate.js';
import { connectTemporal, lazyTemporal, type TemporalClient } from '../temporal/connection.js';
import {
  closeShared,
  openShared,
  runApi,
  runMetrics,
  runWorker,
  type Connect,
  type Shared,
  type Stoppable,
} from './bootstrap.js';
import { logWorkerVersion } from './worker-versions.js';
import { watchSignals } from './signals.js';
import { startTelemetry, type TelemetryOptions } from './telemetry.js';

/** Accepts events and starts their deliveries. While Temporal is unavailable it accepts events, and deliveries start later. */
export function api(): Promise<void> {
  return runRole({
    telemetry: () => ({ measured: true, worker: false }),
    connect: lazyTemporal,
    async start(shared) {
      const running = await runApi(shared, {
        shutdownDelayMs: shared.config.api.shutdownDelayS * 1_000,
      });
      shared.log.info(`the API listens at ${running.url}`);
      return running;
    },
  });
}

/** Makes attempts and runs the maintenance. */
export function worker(): Promise<void> {
  return runRole({
    telemetry: ({ metrics }) => ({ measured: metrics.port !== undefined, worker: true }),
    connect: connectTemporal,
    async start(shared) {
      let isPolling = (): boolean => false;
      const metrics = await runMetrics(shared, () => isPolling());
      const running = await runWorker(shared);
      isPolling = () => running.isPolling();
      shared.log.info('the worker runs');
      await logWorkerVersion(shared);
      return {
        async stop() {
          await running.stop();
          await metrics.stop();
        },
      };
    },
  });
}

/** Brings the database to the newest schema, and prints which migrations that took. */
export async function migrateDatabase(json: boolean): Promise<void> {
  const applied = await migrate(externalDatabase(loadConfig()));
  if (json) console.log(JSON.stringify({ applied }));
  else console.log(applied.length > 0 ? `migrated: ${applied.join(', ')}` : 'the database is up to date');
}

/** What one kind of process is made of. */
interface Role<Access extends TemporalClient> {
  readonly telemetry: (config: Config) => TelemetryOptions;
  readonly connect: Connect<Access>;
  readonly start: (shared: Shared<Access>) => Promise<Stoppable>;
}

/** Runs one part until a signal comes. */
async function runRole<Access extends TemporalClient>({
  telemetry: optionsFor,
  connect,
  start,
}: Role<Access>): Promise<void> {
  const signals = watchSignals();
  const config = loadConfig();
  const databaseUrl = externalDatabase(config);
  if (config.temporal.embedded) throw missing('TEMPORAL_ADDRESS');
  const log = createLogger(config.logLevel);
  const keys = await loadKeys(config);
  const endTelemetry = await startTelemetry(config, log, optionsFor(config));
  const shared = await openShared({ config, keys, log, databaseUrl, temporal: config.temporal }, connect);
  const running = await start(shared);
  await signals.orderly();
  await running.stop();
  await closeShared(shared);
  await endTelemetry();
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
