/**
 * Operational events before they are emitted. Each is written together with the fact it tells of, in one statement or
 * transaction: what is true is told, and what is told is true.
 */
import type { Queryable } from '../store.js';

/** The types of operational events. */
export const Operation = {
  disabled: 'pigeonpost.subscription.disabled',
  enabled: 'pigeonpost.subscription.enabled',
  secretRotated: 'pigeonpost.subscription.secret_rotated',
  exhausted: 'pigeonpost.delivery.exhausted',
} as const;
export type OperationType = (typeof Operation)[keyof typeof Operation];

/** Notes something that happened to a subscription. */
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
 * The last part of a statement that changes deliveries: notes those that have become failed. `changed` names the part that
 * returns the changed rows, `former` the one that has read them as they were before.
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
  /** Whether the account it tells of receives operational events itself. */
  readonly ofReceiver: boolean;
  readonly subscriptionId: string;
  /** The subscription's address. */
  readonly url: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Takes the oldest ones away, at most `limit`; others that take at the same time get others. */
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
