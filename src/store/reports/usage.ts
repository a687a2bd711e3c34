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

/** Which event types the subscriptions of an account name. */
export interface SubscribedTypes {
  readonly accountId: string;
  readonly types: readonly string[];
  /** Whether a subscription names none and so receives all. */
  readonly all: boolean;
}

/** Which event types the subscriptions of accounts name; accounts without subscriptions are absent. */
export async function subscribedTypes(store: Store, accountIds: readonly string[]): Promise<SubscribedTypes[]> {
  const { rows } = await store.pool.query<SubscribedTypes>(
    longQuery(
      `SELECT account_id AS "accountId",
              coalesce(array_agg(DISTINCT type ORDER BY type) FILTER (WHERE type IS NOT NULL), '{}') AS types,
              bool_or(cardinality(event_types) = 0) AS all
       FROM subscriptions LEFT JOIN LATERAL unnest(event_types) AS type ON true
       WHERE account_id = ANY($1) AND deleted_at IS NULL GROUP BY account_id`,
      [accountIds],
    ),
  );
  return rows;
}
