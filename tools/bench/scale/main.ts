/**
 * `npm run bench -- scale [rounds]`: what a delivery costs with two APIs and two workers, and with one of each, in turn, on
 * the servers of `npm run cluster`. Processor time is that of all processes but this one, which sends the events, balances them
 * and receives the deliveries.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDataDir, type DataDir } from '#src/embedded/data-dir.js';
import { waitUntil } from '#src/embedded/poll.js';
import { migrate } from '#src/store/migrate.js';
import { createApiClient, type Ask } from '../../chaos/api-client.js';
import type { Servers } from '../../chaos/servers.js';
import { startClusterProcesses, type ClusterKeys, type ClusterProcesses } from '../../cluster/processes.js';
import { startClusterServers } from '../../cluster/servers.js';
import { printProgress } from '../../progress.js';
import { runTool } from '../../run-tool.js';
import { cpuMs, treeCpuMs } from '../system/usage.js';

interface Load {
  readonly name: string;
  readonly callsPerSecond: number;
  readonly eventsPerCall: number;
}

const LOADS: readonly Load[] = [
  { name: 'single calls, 200 per second', callsPerSecond: 200, eventsPerCall: 1 },
  { name: 'batches of 100, 10 per second', callsPerSecond: 10, eventsPerCall: 100 },
];
const SECONDS = 40;
const REST_SECONDS = 20;
/** Before the first measurement, so that compiled code and caches are there. */
const WARM_UP_SECONDS = 10;
const READY_LIMIT_MS = 120_000;
const RECEIVED_LIMIT_MS = 60_000;

interface Receiver {
  readonly url: string;
  readonly server: Server;
  /** Requests so far. */
  received: number;
}

/** Processor time of all processes, and of the APIs and workers alone, in milliseconds. */
interface Cost {
  readonly all: number;
  readonly pigeonpost: number;
}

/** APIs, and workers. */
type Count = 1 | 2;

/** What so many processes take: at rest in a second, and for a delivery of each load. */
interface Costs {
  readonly idle: Cost;
  readonly ofLoads: readonly Cost[];
}

async function scale(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 2);
  const folder = await mkdtemp(join(tmpdir(), 'pigeonpost-scale-'));
  const dataDir = await openDataDir(folder);
  const servers = await startClusterServers(dataDir, { info: printProgress, warn: printProgress });
  const receiver = await startReceiver();
  const costs: Record<Count, Costs[]> = { 2: [], 1: [] };
  try {
    await migrate(servers.databaseUrl);
    const first = await startClusterProcesses(servers, dataDir);
    await stopAll(first);
    const system = { servers, dataDir, keys: first.keys, receiver };
    for (let round = 1; round <= rounds; round++)
      for (const count of [2, 1] as const) costs[count].push(await withProcesses(system, count));
  } finally {
    receiver.server.closeAllConnections();
    receiver.server.close();
    await servers.stop();
    await dataDir.release();
    await rm(folder, { recursive: true, force: true });
  }
  print('at rest, per second', costs, ({ idle }) => idle);
  for (const [index, { name }] of LOADS.entries())
    print(`${name}, per delivery`, costs, ({ ofLoads }) => ofLoads[index]!);
  // Connections that are kept alive would keep the process.
  process.exit();
}

function print(name: string, costs: Record<Count, Costs[]>, of: (each: Costs) => Cost): void {
  const [two, one] = [costs[2].map(of), costs[1].map(of)];
  const ratio = (part: keyof Cost): string => (mean(two, part) / mean(one, part)).toFixed(2);
  console.log(`${name}: two of each ${two.map(text).join(', ')}; one of each ${one.map(text).join(', ')};`);
  console.log(`  two to one: ${ratio('all')} (APIs and workers ${ratio('pigeonpost')})`);
}

const mean = (costs: readonly Cost[], part: keyof Cost): number =>
  costs.reduce((sum, cost) => sum + cost[part], 0) / costs.length;

const text = ({ all, pigeonpost }: Cost): string => `${all.toFixed(2)} ms (${pigeonpost.toFixed(2)})`;

/** What is shared by all measurements of a run. */
interface System {
  readonly servers: Servers;
  readonly dataDir: DataDir;
  readonly keys: ClusterKeys;
  readonly receiver: Receiver;
}

