/** A separate database for each test file, cloned from the migrated template. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { createSecretBox } from '../../src/store/secret-box.js';
import { openStore, type Store } from '../../src/store/store.js';

export interface TestDatabase {
  readonly store: Store;
  readonly url: string;
  /** Encrypts its secrets. */
  readonly key: Buffer;
  /** Breaks every connection and rejects new ones, as when the server is unavailable. */
  disconnect(): Promise<void>;
  /** Accepts connections again. */
  reconnect(): Promise<void>;
  /** Copies the database as a backup does; breaks every connection. */
  backUp(): Promise<void>;
  /** Replaces the database with that copy; breaks every connection. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** A migrated database. */
export function openTestDatabase(): Promise<TestDatabase> {
  return createDatabase('TEMPLATE pigeonpost_template');
}

/** An empty database. */
export function openEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase();
}

async function createDatabase(from = ''): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const url = new URL(adminUrl());
  url.pathname = `/${name}`;
  await asAdmin(`CREATE DATABASE ${name} ${from}`);
  const key = randomBytes(32);
  const store = openStore({ databaseUrl: url.href, box: createSecretBox([key]) });
  const disconnect = async (): Promise<void> => {
    await asAdmin(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await asAdmin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
  };
  const reconnect = (): Promise<void> => asAdmin(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  return {
    store,
    url: url.href,
    key,
    disconnect,
    reconnect,
    async backUp() {
      await disconnect();
      await asAdmin(`CREATE DATABASE ${name}_copy TEMPLATE ${name}`);
      await reconnect();
    },
    async restore() {
      await asAdmin(`DROP DATABASE ${name} WITH (FORCE)`);
      await asAdmin(`ALTER DATABASE ${name}_copy RENAME TO ${name}`);
    },
    async close() {
      await store.pool.end();
      await asAdmin(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

function adminUrl(): string {
  const url = process.env.PIGEONPOST_TEST_DATABASE_URL;
  if (!url) throw new Error('the global set-up has started no PostgreSQL');
  return url;
}

async function asAdmin(statement: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl() });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
