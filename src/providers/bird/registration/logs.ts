/**
 * Logs of Bird's API: deliveries of the last seven days with one entry per request id, and all attempts of one entry.
 * https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions/webhook-subscription-logs
 */
import { idToUuid } from '../../../contract/ids.js';
import { page } from '../../../http/paging.js';
import { notFound } from '../../../http/problem.js';
import type { StoredAttempt } from '../../../store/attempts/attempts.js';
import type { DeliveryState } from '../../../store/deliveries/deliveries.js';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import type { DeliveryLogEntry, Registrar } from '../../registration.js';
import { EXECUTION_STATUSES, readLogQuery, readRequestId, type ExecutionStatus } from './input.js';

const RETENTION_MS = 7 * 24 * 3_600_000;

const STATES: Readonly<Record<ExecutionStatus, readonly DeliveryState[]>> = {
  succeeded: ['delivered'],
  failed: ['failed', 'cancelled'],
  pending: ['pending', 'retrying', 'paused'],
};

/** A page of the log, newest first. */
export async function listLog(registrar: Registrar, subscription: StoredSubscription, query: unknown) {
  const { limit, before, executionStatus } = readLogQuery(query);
  const entries = await registrar.log(subscription, {
    since: oldest(),
    limit: limit + 1,
    ...(before === undefined ? {} : { beforeId: before }),
    ...(executionStatus === undefined ? {} : { states: STATES[executionStatus] }),
  });
  const { data, nextCursor } = page(
    entries.map((entry) => ({ ...entry, id: entry.deliveryId })),
    limit,
    toEntry,
  );
  return { results: data, ...(nextCursor === null ? {} : { nextPageToken: nextCursor }) };
}

/** One log entry with all attempts. The format of the attempts is ours, because Bird's is not documented. */
export async function describeLog(registrar: Registrar, subscription: StoredSubscription, query: unknown) {
  const eventId = readRequestId(query);
  const [entry] = await registrar.log(subscription, { since: oldest(), limit: 1, eventId });
  if (!entry) throw notFound('request');
  const { body, attempts } = await registrar.attempts(entry.deliveryId);
  return { ...toEntry(entry), results: attempts.map((attempt) => toAttempt(attempt, body)) };
}

const oldest = (): Date => new Date(Date.now() - RETENTION_MS);

function toEntry({ eventId, attempts, lastStatus, state, createdAt }: DeliveryLogEntry) {
  return {
    requestId: idToUuid(eventId),
    attemptCount: attempts,
    ...statusOf(lastStatus),
    executionStatus: EXECUTION_STATUSES.find((status) => STATES[status].includes(state)),
    createdAt,
  };
}

function toAttempt({ number, url, status, outcome, message, responseExcerpt, startedAt }: StoredAttempt, body: string) {
  return {
    attempt: number,
    url,
    requestBody: body,
    ...statusOf(status),
    responseBody: responseExcerpt,
    executionStatus: (outcome === 'accepted' ? 'succeeded' : 'failed') satisfies ExecutionStatus,
    ...(message === null ? {} : { error: message }),
    createdAt: startedAt,
  };
}

/** Omitted until a response arrives, because the documented type has no value for that. */
function statusOf(status: number | null) {
  return status === null ? {} : { httpStatusCode: status };
}
