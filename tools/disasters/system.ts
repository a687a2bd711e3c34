/** A cluster that is destroyed and started again. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { openDataDir, type DataDir } from '#src/embedded/data-dir.js';
import { migrate } from '#src/store/migrate.js';
import { createApiClient, type Ask } from '../chaos/api-client.js';
import type { Role } from '../chaos/role.js';
import { untilHealthy } from '../chaos/until-healthy.js';
import { startClusterProcesses, type ClusterKeys, type ClusterProcesses } from '../cluster/processes.js';
import { startClusterServers, type ClusterServers } from '../cluster/servers.js';
import { printProgress } from '../progress.js';
import { dropDatabase, restoreDatabase } from './copies.js';
import type { Disaster } from './disaster.js';

export interface System {
  readonly dataDir: DataDir;
  readonly servers: ClusterServers;
  readonly processes: ClusterProcesses;
  readonly ask: Ask;
}

const LOG = { info: printProgress, warn: printProgress };

const rolesOf = ({ apis, workers }: ClusterProcesses): Role[] => [...apis, ...workers];

/** A new cluster with its data in this folder. */
export async function startSystem(folder: string): Promise<System> {
  const dataDir = await openDataDir(folder);
  const servers = await startClusterServers(dataDir, LOG);
  await migrate(servers.databaseUrl);
  return startProcesses(dataDir, servers);
}

/** Kills all processes, applies the disaster to what is stored, and starts everything again with the same keys. */
export async function strike(system: System, disaster: Disaster): Promise<System> {
  const { dataDir, servers, processes } = system;
  const { keys } = processes;
  printProgress('all APIs and workers are killed, and Temporal is stopped');
  await Promise.all(rolesOf(processes).map((role) => role.stop('killed')));
  await processes.balancer.stop();
  await servers.temporal.stop();
  if (disaster.isMoved) return move(system, disaster);
  await restoreAll(servers.databaseUrl, disaster.restored);
  for (const name of disaster.lost) await dropDatabase(servers.databaseUrl, name);
  await servers.createTemporalDatabases();
  await servers.temporal.start();
  return startProcesses(dataDir, servers, keys);
}

/** Starts the same elsewhere: other servers on other ports, with a copy of the data. */
async function move({ dataDir, servers, processes: { keys } }: System, { restored }: Disaster): Promise<System> {
  await servers.stop();
  await dataDir.release();
  const elsewhere = await openDataDir(join(dataDir.path, 'elsewhere'));
  for (const name of ['postgres', 'postgres-password'])
    await cp(dataDir.file(name), elsewhere.file(name), { recursive: true, preserveTimestamps: true });
  const moved = await startClusterServers(elsewhere, LOG, (databaseUrl) => restoreAll(databaseUrl, restored));
  return startProcesses(elsewhere, moved, keys);
}

async function restoreAll(databaseUrl: string, names: readonly string[]): Promise<void> {
  for (const name of names) await restoreDatabase(databaseUrl, name);
}

async function startProcesses(dataDir: DataDir, servers: ClusterServers, keys?: ClusterKeys): Promise<System> {
  const processes = await startClusterProcesses(servers, dataDir, keys && { keys });
  const ask = createApiClient(processes.balancer.url, processes.keys.admin);
  await untilHealthy(ask, rolesOf(processes));
  return { dataDir, servers, processes, ask };
}

export async function stopSystem({ dataDir, servers, processes }: System): Promise<void> {
  await processes.balancer.stop();
  await Promise.all(rolesOf(processes).map((role) => role.stop()));
  await servers.stop();
  await dataDir.release();
}

/** Uses a connection of its own to the Temporal of this cluster. */
export async function withTemporal<T>({ servers }: System, use: (temporal: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: servers.temporalAddress });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}
