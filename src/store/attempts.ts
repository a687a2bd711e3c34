/** Attempts: loading what one needs and recording how it ended, each in a single statement. */
import type { RequestHeader } from '../contract/types.js';
import { toAccount, type AccountRow, type StoredAccount } from './accounts.js';
import type { DeliveryState } from './deliveries.js';
import { noteExhausted, Operation } from './operations.js';
import { fromJson, onlyRow, type Store } from './store.js';
import { toSubscription, type StoredSubscription, type SubscriptionRow } from './subscriptions.js';

/** A delivery with everything its next attempt needs. */
export interface AttemptMaterial {
  readonly account: StoredAccount;
  readonly subscription: StoredSubscription;
  readonly subscriptionDeleted: boolean;
  readonly event: { readonly id: string; readonly type: string; readonly occurredAt: Date };
  readonly delivery: { readonly id: string; readonly createdAt: Date };
  readonly body: string;
  readonly state: DeliveryState;
  readonly run: number;
  readonly attempts: number;
  readonly lastStatus: number | null;
  readonly stateReason: string | null;
  readonly recordedBy: string | null;
  readonly schedulePosition: number | null;
  readonly firstAttemptAt: Date | null;
  /** The trace that its event was emitted in; null where nothing was traced. */
  readonly traceparent: string | null;
}

interface MaterialRow {
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
  event_id: string;
  event_type: string;
  occurred_at: Date;
  traceparent: string | null;
  body: string;
  account: AccountRow;
  subscription: SubscriptionRow & { deleted_at: string | null };
}

/** Loads a delivery for an attempt; undefined when there is no such delivery. */
export async function loadAttemptMaterial(store: Store, deliveryId: string): Promise<AttemptMaterial | undefined> {
  const result = await store.pool.query<MaterialRow>({
    name: 'load-attempt-material',
    text: `
      SELECT d.id, d.created_at, d.state, d.run, d.attempts, d.last_status, d.state_reason, d.recorded_by,
             d.schedule_position, d.first_attempt_at, d.event_id, d.event_type, e.occurred_at, e.traceparent, b.body,
             to_jsonb(a) AS account, to_jsonb(s) AS subscription
      FROM deliveries d
      JOIN events e ON e.id = d.event_id
      JOIN event_bodies b ON b.event_id = d.event_id AND b.variant = d.body_variant
      JOIN accounts a ON a.id = d.account_id
      JOIN subscriptions s ON s.id = d.subscription_id
      WHERE d.id = $1`,
    values: [deliveryId],
  });
  const row = onlyRow(result);
  return (
    row && {
      account: toAccount(store, fromJson(row.account)),
      subscription: toSubscription(store, fromJson(row.subscription)),
      subscriptionDeleted: row.subscription.deleted_at !== null,
      event: { id: row.event_id, type: row.event_type, occurredAt: row.occurred_at },
      delivery: { id: row.id, createdAt: row.created_at },
      body: row.body,
      state: row.state,
      run: row.run,
      attempts: row.attempts,
      lastStatus: row.last_status,
      stateReason: row.state_reason,
      recordedBy: row.recorded_by,
      schedulePosition: row.schedule_position,
      firstAttemptAt: row.first_attempt_at,
      traceparent: row.traceparent,
    }
  );
}

/** How an attempt ended: accepted or refused by an answer, failed without one. */
export type AttemptOutcome = 'accepted' | 'refused' | 'failed';

/** What is kept of an attempt. */
export interface AttemptRecord {
  readonly deliveryId: string;
  readonly run: number;
  readonly number: number;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly outcome: AttemptOutcome;
  readonly status: number | null;
  /** One word for why it was not accepted, such as `timeout` or `status`. */
  readonly reason: string | null;
  readonly message: string | null;
  readonly url: string | null;
  /** As sent, secret values masked. */
  readonly requestHeaders: readonly RequestHeader[] | null;
  readonly responseHeaders: Readonly<Record<string, string>> | null;
  readonly responseExcerpt: string | null;
  readonly responseTruncated: boolean | null;
  /** The delivery's state after this attempt. */
  readonly state: DeliveryState;
  readonly stateReason: string | null;
  /** Whether the subscription takes no further events, for the reason of the state. */
  readonly disable: boolean;
  readonly nextAttemptAt: Date | null;
  readonly schedulePosition: number;
  /** The workflow run that made it. */
  readonly recordedBy: string;
}

