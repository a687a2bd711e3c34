/** The statements of searches and of lists by what no index has. */
import { searchDeliveries } from '#src/store/deliveries/search.js';
import { listEvents } from '#src/store/events/list-events.js';
import { accountIdsByText, listAccounts } from '#src/store/accounts/list-accounts.js';
import {
  findHosts,
  findSubscriptions,
  subscriptionIdsByUrl,
  subscriptionIdsOfHost,
} from '#src/store/subscriptions/find.js';
import type { Written } from './queries.js';

const NONE = 'is-in-no-payload';

export const perSearch: readonly Written[] = [
  {
    name: 'search the payloads of all events',
    ask: (store) => listEvents(store, { text: NONE, limit: 50 }),
  },
  {
    name: 'search the payloads of an account',
    ask: (store, { accountId }) => listEvents(store, { accountId, text: NONE, limit: 50 }),
  },
  { name: 'list the events of all accounts', ask: (store) => listEvents(store, { limit: 50 }) },
  {
    name: 'list undelivered events of all accounts',
    ask: (store) => listEvents(store, { undelivered: true, limit: 50 }),
  },
  { name: 'list deliveries with a status', ask: (store) => searchDeliveries(store, { minStatus: 599, limit: 50 }) },
  {
    name: 'list failed ones of an account with a reason',
    ask: (store, { accountId }) => searchDeliveries(store, { accountId, state: 'failed', reason: 'dns', limit: 50 }),
  },
  {
    name: 'list those of a host with few subscriptions',
    ask: (store, { subscriptionId }) =>
      searchDeliveries(store, { subscriptions: [[subscriptionId, 'sub_1', 'sub_2', 'sub_3']], limit: 50 }),
  },
  {
    name: 'list those of a host with many',
    ask: (store, { subscriptionId }) =>
      searchDeliveries(store, {
        subscriptions: [[subscriptionId, ...Array.from({ length: 200 }, (_, index) => `sub_${index}`)]],
        limit: 50,
      }),
  },
  {
    name: 'list those with a text in the type',
    ask: (store) => {
      const text = { inType: 'none', subscriptionIds: ['sub_1'], accountIds: ['acc_1'], eventIds: ['evt_1'] };
      return searchDeliveries(store, { text, limit: 50 });
    },
  },
  { name: 'find the subscriptions of a host', ask: (store) => subscriptionIdsOfHost(store, { host: 'a.example' }) },
  { name: 'find subscriptions by URL', ask: (store) => subscriptionIdsByUrl(store, { text: 'none', limit: 500 }) },
  { name: 'list subscriptions by text', ask: (store) => findSubscriptions(store, { text: 'none', limit: 51 }) },
  { name: 'find hosts', ask: (store) => findHosts(store, { text: 'none', limit: 10 }) },
  { name: 'list accounts by text', ask: (store) => listAccounts(store, { text: 'none', limit: 51 }) },
  { name: 'find accounts by text', ask: (store) => accountIdsByText(store, { text: 'none', limit: 500 }) },
];
