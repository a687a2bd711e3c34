/** The activities of a recovery. */
import { getClient, heartbeat, log } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { recoverPage } from '../dispatch/recovery/recover-page.js';
import { countRecoverable, findPage, loadReceiver, type Receiver } from '../dispatch/recovery/find-recoverable.js';
import type { Store } from '../store/store.js';
import { SUBSCRIPTION_NOT_FOUND, type RecoveryActivities, type RecoveryScope } from '../workflows/recovery-types.js';
import { SUBSCRIPTION_DELETED } from '../workflows/types.js';

const HEARTBEAT_MS = 5_000;

export function createRecoveryActivities(store: Store): RecoveryActivities {
  return {
    async countRecoverable(scope) {
      const receiver = await mustLoad(store, scope);
      // One statement may go through many rows, and is silent meanwhile.
      const beating = setInterval(heartbeat, HEARTBEAT_MS);
      const { counts, settledBy } = await countRecoverable(store, receiver, scope).finally(() => {
        clearInterval(beating);
      });
      return { total: counts.reduce((sum, { count }) => sum + count, 0), settledBy: settledBy.getTime() };
    },

    nextPage: async (question) => findPage(store, await mustLoad(store, question.scope), question, heartbeat),

    async recoverPage(task) {
      const context = {
        store,
        starter: { client: getClient(), eager: false },
        heartbeat: heartbeat,
        warn: (instead: string, deliveryId: string, error: unknown) => {
          log.warn(`Temporal did not take a delivery now; ${instead}`, { deliveryId, error });
        },
      };
      return recoverPage(context, await mustLoad(store, task.scope), task);
    },
  };
}

async function mustLoad(store: Store, scope: RecoveryScope): Promise<Receiver> {
  const receiver = await loadReceiver(store, scope.subscriptionId);
  if (receiver) return receiver;
  throw ApplicationFailure.create({
    type: SUBSCRIPTION_NOT_FOUND,
    message: SUBSCRIPTION_DELETED,
    nonRetryable: true,
    category: 'BENIGN',
  });
}
