/** Forward-only migrations in plain SQL, run by node-pg-migrate under an advisory lock. */
import { Client, Pool } from 'pg';
import { databaseUnreachable, errorCode, errorMessage, OperatorError } from '../lib/errors.js';
import { makePartitions } from './partitions.js';
import { migrationsFolder } from './schema.js';
import { refuseTransactionPooler } from './transaction-pooler.js';

/** SQLSTATE of a missing permission. */
const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * Applies missing migrations and creates partitions for the next weeks. Several processes may call this at once. Returns
 * the names of the applied migrations.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const pool = new Pool({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000, max: 2 });
  try {
    await refuseTransactionPooler({ pool }).catch((error: unknown) => {
      throw error instanceof OperatorError ? error : databaseUnreachable(databaseUrl, error);
    });
    const applied = await applyMigrations(databaseUrl);
    // When the tables are too busy now, the maintenance does it later.
    await makePartitions({ pool }, new Date());
    return applied;
  } finally {
    await pool.end();
  }
}

async function applyMigrations(databaseUrl: string): Promise<string[]> {
  // A dynamic import, as the package is an ES module.
  const { runner } = await import('node-pg-migrate');
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  await client.connect().catch((error: unknown) => {
    throw databaseUnreachable(databaseUrl, error);
  });
  try {
    const applied = await runner({
      dbClient: client,
      dir: migrationsFolder,
      direction: 'up',
      migrationsTable: 'migrations',
      advisoryLockMode: 'wait',
      log: () => undefined,
    });
    return applied.map(({ name }) => name);
  } catch (error) {
    if (errorCode(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    throw new OperatorError(
      `The role of DATABASE_URL may not change the schema: ${errorMessage(error)}.`,
      'Make it the owner of the database.',
      { cause: error },
    );
  } finally {
    await client.end();
  }
}
