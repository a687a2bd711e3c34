/** Lists deliveries. */
import { z } from 'zod';
import { idTime, lowestIdAt } from '../../contract/ids.js';
import { deliveryStates, listDeliveries } from '../../store/deliveries/deliveries.js';
import { searchDeliveries, type DeliveryRead, type DeliverySearch } from '../../store/deliveries/search.js';
import { readEvents } from '../../store/events/list-events.js';
import { accountIdsByText } from '../../store/accounts/list-accounts.js';
import type { Store } from '../../store/store.js';
import { subscriptionIdsByUrl, subscriptionIdsOfHost } from '../../store/subscriptions/find.js';
import type { ApiContext } from '../context.js';
import { cursorOf, readCursor } from '../../http/paging.js';
import { visibleAccountId, type Principal } from '../../http/principal.js';
import { invalidField } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { deliverySchema, line, pageOf, paging, time } from '../schemas.js';
import { searchPayloads } from '../search/payloads.js';
import { readHost, readSearchText, readStatus, searchText, statusFilter } from '../search/query.js';
import { showDeliveries } from './view.js';

/** Subscriptions, accounts and events that a text may stand for at most. */
const MAX_MEANT = 500;
/** How much later than an event the ids of its deliveries are made, in milliseconds. */
const MAX_LATER_MS = 1_000;

const filter = paging.extend({
  accountId: z.string().optional(),
  subscriptionId: z.string().optional(),
  provider: z.string().optional(),
  eventId: z.string().optional(),
  type: z.string().optional().describe('Event type.'),
  orderingKey: line(128).optional().describe('Only with `subscriptionId` or `accountId`.'),
  batchId: z.string().optional().describe('The delivery that is the batch: its members.'),
  state: z.enum(deliveryStates).optional(),
  host: line(2_048)
    .min(1)
    .optional()
    .describe("Host of the subscription's URL, such as `hooks.example.com`; or a URL."),
  status: statusFilter.optional(),
  reason: line(100)
    .min(1)
    .optional()
    .describe(
      'Why there was no response to the last attempt, such as `timeout`, `refused`, `dns`, `tls` or `blocked`.',
    ),
  q: searchText
    .optional()
    .describe(
      'An id: of a delivery, event, subscription or account, or the message id that a receiver reads in a header. ' +
        'Or a text of at least three characters in the event type, the URL, the name or your own id of the account, or ' +
        'the payload.',
    ),
  from: time.optional().describe('Only deliveries created at this time or later.'),
  to: time.optional().describe('Only deliveries created before this time.'),
});
type Filter = z.output<typeof filter>;

export function deliveryListRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/deliveries',
      tag: 'Deliveries',
      scope: 'read',
      summary: 'List deliveries',
      description:
        'With type, provider, host, status, reason or q the newest deliveries are read until a page is full. Then a page ' +
        'may have fewer deliveries than its limit, also none: searchedSince says how far it has read, and there may be ' +
        'more as long as nextCursor is not null.',
      forAccounts: true,
      capability: 'view',
      query: filter,
      responses: {
        status: 200,
        description: 'Deliveries, newest first',
        schema: pageOf(deliverySchema).extend({
          searchedSince: time
            .nullable()
            .describe(
              'Deliveries created before this time were not read, and nextCursor continues there; null when the page ' +
                'is full or there are no more.',
            ),
        }),
      },
    },
    async ({ query, principal }) => {
      const { deliveries, nextBeforeId, isCut } = await find(context, principal, query);
      return {
        data: await showDeliveries(context, principal, deliveries),
        nextCursor: nextBeforeId === null ? null : cursorOf(nextBeforeId),
        searchedSince: isCut && nextBeforeId !== null ? idTime(nextBeforeId) : null,
      };
    },
  );
}

