/** How deliveries are doing: the figures of the dashboard's first page. */
import { z } from 'zod';
import { idTime, lowestIdAt } from '../contract/ids.js';
import {
  countBacklog,
  countBuckets,
  countProviders,
  latencies,
  worstSubscriptions,
  type Backlog,
  type Latency,
  type ProviderCount,
} from '../store/overview.js';
import { openWindow } from '../store/window.js';
import type { ApiContext, Routing } from './context.js';
import { fillSeries, timeline, totals, windowNames } from './overview-series.js';
import { accountSeen } from './principal.js';
import { addRoute } from './route.js';
import { time } from './schemas.js';

const count = z.number();

const overviewSchema = z
  .object({
    from: time,
    to: time,
    bucketMs: z.int(),
    share: z.number().describe('Which share of the deliveries was read; below 1 the counts are estimates.'),
    states: z
      .object({
        pending: count,
        retrying: count,
        paused: count,
        delivered: count,
        failed: count,
        cancelled: count,
      })
      .describe('Deliveries created in the window, by their state now.'),
    series: z
      .array(z.object({ at: time, delivered: count, failed: count, cancelled: count, open: count }))
      .describe('The same by time of creation, one entry for each bucket.'),
    backlog: z
      .object({
        waiting: count,
        more: z.boolean().describe('Whether there are more than were counted.'),
        oldestWaitingAt: time.nullable().describe('When the oldest of them was created.'),
      })
      .describe('What waits for an attempt now, whenever it was created.'),
    providers: z.array(
      z.object({
        provider: z.string(),
        deliveries: count,
        delivered: count,
        successRate: z.number().nullable().describe('Delivered of those that ended delivered or failed.'),
        attempts: count,
        p50Ms: z.number().nullable().describe('Latencies are of attempts that were answered.'),
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
          attempts: count,
          failures: count,
          failureRate: z.number(),
          lastStatus: z.int().nullable(),
          lastReason: z.string().nullable(),
        }),
      )
      .describe('Ten at most, by failed attempts times their rate.'),
  })
  .openapi('Overview');

export function overviewRoutes(routing: Routing, { store }: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/overview',
      tag: 'Overview',
      summary: 'How deliveries are doing',
      description: 'Of more than 200,000 deliveries a sample is read, and its counts are extrapolated.',
      forAccounts: true,
      query: z.strictObject({
        window: z.enum(windowNames).default('24h').describe('How far back to look.'),
        accountId: z.string().optional(),
      }),
      answers: { status: 200, description: 'Figures', schema: overviewSchema },
    },
    async ({ query, principal }) => {
      const accountId = accountSeen(principal, query.accountId);
      const { from, to, bucketMs, buckets } = timeline(query.window, new Date());
      const [fromId, beforeId] = [lowestIdAt('dlv', from), lowestIdAt('dlv', to)];
      const window = await openWindow(store, { fromId, beforeId, ...(accountId === undefined ? {} : { accountId }) });
      const bounds = buckets.map((at) => lowestIdAt('dlv', at));
      // One after the other: a page of figures is not worth several connections at once.
      const counts = await countBuckets(store, window, bounds);
      const providers = await countProviders(store, window);
      const latency = new Map((await latencies(store, window)).map((each) => [each.provider, each]));
      return {
        from,
        to,
        bucketMs,
        share: window.share,
        states: totals(counts),
        series: fillSeries(buckets, counts),
        backlog: showBacklog(await countBacklog(store, accountId)),
        providers: providers.map((each) => showProvider(each, latency.get(each.provider))),
        worstSubscriptions: await worstSubscriptions(store, window),
      };
    },
  );
}

function showBacklog({ waiting, more, oldestId }: Backlog) {
  return { waiting, more, oldestWaitingAt: oldestId === null ? null : idTime(oldestId) };
}

function showProvider({ failed, ...counts }: ProviderCount, latency: Latency | undefined) {
  const ended = counts.delivered + failed;
  return {
    ...counts,
    successRate: ended === 0 ? null : counts.delivered / ended,
    p50Ms: latency?.p50Ms ?? null,
    p95Ms: latency?.p95Ms ?? null,
    p99Ms: latency?.p99Ms ?? null,
  };
}
