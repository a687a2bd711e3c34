/** Reading instead of receiving: a subscription that is polled keeps its messages until its owner asks for them. */
import { z } from 'zod';
import { idSuffix } from '../../contract/ids.js';
import type { Polling } from '../../contract/types.js';
import { invalidField, Problem } from '../../http/problem.js';
import type { Principal } from '../../http/principal.js';
import { addRoute, type Routing } from '../../http/route.js';
import { contractOf } from '../../providers/registry.js';
import { commitPosition, deleteConsumer, listConsumers } from '../../store/messages/consumers.js';
import { lastPosition, readMessages, type MessagePage } from '../../store/messages/messages.js';
import type { ApiContext } from '../context.js';
import { time } from '../schemas.js';
import { mustFindSubscription } from './view.js';

const tag = 'Polling';
const params = z.object({ id: z.string() });

/** Maximum consumers of a subscription. */
const MAX_CONSUMERS = 100;
/** Maximum size of the bodies of a page, in bytes, unless its first one is larger. */
const MAX_PAGE_BYTES = 4 * 1_024 * 1_024;

const consumerName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must have 1 to 64 characters of A-Z, a-z, 0-9 and . _ -');

const pageSchema = z
  .object({
    iterator: z.string().describe('The cursor of the next request; it also commits this page for its consumer.'),
    done: z.boolean().describe('Whether there was no further message.'),
    data: z.array(
      z.object({
        id: z.string().describe('The id that an attempt would have had; the same when a message is read again.'),
        eventType: z.string(),
        timestamp: time.describe('Time of the event.'),
        payload: z.unknown().describe('The body that an attempt would have sent; null when it could not be made.'),
        error: z.string().optional().describe('Why the body could not be made: its transformation failed.'),
      }),
    ),
  })
  .openapi('MessagePage');

export function pollRoutes(routing: Routing, context: ApiContext): void {
  readRoute(routing, context);
  consumerRoutes(routing, context);
}

/** Reads messages. */
function readRoute(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/subscriptions/{id}/poll',
      tag,
      scope: 'operate',
      summary: 'Read the messages of a subscription that is polled',
      description:
        'Oldest first. Without cursor from the oldest message that is kept, or from where the consumer is: with ' +
        'consumer, the cursor of a page commits it, and a page that was not committed is sent again.',
      forAccounts: true,
      params,
      query: z.strictObject({
        consumer: consumerName
          .optional()
          .describe(`Name of a reader whose position is stored; at most ${MAX_CONSUMERS} per subscription.`),
        cursor: z.string().max(100).optional().describe('iterator of the previous page.'),
        limit: z.coerce.number().int().min(1).max(250).default(50).describe('Maximum number of messages.'),
      }),
      responses: { status: 200, description: 'Messages, oldest first', schema: pageSchema },
      problems: [409],
    },
    async ({ params, query: { consumer, cursor, limit }, principal, response }) => {
      const { subscriptionId, polling } = await mustFindPolled(context, principal, params.id);
      const given = await readPosition(context, subscriptionId, cursor);
      const committed =
        consumer === undefined ? undefined : await commit(context, { subscriptionId, name: consumer }, given);
      const after = given ?? committed ?? 0;
      const page = await readMessages(context.store, subscriptionId, { after, limit, maxBytes: MAX_PAGE_BYTES });
      response
        .set('Cache-Control', 'no-store')
        .type('json')
        .send(toJson(subscriptionId, polling, page));
    },
  );
}

