/** `pigeonpost worker-versions`: shows the builds of the workers that Temporal knows, and decides which gets the deliveries. */
import { loadConfig, type WorkerVersion } from '../config/config.js';
import { OperatorError } from '../lib/errors.js';
import { lazyTemporal } from '../temporal/connection.js';
import { currentBuildId, listVersions, routeTo, type Routing, type VersionState } from '../temporal/worker-versions.js';
import type { Shared } from './bootstrap.js';
import type { Client } from '@temporalio/client';

/** How long one call may take, in milliseconds. */
const CALL_MS = 10_000;

/** The versions of the deployment that is set. */
export function workerVersions(): Promise<VersionState[]> {
  return inDeployment((client, { deploymentName }) => listVersions(client, deploymentName));
}

/** Gives a build, by default that of this software, all deliveries or a percentage of them; returns all versions. */
export function useWorkerVersion(choice: Pick<Routing, 'percent' | 'waitMs'> & { readonly buildId?: string }) {
  return inDeployment(async (client, version) => {
    await routeTo(client, { ...version, ...choice });
    return listVersions(client, version.deploymentName);
  });
}

/** Logs which build this worker is and which one is current. What Temporal does not answer is left out. */
export async function logWorkerVersion({ config, access, log }: Pick<Shared, 'config' | 'access' | 'log'>) {
  const { workerVersion } = config;
  if (!workerVersion) return;
  const { deploymentName, buildId } = workerVersion;
  const deadline = Date.now() + CALL_MS;
  try {
    const current = await access.client.withDeadline(deadline, () => currentBuildId(access.client, deploymentName));
    if (current === buildId) log.info(`this worker is build ${buildId}, the current one of ${deploymentName}`);
    else
      log.warn(
        `this worker is build ${buildId}; it gets no workflows before \`pigeonpost worker-versions use ${buildId}\`, as ${deploymentName} has ${current ?? 'workers without a version'} as current`,
      );
  } catch (error) {
    log.warn({ err: error }, `cannot look which build of ${deploymentName} is current`);
  }
}

async function inDeployment<Result>(use: (client: Client, version: WorkerVersion) => Promise<Result>): Promise<Result> {
  const { temporal, workerVersion } = loadConfig();
  if (temporal.embedded || !workerVersion)
    throw new OperatorError(
      `${temporal.embedded ? 'TEMPORAL_ADDRESS' : 'PIGEONPOST_WORKER_DEPLOYMENT'} is not set.`,
      'Versions of workers are those of a deployment on an external Temporal; set what its workers have.',
    );
  const { client, close } = lazyTemporal(temporal.connectionOptions, temporal.namespace);
  try {
    return await use(client, workerVersion);
  } finally {
    await close();
  }
}
