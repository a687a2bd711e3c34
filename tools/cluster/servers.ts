/** The servers of a cluster: PostgreSQL, Temporal's server on it, and PgBouncer where it is installed. */
import type { DataDir } from '#src/embedded/data-dir.js';
import type { Log } from '#src/embedded/log.js';
import { pickPort } from '#src/embedded/ports.js';
import { startPostgres } from '#src/embedded/postgres.js';
import { refuseWrites, target, type Servers, type StoppableTarget } from '../chaos/servers.js';
import { startPgBouncer } from './pgbouncer.js';
import { temporalPrograms } from './temporal-programs.js';
import { prepareTemporal } from './temporal.js';

export interface ClusterServers extends Servers {
  /** Whether the processes connect through PgBouncer. */
  readonly isPooled: boolean;
  readonly temporal: StoppableTarget;
  /** Creates those of Temporal's databases that do not exist, with their schema. */
  createTemporalDatabases(): Promise<void>;
}

/**
 * Starts all of them on free ports, with their data in this folder. `restore` is called with the URL of the database when
 * PostgreSQL runs, before Temporal is started on it.
 */
export async function startClusterServers(
  dataDir: DataDir,
  log: Log,
  restore: (databaseUrl: string) => Promise<void> = async () => undefined,
): Promise<ClusterServers> {
  const programs = await temporalPrograms(log);
  const port = await pickPort();
  const first = await startPostgres({ dataDir, log, port });
  const postgres = target(first, () => startPostgres({ dataDir, log, port }));
  await restore(first.url);
  const temporalServer = await prepareTemporal({ programs, dataDir, log, postgresUrl: first.url });
  const temporal = target(await temporalServer.start(), () => temporalServer.start());
  const pooler = await startPgBouncer({ dataDir, log }, first.url);
  return {
    databaseUrl: first.url,
    pooledUrl: pooler?.url ?? first.url,
    isPooled: pooler !== undefined,
    temporalAddress: temporalServer.address,
    postgres,
    temporal,
    createTemporalDatabases: () => temporalServer.createDatabases(),
    refuseWrites: (forMs) => refuseWrites(first.url, forMs),
    async stop() {
      await pooler?.stop();
      await temporal.stop();
      await postgres.stop();
    },
  };
}
