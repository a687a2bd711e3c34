/** `pigeonpost up`: API and worker in one process, with whatever is not external embedded. */
import { loadConfig } from '../config/config.js';
import { startEmbedded } from '../embedded/index.js';
import { loadKeys } from './keys.js';
import { createLogger } from '../lib/log.js';
import { migrate } from '../store/migrate.js';
import { connectTemporal } from '../temporal/connection.js';
import { searchAttributeTypes } from '../temporal/registration.js';
import { closeShared, openShared, runApi, runWorker, type Shared } from './bootstrap.js';
import { watchSignals } from './signals.js';
import { startTelemetry } from './telemetry.js';

/** A running Pigeonpost. */
export interface Up {
  readonly url: string;
  readonly adminKey: string;
  readonly shared: Shared;
  stop(): Promise<void>;
}

/** Starts everything; when a part fails, what was started before it is stopped again. */
export async function startUp(): Promise<Up> {
  const config = loadConfig();
  const log = createLogger(config.logLevel);
  const undo: (() => Promise<void>)[] = [await startTelemetry(config, log, { measured: true, worker: true })];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse())
      await step().catch((err: unknown) => log.warn({ err }, 'while stopping'));
  };
  const isEmbedded = config.databaseUrl === undefined || config.temporal.embedded;
  if (isEmbedded) log.info(`starting the embedded servers; their data is in ${config.dataDir}`);
  try {
    const embedded = await startEmbedded(config, { searchAttributes: searchAttributeTypes, log });
    undo.push(() => embedded.stop());
    const keys = await loadKeys(config);
    const applied = await migrate(embedded.databaseUrl);
    if (applied.length > 0) log.info(`database migrated: ${applied.join(', ')}`);
    const shared = await openShared({ config, keys, log, ...embedded }, connectTemporal);
    undo.push(() => closeShared(shared));
    const worker = await runWorker(shared);
    undo.push(() => worker.stop());
    const api = await runApi(shared, { sender: worker.sender });
    undo.push(() => api.stop());
    return { url: api.url, adminKey: keys.adminKey, shared, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs until it is stopped. Prints all addresses, as text or, with `json`, as one line of JSON. */
export async function up(json: boolean): Promise<void> {
  const signals = watchSignals();
  const running = await startUp();
  const { config, log } = running.shared;
  if (json) console.log(JSON.stringify(originsOf(running)));
  else announce(running);
  await signals.orderly();
  await running.stop();
  log.info(`stopped; the data stays in ${config.dataDir}`);
}

/** The key is not printed where it was set by the operator: logs should not contain it. */
function originsOf({ url, adminKey, shared: { config, databaseUrl, temporal } }: Up) {
  return {
    url,
    adminKey: config.api.adminKey === undefined ? adminKey : null,
    temporal: { address: temporal.connectionOptions.address, namespace: temporal.namespace },
    temporalUi: config.temporalUiUrl ?? null,
    postgres: new URL(databaseUrl).host,
    dataDir: config.dataDir,
  };
}

function announce({ url, adminKey, shared: { config, databaseUrl, temporal } }: Up): void {
  const { allowNetworks, allowHttp } = config.egress;
  const lines = [
    ['Dashboard', `${url}/  (sign in with the admin key)`],
    ['API', `${url}  (reference at ${url}/docs)`],
    ['Admin key', config.api.adminKey === undefined ? adminKey : 'as set in PIGEONPOST_ADMIN_KEY'],
    ['Temporal', `${temporal.connectionOptions.address}, namespace ${temporal.namespace}`],
    ['Temporal UI', config.temporalUiUrl ?? 'unknown (set PIGEONPOST_TEMPORAL_UI_URL)'],
    ['PostgreSQL', `${new URL(databaseUrl).host}${config.databaseUrl === undefined ? ' (embedded)' : ''}`],
    ['Data', config.dataDir],
    ...(allowNetworks.length > 0 || allowHttp
      ? [
          [
            'Receivers',
            `${allowHttp ? 'plain http allowed' : 'https only'}; beside public addresses: ${allowNetworks.join(', ') || 'none'}`,
          ],
        ]
      : []),
  ];
  console.log(`\nPigeonpost is up.\n${lines.map(([name, value]) => `  ${name!.padEnd(12)} ${value}`).join('\n')}\n`);
}
