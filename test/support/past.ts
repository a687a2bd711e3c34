/** Events and deliveries of any time: their ids contain when they were created. */
import { lowestIdAt, newId } from '../../src/contract/ids.js';
import type { DeliveryState } from '../../src/store/deliveries/deliveries.js';
import { insertEvents, type NewEvent } from '../../src/store/events/events.js';
import type { Store } from '../../src/store/store.js';

/** An account and one of its subscriptions. */
export interface Owner {
  readonly accountId: string;
  readonly subscriptionId: string;
}

/** An owner without a row, which is sufficient for finished deliveries. */
export const noOne = (): Owner => ({ accountId: newId('acc'), subscriptionId: newId('sub') });

/** An id as created at a time. */
export const idAt = (kind: 'evt' | 'dlv', time: Date): string =>
  `${lowestIdAt(kind, time).slice(0, -12)}${newId(kind).slice(-12)}`;

/** An event of a time with one delivery, created at the same or another time. */
export function eventAt(owner: Owner, time: Date, deliveredAt = time): NewEvent {
  return {
    event: { id: idAt('evt', time), type: 'user.created', occurredAt: time, channels: [], text: '{}' },
    accountId: owner.accountId,
    provider: 'standard',
    addressed: false,
    bodies: new Map([['default', '{}']]),
    deliveries: [{ id: idAt('dlv', deliveredAt), subscriptionId: owner.subscriptionId, bodyVariant: 'default' }],
  };
}

/** Writes an event of a time with a delivery in a state and one attempt. */
export async function deliver(
  store: Pick<Store, 'pool' | 'box'>,
  owner: Owner,
  time: Date,
  state: DeliveryState = 'delivered',
  deliveredAt = time,
): Promise<{ eventId: string; deliveryId: string }> {
  const written = eventAt(owner, time, deliveredAt);
  const deliveryId = written.deliveries[0]!.id;
  await insertEvents(store, store.pool, [written]);
  await store.pool.query('UPDATE deliveries SET state = $2, owned = true, attempts = 1 WHERE id = $1', [
    deliveryId,
    state,
  ]);
  await store.pool.query(
    `INSERT INTO attempts (delivery_id, number, run, started_at, outcome) VALUES ($1, 1, 0, $2, 'accepted')`,
    [deliveryId, time],
  );
  return { eventId: written.event.id, deliveryId };
}

/** The partition of each row that belongs to a delivery. */
export async function originsOf(
  store: Pick<Store, 'pool' | 'box'>,
  { eventId, deliveryId }: { eventId: string; deliveryId: string },
): Promise<string[]> {
  const { rows } = await store.pool.query<{ partition: string }>(
    `SELECT tableoid::regclass::text AS partition FROM events WHERE id = $1
     UNION ALL SELECT tableoid::regclass::text FROM event_bodies WHERE event_id = $1
     UNION ALL SELECT tableoid::regclass::text FROM deliveries WHERE id = $2
     UNION ALL SELECT tableoid::regclass::text FROM attempts WHERE delivery_id = $2`,
    [eventId, deliveryId],
  );
  return rows.map(({ partition }) => partition).sort();
}
