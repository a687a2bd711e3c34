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
export type OperationType = (typeof Operation)[keyof typeof Operation];

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

/**
 * The last part of a statement that changes deliveries: records an event for those that have become failed. `changed` is
 * the name of the CTE with the changed rows, `former` of the one with the rows before the change.
 */
export function recordExhausted(changed: string, former: string): string {
  return `
    INSERT INTO operational_events (type, subscription_id, facts)
    SELECT '${Operation.exhausted}', d.subscription_id,
           jsonb_build_object('deliveryId', d.id, 'eventId', d.event_id, 'eventType', d.event_type,
                              'attempts', d.attempts, 'lastStatus', d.last_status, 'lastReason', d.last_reason)
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
               a.receives_operational_events AS "ofReceiver", s.id AS "subscriptionId", s.url, o.facts`,
    [limit],
  );
  return rows.sort((one, other) => Number(BigInt(one.id) - BigInt(other.id)));
}
