/** Broadcasts and their progress. */
import type { DeliveryPolicy } from '../contract/delivery-policy.js';
import type { Event } from '../contract/entities.js';
import type { BroadcastState } from '../workflows/broadcast-types.js';
import type { Environment } from './accounts/accounts.js';
import { longQuery, onlyRow, type Queryable, type Store } from './store.js';

/** Which accounts get a broadcast: those of a provider that have all of the metadata. */
export interface BroadcastScope {
  readonly provider: string;
  /** Null for all. */
  readonly environment: Environment | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A broadcast without its payload. */
export interface StoredBroadcast extends BroadcastScope, Pick<Event, 'type' | 'occurredAt' | 'channels'> {
  readonly id: string;
  /** Accounts per second. */
  readonly rate: number;
  readonly state: BroadcastState;
  /** Accounts when it was created. */
  readonly total: number;
  /** Accounts that have got the event. */
  readonly emitted: number;
  /** Accounts for which it could not be rendered, or that were deleted at the same time. */
  readonly skipped: number;
  readonly deliveries: number;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

const COLUMNS = `
  b.id, b.provider, b.type, b.occurred_at AS "occurredAt", b.channels, b.environment, b.metadata, b.rate, b.state, b.total,
  b.emitted, b.skipped, b.deliveries, b.created_at AS "createdAt", b.ended_at AS "endedAt"`;

/** The accounts of a scope; the parameters $1 to $3 are `scopeValues`. */
const IN_SCOPE = `a.deleted_at IS NULL AND a.provider = $1 AND ($2::text IS NULL OR a.environment = $2)
  AND a.metadata @> $3::jsonb`;
const scopeValues = ({ provider, environment, metadata }: BroadcastScope) => [
  provider,
  environment,
  JSON.stringify(metadata),
];

/** How many accounts a broadcast would have. */
export interface BroadcastCount {
  readonly accounts: number;
  /** Those of them with an enabled subscription, whatever it receives. */
  readonly withSubscriptions: number;
}

/** Counts the accounts of a scope. May take long. */
export async function countAccounts(store: Store, scope: BroadcastScope): Promise<BroadcastCount> {
  const { rows } = await store.pool.query<BroadcastCount>(
    longQuery(
      `SELECT count(*)::integer AS accounts,
              (count(*) FILTER (WHERE EXISTS (SELECT FROM subscriptions s
                WHERE s.account_id = a.id AND s.enabled AND s.deleted_at IS NULL)))::integer AS "withSubscriptions"
       FROM accounts a WHERE ${IN_SCOPE}`,
      scopeValues(scope),
    ),
  );
  return rows[0]!;
}

/** What a new broadcast is made of. */
export type NewBroadcast = BroadcastScope &
  Pick<StoredBroadcast, 'id' | 'type' | 'occurredAt' | 'channels' | 'rate' | 'total'> & {
    /** The payload as minified JSON text. */
    readonly text: string;
  };

export async function insertBroadcast(
  { box }: Store,
  client: Queryable,
  broadcast: NewBroadcast,
): Promise<StoredBroadcast> {
  const { id, type, occurredAt, channels, text, rate, total } = broadcast;
  const { rows } = await client.query<StoredBroadcast>(
    `INSERT INTO broadcasts AS b (provider, environment, metadata, id, type, occurred_at, channels, payload, rate, total)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ${COLUMNS}`,
    [...scopeValues(broadcast), id, type, occurredAt, channels, box.seal(text, id), rate, total],
  );
  return rows[0]!;
}

export async function findBroadcast(store: Store, id: string): Promise<StoredBroadcast | undefined> {
  return onlyRow(await store.pool.query<StoredBroadcast>(`SELECT ${COLUMNS} FROM broadcasts b WHERE id = $1`, [id]));
}

/** Broadcasts before the id `before`, the newest first and at most `limit`. */
export async function listBroadcasts(
  store: Store,
  { limit, before }: { limit: number; before?: string },
): Promise<StoredBroadcast[]> {
  const { rows } = await store.pool.query<StoredBroadcast>(
    `SELECT ${COLUMNS} FROM broadcasts b WHERE $2::text IS NULL OR id < $2 ORDER BY id DESC LIMIT $1`,
    [limit, before ?? null],
  );
  return rows;
}

/** The running broadcasts, the oldest first. */
export async function runningBroadcasts(store: Store): Promise<Pick<StoredBroadcast, 'id' | 'provider'>[]> {
  const { rows } = await store.pool.query<Pick<StoredBroadcast, 'id' | 'provider'>>(
    `SELECT id, provider FROM broadcasts WHERE state = 'running' ORDER BY id`,
  );
  return rows;
}

/** Pauses a running broadcast; undefined when it is not running. */
export function pauseBroadcast(store: Store, id: string): Promise<StoredBroadcast | undefined> {
  return change(store, id, `state = 'paused'`, `state = 'running'`);
}

/** Resumes a paused broadcast, or changes the rate of a running one; undefined when it has ended. */
export function resumeBroadcast(store: Store, id: string, rate?: number): Promise<StoredBroadcast | undefined> {
  return change(store, id, `state = 'running', rate = coalesce($2, rate)`, `state IN ('running', 'paused')`, [
    rate ?? null,
  ]);
}

/** Cancels a broadcast; undefined when it has ended. */
export function cancelBroadcast(store: Store, id: string): Promise<StoredBroadcast | undefined> {
  return change(store, id, END('cancelled'), `state IN ('running', 'paused')`);
}

/** Completes a running broadcast; undefined when it is not running. */
export function completeBroadcast(store: Store, id: string): Promise<StoredBroadcast | undefined> {
  return change(store, id, END('completed'), `state = 'running'`);
}

const END = (state: BroadcastState): string => `state = '${state}', payload = NULL, ended_at = now()`;

async function change(
  store: Store,
  id: string,
  changes: string,
  condition: string,
  values: readonly unknown[] = [],
): Promise<StoredBroadcast | undefined> {
  const text = `UPDATE broadcasts b SET ${changes} WHERE id = $1 AND ${condition} RETURNING ${COLUMNS}`;
  return onlyRow(await store.pool.query<StoredBroadcast>(text, [id, ...values]));
}

/** A running broadcast with everything that its next page needs. */
export interface RunningBroadcast extends StoredBroadcast {
  /** The payload as minified JSON text. */
  readonly text: string;
  /** The last account that was processed; empty for none. */
  readonly afterAccount: string;
  /** The policy of its event type; null without one. */
  readonly eventTypePolicy: DeliveryPolicy | null;
}

/** Loads a broadcast that is running; otherwise its state, or undefined when it does not exist. */
export async function loadRunning(
  { pool, box }: Store,
  id: string,
): Promise<RunningBroadcast | Exclude<BroadcastState, 'running'> | undefined> {
  const row = onlyRow(
    await pool.query<Omit<RunningBroadcast, 'text'> & { payload: Buffer }>({
      name: 'load-running-broadcast',
      text: `SELECT ${COLUMNS}, b.payload, b.after_account AS "afterAccount", t.policy AS "eventTypePolicy"
             FROM broadcasts b LEFT JOIN event_types t ON t.name = b.type WHERE b.id = $1`,
      values: [id],
    }),
  );
  if (!row || row.state !== 'running') return row?.state as Exclude<BroadcastState, 'running'> | undefined;
  const { payload, ...broadcast } = row;
  return { ...broadcast, text: box.open(payload, id) as string };
}

/** The next accounts of a broadcast that existed when it was created. */
export async function nextAccounts(store: Store, broadcast: RunningBroadcast, limit: number): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT a.id FROM accounts a WHERE ${IN_SCOPE} AND a.id > $4
       AND a.created_at <= (SELECT created_at FROM broadcasts WHERE id = $5)
     ORDER BY a.id LIMIT $6`,
    [...scopeValues(broadcast), broadcast.afterAccount, broadcast.id, limit],
  );
  return rows.map(({ id }) => id);
}

/** What a page has done, besides the events that its transaction writes. */
export interface PageProgress {
  readonly lastAccount: string;
  readonly emitted: number;
  readonly skipped: number;
  readonly deliveries: number;
}

/**
 * Records a page of a running broadcast in the transaction that writes its events. False when another call has recorded it,
 * or the broadcast is not running any more: then nothing may be written.
 */
export async function recordPage(
  client: Queryable,
  { id, afterAccount }: RunningBroadcast,
  { lastAccount, emitted, skipped, deliveries }: PageProgress,
): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'record-broadcast-page',
    text: `UPDATE broadcasts SET after_account = $3, emitted = emitted + $4, skipped = skipped + $5,
             deliveries = deliveries + $6
           WHERE id = $1 AND after_account = $2 AND state = 'running'`,
    values: [id, afterAccount, lastAccount, emitted, skipped, deliveries],
  });
  return rowCount === 1;
}
