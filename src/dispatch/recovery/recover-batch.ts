/** Sending a batch of a recovery on its way. Doing it again after a crash sends nothing twice. */
import type { NewEvent } from '../../store/events/events.js';
import { findEvents, insertMissing } from '../../store/recovery/missing.js';
import { reopenFinished, type WaitingDelivery } from '../../store/recovery/finished.js';
import { loadStartables, type Startable } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import { finishedOf, type BatchTask, type RecoveryItem } from '../../workflows/recovery-types.js';
import { planFor } from '../fan-out.js';
import { giveOrder, type Order } from '../commands/commands.js';
import type { Receiver } from './find-recoverable.js';
import { retryWaiting } from './retry-waiting.js';
import { startDelivery, type Starter } from '../start.js';

/** How many starts are under way at once. */
const CONCURRENCY = 50;
/** How long one start may take, in milliseconds; then it is left to the sweep. */
const START_DEADLINE_MS = 10_000;
/** What is delivered for the first time goes before what is recovered; 3 is Temporal's own, and less is sooner. */
const PRIORITY_KEY = 4;

export interface RecoverContext {
  readonly store: Store;
  readonly starter: Starter;
  /** Told after every few starts. */
  readonly beat: () => void;
  /** Called when Temporal did not take a delivery, with what happens to it instead. */
  readonly warn: (instead: string, deliveryId: string, error: unknown) => void;
}

/**
 * Has deliveries that wait attempted now; of others writes that they are to be made, then starts them. Gives back how
 * many of the batch are on their way.
 */
export async function recoverBatch(context: RecoverContext, receiver: Receiver, task: BatchTask): Promise<number> {
  if (task.phase === 'waiting') return retry(context, task.items);
  const ids = task.phase === 'finished' ? await reopen(context, task) : await planMissing(context, receiver, task);
  const startables = (await loadStartables(context.store, ids)).filter(({ state }) => state === 'pending');
  for (let at = 0; at < startables.length; at += CONCURRENCY) {
    await Promise.all(startables.slice(at, at + CONCURRENCY).map((startable) => start(context, startable)));
    context.beat();
  }
  return ids.length;
}

function retry({ store, starter: { client }, beat, warn }: RecoverContext, items: readonly RecoveryItem[]) {
  const order = (deliveryId: string, order: Order) =>
    giveOrder({ client, store }, deliveryId, order).catch((error: unknown) => {
      warn('it keeps to its schedule', deliveryId, error);
      return false;
    });
  return retryWaiting(store, items.filter(isWaiting), order, beat);
}

function isWaiting(item: RecoveryItem): item is WaitingDelivery {
  return item.attempts !== undefined;
}

function reopen({ store }: RecoverContext, { scope, items }: BatchTask): Promise<string[]> {
  return reopenFinished(store, items, finishedOf(scope.states));
}

async function planMissing({ store }: RecoverContext, receiver: Receiver, { items }: BatchTask): Promise<string[]> {
  const { account, subscription } = receiver;
  const events = await findEvents(
    store,
    items.map(({ id }) => id),
  );
  const planned = events.flatMap((event): NewEvent[] => {
    try {
      return [planFor(account, [subscription], event).row];
    } catch {
      // Its contract cannot make a body of it; it is counted as skipped, and the others are not held up.
      return [];
    }
  });
  return insertMissing(store, subscription.id, planned);
}

async function start({ starter, warn }: RecoverContext, startable: Startable): Promise<void> {
  try {
    await starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () =>
      startDelivery(starter, startable, PRIORITY_KEY),
    );
  } catch (error) {
    warn('the sweep will start it', startable.deliveryId, error);
  }
}
