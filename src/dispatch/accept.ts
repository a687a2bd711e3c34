/** Accepting events: who gets them, what bodies they have, and the commit that makes them safe. */
import { newId } from '../contract/ids.js';
import type { Event, Subscription } from '../contract/types.js';
import { contractOf } from '../providers/index.js';
import type { StoredAccount } from '../store/accounts.js';
import { insertEvents, type Lane, type NewEvent } from '../store/events.js';
import { claimKey, findAnswer, type IdempotentAnswer } from '../store/idempotency.js';
import type { Startable } from '../store/startables.js';
import { inTransaction, type Store } from '../store/store.js';
import { enabledSubscriptions, type StoredSubscription } from '../store/subscriptions.js';
import { currentTraceparent } from '../telemetry/tracing.js';
import { deliveryWorkflowId } from './names.js';

/** An event to accept; its payload has been checked. */
export type EventInput = Omit<Event, 'id'>;

/** What the caller is told about an accepted event. */
export interface AcceptedEvent {
  readonly id: string;
  readonly type: string;
  readonly deliveries: readonly { readonly id: string; readonly subscriptionId: string; readonly workflowId: string }[];
}

/** An event ready to be committed, and the deliveries to start once it is. */
export interface PlannedEvent {
  readonly row: NewEvent;
  readonly startables: readonly Startable[];
}

/** Decides who gets an event and renders each different body once. Throws what the contract throws for a bad payload. */
export function planEvent(
  account: StoredAccount,
  subscriptions: readonly StoredSubscription[],
  input: EventInput,
): PlannedEvent {
  const event: Event = { ...input, id: newId('evt') };
  const planned = planFor(account, contractOf(account.provider).select(event, subscriptions, account), event);
  return { ...planned, row: { ...planned.row, addressed: false } };
}

/** Plans an event for exactly these subscriptions, and for them alone. */
export function planFor(
  account: StoredAccount,
  receivers: readonly Subscription[],
  input: EventInput & { readonly id?: string },
): PlannedEvent {
  const contract = contractOf(account.provider);
  const event: Event = { id: newId('evt'), ...input };
  const bodies = new Map<string, string>();
  const planned = receivers.map((subscription) => {
    const bodyVariant = contract.bodyVariant(subscription);
    if (!bodies.has(bodyVariant)) bodies.set(bodyVariant, contract.renderBody({ event, account, subscription }));
    return { id: newId('dlv'), subscriptionId: subscription.id, bodyVariant, url: subscription.url };
  });
  return {
    row: { event, accountId: account.id, provider: account.provider, addressed: true, bodies, deliveries: planned },
    startables: planned.map(({ id, subscriptionId, url }) => ({
      deliveryId: id,
      run: 0,
      account,
      subscriptionId,
      eventType: event.type,
      url,
    })),
  };
}

/** What the caller is told about a planned event once it is committed. */
export function describe({ row: { event, deliveries } }: PlannedEvent): AcceptedEvent {
  return {
    id: event.id,
    type: event.type,
    deliveries: deliveries.map(({ id, subscriptionId }) => ({
      id,
      subscriptionId,
      workflowId: deliveryWorkflowId(id),
    })),
  };
}

/** A request that was answered before; `fingerprint` tells whether it was this one. */
export class AnsweredBefore extends Error {
  constructor(readonly first: IdempotentAnswer) {
    super('answered before');
  }
}

/** Planned events that remember the trace that is under way. */
export function inCurrentTrace(planned: readonly PlannedEvent[]): readonly PlannedEvent[] {
  const traceparent = currentTraceparent();
  return traceparent === null ? planned : planned.map((event) => ({ ...event, row: { ...event.row, traceparent } }));
}

/** A request that is to be answered once, and how. */
export interface Once {
  readonly accountId: string;
  readonly key: string;
  readonly answer: IdempotentAnswer;
}

/** Commits planned events: all of them or none. Throws AnsweredBefore when their request had its answer. */
export async function commitOnce(
  store: Store,
  planned: readonly PlannedEvent[],
  { accountId, key, answer }: Once,
  lane: Lane,
): Promise<void> {
  const rows = planned.map(({ row }) => row);
  await inTransaction(store, async (client) => {
    if (!(await claimKey(client, accountId, key, answer))) {
      // On this connection: were each request to wait for another one, many repetitions at once would wait forever.
      const first = await findAnswer(store, accountId, key, client);
      if (!first) throw new Error('the idempotency key was forgotten meanwhile');
      throw new AnsweredBefore(first);
    }
    if (rows.length > 0) await insertEvents(client, rows, lane);
  });
}

/** The subscriptions among which events of an account are matched. */
export function candidates(store: Store, account: StoredAccount): Promise<StoredSubscription[]> {
  return enabledSubscriptions(store, account.id);
}
