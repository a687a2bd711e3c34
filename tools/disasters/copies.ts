/** Copies of databases within one PostgreSQL, made while it is used, and what is done with them. */
import { Client } from 'pg';
import { waitUntil } from '#src/embedded/poll.js';

/** The database that is connected to while others are copied or deleted. */
const NEUTRAL = 'postgres';
const copyOf = (name: string): string => `${name}_copy`;
/** How long connections to a database may take to end, in milliseconds. */
const DISCONNECTED_WITHIN_MS = 10_000;

/** Copies a database. Nothing can connect to it for that time; connections that are open are ended. */
export async function copyDatabase(postgresUrl: string, name: string): Promise<void> {
  await asNeutral(postgresUrl, async (client) => {
    await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    try {
      await disconnect(client, name);
      await client.query(`CREATE DATABASE ${copyOf(name)} TEMPLATE ${name}`);
    } finally {
      await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    }
  });
}

/** Replaces a database by its copy. */
export async function restoreDatabase(postgresUrl: string, name: string): Promise<void> {
  await asNeutral(postgresUrl, async (client) => {
    await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await client.query(`ALTER DATABASE ${copyOf(name)} RENAME TO ${name}`);
  });
}

export async function dropDatabase(postgresUrl: string, name: string): Promise<void> {
  await asNeutral(postgresUrl, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`));
}

async function disconnect(client: Client, name: string): Promise<void> {
  const ended = await waitUntil(async () => {
    const { rowCount } = await client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1',
      [name],
    );
    return rowCount === 0;
  }, DISCONNECTED_WITHIN_MS);
  if (!ended) throw new Error(`connections to ${name} do not end`);
}

async function asNeutral(postgresUrl: string, use: (client: Client) => Promise<unknown>): Promise<void> {
  const url = new URL(postgresUrl);
  url.pathname = NEUTRAL;
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
