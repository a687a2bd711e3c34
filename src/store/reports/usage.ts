/** How much accounts have sent. */
import { lowestIdAt } from '../../contract/ids.js';
import { longQuery, type Store } from '../store.js';

/** Counts the deliveries of accounts that were created in a range of time, by account; those without any are absent. */
export async function countDeliveries(
  store: Store,
  accountIds: readonly string[],
  { since, until }: { readonly since: Date; readonly until: Date },
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await store.pool.query<{ account_id: string; count: number }>(
    longQuery(
      `SELECT account_id, count(*)::integer AS count FROM deliveries
       WHERE account_id = ANY($1) AND id >= $2 AND id < $3 GROUP BY account_id`,
      [accountIds, lowestIdAt('dlv', since), lowestIdAt('dlv', until)],
    ),
  );
  return new Map(rows.map(({ account_id: accountId, count }) => [accountId, count]));
}

/** Counts the events of accounts by type: at most the last `limit` events of each account. */
export async function countEventTypes(
  store: Store,
  accountIds: readonly string[],
  limit: number,
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await store.pool.query<{ type: string; count: number }>(
    longQuery(
      `SELECT type, count(*)::integer AS count FROM unnest($1::text[]) AS account (id)
       CROSS JOIN LATERAL (
         SELECT type FROM events WHERE account_id = account.id ORDER BY id DESC LIMIT $2
       ) last GROUP BY type ORDER BY type`,
      [accountIds, limit],
    ),
  );
  return new Map(rows.map(({ type, count }) => [type, count]));
}