/**
 * Records an attempt, its delivery's new state and what follows for the subscription in one statement. Numbers that no
 * worker lived to record become `interrupted` attempts; an attempt whose worker was only frozen replaces its own. Recording the same attempt twice
 * changes nothing, and an accepted one is never undone by a late failure. An accepted attempt ends a row of failures;
 * where there was none, it costs no write.
 */
export async function recordAttempt(store: Store, record: AttemptRecord): Promise<void> {
  await store.pool.query({
    name: 'record-attempt',
    text: `
      WITH interrupted AS (
        INSERT INTO attempts (delivery_id, number, run, started_at, outcome, reason, message)
        SELECT d.id, missing, $2, $4, 'interrupted', 'interrupted', 'the worker stopped before it could record this attempt'
        FROM deliveries d, generate_series(d.attempts + 1, $3::int - 1) AS missing
        WHERE d.id = $1
        ON CONFLICT DO NOTHING
      ), recorded AS (
        INSERT INTO attempts (delivery_id, run, number, started_at, duration_ms, outcome, status, reason, message, url,
                              request_headers, response_headers, response_excerpt, response_truncated)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT (delivery_id, number) DO UPDATE SET
          started_at = excluded.started_at, duration_ms = excluded.duration_ms, outcome = excluded.outcome,
          status = excluded.status, reason = excluded.reason, message = excluded.message, url = excluded.url,
          request_headers = excluded.request_headers, response_headers = excluded.response_headers,
          response_excerpt = excluded.response_excerpt, response_truncated = excluded.response_truncated
        WHERE attempts.outcome = 'interrupted'
      ), disabled AS (
        UPDATE subscriptions s SET enabled = false, disabled_reason = $16, updated_at = now()
        FROM deliveries d
        WHERE $20 AND d.id = $1 AND s.id = d.subscription_id AND s.enabled
        RETURNING s.id
      ), told AS (
        INSERT INTO operational_events (type, subscription_id, facts)
        SELECT '${Operation.disabled}', id, jsonb_build_object('reason', $16::text) FROM disabled
      ), recovered AS (
        UPDATE subscriptions s SET failing = NULL FROM deliveries d
        WHERE $6 = 'accepted' AND d.id = $1 AND s.id = d.subscription_id AND s.failing IS NOT NULL
      ), changed AS (
        UPDATE deliveries SET
          state = $15, state_reason = $16, next_attempt_at = $17, schedule_position = $18, recorded_by = $19,
          attempts = greatest(attempts, $3), last_status = $7, last_reason = $8, owned = true,
          first_attempt_at = coalesce(first_attempt_at, $4), updated_at = now(),
          settled_at = CASE WHEN $15 IN ('delivered', 'failed') THEN now() END
        WHERE id = $1 AND run = $2
          AND ($6 = 'accepted' OR $3 > attempts)
          AND (state <> 'delivered' OR recorded_by IS DISTINCT FROM $19)
        RETURNING *
      )
      ${noteExhausted('changed')}`,
    values: [
      record.deliveryId,
      record.run,
      record.number,
      record.startedAt,
      record.durationMs,
      record.outcome,
      record.status,
      record.reason,
      record.message,
      record.url,
      record.requestHeaders && JSON.stringify(record.requestHeaders),
      record.responseHeaders && JSON.stringify(record.responseHeaders),
      record.responseExcerpt,
      record.responseTruncated,
      record.state,
      record.stateReason,
      record.nextAttemptAt,
      record.schedulePosition,
      record.recordedBy,
      record.disable,
    ],
  });
}

/** An attempt as it is shown. */
export interface StoredAttempt {
  readonly number: number;
  readonly run: number;
  readonly startedAt: Date;
  readonly durationMs: number | null;
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
  const { rows } = await store.pool.query<StoredAttempt>(
    `SELECT number, run, started_at AS "startedAt", duration_ms AS "durationMs", outcome, status, reason, message, url,
            request_headers AS "requestHeaders", response_headers AS "responseHeaders",
            response_excerpt AS "responseExcerpt", response_truncated AS "responseTruncated"
     FROM attempts WHERE delivery_id = $1 ORDER BY number`,
    [deliveryId],
  );
  return rows;
}
