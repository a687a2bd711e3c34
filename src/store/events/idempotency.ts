/** Idempotency keys: the first answer to a request, given again to every repetition of it. */
import { longQuery, onlyRow, type Queryable, type Store } from '../store.js';

export interface IdempotentAnswer {
  /** SHA-256 of the request. */
  readonly fingerprint: Buffer;
  readonly answer: unknown;
}

/** What was answered to a key before, or undefined. */
export async function findAnswer(
  store: Store,
  accountId: string,
  key: string,
  client: Queryable = store.pool,
): Promise<IdempotentAnswer | undefined> {
  const result = await client.query<IdempotentAnswer>(
    'SELECT fingerprint, answer FROM idempotency_keys WHERE account_id = $1 AND key = $2',
    [accountId, key],
  );
  return onlyRow(result);
}

/**
 * Claims a key inside the transaction that does the work. Waits for another transaction that is claiming it; false
 * when that one committed, in which case the work must be rolled back.
 */
export async function claimKey(
  client: Queryable,
  accountId: string,
  key: string,
  { fingerprint, answer }: IdempotentAnswer,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `INSERT INTO idempotency_keys (account_id, key, fingerprint, answer) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [accountId, key, fingerprint, JSON.stringify(answer)],
  );
  return rowCount === 1;
}

/** Forgets keys older than `hours`. Returns how many. */
export async function forgetAnswers(store: Store, hours: number): Promise<number> {
  const { rowCount } = await store.pool.query(
    longQuery(`DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(hours => $1)`, [hours]),
  );
  return rowCount ?? 0;
}
