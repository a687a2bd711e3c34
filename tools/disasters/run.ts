/** One disaster: load, copies under load, the disaster, what the runbook says, and what became of every delivery. */
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '#src/embedded/poll.js';
import { deliveryFacts, ownerlessDeliveries } from '../chaos/facts.js';
import { emitAll, newLoadReport, type LoadReport } from '../chaos/load.js';
import { makePlan, type PlanOptions } from '../chaos/plan.js';
import { startReceivers, type Receivers } from '../chaos/receivers.js';
import { queryWithRetry } from '../chaos/servers.js';
import { settle } from '../chaos/settle.js';
import { subscribe, TIME_LIMIT_MS, type Subscribed } from '../chaos/subscribe.js';
import { printProgress } from '../progress.js';
import { copyDatabase } from './copies.js';
import { PIGEONPOST_DATABASE, type Disaster } from './disaster.js';
import { pausedOnOneSide, pauseSome, resumeAll, resumeSome } from './pauses.js';
import { mismatched, reconcile, reconcileAsRunbook, type Reconciliation } from './reconcile.js';
import { resultOf, type DisasterResult } from './result.js';
import { startSystem, stopSystem, strike, withTemporal, type System } from './system.js';

export type LoadOptions = PlanOptions;

/** Deliveries that are paused before the copies are made, and after it; half of the former are resumed then. */
const PAUSED = 4;
/** Wait between the copies of two databases, in milliseconds. */
const BETWEEN_COPIES_MS = 2_000;
/** The number of `/v1/health` is that of the last sweep, of which there is one every 30 seconds; in milliseconds. */
const SWEPT_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 1_000;

interface Outcome {
  readonly result: DisasterResult & { readonly [duration: `${string}Seconds`]: number };
  readonly problems: readonly string[];
}

/** Runs a disaster on a new cluster with its data in this folder. */
export async function runDisaster(disaster: Disaster, folder: string, options: LoadOptions): Promise<Outcome> {
  const receivers = await startReceivers(options.seed, TIME_LIMIT_MS);
  let system = await startSystem(folder);
  try {
    const subscribed = await subscribe(system.ask, receivers);
    const load = newLoadReport();
    const copiedAt = await loadAndCopy(system, subscribed, load, disaster, options);
    const strickenAt = performance.now();
    system = await strike(system, disaster);
    const downSeconds = secondsSince(strickenAt);
    const facts = await recover(system, receivers, subscribed);
    const { result, problems } = resultOf({
      acknowledged: load.acknowledged,
      copiedAt,
      ...facts,
    });
    const reconcileSeconds = Math.round(facts.reconciled.tookMs / 1_000);
    return {
      result: { ...result, downSeconds, reconcileSeconds, settledSeconds: secondsSince(strickenAt) },
      problems: [...problems, ...load.unexpected],
    };
  } finally {
    await receivers.close();
    await stopSystem(system);
  }
}

/** Emits the events of two plans, and copies the databases during the second. Returns when Pigeonpost's was copied. */
async function loadAndCopy(
  system: System,
  { accountId, never }: Subscribed,
  load: LoadReport,
  { restored }: Disaster,
  { seed, events, seconds }: LoadOptions,
): Promise<number | undefined> {
  const { ask, servers } = system;
  const { databaseUrl } = servers;
  const half = { events: Math.ceil(events / 2), seconds: seconds / 2 };
  const emitHalf = (seedOfHalf: number): Promise<void> =>
    emitAll(ask, accountId, makePlan({ ...half, seed: seedOfHalf }), half.seconds, load);
  await emitHalf(seed);
  const pausedBefore = await pauseSome(ask, databaseUrl, never, PAUSED);
  printProgress(`${load.acknowledged.length} events are acknowledged, ${pausedBefore.length} deliveries paused`);
  let copiedAt: number | undefined;
  // Another seed has other idempotency keys.
  const emitting = emitHalf(seed + 1);
  for (const name of restored) {
    await sleep(BETWEEN_COPIES_MS);
    if (name === PIGEONPOST_DATABASE) copiedAt = Date.now();
    await copyDatabase(databaseUrl, name);
    printProgress(`${name} is copied after ${load.acknowledged.length} acknowledged events`);
  }
  await emitting;
  await resumeSome(ask, databaseUrl, pausedBefore.slice(0, PAUSED / 2));
  const pausedAfter = await pauseSome(ask, databaseUrl, never, PAUSED);
  printProgress(`${load.acknowledged.length} events are acknowledged, ${pausedAfter.length} more deliveries paused`);
  return copiedAt;
}

/** Does what the runbook says, lets everything settle, and collects the facts. */
async function recover(system: System, receivers: Receivers, { kinds }: Subscribed) {
  const { ask, servers } = system;
  const { databaseUrl } = servers;
  const reconciled = await reconcileAsRunbook(system);
  return withTemporal(system, async (temporal) => {
    const differing = await pausedOnOneSide(databaseUrl, temporal);
    receivers.acceptAll();
    await resumeAll(ask, databaseUrl);
    await settle(databaseUrl, temporal, '');
    return {
      reconciled,
      pausedOnOneSide: differing,
      ownerless: await ownerlessDeliveries(databaseUrl, temporal),
      deliveries: await deliveryFacts(databaseUrl, kinds),
      knownEvents: await eventIds(databaseUrl),
      arrivals: (...of: Parameters<Receivers['arrivals']>) => receivers.arrivals(...of),
      ...(await reconcileLate(system)),
      unreconciled: await unreconciledAfterSweep(system),
    };
  });
}

/** The runbook's further run: what senders had in progress when the database was copied is sent without its workflow. */
async function reconcileLate(system: System): Promise<{ late: Reconciliation; atEnd: Reconciliation }> {
  const late = await reconcile(system);
  if (mismatched(late) === 0) return { late, atEnd: late };
  await reconcile(system, '--apply', '--yes');
  return { late, atEnd: await reconcile(system) };
}

async function eventIds(databaseUrl: string): Promise<Set<string>> {
  return queryWithRetry(databaseUrl, async (client) => {
    const { rows } = await client.query<{ id: string }>('SELECT id FROM events');
    return new Set(rows.map(({ id }) => id));
  });
}

/** The number of `/v1/health` once a sweep has found nothing, or the last one. */
async function unreconciledAfterSweep({ ask }: System): Promise<number> {
  let last = NaN;
  await waitUntil(
    async () => {
      const reply = await ask('GET', '/v1/health');
      if (reply.kind === 'response') last = (reply.body as { unreconciled: number }).unreconciled;
      return last === 0;
    },
    SWEPT_WITHIN_MS,
    LOOK_EVERY_MS,
  );
  return last;
}

const secondsSince = (startedMs: number): number => Math.round((performance.now() - startedMs) / 1_000);
