/** Recovers one page of a recovery. Idempotent: repeating it after a crash sends nothing twice. */
import { findEvents, insertMissing } from '../../store/recovery/missing.js';
import { reopenFinished, type WaitingDelivery } from '../../store/recovery/finished.js';
import { loadDeliveryStarts, type DeliveryStart } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import { finishedOf, type PageTask, type RecoveryItem } from '../../workflows/recovery-types.js';
import { fanOutTo, type FanOut } from '../fan-out.js';
import { transformBodies } from '../payload/transform-bodies.js';
import { sendCommand, type Command } from '../commands/commands.js';
import type { Receiver } from './find-recoverable.js';
import { retryWaiting } from './retry-waiting.js';
import { LATER_PRIORITY_KEY, startDelivery, type WorkflowStarter } from '../start.js';

/** Starts in flight at once. */
const CONCURRENCY = 50;
/** How long one start may take, in milliseconds; after that the sweep starts the delivery. */
const START_DEADLINE_MS = 10_000;

export interface RecoverContext {
  readonly store: Store;
  readonly starter: WorkflowStarter;
  /** Called after every few starts. */
  readonly heartbeat: () => void;
  /** Called with the id of a delivery or event that cannot be recovered now. */
  readonly warn: (message: string, id: string, error: unknown) => void;
}

/**
 * Retries waiting deliveries now. Other deliveries are first written to the database, then started. Returns how many items
 * of the page were sent again.
 */
export async function recoverPage(context: RecoverContext, receiver: Receiver, task: PageTask): Promise<number> {
  if (task.phase === 'waiting') return retry(context, task.items);
  const ids =
    task.phase === 'finished' ? await reopen(context, task) : await insertMissingDeliveries(context, receiver, task);
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
      warn('cannot retry a delivery now; it keeps its schedule', deliveryId, error);
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

async function insertMissingDeliveries(
  { store, warn }: RecoverContext,
  receiver: Receiver,
  { items }: PageTask,
): Promise<string[]> {
  const { account, subscription } = receiver;
  const events = await findEvents(
    store,
    items.map(({ id }) => id),
  );
  const planned = events.flatMap((event): FanOut[] => {
    try {
      return [fanOutTo(account, [subscription], event)];
    } catch (error) {
      // Counted as skipped, so that the others are recovered.
      warn('cannot render an event; it is skipped', event.id, error);
      return [];
    }
  });
  const rows = (await transformBodies(store, planned)).map(({ row }) => row);
  return insertMissing(store, subscription.id, rows);
}

async function start({ starter, warn }: RecoverContext, deliveryStart: DeliveryStart): Promise<void> {
  try {
    await starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () =>
      // First deliveries come before recovered ones.
      startDelivery(starter, deliveryStart, LATER_PRIORITY_KEY),
    );
  } catch (error) {
    warn('cannot start a delivery now; the sweep will', deliveryStart.deliveryId, error);
  }
}
