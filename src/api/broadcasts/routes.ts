/** Broadcasts: one event for all accounts of a provider. */
import { z } from 'zod';
import { newId } from '../../contract/ids.js';
import { broadcastWorkflowId, closeCancelled, startBroadcast } from '../../dispatch/broadcasts.js';
import { page, readCursor } from '../../http/paging.js';
import type { Principal } from '../../http/principal.js';
import { notFound, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { environments } from '../../store/accounts/accounts.js';
import {
  cancelBroadcast,
  countAccounts,
  findBroadcast,
  insertBroadcast,
  listBroadcasts,
  pauseBroadcast,
  resumeBroadcast,
  type StoredBroadcast,
} from '../../store/broadcasts.js';
import { inTransaction } from '../../store/store.js';
import { broadcastStates } from '../../workflows/broadcast-types.js';
import type { ApiContext } from '../context.js';
import { temporalUrl } from '../deliveries/temporal-url.js';
import { createIdempotently, idempotencyKey, NO_ACCOUNT } from '../idempotency.js';
import { pageOf, paging, time } from '../schemas.js';
import { broadcastRate, broadcastRequest, readBroadcast } from './read-broadcast.js';

const tag = 'Broadcasts';
const params = z.object({ id: z.string() });
const broadcastSchema = z
  .object({
    id: z.string(),
    provider: z.string(),
    type: z.string(),
    occurredAt: time,
    channels: z.array(z.string()),
    environment: z.enum(environments).nullable(),
    metadata: z.record(z.string(), z.string()),
    ratePerSecond: z.int(),
    state: z.enum(broadcastStates),
    total: z.int().describe('Accounts when it was created.'),
    emitted: z.int().describe('Accounts that have got the event.'),
    skipped: z.int().describe('Accounts that were deleted at the same time, or for which it could not be rendered.'),
    deliveries: z.int(),
    workflowId: z.string(),
    temporalUrl: z.string().nullable().describe("The workflow in Temporal's UI."),
    createdAt: time,
    endedAt: time.nullable(),
  })
  .openapi('Broadcast');

const countSchema = z
  .object({
    dryRun: z.literal(true),
    accounts: z.int(),
    withSubscriptions: z.int().describe('Those of them with an enabled subscription, whatever it receives.'),
  })
  .openapi('BroadcastCount');

export function broadcastRoutes(routing: Routing, context: ApiContext): void {
  createRoute(routing, context);
  readRoutes(routing, context);
  changeRoutes(routing, context);
}

function createRoute(routing: Routing, context: ApiContext): void {
  const { store } = context;
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/broadcasts',
      tag,
      scope: 'publish',
      isAudited: true,
      summary: 'Emit an event to all accounts of a provider',
      description:
        'In the background, each account once, also after a restart; only accounts that exist now. Progress is in ' +
        'GET /v1/broadcasts/{id}.',
      headers: idempotencyKey,
      body: broadcastRequest,
      readsBodyItself: true,
      responses: { status: 202, description: 'The broadcast', schema: broadcastSchema },
      otherwise: { status: 200, description: 'With dryRun: the counts', schema: countSchema },
      problems: [409],
    },
    async ({ request, response, principal }) => {
      await context.eventTypes.ready();
      const { event, scope, ratePerSecond, dryRun } = readBroadcast(context, request.body, request.bodyText ?? '');
      if (dryRun) return void response.status(200).json({ dryRun, ...(await countAccounts(store, scope)) });
      const shown = await createIdempotently(store, request, NO_ACCOUNT, async (record) => {
        const { accounts: total } = await countAccounts(store, scope);
        const { type, occurredAt, channels, text } = event;
        const planned = { ...scope, id: newId('brc'), type, occurredAt, channels, text, rate: ratePerSecond, total };
        const saved = await inTransaction(store, async (client) => {
          const inserted = await insertBroadcast(store, client, planned);
          await record(client, show(context, principal, inserted));
          return inserted;
        });
        await startSoon(context, saved);
        return show(context, principal, saved);
      });
      return shown;
    },
  );
}

function readRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/broadcasts',
      tag,
      scope: 'read',
      summary: 'List broadcasts',
      query: paging,
      responses: { status: 200, description: 'Broadcasts, newest first', schema: pageOf(broadcastSchema) },
    },
    async ({ query: { limit, cursor }, principal }) => {
      const rows = await listBroadcasts(store, { limit: limit + 1, before: readCursor('brc', cursor) });
      return page(rows, limit, (row) => show(context, principal, row));
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/broadcasts/{id}',
      tag,
      scope: 'read',
      summary: 'Get a broadcast and its progress',
      params,
      responses: { status: 200, description: 'The broadcast', schema: broadcastSchema },
    },
    async ({ params: { id }, principal }) => show(context, principal, await mustFind(context, id)),
  );
}

/** Pauses, resumes and cancels. */
function changeRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;
  const common = {
    method: 'post',
    tag,
    params,
    bodyOptional: true,
    responses: { status: 200, description: 'The broadcast after it', schema: broadcastSchema },
    problems: [409],
  } as const;

  addRoute(
    routing,
    {
      ...common,
      path: '/v1/broadcasts/{id}/pause',
      scope: 'operate',
      summary: 'Pause a broadcast; the current page is finished first',
      body: z.strictObject({}),
    },
    async ({ params: { id }, principal }) => {
      const found = await mustFind(context, id);
      const paused = await pauseBroadcast(store, id);
      if (!paused) throw new Problem('conflict', `this broadcast is ${found.state}`);
      return show(context, principal, paused);
    },
  );

  addRoute(
    routing,
    {
      ...common,
      path: '/v1/broadcasts/{id}/resume',
      scope: 'operate',
      summary: 'Resume a paused broadcast, or change the rate of a running one',
      body: z.strictObject({ ratePerSecond: broadcastRate.optional().describe('The former rate when absent.') }),
    },
    async ({ params: { id }, body: { ratePerSecond }, principal }) => {
      const found = await mustFind(context, id);
      const resumed = await resumeBroadcast(store, id, ratePerSecond);
      if (!resumed) throw new Problem('conflict', `this broadcast is ${found.state}`);
      await startSoon(context, resumed);
      return show(context, principal, resumed);
    },
  );

  addRoute(
    routing,
    {
      ...common,
      path: '/v1/broadcasts/{id}/cancel',
      scope: 'operate',
      summary: 'Cancel a broadcast; the current page is finished first',
      description: 'What was emitted is delivered.',
      body: z.strictObject({}),
    },
    async ({ params: { id }, principal }) => {
      const found = await mustFind(context, id);
      const cancelled = await cancelBroadcast(store, id);
      if (!cancelled) throw new Problem('conflict', `this broadcast is ${found.state}`);
      await closeCancelled(context.client, id).catch((error: unknown) => {
        context.log.warn({ err: error, broadcastId: id }, 'cannot cancel the workflow of a broadcast; it ends itself');
      });
      return show(context, principal, cancelled);
    },
  );
}

async function mustFind({ store }: ApiContext, id: string): Promise<StoredBroadcast> {
  const found = await findBroadcast(store, id);
  if (!found) throw notFound('broadcast');
  return found;
}

/** Starts the workflow; the sweep does when Temporal is unavailable. */
async function startSoon({ client, log }: ApiContext, { id, provider }: StoredBroadcast): Promise<void> {
  await startBroadcast(client, id, provider).catch((error: unknown) => {
    log.warn({ err: error, broadcastId: id }, 'cannot start a broadcast now; the sweep will');
  });
}

function show(context: ApiContext, principal: Principal, { rate: ratePerSecond, ...broadcast }: StoredBroadcast) {
  const workflowId = broadcastWorkflowId(broadcast.id);
  return { ...broadcast, ratePerSecond, workflowId, temporalUrl: temporalUrl(context, principal, workflowId) };
}
