/** `npm run cluster`: what the Helm chart starts, as processes of this machine, until Ctrl-C. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataDir } from '#src/embedded/data-dir.js';
import { waitUntil } from '#src/embedded/poll.js';
import { watchSignals } from '#src/server/signals.js';
import { migrate } from '#src/store/migrate.js';
import { printProgress } from '../progress.js';
import { startClusterProcesses, type ClusterProcesses } from './processes.js';
import { startClusterServers, type ClusterServers } from './servers.js';

/** How long the processes may take to start, in milliseconds. */
const READY_LIMIT_MS = 120_000;

/** Starts everything, prints where it is, and stops it at a signal. Its data are deleted then. */
export async function cluster(): Promise<void> {
  const signals = watchSignals();
  const folder = await mkdtemp(join(tmpdir(), 'pigeonpost-cluster-'));
  const dataDir = await openDataDir(folder);
  const log = { info: printProgress, warn: printProgress };
  const servers = await startClusterServers(dataDir, log);
  try {
    await migrate(servers.databaseUrl);
    const processes = await startClusterProcesses(servers, dataDir);
    try {
      await untilReady(processes);
      print(servers, processes, folder);
      await signals.orderly();
    } finally {
      await processes.balancer.stop();
      await Promise.all([...processes.apis, ...processes.workers].map((role) => role.stop()));
    }
  } finally {
    await servers.stop();
    await dataDir.release();
    await rm(folder, { recursive: true, force: true });
  }
  // Connections of clients would keep the process.
  process.exit(0);
}

async function untilReady({ apis, workers }: ClusterProcesses): Promise<void> {
  const all = [...apis, ...workers];
  if (!(await waitUntil(async () => all.every(({ ready }) => ready), READY_LIMIT_MS)))
    throw new Error(`the processes are not ready after ${READY_LIMIT_MS / 1_000} s`);
}

function print(servers: ClusterServers, { balancer, apiUrls, keys }: ClusterProcesses, folder: string): void {
  const lines = [
    ['API and dashboard', `${balancer.url} (balances ${apiUrls.join(' and ')})`],
    ['Admin key', keys.admin],
    ['Temporal', `${servers.temporalAddress}, namespace default`],
    ['PostgreSQL', servers.databaseUrl],
    ['PgBouncer', servers.isPooled ? `${servers.pooledUrl} (session mode)` : 'not installed'],
    ['Logs', join(folder, 'logs')],
  ];
  for (const [name, value] of lines) console.log(`${name!.padEnd(18)} ${value}`);
  console.log('\nCtrl-C stops everything and deletes its data.');
}
