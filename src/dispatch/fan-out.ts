/** Fans an event out: selects its subscriptions and renders its bodies. */
import { isOpen } from '../contract/breaker.js';
import { receiversFor, type CallbackChoice, type CallbackReceivers } from '../contract/callbacks.js';
import type { DeliveryPolicy } from '../contract/delivery-policy.js';
import { newId } from '../contract/ids.js';
import type { Event, Subscription } from '../contract/entities.js';
import type { EventTiming } from '../contract/timing.js';
import type { AnyContract } from '../contract/types.js';
import { contractOf } from '../providers/registry.js';
import type { AttemptMaterial } from '../store/attempts/attempts.js';
import type { StoredAccount } from '../store/accounts/accounts.js';
import type { NewMessage } from '../store/messages/messages.js';
import type { EventDetails, NewDelivery, NewEvent } from '../store/events/events.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import type { StoredSubscription } from '../store/subscriptions/subscriptions.js';
import { currentTraceparent } from '../telemetry/tracing.js';
import { CommitSize } from './commit-size.js';
import { deliveryWorkflowId } from '../workflows/names.js';
import { withoutFiltered } from './payload/filter.js';
import { transformedVariant, type PendingBody } from './payload/transform-bodies.js';
import { ACCOUNT_PAUSED, BREAKER_OPEN, SUBSCRIPTION_PAUSED } from '../workflows/types.js';

/** An event to accept; its payload and times are validated. */
export interface EventInput extends Omit<Event, 'id'> {
  readonly timing?: EventTiming | undefined;
  /** The only subscription that it is for; all that receive it when absent. */
  readonly subscriptionId?: string;
  /** The policy of its event type; absent or null without one. */
  readonly eventTypePolicy?: DeliveryPolicy | null;
  /** Its deliveries are made after those of earlier events with the same key. */
  readonly orderingKey?: string;
  /** What its sender said of it beside its payload. */
  readonly details?: EventDetails;
  /** What it says of the callbacks of its deliveries; absent for what its subscriptions say. */
  readonly callbacks?: CallbackChoice;
  /** Whether it is a test event, which waits for no others. */
  readonly isTest?: boolean;
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
  /** Why the body could not be made; absent when it was. */
  readonly bodyError?: string;
}

/** An event to commit, and its deliveries. Those that wait because of a pause or a breaker are committed, but not started. */
export interface FanOut {
  readonly row: NewEvent;
  readonly deliveryStarts: readonly PlannedDelivery[];
  /** Bodies that `transformBodies` must make before the commit; absent without transformations. */
  readonly pendingBodies?: readonly PendingBody[];
}

/**
 * Selects the enabled subscriptions that receive an event, and renders each different body once, except bodies with a
 * transformation, which are pending. Throws what the contract throws for an invalid payload, and CommitTooLarge.
 */
export function fanOut(
  account: StoredAccount,
  subscriptions: readonly StoredSubscription[],
  input: EventInput,
  size?: CommitSize,
): FanOut {
  const event = { ...input, id: newId('evt') };
  const enabled = subscriptions.filter((subscription) => subscription.enabled);
  const { row, ...rest } = fanOutTo(account, selectReceivers(account, enabled, event), event, size);
  return { row: { ...row, addressed: false }, ...rest };
}

/** Those of an account's enabled subscriptions that receive an event: by its contract, and by their filters. */
export function selectReceivers(
  account: StoredAccount,
  enabled: readonly StoredSubscription[],
  event: Event,
): readonly StoredSubscription[] {
  const selected: ReadonlySet<Subscription> = new Set(contractOf(account.provider).select(event, enabled, account));
  return withoutFiltered(
    enabled.filter((subscription) => selected.has(subscription)),
    event,
  );
}

/** Fans an event out to exactly these subscriptions. */
export function fanOutTo(
  account: StoredAccount,
  receivers: readonly StoredSubscription[],
  input: EventInput & { readonly id?: string },
  size = new CommitSize(),
): FanOut {
  const contract = contractOf(account.provider);
  const event = { id: newId('evt'), ...input };
  const { timing, eventTypePolicy } = input;
  const timedStart = timing && timedStartOf(timing);
  size.add(event.text);
  const bodies = new Map<string, string>();
  let pendingBodies: PendingBody[] | undefined;
  const deliveries: NewDelivery[] = [];
  const deliveryStarts: PlannedDelivery[] = [];
  let messages: NewMessage[] | undefined;
  for (const subscription of receivers) {
    const { transformation } = subscription;
    const bodyVariant = transformedVariant(contract.bodyVariant(subscription), transformation);
    size.add();
    let body = bodies.get(bodyVariant);
    if (body === undefined) {
      if (transformation === null) {
        body = contract.renderBody({ event, account, subscription });
        size.add(body);
      } else {
        body = '';
        const isBatch = contract.batching?.limitsOf(subscription.options) !== undefined;
        (pendingBodies ??= []).push({ bodyVariant, event, account, expression: transformation, isBatch });
      }
      bodies.set(bodyVariant, body);
    }
    const subscriptionId = subscription.id;
    if (contract.polling?.isPolled(subscription.options)) {
      (messages ??= []).push({ subscriptionId, bodyVariant });
      continue;
    }
    const delivery = newDelivery(account, subscription, event, bodyVariant);
    deliveries.push(delivery);
    if (delivery.batch || delivery.pausedFor !== undefined) continue;
    const start: PlannedDelivery = {
      deliveryId: delivery.id,
      run: 0,
      account,
      subscriptionId,
      eventType: event.type,
      url: subscription.url,
      subscriptionPolicy: subscription.policy,
      eventTypePolicy,
      event,
      subscription,
      body,
    };
    deliveryStarts.push(timedStart ? { ...start, ...timedStart } : start);
  }
  return {
    row: {
      event,
      accountId: account.id,
      provider: account.provider,
      addressed: true,
      bodies,
      deliveries,
      timing,
      ...(messages && { messages }),
      ...(input.orderingKey === undefined ? {} : { orderingKey: input.orderingKey }),
      ...(input.details && { details: input.details }),
    },
    deliveryStarts,
    ...(pendingBodies ? { pendingBodies } : {}),
  };
}

