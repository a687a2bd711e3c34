/** The activities of a recovery. */
import { getClient, heartbeat } from '@temporalio/activity';
import { countRecoverable, findPage, loadReceiver, type Receiver } from '../dispatch/recovery/find-recoverable.js';
import { recoverPage } from '../dispatch/recovery/recover-page.js';
import type { Store } from '../store/store.js';
import { failure } from '../workflows/failure.js';
import { SUBSCRIPTION_NOT_FOUND, type RecoveryActivities, type RecoveryScope } from '../workflows/recovery-types.js';
import { SUBSCRIPTION_DELETED } from '../workflows/types.js';
import { taskReport, withHeartbeats } from './task-report.js';

export function createRecoveryActivities(store: Store): RecoveryActivities {
  return {
    async countRecoverable(scope) {
      const receiver = await loadReceiverOrFail(store, scope);
      const { counts, asOf } = await withHeartbeats(() => countRecoverable(store, receiver, scope));
      return { total: counts.reduce((sum, { count }) => sum + count, 0), asOf: asOf.getTime() };
    },

    nextPage: async (request) => findPage(store, await loadReceiverOrFail(store, request.scope), request, heartbeat),

    async recoverPage(task) {
      const context = { store, starter: { client: getClient(), eager: false }, ...taskReport };
      return recoverPage(context, await loadReceiverOrFail(store, task.scope), task);
    },
  };
}

async function loadReceiverOrFail(store: Store, scope: RecoveryScope): Promise<Receiver> {
  const receiver = await loadReceiver(store, scope.subscriptionId);
  if (!receiver) throw failure(SUBSCRIPTION_NOT_FOUND, SUBSCRIPTION_DELETED);
  return receiver;
}
