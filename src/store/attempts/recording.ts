/** Records attempts, with the state of their deliveries and changes of their subscriptions. */
import type { RequestHeader } from '../../contract/types.js';
import type { Timings } from '../../egress/types.js';
import type { DeliveryState } from '../deliveries/deliveries.js';
import { recordExhausted, recordProgress, Operation } from '../events/operational-events.js';
import { lockOrderingKeys } from '../deliveries/ordering.js';
import { sealAttempts } from '../payloads.js';
import { inTransaction, type Queryable, type Store } from '../store.js';

/** How an attempt ended: accepted or refused by a response, or failed without one. */
export type AttemptOutcome = 'accepted' | 'refused' | 'failed';

/** An attempt as it is stored, with the state of its delivery after it. */
export interface AttemptRow {
  readonly deliveryId: string;
  readonly run: number;
  readonly number: number;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** Null when nothing was sent, or when the workflow recorded it, which has no timings. */
  readonly timings: Timings | null;
  readonly outcome: AttemptOutcome;
  readonly status: number | null;
  /** Why it was not accepted, as one word such as `timeout` or `status`. */
  readonly reason: string | null;
  readonly message: string | null;
  readonly url: string | null;
  /** As sent, with secret values masked. */
  readonly requestHeaders: readonly RequestHeader[] | null;
  readonly responseHeaders: Readonly<Record<string, string>> | null;
  readonly responseExcerpt: string | null;
  readonly responseTruncated: boolean | null;
  /** The delivery's state after this attempt. */
  readonly state: DeliveryState;
  readonly stateReason: string | null;
  /** Whether it disables the subscription, with the state reason as its reason. */
  readonly disable: boolean;
  readonly nextAttemptAt: Date | null;
  readonly schedulePosition: number;
  /** The workflow run that made it. */
  readonly recordedBy: string;
  /** Whether its delivery has an ordering key; absent when it has none. */
  readonly isOrdered?: boolean;
  /** The sender that made it; absent when the delivery's own workflow did. */
  readonly sender?: string | undefined;
}

/** A worker that was only frozen replaces the attempt that was recorded as interrupted. */
const REPLACE_INTERRUPTED = `ON CONFLICT (delivery_id, number) DO UPDATE SET
      started_at = excluded.started_at, duration_ms = excluded.duration_ms, outcome = excluded.outcome,
      status = excluded.status, reason = excluded.reason, message = excluded.message, url = excluded.url,
      request_headers = excluded.request_headers, response_headers = excluded.response_headers,
      response_excerpt = excluded.response_excerpt, response_truncated = excluded.response_truncated,
      timings = excluded.timings, sealed = excluded.sealed
    WHERE attempts.outcome = 'interrupted'`;

/** Records one attempt; see {@link recordAttempts}. */
export function recordAttempt(store: Store, row: AttemptRow): Promise<void> {
  return recordAttempts(store, [row]);
}

/**
 * Records attempts, at most one of each delivery. Rejects when some of them are not recorded; then all are recorded again.
 *
 * - Missing numbers, whose worker died, become `interrupted` attempts. If that worker was only frozen, its late attempt
 *   replaces the interrupted one.
 * - Recording an attempt twice changes nothing, and a late failure never undoes an accepted attempt.
 * - An accepted attempt ends the subscription's series of failures; without one it costs no write.
 * - A superseded delivery stays cancelled unless the attempt was accepted.
 * - The end of an ordered delivery releases the next one of its key; the keys are locked before the deliveries.
 * - Of a sender, an accepted delivery needs no other owner; others have none until their workflow is started.
 */
export async function recordAttempts(store: Store, attempts: readonly AttemptRow[]): Promise<void> {
  const rows = sealAttempts(store, attempts);
  const ordered = rows.filter(({ isOrdered }) => isOrdered === true);
  if (ordered.length === 0) return record(store.pool, rows);
  const unordered = rows.filter(({ isOrdered }) => isOrdered !== true);
  if (unordered.length > 0) await record(store.pool, unordered);
  await inTransaction(store, async (client) => {
    await lockOrderingKeys(
      client,
      ordered.map(({ deliveryId }) => deliveryId),
    );
    await record(client, ordered);
  });
}

async function record(client: Queryable, rows: readonly AttemptRow[]): Promise<void> {
  const first = rows.filter(isAcceptedAtOnce);
  const others = rows.filter((row) => !isAcceptedAtOnce(row));
  if (first.length > 0) await execute(client, 'record-accepted-at-once', ACCEPTED_AT_ONCE, first);
  if (others.length > 0) await execute(client, 'record-attempts', STATEMENT, others);
}

