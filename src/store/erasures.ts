/** Erases payloads, bodies, and the requests and responses of attempts, and records that it was done. */
import { newId } from '../contract/ids.js';
import { openStates } from './deliveries/deliveries.js';
import { deliveriesFrom } from './ranges.js';
import { inTransaction, longQuery, onlyRow, type Queryable, type Store } from './store.js';

/** The state reason of deliveries that are cancelled because their event is erased. */
export const ERASED = 'erased';

/** Who asked for an erasure of what, and why. */
export interface ErasureRequest {
  readonly accountId: string;
  /** Null for all events of the account. */
  readonly eventId: string | null;
  readonly reason: string;
  /** The role of the caller. */
  readonly erasedBy: string;
  /** The address of the request; null when it is not known. */
  readonly address: string | null;
}

/** The record of an erasure, with how many rows have lost their content. */
export interface Erasure extends ErasureRequest {
  readonly id: string;
  readonly events: number;
  readonly deliveries: number;
  readonly attempts: number;
  readonly messages: number;
  readonly createdAt: Date;
}

const COLUMNS = `id, account_id AS "accountId", event_id AS "eventId", reason, erased_by AS "erasedBy", address, events,
  deliveries, attempts, messages, created_at AS "createdAt"`;

/** The content of attempts; when it was and how it ended stays. */
const WITHOUT_CONTENT = `message = NULL, request_headers = NULL, response_headers = NULL, response_excerpt = NULL, response_truncated = NULL,
  sealed = NULL`;

/** Records an erasure before anything is erased, so that none is without a record. Returns its id. */
export async function insertErasure(store: Store, request: ErasureRequest): Promise<string> {
  const { accountId, eventId, reason, erasedBy, address } = request;
  const id = newId('era');
  await store.pool.query(
    'INSERT INTO erasures (id, account_id, event_id, reason, erased_by, address) VALUES ($1, $2, $3, $4, $5, $6)',
    [id, accountId, eventId, reason, erasedBy, address],
  );
  return id;
}

export async function findErasure(store: Store, id: string): Promise<Erasure | undefined> {
  return onlyRow(await store.pool.query<Erasure>(`SELECT ${COLUMNS} FROM erasures WHERE id = $1`, [id]));
}

/** Records of erasures, the newest first. */
export async function listErasures(
  store: Store,
  { accountId, before, limit }: { accountId?: string | undefined; before?: string | undefined; limit: number },
): Promise<Erasure[]> {
  const { rows } = await store.pool.query<Erasure>(
    `SELECT ${COLUMNS} FROM erasures
     WHERE ($1::text IS NULL OR account_id = $1) AND ($2::text IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [accountId ?? null, before ?? null, limit],
  );
  return rows;
}

/** Whether an account exists or existed: the events of a deleted one can still be erased. */
export async function accountEverExisted(store: Store, id: string): Promise<boolean> {
  const { rowCount } = await store.pool.query('SELECT FROM accounts WHERE id = $1', [id]);
  return rowCount === 1;
}

/** The next events of an account after an id that are not erased, the oldest first. */
export async function nextUnerased(
  store: Store,
  { accountId, afterId, limit }: { readonly accountId: string; readonly afterId: string; readonly limit: number },
): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    longQuery('SELECT id FROM events WHERE account_id = $1 AND id > $2 AND erased_at IS NULL ORDER BY id LIMIT $3', [
      accountId,
      afterId,
      limit,
    ]),
  );
  return rows.map(({ id }) => id);
}

/** SQL condition: the content of an event was to be kept until now at most. */
const CONTENT_EXPIRED = 'content_until IS NOT NULL AND content_until <= now() AND erased_at IS NULL';

/** Events whose content was to be kept until now at most, by account; at most `limit` of each. */
export async function expiredContents(store: Store, limit: number): Promise<ReadonlyMap<string, string[]>> {
  const { rows } = await store.pool.query<{ account_id: string; ids: string[] }>(
    `WITH RECURSIVE due (account_id) AS (
       (SELECT account_id FROM events WHERE ${CONTENT_EXPIRED} ORDER BY account_id LIMIT 1)
       UNION ALL
       SELECT (SELECT e.account_id FROM events e WHERE e.account_id > due.account_id AND ${CONTENT_EXPIRED}
               ORDER BY e.account_id LIMIT 1)
       FROM due WHERE due.account_id IS NOT NULL
     )
     SELECT account_id, ARRAY(SELECT id FROM events e WHERE e.account_id = due.account_id AND ${CONTENT_EXPIRED}
                              ORDER BY content_until LIMIT $1) AS ids
     FROM due WHERE account_id IS NOT NULL`,
    [limit],
  );
  return new Map(rows.map(({ account_id: accountId, ids }) => [accountId, ids]));
}

/** Lets the sweep erase the content of all events of an account up to now. */
export async function expireContents(store: Store, accountId: string): Promise<void> {
  await store.pool.query(
    longQuery('UPDATE events SET content_until = now() WHERE account_id = $1 AND erased_at IS NULL', [accountId]),
  );
}

/** Whether the content of events of an account is still to be erased. */
export async function hasExpiredContents(store: Store, accountId: string): Promise<boolean> {
  const { rowCount } = await store.pool.query(
    `SELECT FROM events WHERE account_id = $1 AND ${CONTENT_EXPIRED} LIMIT 1`,
    [accountId],
  );
  return rowCount === 1;
}

/** The open deliveries of events, and the batches instead of their members. */
export async function openDeliveriesOf(store: Store, eventIds: readonly string[]): Promise<{ id: string }[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT DISTINCT CASE WHEN state = 'pending' THEN coalesce(batch_id, id) ELSE id END AS id FROM deliveries
     WHERE event_id = ANY($1) AND id >= $2 AND state = ANY($3) ORDER BY 1`,
    [eventIds, lowestDelivery(eventIds), openStates],
  );
  return rows;
}

