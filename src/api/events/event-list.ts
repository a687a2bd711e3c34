/** Lists of events. */
import { z } from 'zod';
import { idTime, lowestIdAt } from '../../contract/ids.js';
import { findOwners } from '../../store/accounts/list-accounts.js';
import { listEvents, type EventFilter, type EventPage, type ListedEvent } from '../../store/events/list-events.js';
import { mustFindAccount } from '../accounts/accounts.js';
import type { ApiContext } from '../context.js';
import { cursorOf, readCursor } from '../../http/paging.js';
import { visibleAccountId, type Principal } from '../../http/principal.js';
import { addRoute, type Routing } from '../../http/route.js';
import { line, pageOf, paging, time } from '../schemas.js';
import { readSearchText, searchedSchema, searchText } from '../search/query.js';

const filter = paging.extend({
  q: searchText
    .optional()
    .describe(
      "An event's id, or the message id that a receiver reads in a header. Or a text of at least three characters in " +
        'the payload, exactly as it is there, or in the event type.',
    ),
  type: line(255).min(1).optional().describe('Only events of this type.'),
  undelivered: z
    .enum(['true', 'false'])
    .optional()
    .describe(
      'true for only the events that reached nobody, or not everybody: those that were not delivered and cannot be ' +
        'read by polling, and those with a delivery that failed or is open.',
    ),
  from: time.optional().describe('Only events accepted at this time or later.'),
  to: time.optional().describe('Only events accepted before this time.'),
});

export const listedEvent = z
  .object({
    id: z.string(),
    accountId: z.string(),
    accountName: z.string(),
    provider: z.string(),
    type: z.string(),
    occurredAt: time,
    channels: z.array(z.string()),
    createdAt: time,
    deliveries: z
      .object({ delivered: z.int(), failed: z.int(), cancelled: z.int(), open: z.int() })
      .describe('How many of its deliveries are in which state; open are those that have not ended.'),
    messages: z.int().describe('In how many subscriptions that are polled it can be read.'),
  })
  .openapi('ListedEvent');

const listResponse = {
  status: 200,
  description: 'Events, newest first',
  schema: pageOf(listedEvent).extend({
    searched: z.union([searchedSchema, z.null()]).describe('How far the page has searched for q; null without it.'),
  }),
};
const description =
  'Without their payloads, which GET /v1/events/{id} has. With type, undelivered or q a page may have fewer events than ' +
  'its limit, also none; there are more as long as nextCursor is not null. A search for q reads at most 20,000 events ' +
  'and 32 MiB of payloads.';

export function eventListRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/accounts/{id}/events',
      tag: 'Events',
      scope: 'read',
      summary: "List an account's events",
      description,
      forAccounts: true,
      capability: 'view',
      params: z.object({ id: z.string() }),
      query: filter,
      responses: listResponse,
    },
    async ({ params, query, principal }) => {
      const account = await mustFindAccount(context, principal, params.id);
      return list(context, principal, account.id, query);
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/events',
      tag: 'Events',
      scope: 'read',
      summary: 'List the events of all accounts',
      description,
      forAccounts: true,
      capability: 'view',
      query: filter.extend({ accountId: z.string().optional() }),
      responses: listResponse,
    },
    async ({ query: { accountId, ...query }, principal }) =>
      list(context, principal, visibleAccountId(principal, accountId), query),
  );
}

async function list(
  context: ApiContext,
  principal: Principal,
  accountId: string | undefined,
  { limit, cursor, type, undelivered, from, to, q }: z.output<typeof filter>,
) {
  const ends = [readCursor('evt', cursor), to && lowestIdAt('evt', new Date(to))].filter((id) => id !== undefined);
  const search: EventFilter = {
    accountId,
    type,
    undelivered: undelivered === 'true',
    fromId: from && lowestIdAt('evt', new Date(from)),
    beforeId: ends.sort()[0],
    limit,
  };
  const { events, nextBeforeId, read } = q
    ? await findText(context, principal, search, q)
    : await listEvents(context.store, search);
  const since = nextBeforeId === null ? null : idTime(nextBeforeId);
  return {
    data: await showEvents(context, events),
    nextCursor: nextBeforeId === null ? null : cursorOf(nextBeforeId),
    searched: q ? { events: read, since, complete: since === null } : null,
  };
}

/** Events that an id stands for, or with a text in their payload. */
async function findText(
  { store, searchTurns }: ApiContext,
  principal: Principal,
  search: EventFilter,
  q: string,
): Promise<EventPage> {
  const { eventIds, text } = readSearchText(q);
  const named = eventIds.length === 0 ? undefined : await listEvents(store, { ...search, ids: eventIds });
  // What has the form of a message id may be in a payload as well.
  if (text === undefined || (named && named.events.length > 0))
    return named ?? { events: [], nextBeforeId: null, read: 0 };
  return searchTurns.run(principal, () => listEvents(store, { ...search, text }));
}

/** Events with the names of their accounts. */
export async function showEvents({ store }: Pick<ApiContext, 'store'>, events: readonly ListedEvent[]) {
  const owners = await findOwners(store, [...new Set(events.map(({ accountId }) => accountId))]);
  return events.map((event) => ({ ...event, ...owners.get(event.accountId) }));
}
