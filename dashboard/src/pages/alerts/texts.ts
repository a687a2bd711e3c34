/** Words for alert rules and alerts. */
import type { Alert, AlertRule } from '../../api/shapes.js';

export const CONDITIONS: Readonly<Record<AlertRule['condition'], string>> = {
  subscription_failing: 'A subscription fails',
  subscription_disabled: 'A subscription was disabled because of its receiver',
  breaker_open: 'A circuit breaker is open',
  backlog_older_than: 'Due deliveries wait',
};

export const TARGETS: Readonly<Record<AlertRule['target']['kind'], string>> = {
  webhook: 'Signed webhook',
  slack: 'Slack, or a compatible program',
  mail: 'Mail',
  customer: 'Mail to the customer concerned',
};

/** Where the messages of a rule go. */
export function targetText({ target: { kind, url, to } }: AlertRule): string {
  const address = url ?? to;
  return address === undefined ? TARGETS[kind] : `${TARGETS[kind]}: ${address}`;
}

/** How far the newest message about an alert has come. */
export function messageText({ message, endMessage }: Alert): string {
  const newest = endMessage ?? message;
  if (!newest) return 'no message';
  if (newest.sentAt !== null) return 'sent';
  const state = newest.nextAttemptAt === null ? 'not sent' : 'waiting';
  return newest.lastError === null ? state : `${state}: ${newest.lastError}`;
}
