/** The activities of a recovery. */
import { getClient, heartbeat, log } from '@temporalio/activity';
import { countRecoverable, findPage, loadReceiver, type Receiver } from '../dispatch/recovery/find-recoverable.js';
import { recoverPage } from '../dispatch/recovery/recover-page.js';
import type { Store } from '../store/store.js';
import { failure } from '../workflows/failure.js';
import { HEARTBEAT_INTERVAL_MS } from '../workflows/limits.js';
import { SUBSCRIPTION_NOT_FOUND, type RecoveryActivities, type RecoveryScope } from '../workflows/recovery-types.js';
import { SUBSCRIPTION_DELETED } from '../workflows/types.js';

export function createRecoveryActivities(store: Store): RecoveryActivities {
  return {
    async countRecoverable(scope) {
      const receiver = await loadReceiverOrFail(store, scope);
      // A timer, as one statement may read many rows for a long time.
      const heartbeats = setInterval(heartbeat, HEARTBEAT_INTERVAL_MS);
      const { counts, asOf } = await countRecoverable(store, receiver, scope).finally(() => {
        clearInterval(heartbeats);
      });
      return { total: counts.reduce((sum, { count }) => sum + count, 0), asOf: asOf.getTime() };
    },

    nextPage: async (request) => findPage(store, await loadReceiverOrFail(store, request.scope), request, heartbeat),

    async recoverPage(task) {
      const context = {
        store,
        starter: { client: getClient(), eager: false },
        heartbeat,
        warn: (message: string, id: string, error: unknown) => void log.warn(message, { id, error: String(error) }),
      };
      return recoverPage(context, await loadReceiverOrFail(store, task.scope), task);
    },
  };
}

async function loadReceiverOrFail(store: Store, scope: RecoveryScope): Promise<Receiver> {
  const receiver = await loadReceiver(store, scope.subscriptionId);
  if (!receiver) throw failure(SUBSCRIPTION_NOT_FOUND, SUBSCRIPTION_DELETED);
  return receiver;
}
