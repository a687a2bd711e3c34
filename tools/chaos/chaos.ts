/** `npm run chaos`: real processes under seeded faults, and the ledger that shows whether anything was lost. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchSignals } from '#src/server/signals.js';
import { openDataDir, type DataDir } from '#src/embedded/data-dir.js';
import { pickPort } from '#src/embedded/ports.js';
import { migrate } from '#src/store/migrate.js';
import { createApiClient, type Ask } from './api-client.js';
import { countByKind } from './fault-plan.js';
import { injectFaults, type Targets } from './faults.js';
import type { Balance } from './ledger.js';
import { makePlan, type Plan, type PlanOptions } from './plan.js';
import { printProgress } from '../progress.js';
import { startReceivers } from './receivers.js';
import { startRole, type Role } from './role.js';
import { startClusterProcesses } from '../cluster/processes.js';
import type { Balancer } from '../cluster/balancer.js';
import { startClusterServers } from '../cluster/servers.js';
import { startServers, type Servers } from './servers.js';
import { TIME_LIMIT_MS } from './subscribe.js';
import { runUnderLoad, type LoadOutcome } from './under-load.js';

/** Only the first of many problems are printed. */
const MAX_PROBLEMS = 40;

/** The last line of the standard output. */
type Ledger = { readonly seed: number; readonly emitted: number } & Balance & {
    /** How many faults of each kind. */
    readonly faults: Readonly<Record<string, number>>;
    readonly seconds: number;
    /** Responses 503, requests without a response, and the slowest response in milliseconds. */
    readonly unavailable: number;
    readonly unanswered: number;
    readonly slowestResponseMs: number;
    /** Requests that hung, responses that no caller should get, processes that did not end as they should. */
    readonly hung: number;
    readonly unexpected: number;
    readonly crashes: number;
  };

type Outcome = LoadOutcome & { readonly crashes: number };

export interface ChaosOptions extends PlanOptions {
  /** Whether the servers and processes are those of `npm run cluster`. */
  readonly cluster: boolean;
}

/** Makes one run and prints its ledger; the exit code says whether it balances. */
export async function chaos(options: ChaosOptions): Promise<void> {
  watchSignals();
  const folder = await mkdtemp(join(tmpdir(), 'pigeonpost-chaos-'));
  const dataDir = await openDataDir(folder);
  const began = performance.now();
  const plan = makePlan(options);
  printProgress(
    `seed ${plan.seed}: ${plan.events} events, ${plan.faults.length} faults; logs in ${join(folder, 'logs')}`,
  );
  const { balances: books, load, crashes, problems } = await run(plan, options, dataDir);
  const ledger: Ledger = {
    seed: plan.seed,
    emitted: load.emitted,
    ...books,
    faults: countByKind(plan.faults),
    seconds: Math.round((performance.now() - began) / 1_000),
    unavailable: load.unavailable,
    unanswered: load.unanswered,
    slowestResponseMs: load.slowestMs,
    hung: load.hung,
    unexpected: load.unexpected.length,
    crashes,
  };
  const balances = isBalanced(ledger);
  await dataDir.release();
  for (const problem of [...problems, ...load.unexpected].slice(0, MAX_PROBLEMS)) printProgress(problem);
  if (balances) await rm(folder, { recursive: true, force: true });
  else printProgress(`it does not balance; everything is kept in ${folder}`);
  console.log(JSON.stringify(ledger));
  process.exitCode = balances ? 0 : 1;
}

function isBalanced(ledger: Ledger): boolean {
  const {
    lost,
    outOfOrder,
    ownerless,
    unsettled,
    takenTwice,
    recordedTwice,
    duplicatesUnexplained,
    attemptsUnexplained,
  } = ledger;
  const wrong =
    lost +
    outOfOrder +
    ownerless +
    unsettled +
    takenTwice +
    recordedTwice +
    duplicatesUnexplained +
    attemptsUnexplained;
  return wrong + ledger.hung + ledger.unexpected + ledger.crashes === 0 && ledger.acknowledged === ledger.emitted;
}

async function run(plan: Plan, { seconds, cluster }: ChaosOptions, dataDir: DataDir): Promise<Outcome> {
  const log = { info: printProgress, warn: printProgress };
  const receivers = await startReceivers(plan.seed, TIME_LIMIT_MS);
  const servers = await (cluster ? startClusterServers(dataDir, log) : startServers(dataDir, log));
  await migrate(servers.databaseUrl);
  const processes = await (cluster ? startCluster : startRoles)(servers, dataDir);
  const system = { receivers, servers, ...processes };
  const outcome = await runUnderLoad(system, plan, seconds, (emitted) =>
    injectFaults(plan.faults, system.targets, emitted),
  ).finally(async () => {
    await receivers.close();
    await processes.balancer?.stop();
    await Promise.all(system.roles.map((role) => role.stop()));
    await servers.stop();
  });
  return { ...outcome, crashes: system.roles.reduce((sum, role) => sum + role.crashes, 0) };
}

/** The processes under test, and how they are asked and hit. */
interface Processes {
  readonly ask: Ask;
  readonly targets: Targets;
  readonly roles: readonly Role[];
  readonly balancer?: Balancer;
}

async function startRoles(servers: Servers, dataDir: DataDir): Promise<Processes> {
  const port = await pickPort();
  const adminKey = randomBytes(16).toString('hex');
  const env = {
    DATABASE_URL: servers.databaseUrl,
    TEMPORAL_ADDRESS: servers.temporalAddress,
    PIGEONPOST_ALLOW_NETWORKS: '127.0.0.0/8',
    PIGEONPOST_ALLOW_HTTP: 'true',
    PIGEONPOST_ADMIN_KEY: adminKey,
    PIGEONPOST_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PIGEONPOST_PORT: String(port),
  };
  const role = (name: string, command: 'api' | 'worker', readyText: string): Role =>
    startRole({ name, command, env, readyText, logFile: dataDir.file('logs', `${name}.log`) });
  const api = role('api', 'api', 'the API listens at');
  const workers = [
    role('worker-1', 'worker', 'the worker runs'),
    role('worker-2', 'worker', 'the worker runs'),
  ] as const;
  return {
    ask: createApiClient(`http://127.0.0.1:${port}`, adminKey),
    targets: { servers, api, workers: [workers[0], workers[1]] },
    roles: [api, ...workers],
  };
}

/** The processes of a cluster. A fault of the API hits the two in turn. */
async function startCluster(servers: Servers, dataDir: DataDir): Promise<Processes> {
  const { balancer, keys, apis, workers } = await startClusterProcesses(servers, dataDir);
  return {
    ask: createApiClient(balancer.url, keys.admin),
    targets: { servers, api: inTurn(apis), workers },
    roles: [...apis, ...workers],
    balancer,
  };
}

function inTurn(roles: readonly [Role, Role]): Targets['api'] {
  let count = 0;
  const next = (): Role => roles[count++ % 2]!;
  return { kill: () => next().kill(), restart: () => next().restart(), freeze: (forMs) => next().freeze(forMs) };
}
