/** Recording attempts: what was done, the state of their deliveries, and what follows for their subscriptions. */
import type { RequestHeader } from '../../contract/types.js';
import type { Timings } from '../../egress/types.js';
import type { DeliveryState } from '../deliveries/deliveries.js';
import { recordExhausted, Operation } from '../events/operational-events.js';
import type { Store } from '../store.js';

/** How an attempt ended: accepted or refused by an answer, failed without one. */
export type AttemptOutcome = 'accepted' | 'refused' | 'failed';

/** What is kept of an attempt. */
export interface AttemptRecord {
  readonly deliveryId: string;
  readonly run: number;
  readonly number: number;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** Null where nothing was sent, or where the workflow had to record it, whose history has none. */
  readonly timings: Timings | null;
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
  /** The workflow id of the batch that made it; absent where the delivery's own workflow did. */
  readonly batch?: string;
}

/** Records one attempt; see {@link recordAttempts}. */
export function recordAttempt(store: Store, record: AttemptRecord): Promise<void> {
  return recordAttempts(store, [record]);
}

/**
 * Records attempts, at most one of each delivery, in one statement: all of them or none. Numbers that no worker lived to
 * record become `interrupted` attempts; an attempt whose worker was only frozen replaces its own. Recording the same
 * attempt twice changes nothing, and an accepted one is never undone by a late failure. An accepted attempt ends a row of
 * failures; where there was none, it costs no write. What a batch got accepted it no longer carries; the rest is without
 * an owner until it is handed over.
 */
export async function recordAttempts(store: Store, records: readonly AttemptRecord[]): Promise<void> {
  const ids = records.map(({ deliveryId }) => deliveryId);
  await store.pool.query({ name: 'record-attempts', text: STATEMENT, values: [JSON.stringify(records), ids] });
}

const STATEMENT = `
  WITH given AS MATERIALIZED (
    SELECT "deliveryId" AS delivery_id, run, number, "startedAt" AS started_at, "durationMs" AS duration_ms, outcome,
           status, reason, message, url, "requestHeaders" AS request_headers, "responseHeaders" AS response_headers,
           "responseExcerpt" AS response_excerpt, "responseTruncated" AS response_truncated, timings, state,
           "stateReason" AS state_reason, disable, "nextAttemptAt" AS next_attempt_at,
           "schedulePosition" AS schedule_position, "recordedBy" AS recorded_by, batch
    FROM json_to_recordset($1) AS record (
      "deliveryId" text, run integer, number integer, "startedAt" timestamptz, "durationMs" integer, outcome text,
      status integer, reason text, message text, url text, "requestHeaders" jsonb, "responseHeaders" jsonb,
      "responseExcerpt" text, "responseTruncated" boolean, timings jsonb, state text, "stateReason" text, disable boolean,
      "nextAttemptAt" timestamptz, "schedulePosition" integer, "recordedBy" text, batch text)
  ), former AS MATERIALIZED (
    -- Read once and by their ids, which tell the planner what partitions they are in.
    SELECT id, subscription_id, state, attempts FROM deliveries WHERE id = ANY($2)
  ), interrupted AS (
    INSERT INTO attempts (delivery_id, number, run, started_at, outcome, reason, message)
    SELECT d.id, missing, g.run, g.started_at, 'interrupted', 'interrupted',
           'the worker stopped before it could record this attempt'
    FROM given g JOIN former d ON d.id = g.delivery_id, generate_series(d.attempts + 1, g.number - 1) AS missing
    WHERE g.number > 1
    ON CONFLICT DO NOTHING
  ), recorded AS (
    INSERT INTO attempts (delivery_id, run, number, started_at, duration_ms, outcome, status, reason, message, url,
                          request_headers, response_headers, response_excerpt, response_truncated, timings)
    SELECT delivery_id, run, number, started_at, duration_ms, outcome, status, reason, message, url,
           request_headers, response_headers, response_excerpt, response_truncated, timings
    FROM given
    ON CONFLICT (delivery_id, number) DO UPDATE SET
      started_at = excluded.started_at, duration_ms = excluded.duration_ms, outcome = excluded.outcome,
      status = excluded.status, reason = excluded.reason, message = excluded.message, url = excluded.url,
      request_headers = excluded.request_headers, response_headers = excluded.response_headers,
      response_excerpt = excluded.response_excerpt, response_truncated = excluded.response_truncated,
      timings = excluded.timings
    WHERE attempts.outcome = 'interrupted'
  ), disabled AS (
    UPDATE subscriptions s SET enabled = false, disabled_reason = g.state_reason, updated_at = now()
    FROM given g JOIN former d ON d.id = g.delivery_id
    WHERE g.disable AND s.id = d.subscription_id AND s.enabled
    RETURNING s.id, s.disabled_reason
  ), told AS (
    INSERT INTO operational_events (type, subscription_id, facts)
    SELECT '${Operation.disabled}', id, jsonb_build_object('reason', disabled_reason) FROM disabled
  ), changed AS (
    UPDATE deliveries d SET
      state = g.state, state_reason = g.state_reason, next_attempt_at = g.next_attempt_at,
      schedule_position = g.schedule_position, recorded_by = g.recorded_by, attempts = greatest(d.attempts, g.number),
      last_status = g.status, last_reason = g.reason, owned = g.batch IS NULL OR g.state = 'delivered',
      batch_workflow_id = CASE WHEN g.state = 'delivered' THEN g.batch END,
      first_attempt_at = coalesce(d.first_attempt_at, g.started_at), updated_at = now(),
      settled_at = CASE WHEN g.state IN ('delivered', 'failed') THEN now() END
    FROM given g
    WHERE d.id = ANY($2) AND d.id = g.delivery_id AND d.run = g.run
      AND (g.outcome = 'accepted' OR g.number > d.attempts)
      AND (d.state <> 'delivered' OR d.recorded_by IS DISTINCT FROM g.recorded_by)
    RETURNING d.*
  ), recovered AS (
    UPDATE subscriptions s SET failing = NULL
    WHERE s.failing IS NOT NULL AND s.id IN (
      SELECT d.subscription_id FROM given g JOIN former d ON d.id = g.delivery_id WHERE g.outcome = 'accepted')
  ), carried AS (
    DELETE FROM claims c USING given g WHERE c.delivery_id = g.delivery_id AND g.batch IS NOT NULL AND g.state = 'delivered'
  )
  ${recordExhausted('changed', 'former')}`;
