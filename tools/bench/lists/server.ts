/** An API over a database of its own, without a worker: what is open in the database stays as it is. */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { loadConfig } from '#src/config/config.js';
import { startEmbedded } from '#src/embedded/index.js';
import { waitUntil } from '#src/embedded/poll.js';
import { pickPort } from '#src/embedded/ports.js';
import { loadKeys } from '#src/server/keys.js';
import { migrate } from '#src/store/migrate.js';
import { createSecretBox } from '#src/store/secret-box.js';
import { openStore, type Store } from '#src/store/store.js';
import { searchAttributeTypes } from '#src/temporal/registration.js';
import { output, project } from '../system/folders.js';

const START_LIMIT_MS = 60_000;

export interface ListServer {
  readonly store: Store;
  readonly databaseUrl: string;
  readonly adminKey: string;
  /** Starts the API and returns its URL. */
  startApi(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts PostgreSQL and Temporal with a data folder. */
export async function startListServer(dataDir: string): Promise<ListServer> {
  const own = { ...process.env, PIGEONPOST_DATA_DIR: dataDir };
  const log = { info: console.error, warn: console.error };
  const ports = { PIGEONPOST_TEMPORAL_PORT: await pickPort(), PIGEONPOST_TEMPORAL_UI_PORT: await pickPort() };
  const config = loadConfig({ ...own, ...mapText(ports) });
  const embedded = await startEmbedded(config, { searchAttributes: searchAttributeTypes, log });
  await migrate(embedded.databaseUrl);
  // The API reads the same keys from the data folder.
  const { adminKey, encryptionKeys } = await loadKeys(config);
  const store = openStore({ databaseUrl: embedded.databaseUrl, box: createSecretBox(encryptionKeys) });
  let api: ReturnType<typeof spawn> | undefined;
  return {
    store,
    databaseUrl: embedded.databaseUrl,
    adminKey,
    async startApi() {
      const port = await pickPort();
      const logFile = openSync(output('lists.log'), 'a');
      api = spawn(process.execPath, [project('dist', 'cli', 'main.js'), 'api'], {
        env: {
          ...own,
          DATABASE_URL: embedded.databaseUrl,
          TEMPORAL_ADDRESS: embedded.temporal.address,
          PIGEONPOST_PORT: String(port),
        },
        stdio: ['ignore', logFile, logFile],
      });
      const url = `http://127.0.0.1:${port}`;
      const isReady = (): Promise<boolean> =>
        fetch(`${url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        );
      if (!(await waitUntil(isReady, START_LIMIT_MS)))
        throw new Error(`the API does not start; ${output('lists.log')} says why`);
      return url;
    },
    async stop() {
      api?.kill('SIGTERM');
      await store.pool.end();
      await embedded.stop();
    },
  };
}

function mapText(ports: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]));
}
