/** Consumers: named readers of a subscription that is polled, whose positions are stored. */
import { inTransaction, onlyRow, type Queryable, type Store } from '../store.js';

export interface Consumer {
  readonly name: string;
  /** Everything up to this position is processed. */
  readonly position: number;
  readonly polledAt: Date;
}

/** A consumer by name. */
export interface ConsumerName {
  readonly subscriptionId: string;
  readonly name: string;
}

/**
 * Stores that a consumer has processed everything up to `position`, if given; it never moves back. Creates the consumer.
 * Returns its position; undefined when it is new and the subscription has `max` consumers already.
 */
export async function commitPosition(
  store: Store,
  consumer: ConsumerName,
  { position, max }: { readonly position: number | undefined; readonly max: number },
): Promise<number | undefined> {
  const stored = await updatePosition(store.pool, consumer, position);
  if (stored !== undefined) return stored;
  return inTransaction(store, async (client) => {
    // So that concurrent requests cannot create more than `max`.
    await client.query('SELECT FROM subscriptions WHERE id = $1 FOR NO KEY UPDATE', [consumer.subscriptionId]);
    await client.query(
      `INSERT INTO consumers (subscription_id, name)
       SELECT $1, $2 WHERE (SELECT count(*) FROM consumers WHERE subscription_id = $1) < $3
       ON CONFLICT DO NOTHING`,
      [consumer.subscriptionId, consumer.name, max],
    );
    return updatePosition(client, consumer, position);
  });
}

/** Sets the position of a consumer, also back. Creates the consumer; false when there are `max` consumers already. */
export async function seekPosition(
  store: Store,
  consumer: ConsumerName,
  { position, max }: { readonly position: number; readonly max: number },
): Promise<boolean> {
  if ((await commitPosition(store, consumer, { position: undefined, max })) === undefined) return false;
  await store.pool.query('UPDATE consumers SET position = $3 WHERE subscription_id = $1 AND name = $2', [
    consumer.subscriptionId,
    consumer.name,
    position,
  ]);
  return true;
}

async function updatePosition(
  client: Queryable,
  { subscriptionId, name }: ConsumerName,
  position: number | undefined,
): Promise<number | undefined> {
  const row = onlyRow(
    await client.query<{ position: string }>(
      `UPDATE consumers SET position = greatest(position, $3), polled_at = now()
       WHERE subscription_id = $1 AND name = $2 RETURNING position`,
      [subscriptionId, name, position ?? 0],
    ),
  );
  return row && Number(row.position);
}

/** All consumers of a subscription, by name. */
export async function listConsumers(store: Store, subscriptionId: string): Promise<Consumer[]> {
  const { rows } = await store.pool.query<{ name: string; position: string; polled_at: Date }>(
    'SELECT name, position, polled_at FROM consumers WHERE subscription_id = $1 ORDER BY name',
    [subscriptionId],
  );
  return rows.map(({ name, position, polled_at: polledAt }) => ({ name, position: Number(position), polledAt }));
}

/** Deletes a consumer, if it exists. */
export async function deleteConsumer(store: Store, { subscriptionId, name }: ConsumerName): Promise<void> {
  await store.pool.query('DELETE FROM consumers WHERE subscription_id = $1 AND name = $2', [subscriptionId, name]);
}
