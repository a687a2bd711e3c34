/** Deliveries and attempts as people read them. */
import type { components } from '../client/index.js';
import { fields, span, table, when, type Cell } from './output.js';

type Delivery = components['schemas']['Delivery'];
type Attempt = components['schemas']['Attempt'];

/** A delivery's columns in a list. */
export const deliveryHeads = ['Delivery', 'Event type', 'State', 'Attempts', 'Last answer', 'Next attempt', 'Created'];

export function deliveryRow({ id, type, state, attemptCount, nextAttemptAt, createdAt, ...rest }: Delivery): Cell[] {
  return [id, type, state, attemptCount, lastAnswer(rest), when(nextAttemptAt), when(createdAt)];
}

/** A delivery's state on one line. */
export function deliveryLine(delivery: Delivery): string {
  const { id, type, state, stateReason, attemptCount, updatedAt, nextAttemptAt } = delivery;
  const attempts = attemptCount === 1 ? '1 attempt' : `${attemptCount} attempts`;
  const notes = [attempts, lastAnswer(delivery), stateReason, nextAttemptAt && `next at ${when(nextAttemptAt)}`];
  return `${when(updatedAt)}  ${id}  ${type}  ${state}  (${notes.filter((note) => note).join(', ')})`;
}

/** Everything about a delivery. */
export function deliveryText({ attempts, ...delivery }: Delivery & { attempts: readonly Attempt[] }): string {
  if (attempts.length === 0) return fields(delivery);
  const rows = attempts.map(({ number, run, startedAt, durationMs, outcome, status, reason, message }) => [
    ...[number, run, when(startedAt), durationMs === null ? null : span(durationMs)],
    ...[outcome, status ?? reason, message],
  ]);
  const heads = ['Attempt', 'Redelivery', 'Started', 'Took', 'Outcome', 'Answer', 'Message'];
  return `${fields(delivery)}\n\n${table(heads, rows)}${lastExcerpt(attempts)}`;
}

function lastAnswer({ lastStatus, lastReason }: Pick<Delivery, 'lastStatus' | 'lastReason'>): string | null {
  return lastStatus === null ? lastReason : String(lastStatus);
}

function lastExcerpt(attempts: readonly Attempt[]): string {
  const { responseExcerpt, responseTruncated } = attempts.at(-1) ?? {};
  return responseExcerpt ? `\n\nThe last answer${responseTruncated ? ', its beginning' : ''}:\n${responseExcerpt}` : '';
}