/** Who gets the callbacks of a delivery; undefined for no one. */
function callbacksOf(
  { callbacks }: AnyContract,
  { options }: StoredSubscription,
  event: Pick<EventInput, 'type' | 'callbacks'>,
): CallbackReceivers | undefined {
  return callbacks && receiversFor(event.type, event.callbacks, callbacks.receiversOf(options));
}

/** A delivery to commit; it may wait for others, or because of a pause. */
function newDelivery(
  account: StoredAccount,
  subscription: StoredSubscription,
  event: EventInput,
  bodyVariant: string,
): NewDelivery {
  const contract = contractOf(account.provider);
  const { timing, isTest = false } = event;
  const callbacks = callbacksOf(contract, subscription, event);
  // Its own times hold for it, not for others.
  const isAlone = isTest || timing?.deliverAt !== undefined || timing?.expiresAt !== undefined;
  const batch = isAlone ? undefined : contract.batching?.limitsOf(subscription.options);
  // A pause keeps its batch, and a delivery that expires waits in a workflow, which ends it in time.
  const pausedFor = batch || timing?.expiresAt ? undefined : waitOf(account, subscription);
  return {
    id: newId('dlv'),
    subscriptionId: subscription.id,
    bodyVariant,
    ...(batch && { batch }),
    ...(pausedFor && { pausedFor }),
    ...(callbacks && { callbacks }),
  };
}

/** The deliveries that may be sent now. */
export function withoutBlocked(fanOuts: readonly FanOut[], blocked: ReadonlySet<string>): FanOut[] {
  return fanOuts.map((fanOut) => ({
    ...fanOut,
    deliveryStarts: fanOut.deliveryStarts.filter(({ deliveryId }) => !blocked.has(deliveryId)),
  }));
}

/** What the start of a delivery says of its times and priority. */
function timedStartOf({
  deliverAt,
  expiresAt,
  priority,
}: EventTiming): Pick<DeliveryStart, 'resumeFrom' | 'expiresAt' | 'priority'> {
  return {
    ...(priority ? { priority } : {}),
    ...(expiresAt ? { expiresAt } : {}),
    ...(deliverAt ? { resumeFrom: { kind: 'scheduled', position: 0, at: deliverAt.getTime() } } : {}),
  };
}

/** Why deliveries to a subscription wait until they are resumed, as their state reason; undefined while they do not. */
export function pauseOf(
  account: Pick<StoredAccount, 'pausedAt'>,
  subscription: Pick<StoredSubscription, 'pausedAt'>,
): string | undefined {
  if (subscription.pausedAt) return SUBSCRIPTION_PAUSED;
  return account.pausedAt ? ACCOUNT_PAUSED : undefined;
}

/** Why new deliveries to a subscription wait, as their state reason; undefined while they do not. */
function waitOf(
  account: Pick<StoredAccount, 'pausedAt'>,
  subscription: Pick<StoredSubscription, 'pausedAt' | 'breaker'>,
): string | undefined {
  return pauseOf(account, subscription) ?? (isOpen(subscription.breaker) ? BREAKER_OPEN : undefined);
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
  { deliveryId, account, subscription, event, body, bodyError, priority = 'normal', eventTypePolicy }: PlannedDelivery,
  row: Pick<NewEvent, 'traceparent' | 'orderingKey'>,
): AttemptMaterial {
  return {
    account,
    subscription,
    subscriptionDeleted: false,
    event,
    delivery: { id: deliveryId, createdAt: new Date() },
    body,
    bodyError: bodyError ?? null,
    state: 'pending',
    run: 0,
    attempts: 0,
    lastStatus: null,
    stateReason: null,
    recordedBy: null,
    schedulePosition: null,
    firstAttemptAt: null,
    nextAttemptAt: null,
    // A sender makes no attempts of deliveries with these.
    deliverAt: null,
    expiresAt: null,
    supersedeKey: null,
    priority,
    eventTypePolicy,
    isOrdered: row.orderingKey !== undefined,
    traceparent: row.traceparent ?? null,
  };
}
