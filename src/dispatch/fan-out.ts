/** Fans an event out: selects its subscriptions and renders its bodies. */
import { newId } from '../contract/ids.js';
import type { Event, Subscription } from '../contract/entities.js';
import { contractOf } from '../providers/registry.js';
import type { StoredAccount } from '../store/accounts/accounts.js';
import type { NewEvent } from '../store/events/events.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import type { StoredSubscription } from '../store/subscriptions/subscriptions.js';
import { currentTraceparent } from '../telemetry/tracing.js';
import { CommitSize } from './commit-size.js';
import { deliveryWorkflowId } from '../workflows/names.js';

/** An event to accept; its payload is validated. */
export type EventInput = Omit<Event, 'id'>;

/** An accepted event as the API returns it. */
export interface AcceptedEvent {
  readonly id: string;
  readonly type: string;
  readonly deliveries: readonly { readonly id: string; readonly subscriptionId: string; readonly workflowId: string }[];
}

/** An event to commit, and the deliveries to start after the commit. */
export interface FanOut {
  readonly row: NewEvent;
  readonly deliveryStarts: readonly DeliveryStart[];
}

/**
 * Selects the enabled subscriptions that receive an event, and renders each different body once. Throws what the contract
 * throws for an invalid payload, and CommitTooLarge.
 */
export function fanOut(
  account: StoredAccount,
  subscriptions: readonly StoredSubscription[],
  input: EventInput,
  size?: CommitSize,
): FanOut {
  const event: Event = { ...input, id: newId('evt') };
  const enabled = subscriptions.filter((subscription) => subscription.enabled);
  const receivers = contractOf(account.provider).select(event, enabled, account);
  const { row, deliveryStarts } = fanOutTo(account, receivers, event, size);
  return { row: { ...row, addressed: false }, deliveryStarts };
}

/** Fans an event out to exactly these subscriptions. */
export function fanOutTo(
  account: StoredAccount,
  receivers: readonly Subscription[],
  input: EventInput & { readonly id?: string },
  size = new CommitSize(),
): FanOut {
  const contract = contractOf(account.provider);
  const event: Event = { id: newId('evt'), ...input };
  size.add(event.text);
  const bodies = new Map<string, string>();
  const deliveries = receivers.map((subscription) => {
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
    row: { event, accountId: account.id, provider: account.provider, addressed: true, bodies, deliveries },
    deliveryStarts: deliveries.map(({ id, subscriptionId, url }) => ({
      deliveryId: id,
      run: 0,
      account,
      subscriptionId,
      eventType: event.type,
      url,
    })),
  };
}

/** A committed event as the API returns it. */
export function describe({ row: { event, deliveries } }: FanOut): AcceptedEvent {
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

/** Adds the current trace to the events. */
export function inCurrentTrace(fanOuts: readonly FanOut[]): readonly FanOut[] {
  const traceparent = currentTraceparent();
  return traceparent === null ? fanOuts : fanOuts.map((event) => ({ ...event, row: { ...event.row, traceparent } }));
}
