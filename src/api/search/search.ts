/** One search for everything: what a text stands for, by kind. */
import { z } from 'zod';
import { lowestIdAt } from '../../contract/ids.js';
import { contracts } from '../../providers/registry.js';
import { listAccounts } from '../../store/accounts/list-accounts.js';
import { findDelivery, listDeliveries, type StoredDelivery } from '../../store/deliveries/deliveries.js';
import { withCounts, readEvents, type ListedEvent } from '../../store/events/list-events.js';
import { findHosts } from '../../store/subscriptions/find.js';
import { showAccount } from '../accounts/create.js';
import type { ApiContext } from '../context.js';
import { showDeliveries } from '../deliveries/view.js';
import { sees } from '../event-types/checks.js';
import { listedEvent, showEvents } from '../events/event-list.js';
import { canSee, visibleAccountId, type Principal } from '../../http/principal.js';
import { addRoute, type Routing } from '../../http/route.js';
import { accountSchema, deliverySchema, subscriptionSchema, time } from '../schemas.js';
import { listWithHealth } from '../subscriptions/list.js';
import { searchPayloads } from './payloads.js';
import { hostIn, readSearchText, searchedSchema, searchText, type SearchQuery } from './query.js';

/** Deliveries of the events that were found. */
const MAX_DELIVERIES = 100;

const query = z.strictObject({
  q: searchText.describe(
    'An id: of a delivery, event, subscription or account, or the message id that a receiver reads in a header. Or a ' +
      'text of at least three characters in event types, URLs, the names and your own ids of accounts, and payloads.',
  ),
  accountId: z.string().optional().describe('Only what belongs to this account.'),
  from: time.optional().describe('Only payloads of events accepted at this time or later.'),
  to: time.optional().describe('Only payloads of events accepted before this time.'),
  limit: z.coerce.number().int().min(1).max(50).default(10).describe('Maximum number of results of each kind.'),
});

const schema = z
  .object({
    accounts: z.array(accountSchema.pick({ id: true, name: true, provider: true, externalId: true })),
    subscriptions: z.array(subscriptionSchema.extend({ accountName: z.string() })),
    hosts: z.array(z.object({ host: z.string(), subscriptions: z.int() })).describe('Hosts of the URLs.'),
    eventTypes: z.array(z.string()),
    events: z
      .array(listedEvent)
      .describe('Events with this id or message id, otherwise with the text in their payload.'),
    deliveries: z.array(deliverySchema).describe('The delivery with this id, or those of the events.'),
    searched: z.union([searchedSchema, z.null()]).describe('How far payloads were searched; null when they were not.'),
  })
  .openapi('SearchResults');

export function searchRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/search',
      tag: 'Search',
      scope: 'read',
      summary: 'Find anything by an id or a text',
      description:
        'At most 20,000 of the newest events and 32 MiB of their payloads are searched; `searched` says how far that was. ' +
        'GET /v1/events and GET /v1/deliveries continue with q and a cursor. Payloads are compared as they were sent; ' +
        'encrypted ones are not searched.',
      forAccounts: true,
      query,
      responses: { status: 200, description: 'What was found, by kind', schema },
    },
    async ({ query: { accountId, ...given }, principal }) =>
      search(context, principal, { ...given, accountId: visibleAccountId(principal, accountId) }),
  );
}

/** A search, for the accounts that the caller may see. */
interface Search {
  readonly q: string;
  readonly accountId: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit: number;
}

async function search(context: ApiContext, principal: Principal, asked: Search) {
  const { store } = context;
  const { accountId, limit } = asked;
  const meant = readSearchText(asked.q);
  const name = meant.accountId ?? meant.text;
  const url = meant.subscriptionId ?? meant.text;
  const [accounts, subscriptions, hosts, eventTypes, { events, searched }] = await Promise.all([
    name === undefined ? [] : listAccounts(store, { accountId, text: name, limit }),
    url === undefined ? [] : listWithHealth(context, { accountId, text: url, limit }),
    meant.text === undefined ? [] : findHosts(store, { accountId, text: meant.text, host: hostIn(meant.text), limit }),
    meant.text === undefined ? [] : findEventTypes(context, principal, meant.text, limit),
    findEvents(context, principal, meant, asked),
  ]);
  const deliveries = await findDeliveries(context, principal, meant, accountId, events);
  return {
    accounts: accounts.map((account) => {
      const { id, name, provider, externalId } = showAccount(account);
      return { id, name, provider, externalId };
    }),
    subscriptions,
    hosts,
    eventTypes,
    events: await showEvents(context, events),
    deliveries: await showDeliveries(context, principal, deliveries),
    searched,
  };
}

/** Names of documented and defined event types that the caller may know. */
async function findEventTypes(
  { eventTypes }: ApiContext,
  principal: Principal,
  text: string,
  limit: number,
): Promise<string[]> {
  await eventTypes.ready();
  const account = principal.role === 'account' ? principal.account : undefined;
  const known = contracts.filter(({ provider }) => account === undefined || provider === account.provider);
  const documented = known.flatMap(({ events }) => events.map(({ type }) => type));
  const defined = known.some(({ openCatalogue }) => openCatalogue)
    ? eventTypes.all().filter(({ featureFlag }) => account === undefined || sees(account, featureFlag))
    : [];
  const names = new Set([...defined.map(({ name }) => name), ...documented]);
  return [...names].filter((name) => name.toLowerCase().includes(text.toLowerCase())).slice(0, limit);
}

/** Events with the id or message id; otherwise those with the text in their payload or type. */
async function findEvents(
  context: ApiContext,
  principal: Principal,
  { eventIds, text }: SearchQuery,
  { accountId, from, to, limit }: Search,
) {
  const { store } = context;
  if (eventIds.length > 0) {
    const { rows } = await readEvents(store, { accountId, ids: eventIds, beforeId: null, limit });
    if (rows.length > 0 || text === undefined) return { events: await withCounts(store, rows), searched: null };
  }
  if (text === undefined) return { events: [], searched: null };
  const { rows, searched } = await searchPayloads(context, principal, {
    accountId,
    text,
    fromId: from && lowestIdAt('evt', new Date(from)),
    beforeId: to && lowestIdAt('evt', new Date(to)),
    limit,
  });
  return { events: await withCounts(store, rows), searched };
}

async function findDeliveries(
  { store }: ApiContext,
  principal: Principal,
  { deliveryId }: SearchQuery,
  accountId: string | undefined,
  events: readonly ListedEvent[],
): Promise<StoredDelivery[]> {
  if (deliveryId !== undefined) {
    const delivery = await findDelivery(store, deliveryId);
    const isAsked =
      delivery && canSee(principal, delivery.accountId) && [undefined, delivery.accountId].includes(accountId);
    return isAsked ? [delivery] : [];
  }
  if (events.length === 0) return [];
  return listDeliveries(store, { accountId, eventIds: events.map(({ id }) => id), limit: MAX_DELIVERIES });
}
