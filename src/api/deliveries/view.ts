/** Deliveries as the API shows them. */
import { idTime } from '../../contract/ids.js';
import { deliveryWorkflowId } from '../../workflows/names.js';
import { findDelivery, type StoredDelivery } from '../../store/deliveries/deliveries.js';
import { findReceivers, type Receiver } from '../../store/subscriptions/find.js';
import type { ApiContext } from '../context.js';
import { canSee, type Principal } from '../../http/principal.js';
import { notFound } from '../../http/problem.js';
import { temporalUrl } from './temporal-url.js';

/** Finds a delivery. Throws a 404 when it does not exist or the caller may not see it. */
export async function mustFindDelivery(
  { store }: Pick<ApiContext, 'store'>,
  principal: Principal,
  id: string,
): Promise<StoredDelivery> {
  const delivery = await findDelivery(store, id);
  if (!delivery || !canSee(principal, delivery.accountId)) throw notFound('delivery');
  return delivery;
}

/** Deliveries for the caller, in the same order; one query loads all receivers. */
export async function showDeliveries(
  context: ApiContext,
  principal: Principal,
  deliveries: readonly StoredDelivery[],
): Promise<ReturnType<typeof showDelivery>[]> {
  const ids = new Set(deliveries.map(({ subscriptionId }) => subscriptionId));
  const receivers = await findReceivers(context.store, [...ids]);
  return deliveries.map((delivery) =>
    showDelivery(delivery, receivers.get(delivery.subscriptionId), context, principal),
  );
}

/** One delivery for the caller. */
export async function showOne(
  context: ApiContext,
  principal: Principal,
  delivery: StoredDelivery,
): Promise<ReturnType<typeof showDelivery>> {
  const [shown] = await showDeliveries(context, principal, [delivery]);
  return shown!;
}

/** A delivery for the caller; the receiver is absent only when its subscription has no row. */
export function showDelivery(
  delivery: StoredDelivery,
  receiver: Receiver | undefined,
  context: ApiContext,
  principal: Principal,
) {
  const { id, state, nextAttemptAt } = delivery;
  const workflowId = delivery.isDirect ? null : deliveryWorkflowId(id);
  return {
    id,
    eventId: delivery.eventId,
    accountId: delivery.accountId,
    accountName: receiver?.accountName ?? null,
    subscriptionId: delivery.subscriptionId,
    url: receiver?.url ?? null,
    provider: delivery.provider,
    type: delivery.eventType,
    state,
    stateReason: delivery.stateReason,
    attemptCount: delivery.attempts,
    redeliveries: delivery.run,
    lastStatus: delivery.lastStatus,
    lastReason: delivery.lastReason,
    nextAttemptAt: state === 'retrying' || state === 'pending' ? nextAttemptAt : null,
    deliverAt: delivery.deliverAt,
    expiresAt: delivery.expiresAt,
    supersedes: delivery.supersedeKey,
    priority: delivery.priority,
    orderingKey: delivery.orderingKey,
    blocked: delivery.isBlocked,
    waitsForBatch: delivery.isCollected,
    batchId: delivery.batchId,
    batchEvents: delivery.batchEvents,
    workflowId,
    temporalUrl: workflowId === null ? null : temporalUrl(context, principal, workflowId),
    // From the id, like the filters `from` and `to`.
    createdAt: idTime(id),
    updatedAt: delivery.updatedAt,
    settledAt: delivery.settledAt,
  };
}
