/** Recoveries: redeliver in bulk what a subscription has missed. */
import { z } from 'zod';
import { idTime } from '../../contract/ids.js';
import { countRecoverable, loadReceiver, type Receiver } from '../../dispatch/recovery/find-recoverable.js';
import {
  cancelRecovery,
  findRecovery,
  lastRecovery,
  listRecoveries,
  newRecoveryId,
  startRecovery,
  subscriptionOfRecovery,
  type FoundRecovery,
} from '../../dispatch/recovery/recoveries.js';
import { contractOf } from '../../providers/registry.js';
import type { RecoveryCount } from '../../store/recovery/finished.js';
import { findSubscription } from '../../store/subscriptions/subscriptions.js';
import { recoverableStates, type RecoveryInput, type RecoveryScope } from '../../workflows/recovery-types.js';
import type { ApiContext } from '../context.js';
import { canSee, type Principal } from '../../http/principal.js';
import { invalidField, notFound, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { line, time } from '../schemas.js';
import { allowDelivered } from '../deliveries/many.js';
import { temporalUrl } from '../deliveries/temporal-url.js';

const tag = 'Recoveries';
const params = z.object({ id: z.string() });
/** Maximum page size; at lower rates a page is what one second allows. */
const MAX_PAGE_SIZE = 500;
/** About twenty history events per page, far below Temporal's limits. */
const PAGES_PER_RUN = 200;
/** Maximum number of listed recoveries. */
const MAX_LISTED = 100;

const request = z.strictObject({
  from: time.describe('Only deliveries created, and events accepted, at this time or later.'),
  to: time.optional().describe('Only those before this time; now when absent or later than that.'),
  states: z
    .array(z.enum(recoverableStates))
    .min(1)
    .max(recoverableStates.length)
    .default(['failed', 'retrying'])
    .describe(
      'Deliveries in these states: retrying ones are attempted now, in addition to the attempts of the schedule; ' +
        'finished ones are redelivered. missing means events that match the subscription but have no delivery for it.',
    ),
  types: z.array(line(255).min(1)).max(50).default([]).describe('Event types; all when empty.'),
  dryRun: z.boolean().default(false).describe('Only count; change nothing.'),
  ratePerSecond: z.int().min(1).max(1_000).default(10),
  allowDelivered,
});

const countSchema = z
  .object({
    dryRun: z.literal(true),
    total: z.int(),
    counts: z.array(z.object({ state: z.enum(recoverableStates), type: z.string(), count: z.int() })),
  })
  .openapi('RecoveryCount');

const recoverySchema = z
  .object({
    id: z.string(),
    subscriptionId: z.string(),
    from: time,
    to: time,
    states: z.array(z.enum(recoverableStates)),
    types: z.array(z.string()),
    ratePerSecond: z.int(),
    state: z.enum(['running', 'completed', 'cancelled', 'failed', 'terminated']),
    total: z.int().nullable().describe('How many there were at the start; null until they are counted.'),
    recovered: z.int().describe('How many were redelivered or are attempted now.'),
    skipped: z.int().describe('How many no longer needed it, or could not be rendered.'),
    workflowId: z.string(),
    temporalUrl: z.string().nullable().describe("The workflow in Temporal's UI; null for accounts."),
    createdAt: time,
    closedAt: time.nullable(),
  })
  .openapi('Recovery');

/** The problem that another recovery is running; names its id. */
class RecoveryRunning extends Problem {
  constructor(readonly recoveryId: string) {
    super('conflict', `recovery ${recoveryId} is already running for this subscription`);
  }

  override toJSON() {
    return { ...super.toJSON(), recoveryId: this.recoveryId };
  }
}

/** Throws a problem for a subscription that is polled: it has missed nothing. */
function rejectPolled({ subscription, account }: Receiver): void {
  if (contractOf(account.provider).polling?.isPolled(subscription.options))
    throw new Problem('conflict', 'this subscription is polled; read its messages again instead');
}

/** The input of a recovery's workflow. */
export function recoveryInput(recoveryId: string, scope: RecoveryScope, ratePerSecond: number): RecoveryInput {
  const pageSize = Math.min(ratePerSecond, MAX_PAGE_SIZE);
  return { recoveryId, scope, ratePerSecond, pageSize, pagesPerRun: PAGES_PER_RUN };
}

export function recoveryRoutes(routing: Routing, context: ApiContext): void {
  collectionRoutes(routing, context);
  itemRoutes(routing, context);
}

/** Starts and lists the recoveries of a subscription. */
function collectionRoutes(routing: Routing, context: ApiContext): void {
  const { store, client } = context;

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/subscriptions/{id}/recover',
      tag,
      scope: 'operate',
      summary: 'Start a recovery: redeliver what a subscription has missed',
      forAccounts: true,
      capability: 'send_again',
      description:
        'Retrying deliveries are attempted now, oldest first; then finished ones are redelivered. Pending and paused ' +
        'ones are not changed. A subscription can have one running recovery.',
      params,
      body: request,
      responses: { status: 202, description: 'The recovery', schema: recoverySchema },
      otherwise: { status: 200, description: 'With dryRun: the counts', schema: countSchema },
      problems: [409],
    },
    async ({ params, body, response, principal }) => {
      const receiver = await mustLoad(context, principal, params.id);
      rejectPolled(receiver);
      const scope = readScope(receiver, body);
      if (body.dryRun) {
        const { counts } = await countRecoverable(store, receiver, scope);
        return void response.status(200).json(showCounts(counts));
      }
      const input = recoveryInput(newRecoveryId(scope.subscriptionId), scope, body.ratePerSecond);
      const started = await startRecovery(client, receiver, input);
      const last = await lastRecovery(client, scope.subscriptionId);
      if (!last) throw new Problem('unavailable', 'Temporal does not know the recovery; try again shortly');
      if (!started) throw new RecoveryRunning(last.recovery.recoveryId);
      return show(context, principal, last);
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/subscriptions/{id}/recoveries',
      tag,
      scope: 'read',
      summary: "List a subscription's recoveries",
      forAccounts: true,
      capability: 'view',
      description: `The last ${MAX_LISTED} that Temporal still stores. A new one may be listed after a second.`,
      params,
      responses: {
        status: 200,
        description: 'Recoveries, newest first',
        schema: z.object({ data: z.array(recoverySchema) }),
      },
    },
    async ({ params, principal }) => {
      const { subscription } = await mustLoad(context, principal, params.id);
      const found = await listRecoveries(client, subscription.id, MAX_LISTED);
      return { data: found.map((recovery) => show(context, principal, recovery)) };
    },
  );
}