/**
 * Removes the content of events and adds it to the record of the erasure, in one transaction. Events that are erased
 * already are ignored. Returns how many deliveries they have.
 */
export async function eraseContent(store: Store, erasureId: string, eventIds: readonly string[]): Promise<number> {
  return inTransaction(store, async (client) => {
    // Waits for recoveries that are writing a body of these events; later ones find them erased.
    const locked = await client.query<{ id: string }>(
      'SELECT id FROM events WHERE id = ANY($1) AND erased_at IS NULL ORDER BY id FOR UPDATE',
      [eventIds],
    );
    const ids = locked.rows.map(({ id }) => id);
    if (ids.length === 0) return 0;
    const deliveries = await eraseDeliveries(client, ids);
    await eraseBatches(client, ids);
    const attempts = await client.query(
      longQuery(`UPDATE attempts SET ${WITHOUT_CONTENT} WHERE delivery_id = ANY($1)`, [deliveries]),
    );
    await client.query(`UPDATE event_bodies SET body = '', sealed = NULL, error = $2 WHERE event_id = ANY($1)`, [
      ids,
      ERASED,
    ]);
    const messages = await client.query('SELECT FROM messages WHERE event_id = ANY($1)', [ids]);
    await client.query(
      `UPDATE events SET data = 'null', sealed = NULL, channels = '{}', tags = NULL, erased_at = now() WHERE id = ANY($1)`,
      [ids],
    );
    await client.query(
      `UPDATE erasures SET events = events + $2, deliveries = deliveries + $3, attempts = attempts + $4,
         messages = messages + $5
       WHERE id = $1`,
      [erasureId, ids.length, deliveries.length, attempts.rowCount, messages.rowCount],
    );
    return deliveries.length;
  });
}

/**
 * Removes the content of the batches of events. An open one ends before its next attempt, and its other events are collected
 * again (0015_batches.sql).
 */
async function eraseBatches(client: Queryable, eventIds: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ id: string; event_id: string }>(
    `SELECT id, event_id FROM deliveries WHERE id = ANY(ARRAY(
       SELECT batch_id FROM deliveries WHERE event_id = ANY($1) AND id >= $2 AND batch_id IS NOT NULL))`,
    [eventIds, lowestDelivery(eventIds)],
  );
  if (rows.length === 0) return;
  const ids = rows.map(({ event_id: id }) => id);
  await eraseDeliveries(client, ids);
  await client.query(`UPDATE attempts SET ${WITHOUT_CONTENT} WHERE delivery_id = ANY($1)`, [rows.map(({ id }) => id)]);
  await client.query(`UPDATE event_bodies SET body = '', sealed = NULL, error = $2 WHERE event_id = ANY($1)`, [
    ids,
    ERASED,
  ]);
  await client.query(`UPDATE events SET data = 'null', sealed = NULL, erased_at = now() WHERE id = ANY($1)`, [ids]);
}

/** Notes the open deliveries of events, and removes reasons that quote a payload. Returns the ids of all deliveries. */
async function eraseDeliveries(client: Queryable, eventIds: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ id: string; state: string }>(
    longQuery('SELECT id, state FROM deliveries WHERE event_id = ANY($1) AND id >= $2', [
      eventIds,
      lowestDelivery(eventIds),
    ]),
  );
  const ids = rows.map(({ id }) => id);
  const open = rows.filter(({ state }) => openStates.some((each) => each === state)).map(({ id }) => id);
  await client.query(
    'INSERT INTO erased_open_deliveries (delivery_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING',
    [open],
  );
  // The error of a transformation may quote the payload.
  await client.query(
    `UPDATE deliveries SET state_reason = $3
     WHERE id = ANY($1) AND state = 'failed'
       AND state_reason IN (SELECT error FROM event_bodies WHERE event_id = ANY($2) AND error IS NOT NULL)`,
    [ids, eventIds, ERASED],
  );
  return ids;
}

/** How long after the erasure attempts are looked for, in minutes: longer than any attempt takes. */
const LATE_MINUTES = 10;
/** Deliveries that one call looks at. */
const MAX_LATE = 5_000;

/**
 * Removes the content of attempts that were in flight when their event was erased. A delivery is looked at until it has
 * ended, and for ten minutes.
 */
export async function eraseLateAttempts(store: Store): Promise<void> {
  const { rows } = await store.pool.query<{ id: string; done: boolean }>(
    `SELECT e.delivery_id AS id,
            e.erased_at < now() - make_interval(mins => $1)
              AND NOT EXISTS (SELECT FROM deliveries d WHERE d.id = e.delivery_id AND d.state = ANY($2)) AS done
     FROM erased_open_deliveries e ORDER BY e.erased_at LIMIT $3`,
    [LATE_MINUTES, openStates, MAX_LATE],
  );
  if (rows.length === 0) return;
  await store.pool.query(
    longQuery(
      `UPDATE attempts SET ${WITHOUT_CONTENT}
       WHERE delivery_id = ANY($1) AND (request_headers IS NOT NULL OR response_headers IS NOT NULL
         OR response_excerpt IS NOT NULL OR message IS NOT NULL OR sealed IS NOT NULL)`,
      [rows.map(({ id }) => id)],
    ),
  );
  const done = rows.filter((row) => row.done).map(({ id }) => id);
  await store.pool.query('DELETE FROM erased_open_deliveries WHERE delivery_id = ANY($1)', [done]);
}

/** The lowest id that a delivery of these events can have. */
function lowestDelivery(eventIds: readonly string[]): string {
  return deliveriesFrom(eventIds.reduce((least, id) => (id < least ? id : least), eventIds[0] ?? ''));
}
