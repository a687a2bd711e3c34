/** The same order for many deliveries, found by a filter. */
import type { Client } from '@temporalio/client';
import { findMatching, type BulkFilter } from '../../store/deliveries/bulk.js';
import { reopenFinished, type WaitingDelivery } from '../../store/recovery/finished.js';
import { loadDeliveryStarts } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import { sendCommand } from './commands.js';
import type { Dispatcher } from '../dispatcher.js';
import { retryWaiting } from '../recovery/retry-waiting.js';

/** How many are told at once. */
const CONCURRENCY = 50;

export interface BulkContext {
  readonly store: Store;
  readonly client: Client;
  readonly dispatcher: Dispatcher;
}

/** What became of the deliveries that one call took. */
export interface BulkResult {
  readonly matched: number;
  readonly done: number;
  /** Those that somebody else had done something with meanwhile. */
  readonly refused: number;
  /** The last one that was taken, to go on behind it; null when it was the last of all. */
  readonly lastId: string | null;
}

/** Delivers finished deliveries again, the oldest first and at most `limit`. What the start misses the sweep starts. */
export async function redeliverMatching(
  { store, dispatcher }: BulkContext,
  filter: BulkFilter,
  limit: number,
): Promise<BulkResult> {
  return take(store, filter, limit, async (deliveries) => {
    const ids = await reopenFinished(store, deliveries, filter.states);
    dispatcher.dispatch((await loadDeliveryStarts(store, ids)).filter(({ state }) => state === 'pending'));
    return ids.length;
  });
}

/** Attempts now what waits for its next attempt, the oldest first and at most `limit`; it costs nothing of the schedule. */
export async function retryMatching(context: BulkContext, filter: BulkFilter, limit: number): Promise<BulkResult> {
  return take(context.store, filter, limit, (deliveries) =>
    retryWaiting(context.store, deliveries, (id, command) => sendCommand(context, id, command)),
  );
}

/** Tells open deliveries to end, the oldest first and at most `limit`; an attempt under way is awaited first. */
export async function cancelMatching(
  context: BulkContext,
  filter: BulkFilter,
  limit: number,
  reason: string,
): Promise<BulkResult> {
  return take(context.store, filter, limit, async (deliveries) => {
    let done = 0;
    for (let from = 0; from < deliveries.length; from += CONCURRENCY) {
      const told = await Promise.all(
        deliveries
          .slice(from, from + CONCURRENCY)
          .map(({ id }) => sendCommand(context, id, { signal: 'cancel', args: [reason] })),
      );
      done += told.filter(Boolean).length;
    }
    return done;
  });
}

async function take(
  store: Store,
  filter: BulkFilter,
  limit: number,
  act: (deliveries: WaitingDelivery[]) => Promise<number>,
): Promise<BulkResult> {
  const found = await findMatching(store, filter, limit + 1);
  const taken = found.slice(0, limit);
  const done = taken.length === 0 ? 0 : await act(taken);
  const lastId = found.length > limit ? taken.at(-1)!.id : null;
  return { matched: taken.length, done, refused: taken.length - done, lastId };
}
