/** The statements that run for every delivery, for every sweep and for every look at the lists, by name. */
import { listAttempts, loadAttemptMaterial } from '#src/store/attempts/attempts.js';
import { loadBacklog } from '#src/store/reports/backlog.js';
import { loadDirect } from '#src/store/direct/material.js';
import { claimAny, heldBy } from '#src/store/direct/senders.js';
import { changedDeliveries, findDelivery, listDeliveries, newestAllFailed } from '#src/store/deliveries/deliveries.js';
import { changeState, markOwned, reopenDelivery } from '#src/store/deliveries/state-changes.js';
import { insertEvents } from '#src/store/events/events.js';
import { findEvent } from '#src/store/events/stored-events.js';
import { listEvents } from '#src/store/events/list-events.js';
import { findMatching } from '#src/store/deliveries/bulk.js';
import { attemptFigures } from '#src/store/reports/figures.js';
import { listPartitions } from '#src/store/partitions.js';
import { recordAttempts, recordInterrupted, type AttemptRow } from '#src/store/attempts/recording.js';
import { countBacklog } from '#src/store/reports/overview.js';
import { deleteExpired } from '#src/store/retention.js';
import { loadDeliveryStarts } from '#src/store/deliveries/delivery-starts.js';
import type { Store } from '#src/store/store.js';
import { cancelTerminated, pausedDeliveries, deliveriesOfDeletedSubscriptions } from '#src/store/deliveries/sweep.js';
import { overdueDeliveries, ownerlessDeliveries } from '#src/store/deliveries/sweep.js';
import { pausedOfEnabled, openDeliveries } from '#src/store/subscriptions/waiting.js';
import { perRecovery } from './recovery-queries.js';
import { newEvent, type Sample } from './sample.js';
import { perSearch } from './search-queries.js';

/** A query or a command to the store. */
export interface Query {
  readonly name: string;
  /** What it is asked for. */
  readonly when: 'delivery' | 'sweep' | 'request' | 'search' | 'recovery' | 'retention';
  readonly writes: boolean;
  ask(store: Store, sample: Sample): Promise<unknown>;
}

/** As it is written here. */
export type Written = Omit<Query, 'when' | 'writes'> & { readonly writes?: true };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LIMIT = 200;
const PAUSED_REASON = 'the subscription is disabled';
const ago = (ms: number): Date => new Date(Date.now() - ms);
function record(deliveryId: string): AttemptRow {
  return {
    deliveryId,
    run: 0,
    number: 1,
    startedAt: new Date(),
    durationMs: 12,
    outcome: 'accepted',
    status: 200,
    reason: null,
    message: null,
    url: 'https://receiver.example.com/hooks',
    requestHeaders: [],
    responseHeaders: {},
    responseExcerpt: 'ok',
    responseTruncated: false,
    timings: null,
    state: 'delivered',
    stateReason: null,
    disable: false,
    nextAttemptAt: null,
    schedulePosition: 0,
    recordedBy: 'a-run',
  };
}

const perDelivery: readonly Written[] = [
  {
    name: 'insert an event with a delivery',
    writes: true,
    ask: (store, { accountId, subscriptionId }) =>
      insertEvents(store, store.pool, [newEvent(accountId, subscriptionId)]),
  },
  { name: 'load for an attempt', ask: (store, { deliveryIds }) => loadAttemptMaterial(store, deliveryIds[0]!) },
  { name: 'load 100 for a sender', ask: (store, { deliveryIds }) => loadDirect(store, deliveryIds) },
  {
    name: 'record an attempt',
    writes: true,
    ask: (store, { deliveryIds }) => recordAttempts(store, [record(deliveryIds[0]!)]),
  },
  {
    name: 'record 100 attempts',
    writes: true,
    ask: (store, { deliveryIds }) => recordAttempts(store, deliveryIds.map(record)),
  },
  { name: 'load 100 to start', ask: (store, { deliveryIds }) => loadDeliveryStarts(store, deliveryIds) },
  { name: 'mark 100 owned', writes: true, ask: (store, { deliveryIds }) => markOwned(store, deliveryIds) },
  {
    name: 'change a state',
    writes: true,
    ask: (store, { deliveryIds }) =>
      changeState(store, { deliveryId: deliveryIds[0]!, run: 0, state: 'failed', reason: 'x', nextAttemptAt: null }),
  },
  {
    name: 'note a lost attempt',
    writes: true,
    ask: (store, { deliveryIds }) => recordInterrupted(store, { deliveryId: deliveryIds[0]!, run: 0, lostUpTo: 0 }),
  },
];

