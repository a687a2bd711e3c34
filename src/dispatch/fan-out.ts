/** Fans an event out: selects its subscriptions and renders its bodies. */
import { newId } from '../contract/ids.js';
import type { Event, Subscription } from '../contract/entities.js';
import { contractOf } from '../providers/registry.js';
import type { AttemptMaterial } from '../store/attempts/attempts.js';
import type { StoredAccount } from '../store/accounts/accounts.js';
import type { NewDelivery, NewEvent } from '../store/events/events.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import type { StoredSubscription } from '../store/subscriptions/subscriptions.js';
import { currentTraceparent } from '../telemetry/tracing.js';
import { CommitSize } from './commit-size.js';
import { deliveryWorkflowId } from '../workflows/names.js';

/** An event to accept; its payload is validated. */
export interface EventInput extends Omit<Event, 'id'> {
  /** Its deliveries are made after those of earlier events with the same key. */
  readonly orderingKey?: string;
}

/** An accepted event as the API returns it. */
export interface AcceptedEvent {
  readonly id: string;
  readonly type: string;
  readonly deliveries: readonly { readonly id: string; readonly subscriptionId: string; readonly workflowId: string }[];
}

/** A delivery to start after the commit, with what its first attempt needs. */
export interface PlannedDelivery extends DeliveryStart {
  readonly event: { readonly id: string; readonly type: string; readonly occurredAt: Date };
  readonly subscription: StoredSubscription;
  readonly body: string;
}

/** An event to commit, and its deliveries. */
export interface FanOut {
  readonly row: NewEvent;
  readonly deliveryStarts: readonly PlannedDelivery[];
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
  const selected: ReadonlySet<Subscription> = new Set(contractOf(account.provider).select(event, enabled, account));
  const receivers = enabled.filter((subscription) => selected.has(subscription));
  const { row, deliveryStarts } = fanOutTo(account, receivers, event, size);
  return { row: { ...row, addressed: false }, deliveryStarts };
}

/** Fans an event out to exactly these subscriptions. */
export function fanOutTo(
  account: StoredAccount,
  receivers: readonly StoredSubscription[],
  input: EventInput & { readonly id?: string },
  size = new CommitSize(),
): FanOut {
  const contract = contractOf(account.provider);
  const event: Event = { id: newId('evt'), ...input };
  size.add(event.text);
  const bodies = new Map<string, string>();
  const deliveries: NewDelivery[] = [];
  const deliveryStarts: PlannedDelivery[] = [];
  for (const subscription of receivers) {
    const bodyVariant = contract.bodyVariant(subscription);
    size.add();
    let body = bodies.get(bodyVariant);
    if (body === undefined) {
      body = contract.renderBody({ event, account, subscription });
      size.add(body);
      bodies.set(bodyVariant, body);
    }
    const deliveryId = newId('dlv');
    const subscriptionId = subscription.id;
    deliveries.push({ id: deliveryId, subscriptionId, bodyVariant });
    deliveryStarts.push({
      deliveryId,
      run: 0,
      account,
      subscriptionId,
      eventType: event.type,
      url: subscription.url,
      event,
      subscription,
      body,
    });
  }
  return {
    row: {
      event,
      accountId: account.id,
      provider: account.provider,
      addressed: true,
      bodies,
      deliveries,
      ...(input.orderingKey === undefined ? {} : { orderingKey: input.orderingKey }),
    },
    deliveryStarts,
  };
}

/** The deliveries that may be sent now. */
export function withoutBlocked(fanOuts: readonly FanOut[], blocked: ReadonlySet<string>): FanOut[] {
  return fanOuts.map(({ row, deliveryStarts }) => ({
    row,
    deliveryStarts: deliveryStarts.filter(({ deliveryId }) => !blocked.has(deliveryId)),
  }));
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

/** What the first attempt of a new delivery needs, as it would be loaded from the database. */
export function materialOf(
  { deliveryId, account, subscription, event, body }: PlannedDelivery,
  row: Pick<NewEvent, 'traceparent' | 'orderingKey'>,
): AttemptMaterial {
  return {
    account,
    subscription,
    subscriptionDeleted: false,
    event,
    delivery: { id: deliveryId, createdAt: new Date() },
    body,
    state: 'pending',
    run: 0,
    attempts: 0,
    lastStatus: null,
    stateReason: null,
    recordedBy: null,
    schedulePosition: null,
    firstAttemptAt: null,
    nextAttemptAt: null,
    isOrdered: row.orderingKey !== undefined,
    traceparent: row.traceparent ?? null,
  };
}
