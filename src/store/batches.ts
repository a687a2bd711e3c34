/**
 * Batches: deliveries that wait for others of their subscription, and become members of one delivery. What waits is in
 * `batch_waiting`, and `open_batches` says when it is due (0015_batches.sql).
 */
import type { Candidate } from '../contract/batches.js';
import type { Priority } from '../contract/timing.js';
import { priorityOf } from '../contract/timing.js';
import { toAccount, type AccountRow, type StoredAccount } from './accounts/accounts.js';
import { ORDERING_CLAIM } from './deliveries/ordering.js';
import { ERASED } from './erasures.js';
import { bodyRowId, fromRest } from './payloads.js';
import { fromJson, onlyRow, type Queryable, type Store } from './store.js';
import { toSubscription, type StoredSubscription, type SubscriptionRow } from './subscriptions/subscriptions.js';

/** The claim (`deliveries.sender_id`) of members. It is no sender's, so they are not sent and get no workflow. */
export const BATCHING_CLAIM = 'batching';

/** SQL condition: the delivery `d` waits for a batch, or is a member of one that has not ended. */
export const IS_COLLECTED = `(d.state = 'pending' AND d.sender_id IS NOT DISTINCT FROM '${BATCHING_CLAIM}')`;

/** SQL condition: the delivery `d` waits for a batch. */
const WAITS_FOR_BATCH = `d.state = 'pending' AND d.sender_id = '${BATCHING_CLAIM}' AND d.batch_id IS NULL`;

/**
 * SQL condition on a delivery, which stands for all that a batch sends: without event types the batches, with them the
 * events, each alone. `types` is a text array.
 */
export const isOnceOfBatch = (types: string): string =>
  `CASE WHEN cardinality(${types}) = 0 THEN batch_id IS NULL ELSE batch_events IS NULL END`;

/**
 * The part of the statement that writes events (events/insert-statement.ts) that has deliveries wait for a batch. Its
 * parameters are the ordering keys, and the limits of the deliveries that wait; sorted, so that two statements with the same
 * subscriptions do not deadlock.
 */
export const collectDeliveries = (keys: number, limits: number): string => `, collected AS MATERIALIZED (
    SELECT id, event_id, subscription_id, coalesce(ordering_key, '') AS ordering_key, max_events, max_wait_ms,
           row_number() OVER (PARTITION BY subscription_id, coalesce(ordering_key, '') ORDER BY number) AS rank,
           count(*) OVER (PARTITION BY subscription_id, coalesce(ordering_key, '')) AS total
    FROM unnest($10::text[], $11::text[], $13::text[], $${keys}::text[], $${limits}::integer[], $${limits + 1}::integer[])
      WITH ORDINALITY AS delivery (id, event_id, subscription_id, ordering_key, max_events, max_wait_ms, number)
    WHERE max_events IS NOT NULL AND event_id NOT IN (SELECT id FROM not_written)
  ), opened AS (
    INSERT INTO open_batches AS open (subscription_id, ordering_key, max_events, waiting, last_position, due_at)
    SELECT subscription_id, ordering_key, max_events, total, total,
           CASE WHEN total >= max_events THEN now() ELSE now() + make_interval(secs => max_wait_ms / 1000.0) END
    FROM collected WHERE rank = 1
    ORDER BY subscription_id COLLATE "C", ordering_key COLLATE "C"
    ON CONFLICT (subscription_id, ordering_key) DO UPDATE SET
      max_events = excluded.max_events, waiting = open.waiting + excluded.waiting,
      last_position = open.last_position + excluded.last_position,
      due_at = CASE WHEN open.waiting + excluded.waiting >= excluded.max_events THEN least(open.due_at, now())
                    ELSE open.due_at END
    RETURNING subscription_id, ordering_key, last_position
  ), waiting_for_batch AS (
    INSERT INTO batch_waiting (subscription_id, ordering_key, position, delivery_id, event_id)
    SELECT subscription_id, ordering_key, last_position - total + rank, id, event_id
    FROM collected JOIN opened USING (subscription_id, ordering_key)
  )`;

/** What is due of a subscription and an ordering key, locked until the transaction ends. */
export interface DueBatch {
  readonly account: StoredAccount;
  readonly subscription: StoredSubscription;
  /** Null for events without one. */
  readonly orderingKey: string | null;
}

