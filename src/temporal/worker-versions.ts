/**
 * Worker Versioning: which of the builds that run beside each other gets the deliveries. Temporal sends every workflow task
 * to the current version of the deployment, so a build that has just started gets none until it is made current, and a
 * build that has been current is drained by its successor.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { WorkerVersion } from '../config/config.js';
import { OperatorError } from '../lib/errors.js';

/** How a version is shown. */
export interface VersionState {
  readonly buildId: string;
  /** `current` gets all deliveries, `ramping` a part of them, `draining` finishes what it has, and others get nothing. */
  readonly state: 'current' | 'ramping' | 'draining' | 'drained' | 'inactive';
  /** Percentage of the deliveries that a ramping version gets. */
  readonly percent?: number;
  /** ISO 8601. */
  readonly createdAt?: string;
}

/** Which version is to get the deliveries, or a percentage of them. */
export interface Routing extends WorkerVersion {
  /** From 1 to 99; absent: all of them. */
  readonly percent?: number;
  /** How long to wait for a worker of this build, in milliseconds. */
  readonly waitMs: number;
}

/** gRPC's codes for what is not there, and for what is not there yet. */
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
/** The server changes the deployment just now. */
const ABORTED = 10;
const UNAVAILABLE = 14;
const NOT_YET: ReadonlySet<unknown> = new Set([NOT_FOUND, FAILED_PRECONDITION, ABORTED, UNAVAILABLE]);
const RETRY_MS = 500;

/** The versions of a deployment, the newest first; none when no worker of it has ever run. */
export async function listVersions(client: Client, deploymentName: string): Promise<VersionState[]> {
  const info = await describe(client, deploymentName);
  const routing = info?.routingConfig;
  const [currentId, rampingId] = [routing?.currentDeploymentVersion, routing?.rampingDeploymentVersion].map(
    (version) => version?.buildId,
  );
  const { VERSION_DRAINAGE_STATUS_DRAINING: draining, VERSION_DRAINAGE_STATUS_DRAINED: drained } =
    temporal.api.enums.v1.VersionDrainageStatus;
  const versions = (info?.versionSummaries ?? []).map(({ deploymentVersion, createTime, drainageInfo }) => {
    const buildId = deploymentVersion?.buildId ?? '';
    const createdMs = Number(createTime?.seconds ?? 0) * 1_000;
    const drainage = drainageInfo?.status;
    const idle = drainage === draining ? 'draining' : drainage === drained ? 'drained' : 'inactive';
    const state = buildId === currentId ? 'current' : buildId === rampingId ? 'ramping' : idle;
    return {
      createdMs,
      version: {
        buildId,
        state,
        ...(state === 'ramping' ? { percent: routing?.rampingVersionPercentage ?? 0 } : {}),
        ...(createdMs > 0 ? { createdAt: new Date(createdMs).toISOString() } : {}),
      } satisfies VersionState,
    };
  });
  return versions.sort((a, b) => b.createdMs - a.createdMs).map(({ version }) => version);
}

/**
 * Makes a version the current one, or gives it a percentage of the deliveries. Waits until a worker of it has asked Temporal
 * for work, so that deliveries are never sent to a build that does not run.
 *
 * @throws OperatorError when none has within `waitMs`
 */
export async function routeTo(client: Client, { percent, waitMs, ...version }: Routing): Promise<void> {
  const { namespace, identity } = client.options;
  const request = { ...version, namespace, identity };
  const end = Date.now() + waitMs;
  for (;;) {
    try {
      if (percent === undefined) await client.workflowService.setWorkerDeploymentCurrentVersion(request);
      else await client.workflowService.setWorkerDeploymentRampingVersion({ ...request, percentage: percent });
      return;
    } catch (error) {
      if (!NOT_YET.has(codeOf(error))) throw error;
      if (Date.now() >= end) throw noWorker(version, error);
    }
    await sleep(RETRY_MS);
  }
}

/** The build id of the current version; undefined when workers without a version get the deliveries. */
export async function currentBuildId(client: Client, deploymentName: string): Promise<string | undefined> {
  const info = await describe(client, deploymentName);
  return info?.routingConfig?.currentDeploymentVersion?.buildId || undefined;
}

async function describe(
  client: Client,
  deploymentName: string,
): Promise<temporal.api.deployment.v1.IWorkerDeploymentInfo | undefined> {
  const { namespace } = client.options;
  try {
    const found = await client.workflowService.describeWorkerDeployment({ namespace, deploymentName });
    return found.workerDeploymentInfo ?? undefined;
  } catch (error) {
    if (codeOf(error) === NOT_FOUND) return undefined;
    throw error;
  }
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

function noWorker({ deploymentName, buildId }: WorkerVersion, cause: unknown): OperatorError {
  return new OperatorError(
    `No worker of build ${buildId} in the deployment ${deploymentName} asks Temporal for work (${(cause as Error).message}).`,
    'Start one with this PIGEONPOST_WORKER_DEPLOYMENT and PIGEONPOST_WORKER_BUILD_ID, or give it more time with --wait.',
    { cause },
  );
}
