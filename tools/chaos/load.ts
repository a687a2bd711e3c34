/** The callers of a run: they emit the planned events and repeat a request until it has its response. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ask, Reply } from './api-client.js';
import type { Plan, PlannedEvent, PlannedRequest } from './plan.js';

/** Callers at once. */
const CALLERS = 16;
/** Wait before a request without a response is repeated, in milliseconds; Retry-After would make the run longer only. */
const REPEAT_MS = 300;
/** How long a caller goes on repeating, in milliseconds. */
const GIVE_UP_MS = 180_000;

/** An event that the API has acknowledged. */
export interface Acknowledged {
  readonly planned: PlannedEvent;
  readonly eventId: string;
  readonly deliveryIds: readonly string[];
  /** The idempotency key of its request. */
  readonly key: string;
  /** When its request was sent for the first time, and when the response came; Unix times in milliseconds. */
  readonly sentAt: number;
  readonly acknowledgedAt: number;
}

/** What the callers saw. */
export interface LoadReport {
  /** Events sent at least once so far. */
  emitted: number;
  readonly acknowledged: Acknowledged[];
  /** Requests that got a 503 with Retry-After. */
  unavailable: number;
  /** Requests without a response: refused or broken connections, and those that were hung up on. */
  unanswered: number;
  /** Requests that stayed without any response for longer than anyone should wait. */
  hung: number;
  /** The slowest response, in milliseconds. */
  slowestMs: number;
  /** Responses that no caller should ever get, as text. */
  readonly unexpected: string[];
}

export function newLoadReport(): LoadReport {
  return { emitted: 0, acknowledged: [], unavailable: 0, unanswered: 0, hung: 0, slowestMs: 0, unexpected: [] };
}

/** Emits all events of the plan, spread over `seconds`; resolves when each request has its response or was given up. */
export async function emitAll(
  ask: Ask,
  accountId: string,
  plan: Plan,
  seconds: number,
  report: LoadReport,
): Promise<void> {
  const waiting = [...plan.requests];
  const began = Date.now();
  const caller = async (): Promise<void> => {
    for (let request = waiting.shift(); request; request = waiting.shift()) {
      const dueAt = began + (request.events[0]!.n / plan.events) * seconds * 1_000;
      await sleep(Math.max(dueAt - Date.now(), 0));
      report.emitted += request.events.length;
      await emit(ask, accountId, request, report);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

async function emit(ask: Ask, accountId: string, request: PlannedRequest, report: LoadReport): Promise<void> {
  const send = (hangsUpAfterMs?: number): Promise<Reply> =>
    ask('POST', `/v1/accounts/${accountId}/events`, bodyOf(request), {
      key: request.key,
      ...(hangsUpAfterMs === undefined ? {} : { hangsUpAfterMs }),
    });
  const sentAt = Date.now();
  if (request.hangsUpAfterMs !== null) await send(request.hangsUpAfterMs);
  const first = await retryUntilDone(send, report);
  if (first === undefined) return;
  acknowledge(request, first, report, { sentAt, acknowledgedAt: Date.now() });
  if (!request.repeated) return;
  const second = await retryUntilDone(send, report);
  if (second !== undefined && JSON.stringify(sorted(second)) !== JSON.stringify(sorted(first))) {
    report.unexpected.push(`${request.key} got a different response the second time`);
  }
}

/** Repeats a request until it is accepted. */
async function retryUntilDone(send: () => Promise<Reply>, report: LoadReport): Promise<unknown> {
  const end = Date.now() + GIVE_UP_MS;
  while (Date.now() < end) {
    const reply = await send();
    if (reply.kind === 'none') {
      report.unanswered += 1;
      if (reply.hung) report.hung += 1;
    } else {
      report.slowestMs = Math.max(report.slowestMs, Math.round(reply.tookMs));
      if (reply.status === 202) return reply.body;
      if (reply.status === 503 && reply.retryAfter !== null) report.unavailable += 1;
      else report.unexpected.push(`${reply.status} ${JSON.stringify(reply.body)}`);
    }
    await sleep(REPEAT_MS);
  }
  return undefined;
}

function bodyOf({ events, batch }: PlannedRequest): unknown {
  const each = events.map(({ n, kind, orderingKey }) => ({
    type: `chaos.${kind.replace('-', '_')}`,
    data: { n },
    ...(orderingKey === null ? {} : { orderingKey }),
  }));
  return batch ? { events: each } : each[0];
}

interface Accepted {
  readonly id: string;
  readonly deliveries: readonly { readonly id: string }[];
}

function acknowledge(
  { events, batch, key }: PlannedRequest,
  body: unknown,
  report: LoadReport,
  times: Pick<Acknowledged, 'sentAt' | 'acknowledgedAt'>,
): void {
  const results = batch ? (body as { results: Accepted[] }).results : [body as Accepted];
  events.forEach((planned, index) => {
    const result = results[index];
    if (result?.deliveries === undefined) {
      report.unexpected.push(`${key} was refused: ${JSON.stringify(result)}`);
      return;
    }
    const deliveryIds = result.deliveries.map(({ id }) => id);
    report.acknowledged.push({ planned, eventId: result.id, deliveryIds, key, ...times });
  });
}

/** The same value with its keys in order: a response that was stored as jsonb comes back in another order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
