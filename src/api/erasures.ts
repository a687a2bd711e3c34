/** Erases events before the end of their retention, and lists that it was done. */
import type { Request } from 'express';
import { z } from 'zod';
import { eraseAccount, eraseEvent, type ErasureResult } from '../dispatch/commands/erase.js';
import { cursorOf, page, readCursor } from '../http/paging.js';
import { notFound } from '../http/problem.js';
import { addRoute, type Routing } from '../http/route.js';
import { accountEverExisted, findErasure, listErasures, type Erasure } from '../store/erasures.js';
import { findEvent } from '../store/events/stored-events.js';
import type { ApiContext } from './context.js';
import { line, pageOf, paging, time } from './schemas.js';

const tag = 'Erasures';
const params = z.object({ id: z.string() });
const reason = line(500).min(1).describe('Why, for the record; it should contain nothing that is to be erased.');

const erasureSchema = z
  .object({
    id: z.string(),
    accountId: z.string(),
    eventId: z.string().nullable().describe('Null when the request was for the whole account.'),
    reason: z.string(),
    erasedBy: z.string().describe('The role of the caller: operator.'),
    address: z.string().nullable().describe('The address that the request came from.'),
    events: z.int().describe('How many events have lost their payload and channels.'),
    deliveries: z.int().describe('How many deliveries they have, whose bodies were removed.'),
    attempts: z.int().describe('How many attempts have lost their headers, excerpt and message.'),
    messages: z.int().describe('How many messages can no longer be read by polling.'),
    createdAt: time,
  })
  .openapi('Erasure');

const WHAT =
  'Removes payloads, channels and bodies, and the headers, excerpts and messages of attempts, at once; ids, types, states ' +
  'and times stay. Open deliveries are cancelled first with the reason erased; an attempt in flight is finished, and its ' +
  'content is removed after it. The deliveries cannot be redelivered.';

export function erasureRoutes(routing: Routing, context: ApiContext): void {
  eraseRoutes(routing, context);
  listRoute(routing, context);
}

function eraseRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/events/{id}/erase',
      tag,
      scope: 'admin',
      summary: 'Erase the content of an event',
      description: `${WHAT} Can be repeated.`,
      params,
      body: z.strictObject({ reason }),
      responses: { status: 200, description: 'The record of the erasure', schema: erasureSchema },
    },
    async ({ params, body, request }) => {
      const event = await findEvent(store, params.id);
      if (!event) throw notFound('event');
      const { id: eventId, accountId } = event;
      return recordOf(context, await eraseEvent(context, { accountId, eventId, ...caller(request), ...body }));
    },
  );

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/accounts/{id}/erase',
      tag,
      scope: 'admin',
      summary: "Erase the content of an account's events",
      description:
        `${WHAT} About 500 events per request, the oldest first: repeat it with nextCursor as cursor while more is ` +
        'true, and after an error. Each request has its own record. The account may be deleted already.',
      params,
      body: z.strictObject({
        reason,
        cursor: z.string().max(200).optional().describe('nextCursor of the previous request.'),
      }),
      responses: {
        status: 200,
        description: 'The record of what this request erased, and whether more remains',
        schema: erasureSchema.extend({ more: z.boolean(), nextCursor: z.string().nullable() }),
      },
    },
    async ({ params: { id: accountId }, body: { reason, cursor }, request }) => {
      const from = readCursor('evt', cursor);
      if (!(await accountEverExisted(store, accountId))) throw notFound('account');
      const erasure = { accountId, eventId: null, reason, ...caller(request) };
      const result = await eraseAccount(context, erasure, from);
      const { lastId } = result;
      const next = { more: lastId !== null, nextCursor: lastId === null ? null : cursorOf(lastId) };
      return { ...(await recordOf(context, result)), ...next };
    },
  );
}

function listRoute(routing: Routing, { store }: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/erasures',
      tag,
      scope: 'read',
      summary: 'List erasures',
      query: paging.extend({ accountId: z.string().optional() }),
      responses: { status: 200, description: 'Erasures, newest first', schema: pageOf(erasureSchema) },
    },
    async ({ query: { limit, cursor, accountId } }) => {
      const rows = await listErasures(store, { accountId, before: readCursor('era', cursor), limit: limit + 1 });
      return page(rows, limit, (row) => row);
    },
  );
}

/** Only operators may erase, so the role is all that is known of the caller, besides its address. */
function caller({ ip }: Request): { erasedBy: string; address: string | null } {
  return { erasedBy: 'operator', address: ip ?? null };
}

async function recordOf({ store }: ApiContext, { id }: ErasureResult): Promise<Erasure> {
  const record = await findErasure(store, id);
  if (!record) throw new Error(`the erasure ${id} has no record`);
  return record;
}
