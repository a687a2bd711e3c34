/** Jobs: one command for all deliveries of a filter, sent in the background at a rate. */
import { z } from 'zod';
import { idTime } from '../contract/ids.js';
import { jobWorkflowId, notifyJob } from '../dispatch/commands/jobs.js';
import { page, readCursor } from '../http/paging.js';
import type { Principal } from '../http/principal.js';
import { notFound, Problem } from '../http/problem.js';
import { addRoute, type Routing } from '../http/route.js';
import { countMatching } from '../store/deliveries/bulk.js';
import { deliveryStates } from '../store/deliveries/deliveries.js';
import { changeJob, findJob, insertJob, listJobs, type StoredJob } from '../store/jobs.js';
import { inTransaction } from '../store/store.js';
import { jobActions, jobStates } from '../workflows/job-types.js';
import type { ApiContext } from './context.js';
import { allowDelivered, deliveryFilter, readFilter } from './deliveries/many.js';
import { temporalUrl } from './deliveries/temporal-url.js';
import { createIdempotently, idempotencyKey, NO_ACCOUNT } from './idempotency.js';
import { line, pageOf, paging, time } from './schemas.js';

const tag = 'Jobs';
const params = z.object({ id: z.string() });

/** Maximum count of a dry run. */
const MAX_COUNTED = 100_000;
const MAX_RATE = 1_000;
/** Jobs that have not ended, of one account and of all operators together. */
const MAX_OPEN = { account: 5, operator: 50 } as const;

const ratePerSecond = z.int().min(1).max(MAX_RATE).describe('Maximum number of deliveries per second.');

const request = z.strictObject({
  action: z.enum(jobActions).describe('retry makes an attempt now, in addition to the attempts of the schedule.'),
  filter: deliveryFilter.describe('Which deliveries; all that the action applies to when empty.'),
  dryRun: z.boolean().default(false).describe('Only count; change nothing.'),
  ratePerSecond: ratePerSecond.default(100),
  reason: line(500).default('by a job').describe('For pause and cancel: shown with the deliveries and in Temporal.'),
  allowDelivered,
});

const countSchema = z
  .object({
    dryRun: z.literal(true),
    total: z.int().describe('Number of deliveries that match, counted up to 100,000.'),
    more: z.boolean().describe('Whether there are more than the counted ones.'),
  })
  .openapi('JobCount');

const jobSchema = z
  .object({
    id: z.string(),
    accountId: z.string().nullable().describe('The account whose key started it; null for an operator.'),
    action: z.enum(jobActions),
    filter: z
      .object({
        states: z.array(z.enum(deliveryStates)),
        accountId: z.string().optional(),
        subscriptionId: z.string().optional(),
        provider: z.string().optional(),
        eventType: z.string().optional(),
        eventId: z.string().optional(),
        orderingKey: z.string().optional(),
        from: time.optional(),
        to: time,
        deliveryIds: z.int().optional().describe('How many deliveries the request named.'),
      })
      .describe('The filter of the request; `to` is the time of the request when absent or later.'),
    reason: z.string(),
    ratePerSecond: z.int(),
    state: z.enum(jobStates),
    total: z.int().nullable().describe('How many deliveries matched at the start; null until they are counted.'),
    done: z.int().describe('How many accepted the command.'),
    skipped: z.int().describe('How many had changed their state in the meantime.'),
    workflowId: z.string(),
    temporalUrl: z.string().nullable().describe("The workflow in Temporal's UI; null for accounts."),
    createdAt: time,
    endedAt: time.nullable(),
  })
  .openapi('Job');

export function jobRoutes(routing: Routing, context: ApiContext): void {
  collectionRoutes(routing, context);
  itemRoutes(routing, context);
}

