/** Sending a batch of a recovery on its way. Doing it again after a crash sends nothing twice. */
import type { NewEvent } from '../../store/events/events.js';
import { findEvents, insertMissing } from '../../store/recovery/missing.js';
import { reopenFinished, type WaitingDelivery } from '../../store/recovery/finished.js';
import { loadDeliveryStarts, type DeliveryStart } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import { finishedOf, type PageTask, type RecoveryItem } from '../../workflows/recovery-types.js';
import { fanOutTo } from '../fan-out.js';
import { sendCommand, type Command } from '../commands/commands.js';
import type { Receiver } from './find-recoverable.js';
import { retryWaiting } from './retry-waiting.js';
import { startDelivery, type WorkflowStarter } from '../start.js';

/** How many starts are under way at once. */
const CONCURRENCY = 50;
/** How long one start may take, in milliseconds; then it is left to the sweep. */
const START_DEADLINE_MS = 10_000;
/** What is delivered for the first time goes before what is recovered; 3 is Temporal's own, and less is sooner. */
const PRIORITY_KEY = 4;

export interface RecoverContext {
  readonly store: Store;
  readonly starter: WorkflowStarter;
  /** Told after every few starts. */
  readonly heartbeat: () => void;
  /** Called when Temporal did not take a delivery, with what happens to it instead. */
  readonly warn: (instead: string, deliveryId: string, error: unknown) => void;
}

/**
 * Has deliveries that wait attempted now; of others writes that they are to be made, then starts them. Gives back how
 * many of the batch are on their way.
 */
export async function recoverPage(context: RecoverContext, receiver: Receiver, task: PageTask): Promise<number> {
  if (task.phase === 'waiting') return retry(context, task.items);
  const ids = task.phase === 'finished' ? await reopen(context, task) : await planMissing(context, receiver, task);
  const deliveryStarts = (await loadDeliveryStarts(context.store, ids)).filter(({ state }) => state === 'pending');
  for (let at = 0; at < deliveryStarts.length; at += CONCURRENCY) {
    await Promise.all(deliveryStarts.slice(at, at + CONCURRENCY).map((deliveryStart) => start(context, deliveryStart)));
    context.heartbeat();
  }
  return ids.length;
}

function retry({ store, starter: { client }, heartbeat, warn }: RecoverContext, items: readonly RecoveryItem[]) {
  const send = (deliveryId: string, command: Command) =>
    sendCommand({ client, store }, deliveryId, command).catch((error: unknown) => {
      warn('it keeps to its schedule', deliveryId, error);
      return false;
    });
  return retryWaiting(store, items.filter(isWaiting), send, heartbeat);
}

function isWaiting(item: RecoveryItem): item is WaitingDelivery {
  return item.attempts !== undefined;
}

function reopen({ store }: RecoverContext, { scope, items }: PageTask): Promise<string[]> {
  return reopenFinished(store, items, finishedOf(scope.states));
}

async function planMissing({ store }: RecoverContext, receiver: Receiver, { items }: PageTask): Promise<string[]> {
  const { account, subscription } = receiver;
  const events = await findEvents(
    store,
    items.map(({ id }) => id),
  );
  const planned = events.flatMap((event): NewEvent[] => {
    try {
      return [fanOutTo(account, [subscription], event).row];
    } catch {
      // Its contract cannot make a body of it; it is counted as skipped, and the others are not held up.
      return [];
    }
  });
  return insertMissing(store, subscription.id, planned);
}

async function start({ starter, warn }: RecoverContext, deliveryStart: DeliveryStart): Promise<void> {
  try {
    await starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () =>
      startDelivery(starter, deliveryStart, PRIORITY_KEY),
    );
  } catch (error) {
    warn('the sweep will start it', deliveryStart.deliveryId, error);
  }
}
