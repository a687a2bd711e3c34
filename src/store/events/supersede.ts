/** Latest wins: a new event cancels the waiting deliveries of older events of its account with the same key. */
import { errorCode } from '../../lib/errors.js';
import { inTransaction, type Queryable, type Store } from '../store.js';
import type { NewEvent } from './events.js';

/** A delivery that a newer event has cancelled. */
export interface SupersededDelivery {
  readonly id: string;
  readonly provider: string;
  /** The state reason; it names the newer event. */
  readonly reason: string;
}

/** SQLSTATE of a transaction that PostgreSQL ended because it and another one waited for each other. */
const DEADLOCK = '40P01';
/** How often such a transaction is repeated. */
const MAX_REPEATS = 3;

export const supersedes = ({ timing }: Pick<NewEvent, 'timing'>): boolean => timing?.supersedes !== undefined;

/**
 * Runs `insert`, and cancels in the same transaction what its events supersede. Events with the same key are committed one
 * after the other, so that of two concurrent ones the second sees the deliveries of the first.
 */
export async function insertSuperseding<Result>(
  store: Pick<Store, 'pool'>,
  events: readonly NewEvent[],
  insert: (client: Queryable) => Promise<Result>,
): Promise<{ readonly result: Result; readonly superseded: readonly SupersededDelivery[] }> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      return await inTransaction(store, async (client) => {
        await lockKeys(client, events);
        const result = await insert(client);
        return { result, superseded: await cancelSuperseded(client, events) };
      });
    } catch (error) {
      // The outcomes of several attempts are recorded in one statement, which may lock the same rows in another order.
      if (errorCode(error) !== DEADLOCK || repeats === MAX_REPEATS) throw error;
    }
  }
}

/**
 * Locks the keys of events until the transaction ends. A statement of its own before the insert, as the insert must see
 * what was committed during the wait; in the order of the locks, so that no two transactions wait for each other.
 */
export async function lockKeys(client: Queryable, events: readonly NewEvent[]): Promise<void> {
  const keys = events.filter(supersedes).map(({ accountId, timing }) => `${accountId} ${timing!.supersedes}`);
  if (keys.length === 0) return;
  await client.query(
    `SELECT pg_advisory_xact_lock(hash)
     FROM (SELECT DISTINCT hashtextextended(key, 0) AS hash FROM unnest($1::text[]) AS key ORDER BY 1) AS keys`,
    [keys],
  );
}

/**
 * Cancels open deliveries that have the key of a later delivery to the same subscription, and were not delivered. An
 * attempt in flight is not interrupted: if it is accepted, its delivery is delivered. Of several new deliveries with the
 * same key only that of the last event stays. Ignores new deliveries that were not written.
 */
export async function cancelSuperseded(
  client: Queryable,
  events: readonly NewEvent[],
): Promise<readonly SupersededDelivery[]> {
  const added = events
    .filter(supersedes)
    .flatMap(({ event, timing, deliveries }) =>
      deliveries.map(({ id, subscriptionId }) => ({ id, eventId: event.id, subscriptionId, key: timing!.supersedes })),
    );
  if (added.length === 0) return [];
  const { rows } = await client.query<SupersededDelivery>(
    `WITH newest AS MATERIALIZED (
       SELECT DISTINCT ON (subscription_id, key) id, event_id, subscription_id, key
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
         AS added (id, event_id, subscription_id, key, position)
       WHERE EXISTS (SELECT FROM deliveries d WHERE d.id = added.id)
       ORDER BY subscription_id, key, position DESC
     ), older AS MATERIALIZED (
       SELECT d.id, newest.event_id
       FROM newest JOIN deliveries d ON d.subscription_id = newest.subscription_id AND d.supersede_key = newest.key
       WHERE d.id <> newest.id AND d.state IN ('pending', 'retrying', 'paused')
       ORDER BY d.id FOR UPDATE OF d
     )
     UPDATE deliveries d
     SET state = 'cancelled', state_reason = 'superseded by ' || older.event_id, next_attempt_at = NULL, owned = true,
       settled_at = now(), updated_at = now()
     FROM older WHERE d.id = ANY(ARRAY(SELECT id FROM older)) AND d.id = older.id
     RETURNING d.id, d.provider, d.state_reason AS reason`,
    [
      added.map(({ id }) => id),
      added.map(({ eventId }) => eventId),
      added.map(({ subscriptionId }) => subscriptionId),
      added.map(({ key }) => key),
    ],
  );
  return rows;
}
