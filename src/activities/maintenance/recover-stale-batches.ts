/** The part of the sweep that sees to bursts: those that nobody started, and those that ended without doing their work. */
import { heartbeat } from '@temporalio/activity';
import { burstIsRunning, MOST_CARRIED, newBurstId, startBurst } from '../../dispatch/batches.js';
import { startDelivery, type Starter } from '../../dispatch/start.js';
import { claim, handOver, oldClaims, unclaimed } from '../../store/batches/claims.js';
import { openStates } from '../../store/deliveries/deliveries.js';
import { loadStartables } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';

/** Seconds after which a burst should have claimed what is left to it. */
const UNCLAIMED_AFTER_S = 10;
/** Seconds after which a claim's burst is looked for. */
const OLD_AFTER_S = 60;
/** Bursts that one sweep starts at most, and claims it looks at. */
const MOST_BURSTS = 20;
const MOST_CLAIMS = 2_000;
/** How long starting a burst may take, in milliseconds. */
const START_DEADLINE_MS = 5_000;

/** Has what nobody carries carried. Returns how many deliveries that were. */
export async function carryForgotten(store: Store, starter: Starter): Promise<number> {
  let carried = await takeBack(store, starter);
  for (let bursts = 0; bursts < MOST_BURSTS; bursts += 1) {
    const ids = await unclaimed(store, { olderThan: UNCLAIMED_AFTER_S, limit: MOST_CARRIED });
    // Claimed before it starts, so that the next look finds others.
    const burstId = newBurstId();
    const claimed = ids.length > 0 ? await claim(store, burstId, ids) : [];
    if (claimed.length === 0) return carried;
    const startables = await loadStartables(store, claimed);
    await starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () => startBurst(starter, startables, burstId));
    carried += claimed.length;
    heartbeat();
  }
  return carried;
}

/** Gives workflows of their own to deliveries whose burst has ended without handing them over, as when it is terminated. */
async function takeBack(store: Store, starter: Starter): Promise<number> {
  const claims = await oldClaims(store, { olderThan: OLD_AFTER_S, limit: MOST_CLAIMS });
  const bursts = new Map<string, string[]>();
  for (const { burstId, deliveryId } of claims) bursts.set(burstId, [...(bursts.get(burstId) ?? []), deliveryId]);
  let started = 0;
  for (const [burstId, ids] of bursts) {
    heartbeat();
    if (await burstIsRunning(starter.client, burstId)) continue;
    for (const startable of await loadStartables(store, ids)) {
      heartbeat();
      if (openStates.includes(startable.state)) started += (await startDelivery(starter, startable)) ? 1 : 0;
    }
    await handOver(store, ids);
  }
  return started;
}