/** Lists and deletes consumers. */
function consumerRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/subscriptions/{id}/consumers',
      tag,
      scope: 'read',
      summary: 'List the consumers of a subscription that is polled',
      forAccounts: true,
      params,
      responses: {
        status: 200,
        description: 'All consumers, by name',
        schema: z.object({
          data: z.array(
            z.object({
              name: z.string(),
              cursor: z.string().describe('Where it is: everything before is committed.'),
              behind: z.int().describe('Messages after it, including those that were deleted with their event.'),
              polledAt: time.describe('Its last request.'),
            }),
          ),
        }),
      },
      problems: [409],
    },
    async ({ params, principal }) => {
      const { subscriptionId } = await mustFindPolled(context, principal, params.id);
      const consumers = await listConsumers(store, subscriptionId);
      const last = await lastPosition(store, subscriptionId);
      return {
        data: consumers.map(({ name, position, polledAt }) => ({
          name,
          cursor: cursorAt(subscriptionId, position),
          behind: Math.max(last - position, 0),
          polledAt,
        })),
      };
    },
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path: '/v1/subscriptions/{id}/consumers/{name}',
      tag,
      scope: 'operate',
      summary: 'Delete a consumer, so that its name starts again from the oldest message',
      forAccounts: true,
      params: params.extend({ name: z.string() }),
      responses: { status: 204, description: 'Deleted, or there was none', schema: null },
      problems: [409],
    },
    async ({ params: { id, name }, principal }) => {
      const { subscriptionId } = await mustFindPolled(context, principal, id);
      await deleteConsumer(store, { subscriptionId, name });
    },
  );
}

/** Finds a subscription that is polled. Throws a 404 as for any, and 409 for one that is sent requests. */
async function mustFindPolled(
  context: ApiContext,
  principal: Principal,
  id: string,
): Promise<{ readonly subscriptionId: string; readonly polling: Polling }> {
  const { subscription, account } = await mustFindSubscription(context, principal, id);
  const { polling, title } = contractOf(account.provider);
  if (!polling) throw new Problem('conflict', `subscriptions of ${title} cannot be polled`);
  if (!polling.isPolled(subscription.options))
    throw new Problem('conflict', 'this subscription has a URL; create one with receivesBy: poll to read its messages');
  return { subscriptionId: subscription.id, polling };
}

/** The cursor after a position; it names its subscription, so that it is not used for another one. */
function cursorAt(subscriptionId: string, position: number): string {
  return Buffer.from(`${idSuffix(subscriptionId)}.${position}`).toString('base64url');
}

/** The position of a cursor. Throws a problem for a wrong one. */
async function readPosition(
  { store }: ApiContext,
  subscriptionId: string,
  cursor: string | undefined,
): Promise<number | undefined> {
  if (cursor === undefined) return undefined;
  const [, suffix, digits] = /^([0-9a-z]{26})\.(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (suffix !== idSuffix(subscriptionId))
    throw invalidField('cursor', 'must be the iterator of a previous page of this subscription');
  const position = Number(digits);
  // After a restore of an older copy of the database, positions after it are assigned again.
  if (position > (await lastPosition(store, subscriptionId)))
    throw invalidField('cursor', 'is after the last message, as after a restore of the database; start without it');
  return position;
}

/** Commits a page of a consumer, and returns where it is. Throws a problem when there are too many consumers. */
async function commit(
  { store }: ApiContext,
  consumer: { readonly subscriptionId: string; readonly name: string },
  position: number | undefined,
): Promise<number> {
  const committed = await commitPosition(store, consumer, { position, max: MAX_CONSUMERS });
  if (committed !== undefined) return committed;
  throw new Problem('quota_exceeded', `a subscription has at most ${MAX_CONSUMERS} consumers; delete one`);
}

/** Inserts the bodies as text, so that they are exactly as an attempt would have sent them. */
function toJson(subscriptionId: string, polling: Polling, { messages, position, done }: MessagePage): string {
  const data = messages.map(({ eventId, eventType, occurredAt, body, bodyError }) => {
    const message = { id: polling.messageId(eventId), eventType, timestamp: occurredAt };
    if (bodyError !== null) return JSON.stringify({ ...message, payload: null, error: bodyError });
    const head = JSON.stringify(message);
    return `${head.slice(0, -1)},"payload":${body}}`;
  });
  return `{"iterator":${JSON.stringify(cursorAt(subscriptionId, position))},"done":${done},"data":[${data.join(',')}]}`;
}
