/** GET /v1/overview: statistics of deliveries for the dashboard's first page. */
import { z } from 'zod';
import { idTime, lowestIdAt } from '../../contract/ids.js';
import {
  countBacklog,
  countBuckets,
  countProviders,
  sampleAttempts,
  worstSubscriptions,
  type AttemptSample,
  type Backlog,
  type ProviderCount,
} from '../../store/reports/overview.js';
import { openWindow } from '../../store/reports/window.js';
import type { ApiContext } from '../context.js';
import { fillSeries, successOf, timeline, totals, windowNames } from './series.js';
import { visibleAccountId } from '../../http/principal.js';
import { addRoute, type Routing } from '../../http/route.js';
import { time } from '../schemas.js';

const count = z.number();

const rate = z.number().nullable();
const successSchema = z
  .object({
    attempts: rate.describe('Share of accepted attempts; null without attempts.'),
    firstAttempts: rate.describe('The same for the first attempt of each delivery.'),
    ended: rate.describe(
      'Share of delivered among delivered and failed deliveries; open and cancelled ones do not count.',
    ),
  })
  .describe('Shares from 0 to 1; those of attempts use a sample of at most 5,000 deliveries.')
  .openapi('Success');

const overviewSchema = z
  .object({
    from: time,
    to: time,
    bucketMs: z.int(),
    share: z.number().describe('Share of the deliveries that was read; below 1 the counts are estimates.'),
    states: z
      .object({
        pending: count,
        retrying: count,
        paused: count,
        delivered: count,
        failed: count,
        cancelled: count,
      })
      .describe('Deliveries created in the window, by current state.'),
    success: successSchema,
    series: z
      .array(z.object({ at: time, delivered: count, failed: count, cancelled: count, open: count }))
      .describe('The same by creation time, one entry per bucket.'),
    backlog: z
      .object({
        waiting: count,
        afterFailure: count.describe('How many of them have a failed attempt.'),
        more: z.boolean().describe('Whether there are more than the counted ones.'),
        oldestWaitingAt: time.nullable().describe('Creation time of the oldest one.'),
      })
      .describe('Deliveries that wait for an attempt now, whenever they were created.'),
    providers: z.array(
      z.object({
        provider: z.string(),
        deliveries: count,
        delivered: count,
        openAfterFailure: count.describe('Open deliveries whose last attempt was not accepted.'),
        success: successSchema,
        attempts: count,
        p50Ms: z.number().nullable().describe('Latency of attempts with a response.'),
        p95Ms: z.number().nullable(),
        p99Ms: z.number().nullable(),
      }),
    ),
    worstSubscriptions: z
      .array(
        z.object({
          subscriptionId: z.string(),
          accountId: z.string(),
          provider: z.string(),
          url: z.string(),
          enabled: z.boolean(),
          disabledReason: z.string().nullable(),
          disabledAt: time.nullable(),
          failingSince: time.nullable().describe('Time of the first failed attempt since the last accepted one.'),
          attempts: count,
          failures: count,
          failureRate: rate.describe('Null without attempts.'),
          lastStatus: z.int().nullable(),
          lastReason: z.string().nullable(),
        }),
      )
      .describe(
        'At most ten, sorted by failed attempts times failure rate; then at most ten others that were disabled because ' +
          'of their receiver, latest first.',
      ),
  })
  .openapi('Overview');

export function overviewRoutes(routing: Routing, { store }: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/overview',
      tag: 'Overview',
      scope: 'read',
      summary: 'Get statistics of deliveries',
      description: 'With more than 200,000 deliveries a sample is read and its counts are extrapolated.',
      forAccounts: true,
      query: z.strictObject({
        window: z.enum(windowNames).default('24h').describe('Length of the window, which ends now.'),
        accountId: z.string().optional(),
      }),
      responses: { status: 200, description: 'Statistics', schema: overviewSchema },
    },
    async ({ query, principal }) => {
      const accountId = visibleAccountId(principal, query.accountId);
      const { from, to, bucketMs, buckets } = timeline(query.window, new Date());
      const [fromId, beforeId] = [lowestIdAt('dlv', from), lowestIdAt('dlv', to)];
      const window = await openWindow(store, { fromId, beforeId, ...(accountId === undefined ? {} : { accountId }) });
      const bounds = buckets.map((at) => lowestIdAt('dlv', at));
      // One after the other, so that a request uses only one database connection.
      const counts = await countBuckets(store, window, bounds);
      const providers = await countProviders(store, window);
      const samples = await sampleAttempts(store, window);
      const states = totals(counts);
      return {
        from,
        to,
        bucketMs,
        share: window.share,
        states,
        success: successOf(states, samples),
        series: fillSeries(buckets, counts),
        backlog: showBacklog(await countBacklog(store, accountId)),
        providers: providers.map((each) => showProvider(each, samples)),
        worstSubscriptions: await worstSubscriptions(store, window, accountId),
      };
    },
  );
}

function showBacklog({ oldestId, ...backlog }: Backlog) {
  return { ...backlog, oldestWaitingAt: oldestId === null ? null : idTime(oldestId) };
}

function showProvider({ failed, ...counts }: ProviderCount, samples: readonly AttemptSample[]) {
  const sample = samples.find(({ provider }) => provider === counts.provider);
  return {
    ...counts,
    success: successOf({ ...counts, failed }, sample ? [sample] : []),
    p50Ms: sample?.p50Ms ?? null,
    p95Ms: sample?.p95Ms ?? null,
    p99Ms: sample?.p99Ms ?? null,
  };
}