/** Locks what has been due for longest and no other process has locked; undefined when nothing is due. */
export async function lockDueBatch(store: Store, client: Queryable): Promise<DueBatch | undefined> {
  const due = onlyRow(
    await client.query<{ subscription_id: string; ordering_key: string }>({
      name: 'lock-due-batch',
      text: `SELECT subscription_id, ordering_key FROM open_batches WHERE due_at <= now()
             ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
    }),
  );
  if (!due) return undefined;
  const row = onlyRow(
    await client.query<{ account: AccountRow; subscription: SubscriptionRow }>(
      `SELECT to_jsonb(a) AS account, to_jsonb(s) AS subscription
       FROM subscriptions s JOIN accounts a ON a.id = s.account_id WHERE s.id = $1`,
      [due.subscription_id],
    ),
  )!;
  return {
    account: toAccount(store, fromJson(row.account)),
    subscription: toSubscription(store, fromJson(row.subscription)),
    orderingKey: due.ordering_key === '' ? null : due.ordering_key,
  };
}

/** In how many milliseconds the next batch is due; undefined when nothing waits. Below zero for one that is locked. */
export async function nextDueMs(store: Store): Promise<number | undefined> {
  const row = onlyRow(
    await store.pool.query<{ wait: number | null }>({
      name: 'next-due-batch',
      text: 'SELECT extract(epoch FROM min(due_at) - now())::float8 * 1000 AS wait FROM open_batches',
    }),
  );
  return row?.wait ?? undefined;
}

type Group = Pick<DueBatch, 'subscription' | 'orderingKey'>;
const groupOf = ({ subscription, orderingKey }: Group): [string, string] => [subscription.id, orderingKey ?? ''];

/** A delivery that waits, as it is when its batch is made. */
export interface WaitingMember extends Candidate {
  readonly eventId: string;
  readonly bodyVariant: string;
  readonly priority: Priority;
}

/**
 * The first deliveries that wait, in their sequence. Their events and rows are locked: an erasure waits, and finds the batch
 * later. What waits of an erased event is cancelled: a batch that ended while its event was being erased collected it again
 * (0015_batches.sql).
 */
export async function lockWaiting(client: Queryable, group: Group, limit: number): Promise<WaitingMember[]> {
  const { rows: waiting } = await client.query<{ delivery_id: string; event_id: string }>(
    `SELECT delivery_id, event_id FROM batch_waiting WHERE subscription_id = $1 AND ordering_key = $2
     ORDER BY position LIMIT $3`,
    [...groupOf(group), limit],
  );
  const events = await client.query<{ id: string }>(
    'SELECT id FROM events WHERE id = ANY($1) AND erased_at IS NULL ORDER BY id FOR KEY SHARE',
    [waiting.map(({ event_id: id }) => id)],
  );
  const existing = new Set(events.rows.map(({ id }) => id));
  const erased = waiting.filter(({ event_id: id }) => !existing.has(id)).map(({ delivery_id: id }) => id);
  if (erased.length > 0)
    await client.query(
      `UPDATE deliveries d SET state = 'cancelled', state_reason = $2, owned = true, settled_at = now(), updated_at = now()
       WHERE d.id = ANY($1) AND ${WAITS_FOR_BATCH}`,
      [erased, ERASED],
    );
  const { rows } = await client.query<{
    id: string;
    body_variant: string;
    priority: number;
    error: string | null;
    bytes: number;
  }>(
    `SELECT d.id, d.body_variant, d.priority, b.error, b.bytes FROM deliveries d
     CROSS JOIN LATERAL (
       SELECT error, coalesce(octet_length(sealed), octet_length(body)) AS bytes FROM event_bodies
       WHERE event_id = d.event_id AND variant = d.body_variant LIMIT 1
     ) b
     WHERE d.id = ANY($1) AND ${WAITS_FOR_BATCH}
     ORDER BY d.id FOR UPDATE OF d`,
    [waiting.map(({ delivery_id: id }) => id)],
  );
  const open = new Map(rows.map((row) => [row.id, row]));
  return waiting.map(({ delivery_id: deliveryId, event_id: eventId }) => {
    const row = existing.has(eventId) ? open.get(deliveryId) : undefined;
    return {
      deliveryId,
      eventId,
      bodyVariant: row?.body_variant ?? '',
      priority: priorityOf(row?.priority ?? 2),
      bytes: row?.bytes ?? 0,
      state: row === undefined ? 'ended' : row.error === null ? 'ready' : 'alone',
    };
  });
}

/** The bodies of members, in their sequence. */
export async function loadBodies(
  store: Store,
  client: Queryable,
  members: readonly WaitingMember[],
): Promise<readonly string[]> {
  const { rows } = await client.query<{ event_id: string; variant: string; body: string; sealed: Buffer | null }>(
    `SELECT b.event_id, b.variant, b.body, b.sealed
     FROM unnest($1::text[], $2::text[]) AS member (event_id, variant)
     CROSS JOIN LATERAL (
       SELECT * FROM event_bodies WHERE event_id = member.event_id AND variant = member.variant LIMIT 1
     ) b`,
    [members.map(({ eventId }) => eventId), members.map(({ bodyVariant }) => bodyVariant)],
  );
  const bodies = new Map(
    rows.map(({ event_id: eventId, variant, body, sealed }) => {
      const rowId = bodyRowId(eventId, variant);
      return [rowId, fromRest(store, { text: body, sealed }, rowId)];
    }),
  );
  return members.map(({ eventId, bodyVariant }) => bodies.get(bodyRowId(eventId, bodyVariant))!);
}

/** Makes deliveries the members of a batch. */
export async function joinMembers(
  client: Queryable,
  batchId: string,
  members: readonly Pick<WaitingMember, 'deliveryId'>[],
): Promise<void> {
  const ids = members.map(({ deliveryId }) => deliveryId);
  await client.query('UPDATE deliveries SET batch_events = $2 WHERE id = $1', [batchId, ids.length]);
  await client.query('UPDATE deliveries SET batch_id = $1, updated_at = now() WHERE id = ANY($2)', [batchId, ids]);
}

/**
 * Frees a delivery for senders: it is sent alone. With an ordering key it is made after those before it, like every delivery
 * with one (0008_ordering.sql). Returns whether it may be sent now.
 */
export async function sendAlone(client: Queryable, group: Group, deliveryId: string): Promise<boolean> {
  if (group.orderingKey === null) {
    await client.query('UPDATE deliveries SET sender_id = NULL, updated_at = now() WHERE id = $1', [deliveryId]);
    return true;
  }
  const { rows } = await client.query<{ free: boolean }>(
    `WITH locked AS (
       INSERT INTO ordering_keys AS key (subscription_id, ordering_key, head, last_position) VALUES ($1, $2, $3, 1)
       ON CONFLICT (subscription_id, ordering_key) DO UPDATE SET last_position = key.last_position + 1
       RETURNING head = $3 AS free, last_position
     ), waiting AS (
       INSERT INTO ordering_waiting (subscription_id, ordering_key, position, delivery_id)
       SELECT $1, $2, last_position, $3 FROM locked WHERE NOT free
     )
     UPDATE deliveries SET sender_id = CASE WHEN locked.free THEN NULL ELSE '${ORDERING_CLAIM}' END, updated_at = now()
     FROM locked WHERE id = $3 RETURNING locked.free`,
    [...groupOf(group), deliveryId],
  );
  return rows[0]?.free ?? false;
}

/** Removes the first ones that waited. The others are due when they are enough, otherwise after the wait of their first one. */
export async function removeWaiting(
  client: Queryable,
  group: Group,
  {
    consumed,
    isNextDue,
    maxEvents,
    maxWaitMs,
  }: {
    readonly consumed: number;
    readonly isNextDue: boolean;
    readonly maxEvents: number;
    readonly maxWaitMs: number;
  },
): Promise<void> {
  await client.query(
    `WITH removed AS (
       DELETE FROM batch_waiting w WHERE subscription_id = $1 AND ordering_key = $2 AND position IN (
         SELECT position FROM batch_waiting WHERE subscription_id = $1 AND ordering_key = $2 ORDER BY position LIMIT $3)
       RETURNING position
     ), next AS (
       SELECT added_at FROM batch_waiting WHERE subscription_id = $1 AND ordering_key = $2
       ORDER BY position OFFSET $3 LIMIT 1
     ), emptied AS (
       DELETE FROM open_batches WHERE subscription_id = $1 AND ordering_key = $2 AND NOT EXISTS (SELECT FROM next)
     )
     UPDATE open_batches open SET waiting = open.waiting - (SELECT count(*) FROM removed),
       due_at = CASE WHEN $4 OR open.waiting - (SELECT count(*) FROM removed) >= $5 THEN now()
                     ELSE next.added_at + make_interval(secs => $6 / 1000.0) END
     FROM next WHERE subscription_id = $1 AND ordering_key = $2`,
    [...groupOf(group), consumed, isNextDue, maxEvents, maxWaitMs],
  );
}

/**
 * Cancels a delivery that waits for a batch; returns its provider then. Its claim stays and shows that it had no workflow.
 */
export async function cancelCollected(store: Store, deliveryId: string, reason: string): Promise<string | undefined> {
  const { rows } = await store.pool.query<{ provider: string }>(
    `UPDATE deliveries d SET state = 'cancelled', state_reason = $2, owned = true, settled_at = now(), updated_at = now()
     WHERE d.id = $1 AND ${WAITS_FOR_BATCH} RETURNING provider`,
    [deliveryId, reason],
  );
  return rows[0]?.provider;
}
