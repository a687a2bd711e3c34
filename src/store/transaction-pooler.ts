import { randomUUID } from 'node:crypto';
import { OperatorError } from '../lib/errors.js';
import type { Store } from './store.js';

/** A setting of the session that no one else uses. */
const MARK = 'pigeonpost.session';

/**
 * Makes sure that what is set on a connection stays with it: migrations hold an advisory lock, workers use LISTEN, and
 * statements are prepared once. Takes two connections of the pool, and is for the start of a process.
 *
 * @throws OperatorError when a connection pooler in transaction mode is between, such as PgBouncer
 */
export async function refuseTransactionPooler({ pool }: Pick<Store, 'pool'>): Promise<void> {
  const first = await pool.connect();
  const second = await pool.connect().catch((error: unknown) => {
    first.release();
    throw error;
  });
  try {
    const mark = randomUUID();
    await first.query('SELECT set_config($1, $2, false)', [MARK, mark]);
    // Such a pooler now gives it the connection that was used last, and another one to the next statement.
    await second.query('BEGIN');
    const { rows } = await first.query<{ mark: string | null }>('SELECT current_setting($1, true) AS mark', [MARK]);
    await second.query('ROLLBACK');
    if (rows[0]?.mark === mark) return;
  } finally {
    // Closed: in such a pooler neither is as it was.
    first.release(true);
    second.release(true);
  }
  throw new OperatorError(
    'The database is reached through a connection pooler that gives each transaction another connection.',
    'Use its session mode (pool_mode = session in PgBouncer), or PostgreSQL itself.',
  );
}
