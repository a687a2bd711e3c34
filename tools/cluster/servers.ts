/** The servers of a cluster: PostgreSQL, Temporal's server on it, and PgBouncer where it is installed. */
import type { DataDir } from '#src/embedded/data-dir.js';
import type { Log } from '#src/embedded/log.js';
import { pickPort } from '#src/embedded/ports.js';
import { startPostgres } from '#src/embedded/postgres.js';
import { refuseWrites, target, type Servers } from '../chaos/servers.js';
import { startPgBouncer } from './pgbouncer.js';
import { temporalPrograms } from './temporal-programs.js';
import { prepareTemporal } from './temporal.js';

export interface ClusterServers extends Servers {
  /** Whether the processes connect through PgBouncer. */
  readonly isPooled: boolean;
}

/** Starts all of them on free ports, with their data in this folder. */
export async function startClusterServers(dataDir: DataDir, log: Log): Promise<ClusterServers> {
  const programs = await temporalPrograms(log);
  const port = await pickPort();
  const first = await startPostgres({ dataDir, log, port });
  const postgres = target(first, () => startPostgres({ dataDir, log, port }));
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
    refuseWrites: (forMs) => refuseWrites(first.url, forMs),
    async stop() {
      await pooler?.stop();
      await temporal.stop();
      await postgres.stop();
    },
  };
}
