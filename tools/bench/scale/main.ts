/**
 * `npm run bench -- scale [rounds]`: what a delivery costs with two APIs and two workers, and with one of each, on the
 * servers of `npm run cluster`. Processor time is that of all processes but this one, which sends the events, balances them
 * and receives the deliveries.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDataDir } from '#src/embedded/data-dir.js';
import { waitUntil } from '#src/embedded/poll.js';
import { migrate } from '#src/store/migrate.js';
import { createApiClient, type Ask } from '../../chaos/api-client.js';
import type { Role } from '../../chaos/role.js';
import { startClusterProcesses, type ClusterProcesses } from '../../cluster/processes.js';
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
const SECONDS = 20;
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

/** What so many processes take: at rest in a second, and for a delivery of each load in addition to that. */
interface Costs {
  readonly idle: Cost;
  readonly ofLoads: readonly Cost[];
}

async function scale(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 2);
  const lines: string[] = [];
  for (let round = 1; round <= rounds; round++) {
    const [two, one] = await measureRound();
    lines.push(`round ${round}, at rest, per second: ${compare(two.idle, one.idle)}`);
    for (const [index, { name }] of LOADS.entries())
      lines.push(`round ${round}, ${name}, per delivery: ${compare(two.ofLoads[index]!, one.ofLoads[index]!)}`);
  }
  for (const line of lines) console.log(line);
  // Connections that are kept alive would keep the process.
  process.exit();
}

const compare = (two: Cost, one: Cost): string =>
  `two of each ${text(two)}, one of each ${text(one)}: ${(two.all / one.all).toFixed(2)}`;

const text = ({ all, pigeonpost }: Cost): string => `${all.toFixed(2)} ms (APIs and workers ${pigeonpost.toFixed(2)})`;

/** The costs of the loads with two APIs and two workers, and once the second ones have stopped. */
async function measureRound(): Promise<[two: Costs, one: Costs]> {
  const folder = await mkdtemp(join(tmpdir(), 'pigeonpost-scale-'));
  const dataDir = await openDataDir(folder);
  const servers = await startClusterServers(dataDir, { info: printProgress, warn: printProgress });
  const receiver = await startReceiver();
  try {
    await migrate(servers.databaseUrl);
    const processes = await startClusterProcesses(servers, dataDir);
    const { apis, workers, balancer, keys } = processes;
    const roles = [...apis, ...workers];
    try {
      if (!(await waitUntil(async () => roles.every(({ ready }) => ready), READY_LIMIT_MS)))
        throw new Error('the processes are not ready');
      const ask = createApiClient(balancer.url, keys.admin);
      const accountId = await subscribe(ask, receiver.url);
      const measureAll = async (): Promise<Costs> => {
        const idle = await measure(processes, async () => {
          await sleep(SECONDS * 1_000);
          return SECONDS;
        });
        const ofLoads: Cost[] = [];
        for (const load of LOADS) {
          const events = load.callsPerSecond * load.eventsPerCall * SECONDS;
          const cost = await measure(processes, () => deliver(ask, accountId, receiver, load));
          const ofRest = SECONDS / events;
          ofLoads.push({ all: cost.all - idle.all * ofRest, pigeonpost: cost.pigeonpost - idle.pigeonpost * ofRest });
        }
        return { idle, ofLoads };
      };
      for (const load of LOADS) await emit(ask, accountId, load, WARM_UP_SECONDS);
      const two = await measureAll();
      await Promise.all([apis[1].stop(), workers[1].stop()]);
      return [two, await measureAll()];
    } finally {
      await balancer.stop();
      await Promise.all(roles.map((role: Role) => role.stop()));
    }
  } finally {
    receiver.server.closeAllConnections();
    receiver.server.close();
    await servers.stop();
    await dataDir.release();
    await rm(folder, { recursive: true, force: true });
  }
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

async function created(ask: Ask, path: string, body: unknown): Promise<{ id: string }> {
  const reply = await ask('POST', path, body);
  if (reply.kind === 'none' || reply.status >= 300) throw new Error(`${path}: ${JSON.stringify(reply)}`);
  return reply.body as { id: string };
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
