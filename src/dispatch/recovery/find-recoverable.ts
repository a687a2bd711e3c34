/** Finding what a recovery covers: deliveries that wait, finished ones, and events that were never planned. */
import { lowestIdAt } from '../../contract/ids.js';
import type { Event } from '../../contract/entities.js';
import { contractOf } from '../../providers/registry.js';
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
import {
  enabledSubscriptions,
  findSubscription,
  type StoredSubscription,
} from '../../store/subscriptions/subscriptions.js';
import { finishedOf, type PageRequest, type RecoveryPage, type RecoveryScope } from '../../workflows/recovery-types.js';

/** Events looked at together. */
const PAGE = 200;
/** How many pages are looked at for one batch; then the workflow asks again, having noted where. */
const PAGES = 50;

/** Whom a recovery is for, and among which subscriptions the contract chooses. */
export interface Receiver {
  readonly account: StoredAccount;
  readonly subscription: StoredSubscription;
  readonly candidates: readonly StoredSubscription[];
}

/** The receiver of a recovery as it is now; undefined when it was deleted. A disabled one counts as if it were not. */
export async function loadReceiver(store: Store, subscriptionId: string): Promise<Receiver | undefined> {
  const subscription = await findSubscription(store, subscriptionId);
  const account = subscription && (await findAccount(store, subscription.accountId));
  if (!subscription || !account) return undefined;
  const others = (await enabledSubscriptions(store, account.id)).filter(({ id }) => id !== subscription.id);
  return { account, subscription, candidates: [...others, { ...subscription, enabled: true }] };
}

/** What there is to recover by state and event type, and the time by the database's clock that this is true of. */
export async function countRecoverable(
  store: Store,
  receiver: Receiver,
  scope: RecoveryScope,
): Promise<{ counts: RecoveryCount[]; settledBy: Date }> {
  const settledBy = await databaseTime(store);
  const filter = deliveryFilter(scope, settledBy);
  const states = finishedOf(scope.states);
  const counts = [
    ...(scope.states.includes('retrying') ? await countWaiting(store, filter) : []),
    ...(states.length > 0 ? await countFinished(store, { ...filter, states }) : []),
  ];
  if (!scope.states.includes('missing')) return { counts, settledBy };
  const byType = new Map<string, number>();
  for (let afterId = ''; ;) {
    const events = await nextUndelivered(store, missingFilter(scope), { afterId, limit: PAGE });
    for (const { type } of events.filter((event) => takes(receiver, event))) {
      byType.set(type, (byType.get(type) ?? 0) + 1);
    }
    if (events.length < PAGE) break;
    afterId = events.at(-1)!.id;
  }
  const missing = Array.from(byType, ([type, count]) => ({ state: 'missing', type, count }));
  return { counts: [...counts, ...missing], settledBy };
}

/** The next items of a recovery after an id; possibly none although there are more to look at. */
export async function findPage(
  store: Store,
  receiver: Receiver,
  { scope, settledBy, phase, afterId, limit }: PageRequest,
  heartbeat: () => void,
): Promise<RecoveryPage> {
  if (phase === 'missing') return findMissing(store, receiver, scope, { afterId, limit }, heartbeat);
  const filter = deliveryFilter(scope, new Date(settledBy));
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
  let lookedAt = afterId;
  for (let pages = 0; pages < PAGES; pages += 1) {
    const events = await nextUndelivered(store, missingFilter(scope), { afterId: lookedAt, limit: PAGE });
    for (const event of events) {
      lookedAt = event.id;
      if (takes(receiver, event)) items.push({ id: event.id, run: 0 });
      if (items.length === limit) return { items, afterId: lookedAt };
    }
    heartbeat();
    if (events.length < PAGE) return { items, afterId: null };
  }
  return { items, afterId: lookedAt };
}

function takes({ account, subscription, candidates }: Receiver, event: Event): boolean {
  return contractOf(account.provider)
    .select(event, candidates, account)
    .some(({ id }) => id === subscription.id);
}

function deliveryFilter({ subscriptionId, from, to, types }: RecoveryScope, settledBy: Date): RecoveryFilter {
  return {
    subscriptionId,
    fromId: lowestIdAt('dlv', new Date(from)),
    beforeId: lowestIdAt('dlv', new Date(to)),
    types,
    settledBy,
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