async function find(context: ApiContext, principal: Principal, query: Filter): Promise<DeliveryRead> {
  const { limit, cursor, type, from, to, accountId, subscriptionId, host, status, reason, q, ...equal } = query;
  const visible = visibleAccountId(principal, accountId);
  if (equal.orderingKey !== undefined && visible === undefined && subscriptionId === undefined)
    throw invalidField('orderingKey', 'needs accountId or subscriptionId, as keys belong to subscriptions');
  const ends = [readCursor('dlv', cursor), to && lowestIdAt('dlv', new Date(to))].filter((id) => id !== undefined);
  const range = { fromId: from && lowestIdAt('dlv', new Date(from)), beforeId: ends.sort()[0] };
  const { store } = context;
  const needsReading = [type, equal.provider, host, status, reason, q || undefined].some(
    (given) => given !== undefined,
  );
  if (!needsReading) {
    const rows = await listDeliveries(store, {
      ...equal,
      ...range,
      accountId: visible,
      subscriptionId,
      limit: limit + 1,
    });
    const deliveries = rows.slice(0, limit);
    return { deliveries, nextBeforeId: rows.length > limit ? deliveries.at(-1)!.id : null, isCut: false };
  }
  const subscriptions = [
    ...(subscriptionId === undefined ? [] : [[subscriptionId]]),
    ...(host === undefined ? [] : [await subscriptionIdsOfHost(store, { accountId: visible, host: readHost(host) })]),
  ];
  const search: DeliverySearch = {
    ...equal,
    ...range,
    ...(status === undefined ? {} : readStatus(status)),
    accountId: visible,
    subscriptions,
    eventType: type,
    reason,
    limit,
  };
  return q ? findText(context, principal, search, q) : searchDeliveries(store, search);
}

const NOTHING: DeliveryRead = { deliveries: [], nextBeforeId: null, isCut: false };

/** Deliveries that an id stands for, or that match a text. */
async function findText(
  context: ApiContext,
  principal: Principal,
  search: DeliverySearch,
  q: string,
): Promise<DeliveryRead> {
  const { store } = context;
  const { deliveryId, subscriptionId, accountId, eventIds, text } = readSearchText(q);
  if (deliveryId !== undefined) return searchDeliveries(store, { ...search, id: deliveryId });
  if (subscriptionId !== undefined)
    return searchDeliveries(store, { ...search, subscriptions: [...(search.subscriptions ?? []), [subscriptionId]] });
  if (accountId !== undefined) return withBoth(store, search, 'accountId', accountId);
  // What has the form of a message id may be in a payload as well.
  const [event] = text === undefined ? eventIds : await existing(store, search.accountId, eventIds);
  if (event !== undefined) return withBoth(store, search, 'eventId', event);
  return text === undefined ? NOTHING : matching(context, principal, search, text);
}

/** The search with a further condition on a field that may have another one already. */
async function withBoth(
  store: Store,
  search: DeliverySearch,
  field: 'accountId' | 'eventId',
  id: string,
): Promise<DeliveryRead> {
  if (search[field] !== undefined && search[field] !== id) return NOTHING;
  return searchDeliveries(store, { ...search, [field]: id });
}

async function existing(store: Store, accountId: string | undefined, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const { rows } = await readEvents(store, { accountId, ids, beforeId: null, limit: ids.length });
  return rows.map(({ id }) => id);
}

/** Deliveries that match a text, as far back as the payloads of their events were searched. */
async function matching(
  context: ApiContext,
  principal: Principal,
  search: DeliverySearch,
  text: string,
): Promise<DeliveryRead> {
  const { store } = context;
  const { accountId, fromId, beforeId } = search;
  const meant = { accountId, text, limit: MAX_MEANT };
  const [subscriptionIds, accountIds, events] = await Promise.all([
    subscriptionIdsByUrl(store, meant),
    accountId === undefined ? accountIdsByText(store, meant) : [],
    searchPayloads(context, principal, { ...meant, ...eventRange(fromId, beforeId) }),
  ]);
  const { since } = events.searched;
  const readFrom = since === null ? fromId : deliveriesSince(since, beforeId);
  const found = await searchDeliveries(store, {
    ...search,
    fromId: readFrom,
    text: { inType: text, subscriptionIds, accountIds, eventIds: events.rows.map(({ id }) => id) },
  });
  if (found.nextBeforeId !== null || since === null || readFrom === undefined) return found;
  return { ...found, nextBeforeId: readFrom, isCut: true };
}

/** The first delivery whose event was certainly searched, if events since a time were: it has the event's time or a later one. */
function deliveriesSince(since: Date, beforeId: string | undefined): string {
  const certain = lowestIdAt('dlv', new Date(since.getTime() + MAX_LATER_MS));
  // At a rate of events that fills a search in less than that, going on is more important.
  return beforeId !== undefined && certain >= beforeId ? lowestIdAt('dlv', since) : certain;
}

/** The events of deliveries in a range, without those of deliveries that a recovery has created later. */
function eventRange(fromId: string | undefined, beforeId: string | undefined) {
  return {
    fromId: fromId === undefined ? undefined : lowestIdAt('evt', idTime(fromId)),
    // The next millisecond, as an event has the time of its deliveries.
    beforeId: beforeId === undefined ? undefined : lowestIdAt('evt', new Date(idTime(beforeId).getTime() + 1)),
  };
}
