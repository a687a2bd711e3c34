/** The activities of a recovery. */
import { getClient, heartbeat, log } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { recoverBatch } from '../dispatch/recovery/recover-batch.js';
import { countRecoverable, findBatch, loadReceiver, type Receiver } from '../dispatch/recovery/find-recoverable.js';
import type { Store } from '../store/store.js';
import { SUBSCRIPTION_GONE, type RecoveryActivities, type RecoveryScope } from '../workflows/recovery-types.js';
import { SUBSCRIPTION_DELETED } from '../workflows/types.js';

const BEAT_MS = 5_000;

export function createRecoveryActivities(store: Store): RecoveryActivities {
  return {
    async countRecoverable(scope) {
      const receiver = await mustLoad(store, scope);
      // One statement may go through many rows, and is silent meanwhile.
      const beating = setInterval(heartbeat, BEAT_MS);
      const { counts, settledBy } = await countRecoverable(store, receiver, scope).finally(() => {
        clearInterval(beating);
      });
      return { total: counts.reduce((sum, { count }) => sum + count, 0), settledBy: settledBy.getTime() };
    },

    nextBatch: async (question) => findBatch(store, await mustLoad(store, question.scope), question, heartbeat),

    async recoverBatch(task) {
      const context = {
        store,
        starter: { client: getClient(), eager: false },
        beat: heartbeat,
        warn: (instead: string, deliveryId: string, error: unknown) => {
          log.warn(`Temporal did not take a delivery now; ${instead}`, { deliveryId, error });
        },
      };
      return recoverBatch(context, await mustLoad(store, task.scope), task);
    },
  };
}

async function mustLoad(store: Store, scope: RecoveryScope): Promise<Receiver> {
  const receiver = await loadReceiver(store, scope.subscriptionId);
  if (receiver) return receiver;
  throw ApplicationFailure.create({
    type: SUBSCRIPTION_GONE,
    message: SUBSCRIPTION_DELETED,
    nonRetryable: true,
    category: 'BENIGN',
  });
}
