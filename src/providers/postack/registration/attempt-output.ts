/** MessageAttemptOut and the status of messages: svix-server, src/v1/endpoints/attempt.rs and src/core/types/mod.rs. */
import { isId } from '../../../contract/ids.js';
import { isMasked } from '../../../contract/mask.js';
import type {
  AttemptPosition,
  DeliveryLogFilter,
  LoggedAttempt,
  LoggedDelivery,
} from '../../../store/attempts/attempt-log.js';
import { messageId } from '../../../contract/message.js';
import { attemptId } from '../ids.js';

/** MessageStatus. */
const Status = { success: 0, pending: 1, fail: 2, sending: 3, canceled: 4 } as const;
type Status = (typeof Status)[keyof typeof Status];

export const STATUSES = Object.values(Status);
export const STATUS_CLASSES = [0, 100, 200, 300, 400, 500] as const;

const TEXTS: Readonly<Record<Status, string>> = {
  0: 'success',
  1: 'pending',
  2: 'fail',
  3: 'sending',
  4: 'canceled',
};

/** The position of an attempt by its id; undefined for what is none. */
export function readAttemptId(id: string): AttemptPosition | undefined {
  const [, suffix, digits] = /^atmpt_([0-9a-z]{26})([1-9a-z][0-9a-z]{0,4})$/.exec(id) ?? [];
  const deliveryId = `dlv_${suffix}`;
  return digits !== undefined && isId('dlv', deliveryId)
    ? { deliveryId, number: Number.parseInt(digits, 36) }
    : undefined;
}

/** The status of a message at an endpoint; without the newer ones, sending is pending and canceled is a failure. */
function deliveryStatus({ state, attempts }: Pick<LoggedDelivery, 'state' | 'attempts'>, expanded: boolean): Status {
  switch (state) {
    case 'delivered':
      return Status.success;
    case 'failed':
      return Status.fail;
    case 'cancelled':
      return expanded ? Status.canceled : Status.fail;
    default:
      return attempts > 0 && expanded ? Status.sending : Status.pending;
  }
}

export function statusFields(delivery: LoggedDelivery, expanded: boolean) {
  const status = deliveryStatus(delivery, expanded);
  const { nextAttemptAt } = delivery;
  return { status, statusText: TEXTS[status], ...(nextAttemptAt ? { nextAttempt: nextAttemptAt } : {}) };
}

/** Which deliveries have a status. */
export function statesOf(status: Status, expanded: boolean): Pick<DeliveryLogFilter, 'states' | 'attempted'> {
  switch (status) {
    case Status.success:
      return { states: ['delivered'] };
    case Status.fail:
      return { states: expanded ? ['failed'] : ['failed', 'cancelled'] };
    case Status.canceled:
      return { states: expanded ? ['cancelled'] : [] };
    case Status.sending:
      return { states: expanded ? ['pending', 'retrying', 'paused'] : [], attempted: true };
    case Status.pending:
      return { states: ['pending', 'retrying', 'paused'], ...(expanded ? { attempted: false } : {}) };
  }
}

/** An attempt for a response; without content its response is `{}`. */
export function attemptOut(attempt: LoggedAttempt, withContent: boolean) {
  const status = attempt.outcome === 'accepted' ? Status.success : Status.fail;
  const { url, responseExcerpt, message, durationMs, isRedelivery, eventId, reference, startedAt } = attempt;
  return {
    url: url ?? '',
    response: withContent ? (responseExcerpt ?? message ?? '') : '{}',
    responseStatusCode: attempt.status ?? 0,
    responseDurationMs: durationMs ?? 0,
    status,
    statusText: TEXTS[status],
    triggerType: isRedelivery ? 1 : 0,
    msgId: messageId(eventId),
    endpointId: reference,
    id: attemptId(attempt),
    timestamp: startedAt,
  };
}

/** The JSON text of an attempt, with the JSON text of its message if that is given. */
export function attemptText(attempt: LoggedAttempt, withContent: boolean, message: string | undefined): string {
  const text = JSON.stringify(attemptOut(attempt, withContent));
  return message === undefined ? text : `${text.slice(0, -1)},"msg":${message}}`;
}

/** MessageAttemptHeadersOut; values that are masked in the log are named as sensitive. */
export function headersOut({ requestHeaders, responseHeaders }: LoggedAttempt) {
  const sent = requestHeaders ?? [];
  return {
    sentHeaders: Object.fromEntries(
      sent.filter(({ value }) => !isMasked(value)).map(({ name, value }) => [name, value]),
    ),
    sensitive: sent.filter(({ value }) => isMasked(value)).map(({ name }) => name),
    responseHeaders: Object.entries(responseHeaders ?? {}),
  };
}