/** Shows and cancels one recovery. */
function itemRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/recoveries/{id}',
      tag,
      scope: 'read',
      summary: 'Get a recovery and its progress',
      forAccounts: true,
      capability: 'view',
      params,
      responses: { status: 200, description: 'The recovery', schema: recoverySchema },
    },
    async ({ params, principal }) => show(context, principal, await mustFind(context, principal, params.id)),
  );

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/recoveries/{id}/cancel',
      tag,
      scope: 'operate',
      summary: 'Cancel a recovery; the current page is finished first',
      forAccounts: true,
      capability: 'send_again',
      params,
      bodyOptional: true,
      body: z.strictObject({}),
      responses: { status: 202, description: 'Cancellation sent; the recovery before it', schema: recoverySchema },
      problems: [409],
    },
    async ({ params, principal }) => {
      const found = await mustFind(context, principal, params.id);
      if (!(await cancelRecovery(context.client, found)))
        throw new Problem('conflict', 'this recovery has already ended');
      return show(context, principal, found);
    },
  );
}

/** Finds a recovery. Throws a 404 when it does not exist or the caller may not see it. */
async function mustFind(context: ApiContext, principal: Principal, id: string): Promise<FoundRecovery> {
  const found = (await canSeeRecovery(context, principal, id)) ? await findRecovery(context.client, id) : undefined;
  if (!found) throw notFound('recovery');
  return found;
}

/** Checks the subscription in the recovery's id, so that Temporal is queried only for visible recoveries. */
async function canSeeRecovery({ store }: ApiContext, principal: Principal, recoveryId: string): Promise<boolean> {
  if (principal.role === 'operator') return true;
  const subscription = await findSubscription(store, subscriptionOfRecovery(recoveryId) ?? '');
  return subscription !== undefined && canSee(principal, subscription.accountId);
}

async function mustLoad({ store }: ApiContext, principal: Principal, subscriptionId: string): Promise<Receiver> {
  const receiver = await loadReceiver(store, subscriptionId);
  if (!receiver || !canSee(principal, receiver.account.id)) throw notFound('subscription');
  return receiver;
}

function readScope({ account, subscription }: Receiver, body: z.output<typeof request>): RecoveryScope {
  const contract = contractOf(account.provider);
  const now = Date.now();
  const from = Date.parse(body.from);
  const to = Math.min(body.to === undefined ? now : Date.parse(body.to), now);
  if (from >= to) throw invalidField('from', 'must be in the past and before to');
  const types = body.types.map((type, index) => {
    const definition = contract.findEvent(type);
    if (!definition) throw invalidField(`types[${index}]`, `${contract.title} has no event ${JSON.stringify(type)}`);
    return definition.type;
  });
  const states = [...new Set(body.states)];
  if (states.includes('delivered') && !body.allowDelivered)
    throw invalidField('allowDelivered', 'must be true to redeliver delivered deliveries');
  return { subscriptionId: subscription.id, accountId: account.id, from, to, states, types };
}

function showCounts(counts: readonly RecoveryCount[]) {
  return { dryRun: true, total: counts.reduce((sum, { count }) => sum + count, 0), counts };
}

function show(context: ApiContext, principal: Principal, found: FoundRecovery) {
  const { recovery, progress, state, workflowId, runId, closedAt } = found;
  const { recoveryId: id, scope, ratePerSecond } = recovery;
  return {
    id,
    subscriptionId: scope.subscriptionId,
    from: new Date(scope.from),
    to: new Date(scope.to),
    states: scope.states,
    types: scope.types,
    ratePerSecond,
    state,
    ...progress,
    workflowId,
    temporalUrl: temporalUrl(context, principal, workflowId, runId),
    createdAt: idTime(id.slice(0, id.lastIndexOf('_'))),
    closedAt,
  };
}
