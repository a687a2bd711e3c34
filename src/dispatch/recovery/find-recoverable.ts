/** Finds what a recovery covers: waiting deliveries, finished ones, and events without a delivery. */
import { lowestIdAt } from '../../contract/ids.js';
import type { Event } from '../../contract/entities.js';
import { findAccount, type StoredAccount } from '../../store/accounts/accounts.js';
import { nextUndelivered, type MissingFilter } from '../../store/recovery/missing.js';
import {
  countFinished,
  countWaiting,
  databaseTime,
  nextFinished,
  nextWaiting,
  type RecoveryCount,
  type RecoveryFilter,
} from '../../store/recovery/finished.js';
import type { Store } from '../../store/store.js';
import { selectReceivers } from '../fan-out.js';
import {
  enabledSubscriptions,
  findSubscription,
  type StoredSubscription,
} from '../../store/subscriptions/subscriptions.js';
import { finishedOf, type PageRequest, type RecoveryPage, type RecoveryScope } from '../../workflows/recovery-types.js';

/** Events per query. */
const PAGE_SIZE = 200;
/** Events of an account that `countMissed` reads at most: an overview asks for it again and again, for several receivers. */
const MAX_EVENTS_READ = 1_000;
/** Queries for one page of the recovery; after that the workflow continues from the position reached. */
const MAX_QUERIES = 50;

/** The subscription of a recovery, and the subscriptions among which the contract selects. */
export interface Receiver {
  readonly account: StoredAccount;
  readonly subscription: StoredSubscription;
  readonly candidates: readonly StoredSubscription[];
}

/** The receiver of a recovery as it is now; undefined when it was deleted. A disabled subscription counts as enabled. */
export async function loadReceiver(store: Store, subscriptionId: string): Promise<Receiver | undefined> {
  const subscription = await findSubscription(store, subscriptionId);
  const account = subscription && (await findAccount(store, subscription.accountId));
  if (!subscription || !account) return undefined;
  const others = (await enabledSubscriptions(store, account.id)).filter(({ id }) => id !== subscription.id);
  return { account, subscription, candidates: [...others, { ...subscription, enabled: true }] };
}

/** Counts what can be recovered by state and event type, and returns the time of the count by the database's clock. */
export async function countRecoverable(
  store: Store,
  receiver: Receiver,
  scope: RecoveryScope,
): Promise<{ counts: RecoveryCount[]; asOf: Date }> {
  const asOf = await databaseTime(store);
  const filter = deliveryFilter(scope, asOf);
  const states = finishedOf(scope.states);
  const counts = [
    ...(scope.states.includes('retrying') ? await countWaiting(store, filter) : []),
    ...(states.length > 0 ? await countFinished(store, { ...filter, states }) : []),
  ];
  if (!scope.states.includes('missing')) return { counts, asOf };
  const byType = new Map<string, number>();
  for (let afterId = ''; ;) {
    const events = await nextUndelivered(store, missingFilter(scope), { afterId, limit: PAGE_SIZE });
    for (const { type } of events.filter((event) => receives(receiver, event))) {
      byType.set(type, (byType.get(type) ?? 0) + 1);
    }
    if (events.length < PAGE_SIZE) break;
    afterId = events.at(-1)!.id;
  }
  const missing = Array.from(byType, ([type, count]) => ({ state: 'missing', type, count }));
  return { counts: [...counts, ...missing], asOf };
}

/** The next items of a recovery after an id; possibly none although more pages follow. */
export async function findPage(
  store: Store,
  receiver: Receiver,
  { scope, asOf, phase, afterId, limit }: PageRequest,
  heartbeat: () => void,
): Promise<RecoveryPage> {
  if (phase === 'missing') return findMissing(store, receiver, scope, { afterId, limit }, heartbeat);
  const filter = deliveryFilter(scope, new Date(asOf));
  const items =
    phase === 'waiting'
      ? await nextWaiting(store, filter, { afterId, limit })
      : await nextFinished(store, { ...filter, states: finishedOf(scope.states) }, { afterId, limit });
  return { items, afterId: items.length < limit ? null : items.at(-1)!.id };
}

async function findMissing(
  store: Store,
  receiver: Receiver,
  scope: RecoveryScope,
  { afterId, limit }: { afterId: string; limit: number },
  heartbeat: () => void,
): Promise<RecoveryPage> {
  const items: { id: string; run: number }[] = [];
  let lastId = afterId;
  for (let queries = 0; queries < MAX_QUERIES; queries += 1) {
    const events = await nextUndelivered(store, missingFilter(scope), { afterId: lastId, limit: PAGE_SIZE });
    for (const event of events) {
      lastId = event.id;
      if (receives(receiver, event)) items.push({ id: event.id, run: 0 });
      if (items.length === limit) return { items, afterId: lastId };
    }
    heartbeat();
    if (events.length < PAGE_SIZE) return { items, afterId: null };
  }
  return { items, afterId: lastId };
}

/**
 * Counts the events since a time that the subscription would receive and has no delivery of. `more` says that the account has
 * more events without such a delivery than the 1,000 that were looked at.
 */
export async function countMissed(
  store: Store,
  receiver: Receiver,
  since: Date,
): Promise<{ readonly missed: number; readonly more: boolean }> {
  const { account, subscription } = receiver;
  const scope: RecoveryScope = {
    subscriptionId: subscription.id,
    accountId: account.id,
    from: since.getTime(),
    to: Date.now(),
    states: ['missing'],
    types: [],
  };
  let missed = 0;
  let afterId = '';
  for (let read = 0; read < MAX_EVENTS_READ; read += PAGE_SIZE) {
    const events = await nextUndelivered(store, missingFilter(scope), { afterId, limit: PAGE_SIZE });
    missed += events.filter((event) => receives(receiver, event)).length;
    if (events.length < PAGE_SIZE) return { missed, more: false };
    afterId = events.at(-1)!.id;
  }
  const rest = await nextUndelivered(store, missingFilter(scope), { afterId, limit: 1 });
  return { missed, more: rest.length > 0 };
}

function receives({ account, subscription, candidates }: Receiver, event: Event): boolean {
  return selectReceivers(account, candidates, event).some(({ id }) => id === subscription.id);
}

function deliveryFilter({ subscriptionId, from, to, types, channel, tag }: RecoveryScope, asOf: Date): RecoveryFilter {
  return {
    ...(channel === undefined ? {} : { channel }),
    ...(tag === undefined ? {} : { tag }),
    subscriptionId,
    fromId: lowestIdAt('dlv', new Date(from)),
    beforeId: lowestIdAt('dlv', new Date(to)),
    types,
    asOf,
  };
}

function missingFilter({ accountId, subscriptionId, from, to, types }: RecoveryScope): MissingFilter {
  return {
    accountId,
    subscriptionId,
    fromId: lowestIdAt('evt', new Date(from)),
    beforeId: lowestIdAt('evt', new Date(to)),
    types,
  };
}
