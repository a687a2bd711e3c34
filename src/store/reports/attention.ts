/**
 * What an operator should look at now: failing and disabled subscriptions, open circuit breakers, and deliveries that
 * nothing will send.
 */
import { ORDERING_CLAIM } from '../deliveries/ordering.js';
import type { Store } from '../store.js';

/** Waiting deliveries of one subscription are counted up to this number. */
const MAX_WAITING = 1_000;
/** Deliveries without an owner are counted up to this number. */
const MAX_OWNERLESS = 1_000;
/** Seconds after which a delivery should have an owner: two sweeps. */
const OWNED_WITHIN_S = 60;

interface ListedSubscription {
  readonly subscriptionId: string;
  readonly accountId: string;
  readonly accountName: string;
  readonly provider: string;
  readonly url: string;
  /** Deliveries that wait for it, up to 1,000: retrying ones while it fails, otherwise paused ones. */
  readonly waiting: number;
}

/** An enabled subscription whose last attempts all failed. */
export interface FailingSubscription extends ListedSubscription {
  readonly failingSince: Date;
  readonly failures: number;
}

/** A subscription that was disabled because of its receiver. */
export interface DisabledSubscription extends ListedSubscription {
  readonly disabledAt: Date | null;
  readonly disabledReason: string;
}

/** An enabled subscription whose circuit breaker is open or closing. */
export interface BrokenSubscription extends ListedSubscription {
  readonly openedAt: Date;
  /** Attempts in the window when it opened, and how many of them had failed. */
  readonly attempts: number;
  readonly failures: number;
}

/** A limited list, and how many there are in all. */
export interface Listed<Item> {
  readonly total: number;
  readonly items: readonly Item[];
}

/** Of a subscription `s`: what makes it need attention, and since when. */
export const receiverConditions = {
  failing: { where: 's.enabled AND s.failing IS NOT NULL', since: `(s.failing ->> 'since')::timestamptz` },
  disabled: { where: 'NOT s.enabled AND s.disabled_reason IS NOT NULL', since: 's.disabled_at' },
  breakerOpen: { where: 's.enabled AND s.breaker_opened_at IS NOT NULL', since: 's.breaker_opened_at' },
} as const;

const columns = (waitsIn: 'retrying' | 'paused') => `
  s.id AS "subscriptionId", s.account_id AS "accountId", a.name AS "accountName", a.provider, s.url,
  (SELECT count(*)::int FROM (
     SELECT FROM deliveries d WHERE d.subscription_id = s.id AND d.state IN ('pending', 'retrying', 'paused')
       AND d.state = '${waitsIn}' LIMIT ${MAX_WAITING}
   ) AS open) AS waiting`;

/** Enabled subscriptions whose attempts fail, those that have failed for longest first. */
export function failingSubscriptions(
  store: Store,
  accountId: string | undefined,
  limit: number,
): Promise<Listed<FailingSubscription>> {
  return listed<FailingSubscription>(store, accountId, limit, {
    where: receiverConditions.failing.where,
    order: `${receiverConditions.failing.since}, s.id`,
    columns: `${columns('retrying')}, ${receiverConditions.failing.since} AS "failingSince",
              (s.failing ->> 'attempts')::int AS failures`,
  });
}

/** Subscriptions that were disabled because of their receiver, the latest first. */
export function disabledSubscriptions(
  store: Store,
  accountId: string | undefined,
  limit: number,
): Promise<Listed<DisabledSubscription>> {
  return listed<DisabledSubscription>(store, accountId, limit, {
    where: receiverConditions.disabled.where,
    order: `s.disabled_at DESC NULLS LAST, s.id`,
    columns: `${columns('paused')}, s.disabled_at AS "disabledAt", s.disabled_reason AS "disabledReason"`,
  });
}

/** Subscriptions whose circuit breaker is open, the first opened first. */
export function brokenSubscriptions(
  store: Store,
  accountId: string | undefined,
  limit: number,
): Promise<Listed<BrokenSubscription>> {
  return listed<BrokenSubscription>(store, accountId, limit, {
    where: receiverConditions.breakerOpen.where,
    order: `${receiverConditions.breakerOpen.since}, s.id`,
    columns: `${columns('paused')}, s.breaker_opened_at AS "openedAt", (s.breaker ->> 'attempts')::int AS attempts,
              (s.breaker ->> 'failures')::int AS failures`,
  });
}

interface ListText {
  readonly where: string;
  readonly order: string;
  readonly columns: string;
}

/** The limit is applied before the deliveries of each subscription are counted. */
async function listed<Item>(
  { pool }: Store,
  accountId: string | undefined,
  limit: number,
  { where, order, columns }: ListText,
): Promise<Listed<Item>> {
  const condition = `${where} AND s.deleted_at IS NULL AND ($1::text IS NULL OR s.account_id = $1)`;
  const { rows } = await pool.query<Item & { total: number }>(
    `WITH matching AS MATERIALIZED (
       SELECT s.id, row_number() OVER (ORDER BY ${order}) AS position, count(*) OVER ()::int AS total
       FROM subscriptions s WHERE ${condition}
     )
     SELECT ${columns}, m.total
     FROM (SELECT * FROM matching ORDER BY position LIMIT $2) m
     JOIN subscriptions s ON s.id = m.id JOIN accounts a ON a.id = s.account_id
     ORDER BY m.position`,
    [accountId ?? null, limit],
  );
  return { total: rows[0]?.total ?? 0, items: rows.map(({ total: _, ...item }) => item as unknown as Item) };
}

/**
 * Pending deliveries that should have been sent or started a minute ago and have neither a workflow nor a sender that works;
 * counted up to 1,000. The sweep starts them, so that this is 0 while workers and Temporal work.
 */
export async function countOwnerless(store: Store): Promise<number> {
  const { rows } = await store.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM (
       SELECT FROM deliveries
       WHERE NOT owned AND state = 'pending' AND (sender_id IS NULL OR sender_id <> '${ORDERING_CLAIM}')
         AND updated_at < now() - make_interval(secs => ${OWNED_WITHIN_S}) LIMIT ${MAX_OWNERLESS}
     ) AS ownerless`,
  );
  return rows[0]!.count;
}
