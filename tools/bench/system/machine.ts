/** What everything ran on. */
import { cpus, release, totalmem, type } from 'node:os';
import { Connection } from '@temporalio/client';
import { Client } from 'pg';
import type { Installation } from './installation.js';

/** Versions of what Pigeonpost has embedded. */
export interface Servers {
  readonly temporal: string;
  readonly postgres: string;
}

/** The machine, in values that mean something on another one. */
export interface Machine extends Partial<Servers> {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
}

export function describeMachine(servers: Servers | undefined): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1_024 ** 3),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    ...servers,
  };
}

/** Asks the servers of an installation which they are. */
export async function describeServers({ databaseUrl, temporalAddress }: Installation): Promise<Servers> {
  const client = new Client({ connectionString: databaseUrl });
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    return { postgres: rows[0]!.server_version, temporal: serverVersion };
  } finally {
    await client.end();
    await connection.close();
  }
}

/** One line of it. */
export function machineLine({ cpu, cores, memoryGiB, system, node, temporal, postgres }: Machine): string {
  const servers = temporal === undefined ? '' : `, Temporal ${temporal}, PostgreSQL ${postgres}`;
  return `${cores} × ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}${servers}`;
}