/** Starts and lists jobs. */
function collectionRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/jobs',
      tag,
      scope: 'operate',
      summary: 'Start a job: retry, pause, resume, cancel or redeliver all deliveries of a filter',
      description:
        'It runs in the background, oldest delivery first and at most at the given rate, also after a restart. Deliveries ' +
        'that are created after the request are not changed. resume skips deliveries that wait because their ' +
        'subscription or account is paused or disabled.',
      forAccounts: true,
      headers: idempotencyKey,
      body: request,
      responses: { status: 202, description: 'The job', schema: jobSchema },
      otherwise: { status: 200, description: 'With dryRun: the count', schema: countSchema },
      problems: [409],
    },
    async ({ body, request, response, principal }) => {
      const { action, reason, ratePerSecond } = body;
      const filter = readFilter(body, principal);
      if (body.dryRun) {
        const matched = await countMatching(store, filter, MAX_COUNTED + 1);
        const count = { dryRun: true, total: Math.min(matched, MAX_COUNTED), more: matched > MAX_COUNTED };
        return void response.status(200).json(count);
      }
      const accountId = ownAccountId(principal);
      return createIdempotently(store, request, accountId ?? NO_ACCOUNT, async (record) => {
        const job = await inTransaction(store, async (client) => {
          const maxOpen = MAX_OPEN[principal.role];
          const inserted = await insertJob(client, { accountId, action, filter, reason, ratePerSecond }, maxOpen);
          if (!inserted)
            throw new Problem(
              'quota_exceeded',
              `${maxOpen} jobs have not ended; wait for the end of one, or cancel it`,
            );
          await record(client, show(context, principal, inserted));
          return inserted;
        });
        await notifySoon(context, job);
        return show(context, principal, job);
      });
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/jobs',
      tag,
      scope: 'read',
      summary: 'List jobs',
      description: 'Those that have not ended, or ended within the last 30 days.',
      forAccounts: true,
      query: paging,
      responses: { status: 200, description: 'Jobs, newest first', schema: pageOf(jobSchema) },
    },
    async ({ query: { limit, cursor }, principal }) => {
      const before = readCursor('job', cursor);
      const rows = await listJobs(store, { accountId: ownAccountId(principal) ?? undefined, before, limit: limit + 1 });
      return page(rows, limit, (job) => show(context, principal, job));
    },
  );
}

/** Shows, pauses, resumes and cancels one job. */
function itemRoutes(routing: Routing, context: ApiContext): void {
  const responses = { status: 200, description: 'The job after it', schema: jobSchema } as const;
  const common = {
    method: 'post',
    tag,
    scope: 'operate',
    forAccounts: true,
    params,
    bodyOptional: true,
    responses,
    problems: [409],
  } as const;

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/jobs/{id}',
      tag,
      scope: 'read',
      summary: 'Get a job and its progress',
      forAccounts: true,
      params,
      responses: { status: 200, description: 'The job', schema: jobSchema },
    },
    async ({ params, principal }) => show(context, principal, await mustFind(context, principal, params.id)),
  );

  addRoute(
    routing,
    {
      ...common,
      path: '/v1/jobs/{id}/pause',
      summary: 'Pause a job; the current page of deliveries is finished first',
      body: z.strictObject({}),
    },
    ({ params, principal }) => change(context, principal, params.id, { state: 'paused' }),
  );

  addRoute(
    routing,
    {
      ...common,
      path: '/v1/jobs/{id}/resume',
      summary: 'Resume a paused job, or change the rate of a running one',
      body: z.strictObject({ ratePerSecond: ratePerSecond.optional() }),
    },
    ({ params, body, principal }) => change(context, principal, params.id, { state: 'running', ...body }),
  );

  addRoute(
    routing,
    {
      ...common,
      path: '/v1/jobs/{id}/cancel',
      summary: 'Cancel a job; the current page of deliveries is finished first',
      body: z.strictObject({}),
    },
    ({ params, principal }) => change(context, principal, params.id, { state: 'cancelled' }),
  );
}

async function change(
  context: ApiContext,
  principal: Principal,
  id: string,
  to: Parameters<typeof changeJob>[2],
): Promise<ReturnType<typeof show>> {
  await mustFind(context, principal, id);
  const job = await changeJob(context.store, id, to);
  if (!job) throw new Problem('conflict', 'this job has already ended');
  await notifySoon(context, job);
  return show(context, principal, job);
}

/** Notifies the workflow of a job. When Temporal is unavailable the sweep does. */
async function notifySoon({ client, log }: ApiContext, job: StoredJob): Promise<void> {
  await notifyJob(client, job).catch((error: unknown) => {
    log.warn({ err: error, job: job.id }, 'cannot notify the workflow of a job now; the sweep will');
  });
}

/** Finds a job. Throws a 404 when it does not exist or the caller may not see it. */
async function mustFind({ store }: ApiContext, principal: Principal, id: string): Promise<StoredJob> {
  const job = await findJob(store, id);
  const own = ownAccountId(principal);
  if (!job || (own !== null && job.accountId !== own)) throw notFound('job');
  return job;
}

function ownAccountId(principal: Principal): string | null {
  return principal.role === 'operator' ? null : principal.account.id;
}

function show(context: ApiContext, principal: Principal, job: StoredJob) {
  const { id, filter, afterId: _, ...shown } = job;
  const { fromId, beforeId, ids, exceptReasons: __, ...named } = filter;
  const workflowId = jobWorkflowId(id);
  return {
    id,
    ...shown,
    filter: {
      ...named,
      ...(fromId === undefined ? {} : { from: idTime(fromId) }),
      to: idTime(beforeId),
      ...(ids === undefined ? {} : { deliveryIds: ids.length }),
    },
    workflowId,
    temporalUrl: temporalUrl(context, principal, workflowId),
  };
}
