/** Emits operational events: they notify an operator's subscriptions of changes in the subscriptions of all accounts. */
import { contractOf } from '../providers/registry.js';
import { operationsAccountIds } from '../store/accounts/accounts.js';
import { loadEntry, type CachedSubscriptions } from '../store/subscriptions/subscription-cache.js';
import { insertCurrentEvents } from '../store/events/events.js';
import { Operation, claimOperationalEvents, type WaitingOperation } from '../store/events/operational-events.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import { sealEvents } from '../store/payloads.js';
import { inTransaction, type Queryable, type Store } from '../store/store.js';
import { countEmitted } from '../telemetry/metrics.js';
import { fanOut, type EventInput } from './fan-out.js';
import { transformBodies } from './payload/transform-bodies.js';
import { Outdated } from './commit.js';

/** Tries while the receiving accounts change. */
const MAX_TRIES = 3;

export interface EmittedOperations {
  /** Events that were claimed, with or without a receiver. */
  readonly claimed: number;
  /** Deliveries to start. */
  readonly deliveryStarts: readonly DeliveryStart[];
}

/** The first type of operational event that a provider's catalogue does not have, or undefined. */
export function refusedOperation(provider: string): string | undefined {
  const contract = contractOf(provider);
  return Object.values(Operation).find((type) => !contract.findEvent(type));
}

/**
 * Emits the oldest waiting events, at most `limit`, to every account that receives operational events. They are claimed
 * and written in one transaction, so each is emitted exactly once.
 */
export async function emitOperations(store: Store, limit: number): Promise<EmittedOperations> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { claimed, planned } = await inTransaction(store, (client) => claimAndWrite(store, client, limit));
      countEmitted(planned.map(({ row }) => row));
      return { claimed, deliveryStarts: planned.flatMap(({ deliveryStarts }) => deliveryStarts) };
    } catch (error) {
      // The transaction was rolled back, so the next try or the next sweep claims the same events.
      if (!(error instanceof Outdated) || tries === MAX_TRIES) throw error;
    }
  }
}

async function claimAndWrite(store: Store, client: Queryable, limit: number) {
  const operations = await claimOperationalEvents(client, limit);
  const events = operations
    // Not about accounts that receive operational events: a failing receiver of them would cause more of them.
    .filter(({ ofReceiver }) => !ofReceiver)
    .map(eventOf);
  if (events.length === 0) return { claimed: operations.length, planned: [] };
  // Loaded after the events were claimed, so that every subscription that is older than an event gets it.
  const receivers = await loadReceivers(store, client);
  const planned = await transformBodies(
    store,
    events.flatMap((event) => receivers.map(({ account, subscriptions }) => fanOut(account, subscriptions, event))),
  );
  const versions = new Map(receivers.map(({ account, version }) => [account.id, version]));
  const rows = planned.map(({ row }) => row);
  const { outdated } = await insertCurrentEvents(client, sealEvents(store, rows), versions);
  if (outdated.size > 0) throw new Outdated();
  return { claimed: operations.length, planned };
}

async function loadReceivers(store: Store, client: Queryable): Promise<CachedSubscriptions[]> {
  const entries: CachedSubscriptions[] = [];
  for (const id of await operationsAccountIds(client)) {
    const entry = await loadEntry(store, id, client);
    if (entry) entries.push(entry);
  }
  return entries;
}

/** Ids, counts and the receiver's host only (null if it is polled), as its URL may contain a secret. */
function eventOf({ type, at, accountId, provider, subscriptionId, url, facts }: WaitingOperation): EventInput {
  const data = { accountId, provider, subscriptionId, host: url === '' ? null : new URL(url).host, ...facts };
  return { type, occurredAt: at, text: JSON.stringify(data), data, channels: [] };
}
