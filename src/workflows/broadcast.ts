/** A broadcast: emits one event to all accounts of a provider, page by page, at a limited rate. */
import {
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import { HEARTBEAT_TIMEOUT_MS } from './limits.js';
import type { BroadcastActivities, BroadcastInput, BroadcastPage } from './broadcast-types.js';

/** Pages after which the workflow continues as a new run, which limits the size of its history. */
const PAGES_PER_RUN = 200;

const options = {
  startToCloseTimeout: '5m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
} as const;
const { broadcastPage } = proxyActivities<BroadcastActivities>({ ...options, summary: 'emit to the next accounts' });
const { cancelBroadcast } = proxyActivities<BroadcastActivities>({ ...options, summary: 'record the cancellation' });

/**
 * Emits page by page until no account remains, or until the broadcast is paused or cancelled. State, progress and rate are in
 * the database, so it has no state of its own. Started again when the broadcast is resumed, and by the sweep if it is lost.
 * Closes as cancelled when Temporal is asked to cancel it; a page in progress is finished first.
 */
export async function broadcast(input: BroadcastInput): Promise<BroadcastPage> {
  const root = CancellationScope.current();
  let cancelled = false;
  root.cancelRequested.catch(() => (cancelled = true));
  return CancellationScope.nonCancellable(async () => {
    for (let pages = 0; pages < PAGES_PER_RUN && !workflowInfo().continueAsNewSuggested; pages += 1) {
      if (cancelled) {
        await cancelBroadcast(input);
        await root.cancelRequested;
      }
      const startedAt = Date.now();
      const page = await broadcastPage(input);
      const { state, accounts, processed, total, ratePerSecond } = page;
      setCurrentDetails(`**${processed} of ${total} accounts**. At most ${ratePerSecond} per second.`);
      if (state !== 'running' && !cancelled) return page;
      const waitMs = startedAt + (accounts * 1_000) / ratePerSecond - Date.now();
      if (waitMs > 0) await condition(() => cancelled, waitMs, { summary: 'keep to the rate' });
    }
    return continueAsNew<typeof broadcast>(input);
  });
}
