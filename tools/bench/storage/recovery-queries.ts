/** The statements of a recovery, by name. */
import { lowestIdAt } from '#src/contract/ids.js';
import { insertMissing, nextUndelivered } from '#src/store/recovery/missing.js';
import {
  countFinished,
  countWaiting,
  nextFinished,
  nextWaiting,
  reopenFinished,
  stillWaiting,
} from '#src/store/recovery/finished.js';
import type { Written } from './queries.js';
import { newEvent, type Sample } from './sample.js';

const DAY_MS = 86_400_000;
const ago = (ms: number): Date => new Date(Date.now() - ms);
const week = ({ subscriptionId }: Sample) => ({
  subscriptionId,
  fromId: lowestIdAt('dlv', ago(7 * DAY_MS)),
  beforeId: lowestIdAt('dlv', new Date()),
  states: ['failed'] as const,
  types: [],
  asOf: new Date(),
});

export const perRecovery: readonly Written[] = [
  { name: 'count failed ones, 7 days', ask: (store, sample) => countFinished(store, week(sample)) },
  {
    name: 'find the next 100 failed ones, 7 days',
    ask: (store, sample) => nextFinished(store, week(sample), { afterId: '', limit: 100 }),
  },
  { name: 'count those that wait, 7 days', ask: (store, sample) => countWaiting(store, week(sample)) },
  {
    name: 'find the next 100 that wait, 7 days',
    ask: (store, sample) => nextWaiting(store, week(sample), { afterId: '', limit: 100 }),
  },
  {
    name: 'find which of 100 still wait',
    ask: (store, { deliveryIds }) =>
      stillWaiting(
        store,
        deliveryIds.map((id) => ({ id, run: 0, attempts: 1 })),
      ),
  },
  {
    name: 'reopen 100',
    writes: true,
    ask: (store, { deliveryIds }) =>
      reopenFinished(
        store,
        deliveryIds.map((id) => ({ id, run: 0 })),
        ['failed'],
      ),
  },
  {
    name: 'find the next 100 missing ones, 1 day',
    ask: (store, { accountId, subscriptionId }) =>
      nextUndelivered(
        store,
        {
          accountId,
          subscriptionId,
          fromId: lowestIdAt('evt', ago(DAY_MS)),
          beforeId: lowestIdAt('evt', new Date()),
          types: [],
        },
        { afterId: '', limit: 100 },
      ),
  },
  {
    name: 'insert 100 missing ones',
    writes: true,
    ask: (store, { accountId, subscriptionId, eventIds }) =>
      insertMissing(
        store,
        subscriptionId,
        eventIds.map((id) => {
          const missing = newEvent(accountId, subscriptionId);
          return { ...missing, event: { ...missing.event, id } };
        }),
      ),
  },
];
