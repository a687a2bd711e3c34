/** Deliveries and attempts as people read them. */
import type { components, paths } from '../client/index.js';
import { outcomeText } from '../client/outcome-text.js';
import { fields, span, table, when, type Cell } from './output.js';
import type { Paint, Style } from './terminal.js';

type Delivery = components['schemas']['Delivery'];
type DeliveryDetail = paths['/v1/deliveries/{id}']['get']['responses'][200]['content']['application/json'];
type Attempt = DeliveryDetail['attempts'][number];

/** A delivery's columns in a list. */
export const deliveryHeads = [
  'Delivery',
  'Event type',
  'State',
  'Attempts',
  'Last response',
  'Next attempt',
  'Created',
  'Receiver',
  'Account',
];

export function deliveryRow(delivery: Delivery, paint: Paint): Cell[] {
  const { id, type, state, attemptCount, nextAttemptAt, createdAt, url, accountName } = delivery;
  const times = [when(nextAttemptAt), when(createdAt)];
  const shown = paint(STATE_STYLES[state], state);
  return [id, type, shown, attemptCount, lastResponse(delivery), ...times, url, accountName];
}

const STATE_STYLES: Readonly<Record<Delivery['state'], Style>> = {
  pending: 'dim',
  retrying: 'yellow',
  paused: 'dim',
  delivered: 'green',
  failed: 'red',
  cancelled: 'dim',
};

/** A delivery's state on one line. */
export function deliveryLine(delivery: Delivery, paint: Paint): string {
  const { id, type, state, stateReason, attemptCount, updatedAt, nextAttemptAt } = delivery;
  const attempts = attemptCount === 1 ? '1 attempt' : `${attemptCount} attempts`;
  const notes = [attempts, lastResponse(delivery), stateReason, nextAttemptAt && `next at ${when(nextAttemptAt)}`];
  return `${when(updatedAt)}  ${id}  ${type}  ${paint(STATE_STYLES[state], state)}  (${notes.filter((note) => note).join(', ')})`;
}

/** Everything about a delivery: its facts, attempts, attempts to come and last response. */
export function deliveryText({ attempts, schedule, workflow: _, ...delivery }: DeliveryDetail): string {
  const made = attempts.map(({ number, run, startedAt, durationMs, outcome, status, reason, message }) => [
    ...[number, run, when(startedAt), durationMs === null ? null : span(durationMs)],
    ...[outcomeText({ outcome, status, reason }), message],
  ]);
  const toCome = schedule.map(({ at, waitMs }) => [when(at), `${span(waitMs)} after the attempt before`]);
  return [
    fields(delivery),
    ...(made.length > 0 ? [table(['Attempt', 'Redelivery', 'Started', 'Took', 'Outcome', 'Message'], made)] : []),
    ...(toCome.length > 0 ? [table(['To come', 'Unless accepted before'], toCome)] : []),
    ...lastExcerpt(attempts),
  ].join('\n\n');
}

function lastResponse({ lastStatus, lastReason }: Pick<Delivery, 'lastStatus' | 'lastReason'>): string | null {
  if (lastStatus === null && lastReason === null) return null;
  return outcomeText({ status: lastStatus, reason: lastReason });
}

function lastExcerpt(attempts: readonly Attempt[]): string[] {
  const { responseExcerpt, responseTruncated } = attempts.at(-1) ?? {};
  return responseExcerpt ? [`The last response${responseTruncated ? ' (truncated)' : ''}:\n${responseExcerpt}`] : [];
}
