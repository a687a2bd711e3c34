/** Dropping what waits for a disabled subscription. */
import type { Client } from '@temporalio/client';
import type { Store } from '../../store/store.js';
import { openDeliveries } from '../../store/subscriptions/waiting.js';
import { sendCommand } from './commands.js';

/** How many deliveries one call drops at most. */
const LIMIT = 1_000;
/** How many are told at once. */
const CONCURRENCY = 50;

/** Tells the open deliveries of a subscription to end; `more` says whether there are others to drop by another call. */
export async function dropWaiting(
  context: { client: Client; store: Store },
  subscriptionId: string,
  reason: string,
): Promise<{ dropped: number; more: boolean }> {
  const open = await openDeliveries(context.store, subscriptionId, LIMIT + 1);
  const dropped = open.slice(0, LIMIT);
  for (let from = 0; from < dropped.length; from += CONCURRENCY) {
    const chunk = dropped.slice(from, from + CONCURRENCY);
    await Promise.all(chunk.map(({ id }) => sendCommand(context, id, { signal: 'cancel', args: [reason] })));
  }
  return { dropped: dropped.length, more: open.length > LIMIT };
}