/** Whether its statement needs only what most attempts need, which costs half as much. */
function isAcceptedAtOnce({ number, outcome, state, disable }: AttemptRow): boolean {
  return number === 1 && outcome === 'accepted' && state === 'delivered' && !disable;
}

async function execute(client: Queryable, name: string, text: string, rows: readonly AttemptRow[]): Promise<void> {
  const ids = rows.map(({ deliveryId }) => deliveryId);
  await client.query({ name, text, values: [JSON.stringify(rows), ids] });
}

const ACCEPTED_AT_ONCE = `
  WITH input AS MATERIALIZED (
    SELECT "deliveryId" AS delivery_id, run, "startedAt" AS started_at, "durationMs" AS duration_ms, status, url,
           "requestHeaders" AS request_headers, "responseHeaders" AS response_headers,
           "responseExcerpt" AS response_excerpt, "responseTruncated" AS response_truncated, timings, sealed,
           "schedulePosition" AS schedule_position, "recordedBy" AS recorded_by, sender
    FROM json_to_recordset($1) AS record (
      "deliveryId" text, run integer, "startedAt" timestamptz, "durationMs" integer, status integer, url text,
      "requestHeaders" jsonb, "responseHeaders" jsonb, "responseExcerpt" text, "responseTruncated" boolean, timings jsonb, sealed bytea,
      "schedulePosition" integer, "recordedBy" text, sender text)
  ), recorded AS (
    INSERT INTO attempts (delivery_id, run, number, started_at, duration_ms, outcome, status, url, request_headers,
                          response_headers, response_excerpt, response_truncated, timings, sealed)
    SELECT delivery_id, run, 1, started_at, duration_ms, 'accepted', status, url, request_headers, response_headers,
           response_excerpt, response_truncated, timings, sealed
    FROM input
    ${REPLACE_INTERRUPTED}
  ), changed AS (
    UPDATE deliveries d SET
      state = 'delivered', state_reason = NULL, next_attempt_at = NULL, schedule_position = i.schedule_position,
      recorded_by = i.recorded_by, attempts = greatest(d.attempts, 1), last_status = i.status, last_reason = NULL,
      owned = true, sender_id = i.sender, first_attempt_at = coalesce(d.first_attempt_at, i.started_at),
      updated_at = now(), settled_at = now()
    FROM input i
    WHERE d.id = ANY($2) AND d.id = i.delivery_id AND d.run = i.run
      AND (d.state <> 'delivered' OR d.recorded_by IS DISTINCT FROM i.recorded_by)
    RETURNING d.subscription_id
  )
  UPDATE subscriptions SET failing = NULL
  WHERE failing IS NOT NULL AND id IN (SELECT subscription_id FROM changed)`;

/** SQL condition: the delivery `d` was superseded by a newer event during the attempt of the input `i`. */
const SUPERSEDED = `d.state = 'cancelled' AND d.supersede_key IS NOT NULL AND i.outcome <> 'accepted'`;

