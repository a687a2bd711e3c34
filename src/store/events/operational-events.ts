/**
 * Operational events before they are emitted. Each is written in the statement or transaction of the change that it
 * reports, so that exactly the committed changes are reported.
 */
import type { Queryable } from '../store.js';

/** The types of operational events. */
export const Operation = {
  disabled: 'pigeonpost.subscription.disabled',
  enabled: 'pigeonpost.subscription.enabled',
  secretRotated: 'pigeonpost.subscription.secret_rotated',
  exhausted: 'pigeonpost.delivery.exhausted',
  breakerOpened: 'pigeonpost.subscription.breaker_opened',
  breakerClosed: 'pigeonpost.subscription.breaker_closed',
} as const;

/** Types that are reported only to an account that gets the operational events of its parent, in its provider's form. */
export const Report = {
  created: 'pigeonpost.subscription.created',
  updated: 'pigeonpost.subscription.updated',
  deleted: 'pigeonpost.subscription.deleted',
  failing: 'pigeonpost.delivery.failing',
  recovered: 'pigeonpost.delivery.recovered',
} as const;

export type OperationType = (typeof Operation)[keyof typeof Operation] | (typeof Report)[keyof typeof Report];

/**
 * SQL condition: there is an account that gets the operational events of the account with this id. LIMIT makes it an index
 * look-up per row that is evaluated after other conditions.
 */
export const isReported = (accountId: string): string => `coalesce((
  SELECT true FROM accounts a
  JOIN accounts r ON r.parent_id = coalesce(a.parent_id, a.id) AND r.reports_parent AND r.deleted_at IS NULL
  WHERE a.id = ${accountId} AND NOT a.reports_parent LIMIT 1), false)`;

/** Records an operational event of a subscription. */
export async function recordOperationalEvent(
  client: Queryable,
  type: OperationType,
  subscriptionId: string,
): Promise<void> {
  await client.query(`INSERT INTO operational_events (type, subscription_id, facts) VALUES ($1, $2, '{}')`, [
    type,
    subscriptionId,
  ]);
}

/** What is recorded of the delivery `d`. */
const DELIVERY_FACTS = `jsonb_build_object('deliveryId', d.id, 'eventId', d.event_id, 'eventType', d.event_type,
                              'attempts', d.attempts, 'lastStatus', d.last_status, 'lastReason', d.last_reason)`;

/** With this attempt, if it fails as well, a delivery counts as failing. */
const FAILING_ATTEMPT = 4;

/**
 * A part of the statement that records attempts: records for reported accounts that the fourth attempt of a delivery has
 * failed, or that a later one was accepted. The names are those of `recordExhausted`.
 */
export function recordProgress(changed: string, former: string): string {
  return `
    INSERT INTO operational_events (type, subscription_id, facts)
    SELECT CASE WHEN d.state = 'delivered' THEN '${Report.recovered}' ELSE '${Report.failing}' END, d.subscription_id,
           ${DELIVERY_FACTS}
    FROM ${changed} d JOIN ${former} before ON before.id = d.id
    WHERE d.attempts >= ${FAILING_ATTEMPT} AND before.attempts < d.attempts
      AND ((d.state = 'retrying' AND before.attempts < ${FAILING_ATTEMPT})
        OR (d.state = 'delivered' AND before.attempts >= ${FAILING_ATTEMPT}))
      AND ${isReported('d.account_id')}`;
}

/**
 * The last part of a statement that changes deliveries: records an event for those that have become failed. `changed` is
 * the name of the CTE with the changed rows, `former` of the one with the rows before the change.
 */
export function recordExhausted(changed: string, former: string): string {
  return `
    INSERT INTO operational_events (type, subscription_id, facts)
    SELECT '${Operation.exhausted}', d.subscription_id,
           ${DELIVERY_FACTS}
    FROM ${changed} d JOIN ${former} before ON before.id = d.id AND before.state <> 'failed'
    WHERE d.state = 'failed'`;
}

/** An operational event that waits to be emitted. */
export interface WaitingOperation {
  readonly type: OperationType;
  readonly at: Date;
  readonly accountId: string;
  readonly provider: string;
  /** Whether the account of the subscription receives operational events itself. */
  readonly ofReceiver: boolean;
  readonly subscriptionId: string;
  /** The subscription's URL. */
  readonly url: string;
  readonly facts: Readonly<Record<string, unknown>>;
  /** The account below which one may get it: the parent of the subscription's account, or that itself. */
  readonly parentId: string;
  /** What a provider's API knows the account and the subscription by. */
  readonly scope: unknown;
  readonly uid: string | null;
  readonly reference: string;
  readonly options: unknown;
  /** The sender's name of the event; null without one. */
  readonly eventUid: string | null;
}

/** Removes and returns the oldest waiting events, at most `limit`. Concurrent calls get different ones. */
export async function claimOperationalEvents(client: Queryable, limit: number): Promise<WaitingOperation[]> {
  const { rows } = await client.query<WaitingOperation & { id: string }>(
    `WITH oldest AS MATERIALIZED (
       SELECT id FROM operational_events ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
     )
     DELETE FROM operational_events o USING oldest, subscriptions s, accounts a
     WHERE o.id = oldest.id AND s.id = o.subscription_id AND a.id = s.account_id
     RETURNING o.id, o.type, o.created_at AS at, a.id AS "accountId", a.provider,
               a.receives_operational_events OR a.reports_parent AS "ofReceiver", s.id AS "subscriptionId", s.url, o.facts,
               coalesce(a.parent_id, a.id) AS "parentId", a.scope, a.uid, s.reference, s.options,
               (SELECT e.uid FROM events e WHERE e.id = o.facts->>'eventId') AS "eventUid"`,
    [limit],
  );
  return rows.sort((one, other) => Number(BigInt(one.id) - BigInt(other.id)));
}
