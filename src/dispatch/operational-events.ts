/** Emits operational events: they notify an operator's subscriptions of changes in the subscriptions of all accounts. */
import { contractOf } from '../providers/registry.js';
import { operationsAccountIds } from '../store/accounts/accounts.js';
import { reportingIds } from '../store/accounts/applications.js';
import { loadEntry, type CachedSubscriptions } from '../store/subscriptions/subscription-cache.js';
import { insertCurrentEvents } from '../store/events/events.js';
import { Operation, claimOperationalEvents, type WaitingOperation } from '../store/events/operational-events.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import { inTransaction, type Queryable, type Store } from '../store/store.js';
import { countEmitted } from '../telemetry/metrics.js';
import { fanOut, type EventInput, type FanOut } from './fan-out.js';
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
  // Not about accounts that receive operational events: a failing receiver of them would cause more of them.
  const others = operations.filter(({ ofReceiver }) => !ofReceiver);
  if (others.length === 0) return { claimed: operations.length, planned: [] };
  const events = others.filter(({ type }) => generalTypes.has(type)).map(eventOf);
  // Loaded after the events were claimed, so that every subscription that is older than an event gets it.
  const receivers = events.length === 0 ? [] : await loadReceivers(store, client);
  const reporting = await loadReporting(store, client, others);
  const planned = await transformBodies(store, [
    ...events.flatMap((event) => receivers.map(({ account, subscriptions }) => fanOut(account, subscriptions, event))),
    ...others.flatMap((operation) => report(operation, reporting.get(operation.parentId))),
  ]);
  if (planned.length === 0) return { claimed: operations.length, planned };
  const entries = [...receivers, ...reporting.values()];
  const versions = new Map(entries.map(({ account, version }) => [account.id, version]));
  const rows = planned.map(({ row }) => row);
  const { outdated } = await insertCurrentEvents(store, client, rows, versions);
  if (outdated.size > 0) throw new Outdated();
  return { claimed: operations.length, planned };
}

/** The types that accounts of any provider receive. */
const generalTypes: ReadonlySet<string> = new Set(Object.values(Operation));

/** The accounts that get the operational events of their parent, by parent. */
async function loadReporting(
  store: Store,
  client: Queryable,
  operations: readonly WaitingOperation[],
): Promise<ReadonlyMap<string, CachedSubscriptions>> {
  const parentIds = [...new Set(operations.map(({ parentId }) => parentId))];
  const entries = new Map<string, CachedSubscriptions>();
  for (const [parentId, id] of await reportingIds(client, parentIds)) {
    const entry = await loadEntry(store, id, client);
    if (entry) entries.set(parentId, entry);
  }
  return entries;
}

/** An operation as an event in the form of its provider. */
function report(operation: WaitingOperation, entry: CachedSubscriptions | undefined): FanOut[] {
  const reported = entry && contractOf(operation.provider).reportOperation?.(operation);
  if (!entry || !reported) return [];
  const { type, data } = reported;
  const text = JSON.stringify(data);
  const details = { uid: null, tags: null, verbatim: true, deliverAt: null, contentUntil: null };
  const event = { type, occurredAt: operation.at, text, data, channels: [], verbatim: true, details };
  return [fanOut(entry.account, entry.subscriptions, event)];
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
