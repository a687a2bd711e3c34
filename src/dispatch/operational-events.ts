/** From facts to operational events: what an operator's own subscriptions are told about everyone else's. */
import { contractOf } from '../providers/registry.js';
import { operationsAccountIds } from '../store/accounts/accounts.js';
import { loadEntry, type CachedSubscriptions } from '../store/subscriptions/subscription-cache.js';
import { insertCurrentEvents } from '../store/events/events.js';
import { Operation, claimOperationalEvents, type WaitingOperation } from '../store/events/operational-events.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import { inTransaction, type Queryable, type Store } from '../store/store.js';
import { countEmitted } from '../telemetry/metrics.js';
import { fanOut, type EventInput } from './fan-out.js';
import { Outdated } from './commit.js';

/** How often it is tried to emit while receiving accounts change. */
const MAX_TRIES = 3;

/** What was emitted. */
export interface EmittedOperations {
  /** Facts that were taken, whether or not someone wanted them. */
  readonly taken: number;
  /** Deliveries to start. */
  readonly deliveryStarts: readonly DeliveryStart[];
}

/** The first type of operational event that a provider's catalogue does not allow, or undefined. */
export function refusedOperation(provider: string): string | undefined {
  const contract = contractOf(provider);
  return Object.values(Operation).find((type) => !contract.findEvent(type));
}

/**
 * Emits the oldest facts, at most `limit`, to every account that receives operational events. Taking them and writing
 * the events is one transaction: each is emitted once, whatever dies meanwhile.
 */
export async function emitOperations(store: Store, limit: number): Promise<EmittedOperations> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { taken, planned } = await inTransaction(store, (client) => claimAndWrite(store, client, limit));
      countEmitted(planned.map(({ row }) => row));
      return { taken, deliveryStarts: planned.flatMap(({ deliveryStarts: startables }) => startables) };
    } catch (error) {
      // What was taken is still there for the next try, or the next sweep.
      if (!(error instanceof Outdated) || tries === MAX_TRIES) throw error;
    }
  }
}

async function claimAndWrite(store: Store, client: Queryable, limit: number) {
  const operations = await claimOperationalEvents(client, limit);
  const events = operations
    // What an account of operators does itself is told to nobody: a failing receiver of such events would cause more.
    .filter(({ ofReceiver }) => !ofReceiver)
    .map(eventOf);
  if (events.length === 0) return { taken: operations.length, planned: [] };
  // Loaded after the facts were taken, so that a subscription that is older than a fact gets it.
  const receivers = await loadReceivers(store, client);
  const planned = events.flatMap((event) =>
    receivers.map(({ account, subscriptions }) => fanOut(account, subscriptions, event)),
  );
  const versions = new Map(receivers.map(({ account, version }) => [account.id, version]));
  const rows = planned.map(({ row }) => row);
  const outdated = await insertCurrentEvents(client, rows, versions);
  if (outdated.size > 0) throw new Outdated();
  return { taken: operations.length, planned };
}

async function loadReceivers(store: Store, client: Queryable): Promise<CachedSubscriptions[]> {
  const entries: CachedSubscriptions[] = [];
  for (const id of await operationsAccountIds(client)) {
    const entry = await loadEntry(store, id, client);
    if (entry) entries.push(entry);
  }
  return entries;
}

/** Ids, counts and the receiver's host; its address may be as good as a password. */
function eventOf({ type, at, accountId, provider, subscriptionId, url, facts }: WaitingOperation): EventInput {
  const data = { accountId, provider, subscriptionId, host: new URL(url).host, ...facts };
  return { type, occurredAt: at, text: JSON.stringify(data), data, channels: [] };
}
