import { type Config, type TemporalConnectionOptions } from '../config/config.js';
import { openDataDir, type DataDir } from './data-dir.js';
import { type Log } from './log.js';
import { startPostgres } from './postgres.js';
import { findTemporalCli } from './temporal-binary.js';
import { NAMESPACE, startTemporalServer, type SearchAttributes } from './temporal-server.js';

export { type Log } from './log.js';
export { type SearchAttributeKind, type SearchAttributes } from './temporal-server.js';

export interface EmbeddedOptions {
  /** Search attributes that workflows use, by name. */
  searchAttributes: SearchAttributes;
  log: Log;
}

/** Where database and Temporal are, be they embedded or not. */
export interface Embedded {
  databaseUrl: string;
  temporal: {
    /** host:port */
    address: string;
    namespace: string;
    /** How to connect, the address among it. */
    connectionOptions: TemporalConnectionOptions;
  };
  /** URLs of what else was started here serves. */
  embeddedUrls: readonly string[];
  /** Stops what was started here, and waits until it has ended. May be called more than once. */
  stop(): Promise<void>;
}

interface Started {
  stop(): Promise<void>;
}

/** Starts what is not external, PostgreSQL and Temporal concurrently, and waits until both respond. */
export async function startEmbedded(config: Config, options: EmbeddedOptions): Promise<Embedded> {
  const { databaseUrl } = config;
  if (databaseUrl !== undefined && !config.temporal.embedded) {
    return { databaseUrl, temporal: externalTemporal(config.temporal), embeddedUrls: [], stop: async () => undefined };
  }
  const dataDir = await openDataDir(config.dataDir);
  const started: Started[] = [];
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= stopAll(started, dataDir));
  const remember = <T extends Started>(server: T): T => {
    started.push(server);
    return server;
  };
  const outcomes = await Promise.allSettled([
    database(config, dataDir, options.log, remember),
    temporal(config, dataDir, options, remember),
  ]);
  const [url, connection] = outcomes;
  if (url.status === 'fulfilled' && connection.status === 'fulfilled') {
    const { urls: embeddedUrls = [], ...temporal } = connection.value;
    return { databaseUrl: url.value, temporal, embeddedUrls, stop };
  }
  await stop();
  throw outcomes.find((outcome) => outcome.status === 'rejected')?.reason;
}

type Remember = <T extends Started>(server: T) => T;

async function database(config: Config, dataDir: DataDir, log: Log, remember: Remember): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  const { postgresPort: port } = config;
  const postgres = remember(await startPostgres({ dataDir, log, ...(port !== undefined && { port }) }));
  return postgres.url;
}

async function temporal(
  config: Config,
  dataDir: DataDir,
  { searchAttributes, log }: EmbeddedOptions,
  remember: Remember,
): Promise<Embedded['temporal'] & { urls?: readonly string[] }> {
  if (!config.temporal.embedded) return externalTemporal(config.temporal);
  const { temporalPort: port, temporalUiPort: uiPort } = config;
  const cli = await findTemporalCli(config, log);
  const { address, urls } = remember(await startTemporalServer({ cli, dataDir, log, port, uiPort, searchAttributes }));
  return { address, namespace: NAMESPACE, connectionOptions: { address }, urls };
}

function externalTemporal({
  connectionOptions,
  namespace,
}: Extract<Config['temporal'], { embedded: false }>): Embedded['temporal'] {
  return { address: connectionOptions.address, namespace, connectionOptions };
}

async function stopAll(started: readonly Started[], dataDir: DataDir): Promise<void> {
  await Promise.allSettled(started.map((server) => server.stop()));
  await dataDir.release();
}
