/** Temporal: that it responds, its version, the namespace, what is registered there, and whether a worker polls. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { Config, TemporalConnectionOptions } from '../../config/config.js';
import { countWorkers } from '../../temporal/health.js';
import { searchAttributeTypes } from '../../temporal/registration.js';
import { temporalUnreachable } from '../../temporal/unreachable.js';
import { checked, failure, ok, problem, warning, type Finding } from './finding.js';

const NAME = 'Temporal';
const CONNECT_MS = 5_000;
/** The first server whose activities can be paused and started at once. */
const OLDEST = [1, 28] as const;

export async function temporal(config: Config, running: boolean): Promise<Finding[]> {
  if (!config.temporal.embedded) {
    const { connectionOptions, namespace } = config.temporal;
    return external(connectionOptions, namespace);
  }
  if (!running) return checked(NAME, () => installed(config));
  return external({ address: `127.0.0.1:${config.temporalPort}` }, 'default');
}

async function installed(config: Config): Promise<Finding> {
  const { presentTemporalCli } = await import('../../embedded/temporal-binary.js');
  const path = await presentTemporalCli(config);
  return path === undefined
    ? warning(NAME, 'No Temporal CLI is here yet.', '`npm start` fetches one, which needs the internet once.')
    : ok(NAME, `the embedded server does not run now; it starts with Pigeonpost from ${path}`);
}

async function external(connectionOptions: TemporalConnectionOptions, namespace: string): Promise<Finding[]> {
  const { address } = connectionOptions;
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_MS });
  } catch (error) {
    return [failure(NAME, temporalUnreachable(connectionOptions, await reason(connectionOptions, error)))];
  }
  try {
    return await connection.withDeadline(Date.now() + CONNECT_MS, async () => {
      const { serverVersion } = await connection.workflowService.getSystemInfo({});
      const found = await checked('Namespace', () => namespaceFinding(connection, namespace));
      if (found.some(({ level }) => level === 'problem')) return [versionFinding(serverVersion, address), ...found];
      return [
        versionFinding(serverVersion, address),
        ...found,
        ...(await checked('Search attributes', () => attributes(connection, namespace))),
        ...(await checked('Workers', () => workers(connection, namespace))),
      ];
    });
  } catch (error) {
    return [failure(NAME, temporalUnreachable(connectionOptions, error))];
  } finally {
    await connection.close();
  }
}

/** Why a connection failed: a client only says that its time is over, the connection that workers use says more. */
async function reason(connectionOptions: TemporalConnectionOptions, error: unknown): Promise<unknown> {
  const connecting = NativeConnection.connect(connectionOptions).then(
    async (connection) => connection.close().then(() => error),
    (nativeError: unknown) => nativeError,
  );
  return Promise.race([connecting, sleep(CONNECT_MS, error, { ref: false })]);
}

export function versionFinding(version: string, address: string): Finding {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version)?.map(Number) ?? [];
  if (major === undefined || minor === undefined) return ok(NAME, `responds at ${address}`);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
    ? ok(NAME, `${version} at ${address}`)
    : problem(NAME, `${version} at ${address} is too old.`, `Use ${OLDEST.join('.')} or newer.`);
}

/** gRPC's code for what there is not. */
const NOT_FOUND = 5;

async function namespaceFinding({ workflowService }: Connection, namespace: string): Promise<Finding> {
  try {
    await workflowService.describeNamespace({ namespace });
    return ok('Namespace', namespace);
  } catch (error) {
    if ((error as { code?: unknown }).code !== NOT_FOUND) throw error;
    return problem(
      'Namespace',
      `There is no namespace ${namespace}.`,
      `Create it (temporal operator namespace create --namespace ${namespace}), or set TEMPORAL_NAMESPACE.`,
    );
  }
}

async function attributes({ operatorService }: Connection, namespace: string): Promise<Finding> {
  const wanted = Object.keys(searchAttributeTypes);
  const known = await operatorService.listSearchAttributes({ namespace }).catch(() => undefined);
  if (!known)
    return warning('Search attributes', 'They cannot be listed here.', `See that there are ${wanted.join(', ')}.`);
  const missing = wanted.filter((name) => !(name in known.customAttributes));
  return missing.length === 0
    ? ok('Search attributes', 'all there')
    : problem(
        'Search attributes',
        `Missing: ${missing.join(', ')}.`,
        'A worker adds them when it starts and may; or else add them as Keyword.',
      );
}

async function workers({ workflowService }: Connection, namespace: string): Promise<Finding> {
  const count = await countWorkers(workflowService, namespace);
  return count > 0
    ? ok('Workers', `${count} asked for work in the last minutes`)
    : warning('Workers', 'None has asked for work lately; nothing is delivered.', 'Run `pigeonpost worker`, or `up`.');
}
