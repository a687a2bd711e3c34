/** GET /v1/overview: statistics of deliveries for the dashboard's first page. */
import { z } from 'zod';
import { idTime, lowestIdAt } from '../../contract/ids.js';
import { countGroups, type ProviderCount } from '../../store/reports/groups.js';
import {
  countBacklog,
  countBuckets,
  sampleAttempts,
  worstSubscriptions,
  type AttemptSample,
  type Backlog,
} from '../../store/reports/overview.js';
import { openWindow } from '../../store/reports/window.js';
import type { ApiContext } from '../context.js';
import {
  customTimeline,
  fillSeries,
  MAX_PERIOD_MS,
  successOf,
  timeline,
  totals,
  windowNames,
  type Timeline,
} from './series.js';
import { visibleAccountId } from '../../http/principal.js';
import { invalidField } from '../../http/problem.js';
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
      .array(
        z.object({
          at: time,
          delivered: count,
          failed: count,
          cancelled: count,
          open: count,
          success: rate.describe('Share of accepted attempts; null without attempts.'),
          p50Ms: z.number().nullable(),
          p95Ms: z.number().nullable(),
          p99Ms: z.number().nullable(),
        }),
      )
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
    worstAccounts: z
      .array(
        z.object({
          accountId: z.string(),
          name: z.string(),
          provider: z.string(),
          deliveries: count,
          attempts: count,
          failures: count,
          failureRate: z.number(),
          openAfterFailure: count.describe('Open deliveries whose last attempt was not accepted.'),
        }),
      )
      .describe('At most ten with failed attempts, sorted by these times failure rate.'),
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
      description: 'With more than 50,000 deliveries a sample is read and its counts are extrapolated.',
      forAccounts: true,
      capability: 'view',
      query: z.strictObject({
        window: z.enum(windowNames).default('24h').describe('Length of the window, which ends now.'),
        from: time.optional().describe('Start of a period of your own, instead of a window.'),
        to: time.optional().describe('Its end; now when absent.'),
        accountId: z.string().optional(),
        subscriptionId: z.string().optional(),
        provider: z.string().optional(),
      }),
      responses: { status: 200, description: 'Statistics', schema: overviewSchema },
    },
    async ({ query, principal }) => {
      const accountId = visibleAccountId(principal, query.accountId);
      const scope = { accountId, subscriptionId: query.subscriptionId, provider: query.provider };
      const { from, to, bucketMs, buckets } = readPeriod(query, new Date());
      const [fromId, beforeId] = [lowestIdAt('dlv', from), lowestIdAt('dlv', to)];
      const window = await openWindow(store, { fromId, beforeId, ...scope });
      const bounds = buckets.map((at) => lowestIdAt('dlv', at));
      // One after the other, so that a request uses only one database connection.
      const counts = await countBuckets(store, window, bounds);
      const groups = await countGroups(store, window);
      const attempts = await sampleAttempts(store, window, bounds);
      const samples = attempts.filter((each) => each.provider !== null);
      const states = totals(counts);
      return {
        from,
        to,
        bucketMs,
        share: window.share,
        states,
        success: successOf(states, samples),
        series: fillSeries(buckets, counts, attempts),
        backlog: showBacklog(await countBacklog(store, scope)),
        providers: groups.providers.map((each) => showProvider(each, samples)),
        worstAccounts: groups.accounts,
        worstSubscriptions: await worstSubscriptions(store, groups.subscriptions, window.share, scope),
      };
    },
  );
}

interface Period {
  readonly window: (typeof windowNames)[number];
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** The period of a request: a window that ends now, or one of its own. Throws a problem for one that has no length. */
function readPeriod({ window, from, to }: Period, now: Date): Timeline {
  if (from === undefined) {
    if (to !== undefined) throw invalidField('from', 'is needed with to');
    return timeline(window, now);
  }
  const [start, end] = [new Date(from), to === undefined ? now : new Date(to)];
  if (start >= end) throw invalidField('from', 'must be before to, and in the past without it');
  if (end.getTime() - start.getTime() > MAX_PERIOD_MS) throw invalidField('from', 'must be at most 840 days before to');
  return customTimeline(start, end);
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
