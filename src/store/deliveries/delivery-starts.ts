/** The data for starting the workflow of a delivery. */
import { toAccount, type AccountRow, type StoredAccount } from '../accounts/accounts.js';
import { priorityOf, type Priority } from '../../contract/timing.js';
import type { DeliveryPolicy } from '../../contract/delivery-policy.js';
import type { DeliveryState } from './deliveries.js';
import { IS_HELD } from './breaker-waiting.js';
import { IS_COLLECTED } from '../batches.js';
import { IS_BLOCKED } from './ordering.js';
import type { ResumePoint } from '../../workflows/types.js';
import { fromJson, type Store } from '../store.js';

export interface DeliveryStart {
  readonly deliveryId: string;
  /** Number of the redelivery; 0 for the first delivery. */
  readonly run: number;
  readonly account: StoredAccount;
  readonly subscriptionId: string;
  readonly eventType: string;
  /** The receiver's URL. */
  readonly url: string;
  /** The policies of its subscription and of its event type; absent or null without one. */
  readonly subscriptionPolicy?: DeliveryPolicy | null;
  readonly eventTypePolicy?: DeliveryPolicy | null;
  /** Present when the delivery was processed before, or waits for a time before its first attempt. */
  readonly resumeFrom?: ResumePoint | undefined;
  /** No attempt is made from this time on. */
  readonly expiresAt?: Date | undefined;
  /** Normal when absent. */
  readonly priority?: Priority | undefined;
}

/** A delivery with its state. */
export interface PendingDelivery extends DeliveryStart {
  readonly state: DeliveryState;
  /** Whether a sender makes the first attempt, or starts the workflow after it. */
  readonly isDirect: boolean;
  /** Whether it waits until an earlier delivery of its ordering key has ended. */
  readonly isBlocked: boolean;
  /** Whether it waits for the circuit breaker of its subscription without a workflow. */
  readonly isHeld: boolean;
  /** Whether it waits for a batch, or is a member of one that has not ended. */
  readonly isCollected: boolean;
}

/** Loads deliveries by id. Those with attempts resume after the last one. */
export async function loadDeliveryStarts(store: Store, ids: readonly string[]): Promise<PendingDelivery[]> {
  const { rows } = await store.pool.query<{
    id: string;
    run: number;
    state: DeliveryState;
    subscription_id: string;
    event_type: string;
    is_direct: boolean;
    is_blocked: boolean;
    is_held: boolean;
    is_collected: boolean;
    schedule_position: number | null;
    next_attempt_at: Date | null;
    deliver_at: Date | null;
    expires_at: Date | null;
    priority: number;
    url: string;
    policy: DeliveryPolicy | null;
    event_type_policy: DeliveryPolicy | null;
    account: AccountRow;
  }>(
    `SELECT d.id, d.run, d.state, d.subscription_id, d.event_type, d.direct AND NOT d.owned AS is_direct,
            ${IS_BLOCKED} AS is_blocked, ${IS_HELD} AS is_held, ${IS_COLLECTED} AS is_collected, d.schedule_position,
            d.next_attempt_at, d.deliver_at, d.expires_at, d.priority,
            s.url, s.policy, t.policy AS event_type_policy, to_jsonb(a) AS account
     FROM deliveries d
     JOIN accounts a ON a.id = d.account_id
     JOIN subscriptions s ON s.id = d.subscription_id
     LEFT JOIN event_types t ON t.name = d.event_type
     WHERE d.id = ANY($1)`,
    [ids],
  );
  return rows.map((row) => ({
    deliveryId: row.id,
    run: row.run,
    state: row.state,
    account: toAccount(store, fromJson(row.account)),
    subscriptionId: row.subscription_id,
    eventType: row.event_type,
    url: row.url,
    subscriptionPolicy: row.policy,
    eventTypePolicy: row.event_type_policy,
    isDirect: row.is_direct,
    isBlocked: row.is_blocked,
    isHeld: row.is_held,
    isCollected: row.is_collected,
    priority: priorityOf(row.priority),
    ...(row.expires_at ? { expiresAt: row.expires_at } : {}),
    ...resumeAt(
      resumePointOf({
        schedulePosition: row.schedule_position,
        nextAttemptAt: row.next_attempt_at,
        deliverAt: row.deliver_at,
      }),
    ),
  }));
}

/**
 * The position of the schedule at which a delivery resumes; undefined when its first attempt is made at once. Before its
 * first attempt a delivery waits for its time, also after a pause, during which it has no time of a next attempt.
 */
export function resumePointOf(delivery: {
  readonly schedulePosition: number | null;
  readonly nextAttemptAt: Date | null;
  readonly deliverAt: Date | null;
}): Extract<ResumePoint, { kind: 'scheduled' }> | undefined {
  const { schedulePosition, nextAttemptAt, deliverAt } = delivery;
  if (schedulePosition === null)
    return deliverAt ? { kind: 'scheduled', position: 0, at: deliverAt.getTime() } : undefined;
  return { kind: 'scheduled', position: schedulePosition + 1, at: nextAttemptAt?.getTime() ?? 0 };
}

const resumeAt = (resumeFrom: ResumePoint | undefined): Pick<DeliveryStart, 'resumeFrom'> =>
  resumeFrom ? { resumeFrom } : {};
