/** Idempotency keys: repetitions of a request get the response of the first one. */
import { longQuery, onlyRow, type Queryable, type Store } from '../store.js';

export interface IdempotentResponse {
  /** SHA-256 of the request. */
  readonly fingerprint: Buffer;
  readonly response: unknown;
}

/** The response of the first request with a key, or undefined. */
export async function findResponse(
  store: Store,
  accountId: string,
  key: string,
  client: Queryable = store.pool,
): Promise<IdempotentResponse | undefined> {
  const result = await client.query<IdempotentResponse>(
    'SELECT fingerprint, response FROM idempotency_keys WHERE account_id = $1 AND key = $2',
    [accountId, key],
  );
  return onlyRow(result);
}

/**
 * Claims a key inside the transaction of the request. Waits for another transaction that is claiming it; false when that
 * one has committed, in which case this transaction must be rolled back.
 */
export async function claimKey(
  client: Queryable,
  accountId: string,
  key: string,
  { fingerprint, response }: IdempotentResponse,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `INSERT INTO idempotency_keys (account_id, key, fingerprint, response) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [accountId, key, fingerprint, JSON.stringify(response)],
  );
  return rowCount === 1;
}

/** Deletes keys older than `hours`. Returns how many. */
export async function deleteResponses(store: Store, hours: number): Promise<number> {
  const { rowCount } = await store.pool.query(
    longQuery(`DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(hours => $1)`, [hours]),
  );
  return rowCount ?? 0;
}