const STATEMENT = `
  WITH input AS MATERIALIZED (
    SELECT "deliveryId" AS delivery_id, run, number, "startedAt" AS started_at, "durationMs" AS duration_ms, outcome,
           status, reason, message, url, "requestHeaders" AS request_headers, "responseHeaders" AS response_headers,
           "responseExcerpt" AS response_excerpt, "responseTruncated" AS response_truncated, timings, sealed, state,
           "stateReason" AS state_reason, disable, "nextAttemptAt" AS next_attempt_at,
           "schedulePosition" AS schedule_position, "recordedBy" AS recorded_by, sender
    FROM json_to_recordset($1) AS record (
      "deliveryId" text, run integer, number integer, "startedAt" timestamptz, "durationMs" integer, outcome text,
      status integer, reason text, message text, url text, "requestHeaders" jsonb, "responseHeaders" jsonb,
      "responseExcerpt" text, "responseTruncated" boolean, timings jsonb, sealed bytea, state text, "stateReason" text, disable boolean,
      "nextAttemptAt" timestamptz, "schedulePosition" integer, "recordedBy" text, sender text)
  ), former AS MATERIALIZED (
    -- Read once by id, so that the planner reads the partitions of these ids only.
    SELECT id, subscription_id, state, attempts FROM deliveries WHERE id = ANY($2)
  ), interrupted AS (
    INSERT INTO attempts (delivery_id, number, run, started_at, outcome, reason, message)
    SELECT d.id, missing, i.run, i.started_at, 'interrupted', 'interrupted',
           'the worker stopped before it could record this attempt'
    FROM input i JOIN former d ON d.id = i.delivery_id, generate_series(d.attempts + 1, i.number - 1) AS missing
    WHERE i.number > 1
    ON CONFLICT DO NOTHING
  ), recorded AS (
    INSERT INTO attempts (delivery_id, run, number, started_at, duration_ms, outcome, status, reason, message, url,
                          request_headers, response_headers, response_excerpt, response_truncated, timings, sealed)
    SELECT delivery_id, run, number, started_at, duration_ms, outcome, status, reason, message, url,
           request_headers, response_headers, response_excerpt, response_truncated, timings, sealed
    FROM input
    ${REPLACE_INTERRUPTED}
  ), disabled AS (
    UPDATE subscriptions s SET enabled = false, disabled_reason = i.state_reason, updated_at = now()
    FROM input i JOIN former d ON d.id = i.delivery_id
    WHERE i.disable AND s.id = d.subscription_id AND s.enabled
    RETURNING s.id, s.disabled_reason
  ), notified AS (
    INSERT INTO operational_events (type, subscription_id, facts)
    SELECT '${Operation.disabled}', id, jsonb_build_object('reason', disabled_reason) FROM disabled
  ), changed AS (
    UPDATE deliveries d SET
      state = CASE WHEN ${SUPERSEDED} THEN d.state ELSE i.state END,
      state_reason = CASE WHEN ${SUPERSEDED} THEN d.state_reason ELSE i.state_reason END,
      next_attempt_at = CASE WHEN ${SUPERSEDED} THEN NULL ELSE i.next_attempt_at END,
      schedule_position = i.schedule_position, recorded_by = i.recorded_by, attempts = greatest(d.attempts, i.number),
      last_status = i.status, last_reason = i.reason, owned = i.sender IS NULL OR i.state = 'delivered',
      sender_id = i.sender,
      first_attempt_at = coalesce(d.first_attempt_at, i.started_at), updated_at = now(),
      settled_at = CASE WHEN i.state IN ('delivered', 'failed') OR ${SUPERSEDED} THEN now() END
    FROM input i
    WHERE d.id = ANY($2) AND d.id = i.delivery_id AND d.run = i.run
      AND (i.outcome = 'accepted' OR i.number > d.attempts)
      AND (d.state <> 'delivered' OR d.recorded_by IS DISTINCT FROM i.recorded_by)
    RETURNING d.*
  ), recovered AS (
    UPDATE subscriptions s SET failing = NULL
    WHERE s.failing IS NOT NULL AND s.id IN (
      SELECT d.subscription_id FROM input i JOIN former d ON d.id = i.delivery_id WHERE i.outcome = 'accepted')
  ), progress AS (${recordProgress('changed', 'former')})
  ${recordExhausted('changed', 'former')}`;

/** Attempts that were lost with their worker: up to a number of attempts or, when that is unknown, up to a position. */
export interface LostAttempts {
  readonly deliveryId: string;
  readonly run: number;
  /** The position of the last of them in the schedule; absent when they used no position. */
  readonly lostUpTo?: number;
  /** The delivery's attempts including the lost ones. */
  readonly attemptsUpTo?: number;
}

/**
 * Records the lost attempts of an open delivery as interrupted. Idempotent, as their number and position are recorded with
 * them. If the worker was only frozen, its late attempt replaces the interrupted one.
 */
export async function recordInterrupted(
  store: Store,
  { deliveryId, run, lostUpTo, attemptsUpTo }: LostAttempts,
): Promise<void> {
  await store.pool.query(
    `WITH open AS (
       SELECT id, attempts, lost
       FROM deliveries, greatest(coalesce($4::integer - attempts, $3::integer - coalesce(schedule_position, -1)), 0) AS lost
       WHERE id = $1 AND run = $2 AND state IN ('pending', 'retrying', 'paused')
     ), recorded AS (
       INSERT INTO attempts (delivery_id, number, run, started_at, outcome, reason, message)
       SELECT id, attempts + n, $2, now(), 'interrupted', 'interrupted',
              'the worker stopped before it could record this attempt'
       FROM open, generate_series(1, lost) AS n
       ON CONFLICT DO NOTHING
     )
     UPDATE deliveries d
     SET attempts = d.attempts + lost, schedule_position = coalesce($3::integer, schedule_position), last_status = NULL, last_reason = 'interrupted',
       first_attempt_at = coalesce(first_attempt_at, now()), updated_at = now()
     FROM open WHERE d.id = $1 AND d.id = open.id AND lost > 0`,
    [deliveryId, run, lostUpTo, attemptsUpTo],
  );
}
