/** The same command for many deliveries. */
import type { Client } from '@temporalio/client';
import { deliveryRules } from '../../contract/delivery-rules.js';
import { inChunks } from '../../lib/in-chunks.js';
import { contractOf } from '../../providers/registry.js';
import { findMatching, type BulkFilter } from '../../store/deliveries/bulk.js';
import { loadDeliveryStarts } from '../../store/deliveries/delivery-starts.js';
import { reopenFinished, type WaitingDelivery } from '../../store/recovery/finished.js';
import type { Store } from '../../store/store.js';
import { openDeliveries } from '../../store/subscriptions/waiting.js';
import type { Dispatcher } from '../dispatcher.js';
import { retryWaiting } from '../recovery/retry-waiting.js';
import { sendCommand, type Command, type CommandContext } from './commands.js';

/** Commands in flight at once. */
const CONCURRENCY = 50;
/** Deliveries that one call of {@link cancelWaiting} cancels. */
const MAX_CANCELLED = 1_000;

export interface BulkContext {
  readonly store: Store;
  readonly client: Client;
  readonly dispatcher: Dispatcher;
}

/** The result of one call. */
export interface BulkResult {
  readonly matched: number;
  readonly done: number;
  /** Deliveries that had changed in the meantime. */
  readonly refused: number;
  /** Where the next call continues; null when no delivery remains. */
  readonly lastId: string | null;
}

/** Redelivers finished deliveries, the oldest first and at most `limit`. The sweep starts those that are not started now. */
export async function redeliverMatching(
  { store, dispatcher }: BulkContext,
  filter: BulkFilter,
  limit: number,
): Promise<BulkResult> {
  return applyToMatching(store, filter, limit, async (deliveries) => {
    const ids = await reopenFinished(store, deliveries, filter.states);
    dispatcher.dispatch((await loadDeliveryStarts(store, ids)).filter(({ state }) => state === 'pending'));
    return ids.length;
  });
}

/** Makes an extra attempt of waiting deliveries now, the oldest first and at most `limit`. */
export async function retryMatching(context: BulkContext, filter: BulkFilter, limit: number): Promise<BulkResult> {
  return applyToMatching(context.store, filter, limit, (deliveries) =>
    retryWaiting(context.store, deliveries, (id, command) => sendCommand(context, id, command)),
  );
}

/** Cancels open deliveries, the oldest first and at most `limit`; an attempt in flight is finished first. */
export async function cancelMatching(
  context: BulkContext,
  filter: BulkFilter,
  limit: number,
  reason: string,
): Promise<BulkResult> {
  return applyToMatching(context.store, filter, limit, (deliveries) => cancelAll(context, deliveries, reason));
}

/** Cancels the open deliveries of a disabled subscription; `more` is whether others remain for another call. */
export async function cancelWaiting(
  context: CommandContext,
  subscriptionId: string,
  reason: string,
): Promise<{ dropped: number; more: boolean }> {
  const open = await openDeliveries(context.store, subscriptionId, MAX_CANCELLED + 1);
  const deliveries = open.slice(0, MAX_CANCELLED);
  await cancelAll(context, deliveries, reason);
  return { dropped: deliveries.length, more: open.length > MAX_CANCELLED };
}

/** Applies the policies in force to waiting deliveries, from their next step on; the oldest first and at most `limit`. */
export async function applyPolicyToMatching(
  context: BulkContext,
  filter: BulkFilter,
  limit: number,
): Promise<BulkResult> {
  return applyToMatching(context.store, filter, limit, async (deliveries) => {
    const deliveryStarts = await loadDeliveryStarts(
      context.store,
      deliveries.map(({ id }) => id),
    );
    return sendToAll(context, deliveryStarts, (deliveryStart) => {
      const { deliveryId, account } = deliveryStart;
      const rules = deliveryRules(contractOf(account.provider), deliveryId, deliveryStart);
      return { id: deliveryId, command: { signal: 'applyPolicy', args: [rules] } };
    });
  });
}

/** Cancels deliveries; an attempt in flight is finished first. Returns how many were cancelled. */
export function cancelAll(
  context: CommandContext,
  deliveries: readonly { readonly id: string }[],
  reason: string,
): Promise<number> {
  return sendToAll(context, deliveries, ({ id }) => ({ id, command: { signal: 'cancel', args: [reason] } }));
}

/** Sends each its command; returns how many got theirs. */
async function sendToAll<Delivery>(
  context: CommandContext,
  deliveries: readonly Delivery[],
  commandOf: (delivery: Delivery) => { readonly id: string; readonly command: Command },
): Promise<number> {
  const sent = await inChunks(deliveries, CONCURRENCY, (delivery) => {
    const { id, command } = commandOf(delivery);
    return sendCommand(context, id, command);
  });
  return sent.filter(Boolean).length;
}

async function applyToMatching(
  store: Store,
  filter: BulkFilter,
  limit: number,
  apply: (deliveries: WaitingDelivery[]) => Promise<number>,
): Promise<BulkResult> {
  const found = await findMatching(store, filter, limit + 1);
  const matching = found.slice(0, limit);
  const done = matching.length === 0 ? 0 : await apply(matching);
  const lastId = found.length > limit ? matching.at(-1)!.id : null;
  return { matched: matching.length, done, refused: matching.length - done, lastId };
}