/** The costs of the loads with so many APIs and workers, which are started for it. */
async function withProcesses({ servers, dataDir, keys, receiver }: System, count: Count): Promise<Costs> {
  const processes = await startClusterProcesses(servers, dataDir, { keys });
  const { apis, workers, balancer } = processes;
  try {
    const roles = [...apis, ...workers];
    if (!(await waitUntil(async () => roles.every(({ ready }) => ready), READY_LIMIT_MS)))
      throw new Error('the processes are not ready');
    if (count === 1) await Promise.all([apis[1].stop(), workers[1].stop()]);
    const ask = createApiClient(balancer.url, keys.admin);
    const accountId = await subscribe(ask, receiver.url);
    for (const load of LOADS) await emit(ask, accountId, load, WARM_UP_SECONDS);
    const idle = await measure(processes, async () => {
      await sleep(REST_SECONDS * 1_000);
      return REST_SECONDS;
    });
    const ofLoads: Cost[] = [];
    for (const load of LOADS) ofLoads.push(await measure(processes, () => deliver(ask, accountId, receiver, load)));
    return { idle, ofLoads };
  } finally {
    await stopAll(processes);
  }
}

async function stopAll({ apis, workers, balancer }: ClusterProcesses): Promise<void> {
  await balancer.stop();
  await Promise.all([...apis, ...workers].map((role) => role.stop()));
}

async function startReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      receiver.received += 1;
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    server,
    received: 0,
  };
  return receiver;
}

async function subscribe(ask: Ask, url: string): Promise<string> {
  const account = await created(ask, '/v1/accounts', { provider: 'standard', name: 'Scale' });
  await created(ask, `/v1/accounts/${account.id}/subscriptions`, { url, eventTypes: [] });
  return account.id;
}

/** Tries of a request without a response, such as one that the balancer sent to an API that was about to stop. */
const MAX_TRIES = 5;

async function created(ask: Ask, path: string, body: unknown): Promise<{ id: string }> {
  for (let tries = 1; ; tries += 1) {
    const reply = await ask('POST', path, body);
    if (reply.kind === 'none' && tries < MAX_TRIES) continue;
    if (reply.kind === 'none' || reply.status >= 300) throw new Error(`${path}: ${JSON.stringify(reply)}`);
    return reply.body as { id: string };
  }
}

/** Processor time while `act` runs, for each unit that it returns the number of. */
async function measure({ apis, workers }: ClusterProcesses, act: () => Promise<number>): Promise<Cost> {
  const used = (): Cost => ({
    all: treeCpuMs(process.pid) - cpuMs(process.pid),
    pigeonpost: [...apis, ...workers].reduce((sum, { pid }) => sum + (pid === undefined ? 0 : cpuMs(pid)), 0),
  });
  const before = used();
  const units = await act();
  const after = used();
  return { all: (after.all - before.all) / units, pigeonpost: (after.pigeonpost - before.pigeonpost) / units };
}

/** Emits a load, and waits until all of it was received. Returns how many deliveries that were. */
async function deliver(ask: Ask, accountId: string, receiver: Receiver, load: Load): Promise<number> {
  const before = receiver.received;
  const events = await emit(ask, accountId, load, SECONDS);
  if (!(await waitUntil(async () => receiver.received - before >= events, RECEIVED_LIMIT_MS)))
    throw new Error('deliveries are missing');
  return events;
}

/** Emits events at the rate of the load, whatever the responses take. Returns how many. */
async function emit(ask: Ask, accountId: string, load: Load, seconds: number): Promise<number> {
  const { callsPerSecond, eventsPerCall } = load;
  const calls = callsPerSecond * seconds;
  const began = performance.now();
  const replies: Promise<unknown>[] = [];
  const events = Array.from({ length: eventsPerCall }, (_, n) => ({ type: 'user.created', data: { n } }));
  for (let call = 0; call < calls; call++) {
    const waitMs = began + (call * 1_000) / callsPerSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    replies.push(created(ask, `/v1/accounts/${accountId}/events`, { events }));
  }
  await Promise.all(replies);
  return calls * eventsPerCall;
}

runTool(scale);
