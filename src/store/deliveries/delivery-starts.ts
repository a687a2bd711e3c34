/** What starting the workflow of a delivery takes. */
import { toAccount, type AccountRow, type StoredAccount } from '../accounts/accounts.js';
import type { DeliveryState } from './deliveries.js';
import type { ResumePoint } from '../../workflows/types.js';
import { fromJson, type Store } from '../store.js';

export interface DeliveryStart {
  readonly deliveryId: string;
  /** Which redelivery this is; 0 for the delivery itself. */
  readonly run: number;
  readonly account: StoredAccount;
  readonly subscriptionId: string;
  readonly eventType: string;
  /** The receiver's address. */
  readonly url: string;
  /** Present when something has been done for it before. */
  readonly resumeFrom?: ResumePoint;
}

/** A delivery with where it stands. */
export interface PendingDelivery extends DeliveryStart {
  readonly state: DeliveryState;
  /** Whether its first attempt is left to a batch that has not had it yet. */
  readonly isUnclaimed: boolean;
}

/** Deliveries of these ids; those with attempts go on after them. */
export async function loadDeliveryStarts(store: Store, ids: readonly string[]): Promise<PendingDelivery[]> {
  const { rows } = await store.pool.query<{
    id: string;
    run: number;
    state: DeliveryState;
    subscription_id: string;
    event_type: string;
    is_unclaimed: boolean;
    schedule_position: number | null;
    next_attempt_at: Date | null;
    url: string;
    account: AccountRow;
  }>(
    `SELECT d.id, d.run, d.state, d.subscription_id, d.event_type, d.batch AND NOT d.owned AS is_unclaimed,
            d.schedule_position, d.next_attempt_at, s.url, to_jsonb(a) AS account
     FROM deliveries d
     JOIN accounts a ON a.id = d.account_id
     JOIN subscriptions s ON s.id = d.subscription_id
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
    isUnclaimed: row.is_unclaimed,
    ...resumeAt(resumePointOf({ schedulePosition: row.schedule_position, nextAttemptAt: row.next_attempt_at })),
  }));
}

/** The place of the schedule at which a delivery goes on; undefined when it has made no attempt. */
export function resumePointOf(delivery: {
  readonly schedulePosition: number | null;
  readonly nextAttemptAt: Date | null;
}): Extract<ResumePoint, { kind: 'scheduled' }> | undefined {
  const { schedulePosition, nextAttemptAt } = delivery;
  if (schedulePosition === null) return undefined;
  return { kind: 'scheduled', position: schedulePosition + 1, at: nextAttemptAt?.getTime() ?? 0 };
}

const resumeAt = (resumeFrom: ResumePoint | undefined): Pick<DeliveryStart, 'resumeFrom'> =>
  resumeFrom ? { resumeFrom } : {};