const perSweep: readonly Written[] = [
  { name: 'find what has no owner', ask: (store) => ownerlessDeliveries(store, { olderThan: 10, limit: LIMIT }) },
  { name: 'claim what no sender has', writes: true, ask: (store) => claimAny(store, 'snd_bench', LIMIT) },
  { name: 'find what a sender has', ask: (store) => heldBy(store, 'snd_bench', 10) },
  { name: 'find what is overdue', ask: (store) => overdueDeliveries(store, { overdueBy: 300, limit: LIMIT }) },
  { name: 'find what lost its subscription', ask: (store) => deliveriesOfDeletedSubscriptions(store, LIMIT) },
  {
    name: 'find paused deliveries of enabled subscriptions',
    ask: (store) => pausedOfEnabled(store, { reasons: [PAUSED_REASON], after: '', limit: LIMIT }),
  },
  {
    name: 'cancel what was terminated',
    writes: true,
    ask: (store, { deliveryIds }) =>
      cancelTerminated(
        store,
        deliveryIds.map((id) => ({ id, closedAt: new Date() })),
        'terminated',
      ),
  },
  { name: 'measure the backlog', ask: (store) => loadBacklog(store) },
  { name: 'list partitions', ask: (store) => listPartitions(store.pool) },
];

const perRequest: readonly Written[] = [
  { name: 'get a delivery', ask: (store, { deliveryIds }) => findDelivery(store, deliveryIds[0]!) },
  { name: 'get its attempts', ask: (store, { deliveryIds }) => listAttempts(store, deliveryIds[0]!) },
  { name: 'get an event', ask: (store, { eventIds }) => findEvent(store, eventIds[0]!) },
  { name: 'list events of an account', ask: (store, { accountId }) => listEvents(store, { accountId, limit: 50 }) },
  {
    name: 'list its events of a type that it has none of',
    ask: (store, { accountId }) => listEvents(store, { accountId, type: 'none', limit: 50 }),
  },
  {
    name: 'list its undelivered events',
    ask: (store, { accountId }) => listEvents(store, { accountId, undelivered: true, limit: 50 }),
  },
  { name: 'list all deliveries', ask: (store) => listDeliveries(store, { limit: 51 }) },
  { name: 'list those of an account', ask: (store, { accountId }) => listDeliveries(store, { accountId, limit: 51 }) },
  {
    name: 'list those of a subscription',
    ask: (store, { subscriptionId }) => listDeliveries(store, { subscriptionId, limit: 51 }),
  },
  {
    name: 'list the failed ones of a subscription',
    ask: (store, { subscriptionId }) => listDeliveries(store, { subscriptionId, state: 'failed', limit: 51 }),
  },
  { name: 'list the paused ones', ask: (store) => listDeliveries(store, { state: 'paused', limit: 51 }) },
  { name: 'list the cancelled ones', ask: (store) => listDeliveries(store, { state: 'cancelled', limit: 51 }) },
  {
    name: 'list those of an event',
    ask: (store, { eventIds }) => listDeliveries(store, { eventId: eventIds[0]!, limit: 51 }),
  },
  { name: 'redeliver', writes: true, ask: (store, { deliveryIds }) => reopenDelivery(store, deliveryIds[0]!) },
  {
    name: 'paused ones of a subscription',
    ask: (store, it) => pausedDeliveries(store, it.subscriptionId, PAUSED_REASON, LIMIT),
  },
  { name: 'open ones of a subscription', ask: (store, it) => openDeliveries(store, it.subscriptionId, LIMIT) },
  {
    name: 'figures of a subscription, 7 days',
    ask: (store, { subscriptionId }) =>
      attemptFigures(store, { subscriptionId, since: ago(7 * DAY_MS), slowerThanMs: [1_000, 5_000] }),
  },
  {
    name: 'whether an event type keeps failing',
    ask: (store, { subscriptionId }) =>
      newestAllFailed(store, { subscriptionId, eventType: 'user.created', deliveries: 20, since: ago(7 * DAY_MS) }),
  },
  { name: 'what changed in 5 s', ask: (store) => changedDeliveries(store, { since: ago(5_000), limit: LIMIT }) },
  { name: 'what waits', ask: (store, { accountId }) => countBacklog(store, { accountId }) },
  {
    name: 'the next 100 of a bulk command',
    ask: (store, { accountId }) => findMatching(store, { states: ['failed'], accountId }, 100),
  },
];

/** The sample's account keeps for 14 days what others keep for 90. */
const perRetention: readonly Written[] = [
  {
    name: 'delete what is expired, at most 2,000',
    writes: true,
    ask: (store) => deleteExpired(store, { days: 14, defaultDays: 90 }, new Date(), 2_000),
  },
  {
    name: 'find nothing that is expired',
    ask: (store) => deleteExpired(store, { days: 90, defaultDays: 90 }, new Date(), 2_000),
  },
];

const every = (when: Query['when'], queries: readonly Written[]): Query[] =>
  queries.map((query) => ({ writes: false, ...query, when }));

export const queries: readonly Query[] = [
  ...every('delivery', perDelivery),
  ...every('sweep', perSweep),
  ...every('request', perRequest),
  ...every('search', perSearch),
  ...every('recovery', perRecovery),
  ...every('retention', perRetention),
];
