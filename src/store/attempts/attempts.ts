/** Loads a delivery for an attempt in one statement, and lists the attempts of a delivery. */
import type { DeliveryPolicy } from '../../contract/delivery-policy.js';
import type { Timings } from '../../egress/types.js';
import { toAccount, type AccountRow, type StoredAccount } from '../accounts/accounts.js';
import { priorityOf, type Priority } from '../../contract/timing.js';
import type { DeliveryState } from '../deliveries/deliveries.js';
import type { AttemptOutcome } from './recording.js';
import { bodyRowId, fromRest, openAttempt, toRest, type AtRest } from '../payloads.js';
import { ANYWHERE, eventOfDelivery, eventsNear, type IdRange } from '../ranges.js';
import { fromJson, onlyRow, type Store } from '../store.js';
import { toSubscription, type StoredSubscription, type SubscriptionRow } from '../subscriptions/subscriptions.js';

/** A delivery with everything that an attempt needs. */
export interface AttemptMaterial {
  readonly account: StoredAccount;
  readonly subscription: StoredSubscription;
  readonly subscriptionDeleted: boolean;
  readonly event: { readonly id: string; readonly type: string; readonly occurredAt: Date };
  readonly delivery: { readonly id: string; readonly createdAt: Date };
  /** Empty when it could not be made. */
  readonly body: string;
  /** Why the body could not be made; null when it was. Nothing is sent then. */
  readonly bodyError: string | null;
  readonly state: DeliveryState;
  readonly run: number;
  readonly attempts: number;
  readonly lastStatus: number | null;
  readonly stateReason: string | null;
  readonly recordedBy: string | null;
  readonly schedulePosition: number | null;
  readonly firstAttemptAt: Date | null;
  /** When its next attempt is due; null before the first one and after the last. */
  readonly nextAttemptAt: Date | null;
  readonly deliverAt: Date | null;
  /** No attempt is made from this time on; null for never. */
  readonly expiresAt: Date | null;
  /** A newer event with this key cancels it while it waits; null for none. */
  readonly supersedeKey: string | null;
  readonly priority: Priority;
  /** The policy of its event type; loaded only for direct deliveries, as workflows have theirs in their input. */
  readonly eventTypePolicy?: DeliveryPolicy | null;
  /** Whether it has an ordering key. */
  readonly isOrdered: boolean;
  /** The trace in which its event was accepted; null when nothing was traced. */
  readonly traceparent: string | null;
}

/** The columns {@link MATERIAL_COLUMNS}. */
export interface MaterialRow {
  id: string;
  created_at: Date;
  state: DeliveryState;
  run: number;
  attempts: number;
  last_status: number | null;
  state_reason: string | null;
  recorded_by: string | null;
  schedule_position: number | null;
  first_attempt_at: Date | null;
  next_attempt_at: Date | null;
  deliver_at: Date | null;
  expires_at: Date | null;
  supersede_key: string | null;
  priority: number;
  is_ordered: boolean;
  event_id: string;
  event_type: string;
  occurred_at: Date;
  traceparent: string | null;
  body: string;
  body_sealed: Buffer | null;
  body_variant: string;
  body_error: string | null;
}

/** Of the delivery `d`, its event `e` and its body `b`. */
export const MATERIAL_COLUMNS = `
  d.id, d.created_at, d.state, d.run, d.attempts, d.last_status, d.state_reason, d.recorded_by, d.schedule_position,
  d.first_attempt_at, d.next_attempt_at, d.deliver_at, d.expires_at, d.supersede_key, d.priority,
  d.ordering_key IS NOT NULL AS is_ordered, d.event_id, d.event_type, e.occurred_at, e.traceparent, b.body,
  b.sealed AS body_sealed, d.body_variant, b.error AS body_error`;

interface JoinedRow extends MaterialRow {
  account: AccountRow;
  subscription: SubscriptionRow & { deleted_at: string | null };
}

/** Loads a delivery for an attempt; undefined when there is no such delivery. */
export async function loadAttemptMaterial(store: Store, deliveryId: string): Promise<AttemptMaterial | undefined> {
  const row =
    (await findMaterial(store, deliveryId, eventsNear([deliveryId]))) ??
    (await findMaterial(store, deliveryId, ANYWHERE));
  if (!row) return undefined;
  const { account, subscription } = row;
  return toMaterial(store, row, {
    account: toAccount(store, fromJson(account)),
    subscription: toSubscription(store, fromJson(subscription)),
    subscriptionDeleted: subscription.deleted_at !== null,
  });
}

