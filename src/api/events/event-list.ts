/** Lists of events. */
import { z } from 'zod';
import { lowestIdAt } from '../../contract/ids.js';
import { listEvents } from '../../store/events/list-events.js';
import { mustFindAccount } from '../accounts/accounts.js';
import type { ApiContext } from '../context.js';
import { cursorOf, readCursor } from '../../http/paging.js';
import { addRoute, type Routing } from '../../http/route.js';
import { line, pageOf, paging, time } from '../schemas.js';

const filter = paging.extend({
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

const listedEvent = z
  .object({
    id: z.string(),
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

export function eventListRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/accounts/{id}/events',
      tag: 'Events',
      scope: 'read',
      summary: "List an account's events",
      description:
        'Without their payloads, which GET /v1/events/{id} has. With type or undelivered a page may have fewer events ' +
        'than its limit, also none; there are more as long as nextCursor is not null.',
      forAccounts: true,
      params: z.object({ id: z.string() }),
      query: filter,
      responses: { status: 200, description: 'Events, newest first', schema: pageOf(listedEvent) },
    },
    async ({ params, query: { limit, cursor, type, undelivered, from, to }, principal }) => {
      const account = await mustFindAccount(context, principal, params.id);
      const ends = [readCursor('evt', cursor), to && lowestIdAt('evt', new Date(to))].filter((id) => id !== undefined);
      const { events, nextBeforeId } = await listEvents(context.store, {
        accountId: account.id,
        type,
        undelivered: undelivered === 'true',
        fromId: from && lowestIdAt('evt', new Date(from)),
        beforeId: ends.sort()[0],
        limit,
      });
      return { data: events, nextCursor: nextBeforeId === null ? null : cursorOf(nextBeforeId) };
    },
  );
}
