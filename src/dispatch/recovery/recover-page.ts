/** Recovers one page of a recovery. Idempotent: repeating it after a crash sends nothing twice. */
import { findEvents, insertMissing } from '../../store/recovery/missing.js';
import { reopenFinished, type WaitingDelivery } from '../../store/recovery/finished.js';
import { loadDeliveryStarts } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import { finishedOf, type PageTask, type RecoveryItem } from '../../workflows/recovery-types.js';
import { fanOutTo, type FanOut } from '../fan-out.js';
import { transformBodies } from '../payload/transform-bodies.js';
import { sendCommand, type Command } from '../commands/commands.js';
import type { Receiver } from './find-recoverable.js';
import { retryWaiting } from './retry-waiting.js';
import { startLater, type TaskReport, type WorkflowStarter } from '../start.js';

export interface RecoverContext extends TaskReport {
  readonly store: Store;
  readonly starter: WorkflowStarter;
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
  await startLater(context.starter, deliveryStarts, context);
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