async function findMaterial(store: Store, deliveryId: string, events: IdRange): Promise<JoinedRow | undefined> {
  const result = await store.pool.query<JoinedRow>({
    name: 'load-attempt-material',
    text: `
      SELECT ${MATERIAL_COLUMNS}, to_jsonb(a) AS account, to_jsonb(s) AS subscription
      FROM deliveries d
      ${eventOfDelivery('$2', '$3')}
      JOIN accounts a ON a.id = d.account_id
      JOIN subscriptions s ON s.id = d.subscription_id
      WHERE d.id = $1`,
    values: [deliveryId, ...events],
  });
  return onlyRow(result);
}

export const toMaterial = (
  store: Pick<Store, 'box'>,
  row: MaterialRow,
  {
    account,
    subscription,
    subscriptionDeleted,
  }: Pick<AttemptMaterial, 'account' | 'subscription' | 'subscriptionDeleted'>,
): AttemptMaterial => ({
  account,
  subscription,
  subscriptionDeleted,
  event: { id: row.event_id, type: row.event_type, occurredAt: row.occurred_at },
  delivery: { id: row.id, createdAt: row.created_at },
  body: fromRest(store, { text: row.body, sealed: row.body_sealed }, bodyRowId(row.event_id, row.body_variant)),
  bodyError: row.body_error,
  state: row.state,
  run: row.run,
  attempts: row.attempts,
  lastStatus: row.last_status,
  stateReason: row.state_reason,
  recordedBy: row.recorded_by,
  schedulePosition: row.schedule_position,
  firstAttemptAt: row.first_attempt_at,
  nextAttemptAt: row.next_attempt_at,
  deliverAt: row.deliver_at,
  expiresAt: row.expires_at,
  supersedeKey: row.supersede_key,
  priority: priorityOf(row.priority),
  isOrdered: row.is_ordered,
  traceparent: row.traceparent,
});

/**
 * Stores the body of a delivery whose body could not be made before, and returns the body to send. A body that exists by
 * now stays: others may have sent it. Undefined when the event was erased in the meantime.
 */
export async function replaceFailedBody(
  store: Store,
  { delivery, event }: Pick<AttemptMaterial, 'delivery' | 'event'>,
  { bodyVariant, body }: { readonly bodyVariant: string; readonly body: string },
): Promise<string | undefined> {
  const rowId = bodyRowId(event.id, bodyVariant);
  const { text, sealed } = toRest(store, body, rowId);
  const { rows } = await store.pool.query<AtRest>(
    `WITH unerased AS (
       SELECT id FROM events WHERE id = $2 AND erased_at IS NULL FOR KEY SHARE
     ), written AS (
       INSERT INTO event_bodies AS b (event_id, variant, body, sealed) SELECT id, $3, $4, $5 FROM unerased
       ON CONFLICT (event_id, variant) DO UPDATE
         SET body = CASE WHEN b.error IS NULL THEN b.body ELSE excluded.body END,
           sealed = CASE WHEN b.error IS NULL THEN b.sealed ELSE excluded.sealed END, error = NULL
       RETURNING body, sealed
     ), changed AS (
       UPDATE deliveries SET body_variant = $3 WHERE id = $1 AND EXISTS (SELECT FROM unerased)
     )
     SELECT body AS text, sealed FROM written`,
    [delivery.id, event.id, bodyVariant, text, sealed],
  );
  return rows[0] && fromRest(store, rows[0], rowId);
}

export interface StoredAttempt {
  readonly number: number;
  readonly run: number;
  readonly startedAt: Date;
  readonly durationMs: number | null;
  readonly timings: Timings | null;
  readonly outcome: AttemptOutcome | 'interrupted';
  readonly status: number | null;
  readonly reason: string | null;
  readonly message: string | null;
  readonly url: string | null;
  readonly requestHeaders: readonly { name: string; value: string }[] | null;
  readonly responseHeaders: Record<string, string> | null;
  readonly responseExcerpt: string | null;
  readonly responseTruncated: boolean | null;
}

/** The attempts of a delivery, the first one first. */
export async function listAttempts(store: Store, deliveryId: string): Promise<StoredAttempt[]> {
  const { rows } = await store.pool.query<StoredAttempt & { sealed: Buffer | null }>(
    `SELECT number, run, started_at AS "startedAt", duration_ms AS "durationMs", timings, outcome, status, reason, message, url,
            request_headers AS "requestHeaders", response_headers AS "responseHeaders",
            response_excerpt AS "responseExcerpt", response_truncated AS "responseTruncated", sealed
     FROM attempts WHERE delivery_id = $1 ORDER BY number`,
    [deliveryId],
  );
  return rows.map((row) => openAttempt(store, deliveryId, row));
}
