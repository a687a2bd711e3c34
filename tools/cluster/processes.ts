/** The processes of Pigeonpost in a cluster: two APIs behind a load balancer, and two workers. */
import { randomBytes } from 'node:crypto';
import type { DataDir } from '#src/embedded/data-dir.js';
import { pickPort } from '#src/embedded/ports.js';
import { startRole, type Replacement, type Role } from '../chaos/role.js';
import type { Servers } from '../chaos/servers.js';
import { startBalancer, type Balancer } from './balancer.js';

/** What an operator keeps outside of the databases. */
export interface ClusterKeys {
  readonly admin: string;
  /** In base64. */
  readonly encryption: string;
}

export interface ClusterProcesses {
  readonly balancer: Balancer;
  readonly apiUrls: readonly string[];
  readonly keys: ClusterKeys;
  readonly apis: readonly [Role, Role];
  readonly workers: readonly [Role, Role];
}

/** Starts them on free ports, with new keys and of this tree unless others are given. Receivers may be on this machine, and have http URLs. */
export async function startClusterProcesses(
  { pooledUrl, temporalAddress }: Servers,
  dataDir: DataDir,
  { keys = newKeys(), build }: { readonly keys?: ClusterKeys; readonly build?: Replacement } = {},
): Promise<ClusterProcesses> {
  const common = {
    DATABASE_URL: pooledUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    PIGEONPOST_ALLOW_NETWORKS: '127.0.0.0/8',
    PIGEONPOST_ALLOW_HTTP: 'true',
    PIGEONPOST_ADMIN_KEY: keys.admin,
    PIGEONPOST_ENCRYPTION_KEY: keys.encryption,
  };
  const ports = [await pickPort(), await pickPort()] as const;
  const balancer = await startBalancer(await pickPort(), ports);
  const role = (name: string, command: 'api' | 'worker', readyText: string, env: Record<string, string> = {}): Role =>
    startRole({
      name,
      command,
      env: { ...common, ...build?.env, ...env },
      readyText,
      logFile: dataDir.file('logs', `${name}.log`),
      ...(build ? { main: build.main } : {}),
    });
  const api = (name: string, port: number): Role =>
    role(name, 'api', 'the API listens at', { PIGEONPOST_PORT: String(port) });
  const worker = (name: string): Role => role(name, 'worker', 'the worker runs');
  return {
    balancer,
    apiUrls: ports.map((port) => `http://127.0.0.1:${port}`),
    keys,
    apis: [api('api-1', ports[0]), api('api-2', ports[1])],
    workers: [worker('worker-1'), worker('worker-2')],
  };
}

function newKeys(): ClusterKeys {
  return { admin: randomBytes(16).toString('hex'), encryption: randomBytes(32).toString('base64') };
}
