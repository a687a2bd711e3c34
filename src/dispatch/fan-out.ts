/** Accepting events: who gets them and what bodies they have. */
import { newId } from '../contract/ids.js';
import type { Event, Subscription } from '../contract/entities.js';
import { contractOf } from '../providers/registry.js';
import type { StoredAccount } from '../store/accounts/accounts.js';
import type { NewEvent } from '../store/events/events.js';
import type { Startable } from '../store/deliveries/delivery-starts.js';
import type { StoredSubscription } from '../store/subscriptions/subscriptions.js';
import { currentTraceparent } from '../telemetry/tracing.js';
import { CommitSize } from './commit-size.js';
import { deliveryWorkflowId } from '../workflows/names.js';

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

/**
 * Decides who of the enabled subscriptions gets an event and renders each different body once. Throws what the contract
 * throws for a bad payload, and CommitTooLarge.
 */
export function planEvent(
  account: StoredAccount,
  subscriptions: readonly StoredSubscription[],
  input: EventInput,
  size?: CommitSize,
): PlannedEvent {
  const event: Event = { ...input, id: newId('evt') };
  const enabled = subscriptions.filter((subscription) => subscription.enabled);
  const planned = planFor(account, contractOf(account.provider).select(event, enabled, account), event, size);
  return { ...planned, row: { ...planned.row, addressed: false } };
}

/** Plans an event for exactly these subscriptions, and for them alone. */
export function planFor(
  account: StoredAccount,
  receivers: readonly Subscription[],
  input: EventInput & { readonly id?: string },
  size = new CommitSize(),
): PlannedEvent {
  const contract = contractOf(account.provider);
  const event: Event = { id: newId('evt'), ...input };
  size.add(event.text);
  const bodies = new Map<string, string>();
  const planned = receivers.map((subscription) => {
    const bodyVariant = contract.bodyVariant(subscription);
    size.add();
    if (!bodies.has(bodyVariant)) {
      const body = contract.renderBody({ event, account, subscription });
      size.add(body);
      bodies.set(bodyVariant, body);
    }
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

/** Planned events that remember the trace that is under way. */
export function inCurrentTrace(planned: readonly PlannedEvent[]): readonly PlannedEvent[] {
  const traceparent = currentTraceparent();
  return traceparent === null ? planned : planned.map((event) => ({ ...event, row: { ...event.row, traceparent } }));
}
