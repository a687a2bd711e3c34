/** `npm run upgrade`: a rolling upgrade of a cluster under load, and the ledger that shows whether anything was lost. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openDataDir, type DataDir } from '#src/embedded/data-dir.js';
import { watchSignals } from '#src/server/signals.js';
import { createApiClient } from '../chaos/api-client.js';
import { makePlan, type Plan, type PlanOptions } from '../chaos/plan.js';
import { startReceivers, type Receivers } from '../chaos/receivers.js';
import { TIME_LIMIT_MS } from '../chaos/subscribe.js';
import { runUnderLoad, type LoadOutcome } from '../chaos/under-load.js';
import { untilHealthy } from '../chaos/until-healthy.js';
import { startClusterProcesses, type ClusterProcesses } from '../cluster/processes.js';
import { startClusterServers, type ClusterServers } from '../cluster/servers.js';
import { printProgress } from '../progress.js';
import { buildOf, thisTree, type Release } from './release.js';

const run = promisify(execFile);

/** Name of the workers in Temporal. */
const DEPLOYMENT = 'cluster';
/** How often the count of events is looked at, in milliseconds. */
const LOOK_EVERY_MS = 50;
/** Only the first of many problems are printed. */
const MAX_PROBLEMS = 40;

export interface UpgradeOptions extends PlanOptions {
  readonly from?: string;
}

/** Makes one rolling upgrade and prints its ledger; the exit code says whether nothing was lost, doubled or refused. */
export async function upgrade(options: UpgradeOptions): Promise<void> {
  watchSignals();
  const log = { info: printProgress, warn: printProgress };
  const former = await buildOf(options.from, log);
  const folder = await mkdtemp(join(tmpdir(), 'pigeonpost-upgrade-'));
  const dataDir = await openDataDir(folder);
  printProgress(`from ${former.commit}: ${options.events} events; logs in ${join(folder, 'logs')}`);
  const plan = makePlan(options);
  const receivers = await startReceivers(plan.seed, TIME_LIMIT_MS);
  const servers = await startClusterServers(dataDir, log);
  const outcome = await upgradeUnderLoad({ plan, options, former, dataDir, servers, receivers }).finally(async () => {
    await receivers.close();
    await servers.stop();
  });
  const { problems, load, crashes, balances } = outcome;
  const ledger = {
    from: former.commit,
    versions: former.hasVersions,
    seed: plan.seed,
    emitted: load.emitted,
    ...balances,
    unavailable: load.unavailable,
    unanswered: load.unanswered,
    slowestResponseMs: load.slowestMs,
    hung: load.hung,
    unexpected: load.unexpected.length,
    crashes,
  };
  const wrong = problems.length + balances.duplicates + crashes;
  const refused = load.unavailable + load.unanswered + load.hung + load.unexpected.length;
  const isGood = wrong + refused === 0 && balances.acknowledged === load.emitted;
  await dataDir.release();
  for (const problem of [...problems, ...load.unexpected].slice(0, MAX_PROBLEMS)) printProgress(problem);
  if (isGood) await rm(folder, { recursive: true, force: true });
  else printProgress(`everything is kept in ${folder}`);
  console.log(JSON.stringify(ledger));
  process.exitCode = isGood ? 0 : 1;
}

interface Run {
  readonly plan: Plan;
  readonly options: UpgradeOptions;
  readonly former: Release;
  readonly dataDir: DataDir;
  readonly servers: ClusterServers;
  readonly receivers: Receivers;
}

type Outcome = LoadOutcome & { readonly crashes: number };

async function upgradeUnderLoad({ plan, options, former, dataDir, servers, receivers }: Run): Promise<Outcome> {
  await migrate(former, servers);
  const processes = await startClusterProcesses(servers, dataDir, {
    build: { main: former.main, env: versionOf(former) },
  });
  const roles = [...processes.apis, ...processes.workers];
  try {
    const ask = createApiClient(processes.balancer.url, processes.keys.admin);
    if (former.hasVersions) {
      await untilHealthy(ask, roles);
      await useVersion(former, servers, processes);
    }
    const system = { ask, roles, receivers, servers };
    const outcome = await runUnderLoad(system, plan, options.seconds, async (emitted) => {
      await rollOver(plan.events, emitted, servers, processes);
      // Nothing dies in an upgrade, so nothing explains a duplicate.
      return [];
    });
    return { ...outcome, crashes: roles.reduce((sum, role) => sum + role.crashes, 0) };
  } finally {
    await processes.balancer.stop();
    await Promise.all(roles.map((role) => role.stop()));
  }
}

/** Migrates, and replaces one process after the other, each after a part of the events. */
async function rollOver(
  events: number,
  emitted: () => number,
  servers: ClusterServers,
  processes: ClusterProcesses,
): Promise<void> {
  const next = thisTree();
  const change = { main: next.main, env: versionOf(next) };
  const [[api1, api2], [worker1, worker2]] = [processes.apis, processes.workers];
  const steps: readonly [part: number, what: string, step: () => Promise<void>][] = [
    [0.15, 'the database is migrated', () => migrate(next, servers)],
    [0.25, 'worker-1 is replaced', () => worker1.replace(change)],
    [0.35, 'the new build gets the deliveries', () => useVersion(next, servers, processes)],
    [0.5, 'worker-2 is replaced', () => worker2.replace(change)],
    [0.6, 'api-1 is replaced', () => api1.replace(change)],
    [0.75, 'api-2 is replaced', () => api2.replace(change)],
  ];
  for (const [part, what, step] of steps) {
    while (emitted() < part * events) await sleep(LOOK_EVERY_MS);
    printProgress(`after ${emitted()} events: ${what}`);
    await step();
  }
}

function versionOf({ commit, hasVersions }: Release): Record<string, string> {
  return hasVersions ? { PIGEONPOST_WORKER_DEPLOYMENT: DEPLOYMENT, PIGEONPOST_WORKER_BUILD_ID: commit } : {};
}

async function migrate({ main }: Release, { databaseUrl }: ClusterServers): Promise<void> {
  await run(process.execPath, [main, 'migrate'], { env: { ...process.env, DATABASE_URL: databaseUrl } });
}

async function useVersion(release: Release, { temporalAddress }: ClusterServers, { keys }: ClusterProcesses) {
  const env = {
    ...process.env,
    TEMPORAL_ADDRESS: temporalAddress,
    PIGEONPOST_ADMIN_KEY: keys.admin,
    ...versionOf(release),
  };
  await run(process.execPath, [release.main, 'worker-versions', 'use'], { env });
}
