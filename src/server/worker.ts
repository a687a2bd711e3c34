/** The worker: makes attempts and runs the maintenance. Stateless; run as many as the load needs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type ClientInterceptors } from '@temporalio/client';
import { Worker, type NativeConnection, type WorkerOptions, type WorkflowBundleOption } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { AttemptDependencies } from '../activities/attempt/attempt.js';
import { Collector } from '../activities/direct/collector.js';
import { Sender } from '../activities/direct/sender.js';
import { createActivities, shareDependencies } from '../activities/index.js';
import { wakeBreaker } from '../dispatch/commands/breakers.js';
import { startCallbacks } from '../dispatch/callbacks.js';
import type { Mailer } from '../dispatch/alerts/mail.js';
import { createDispatcher, type SenderPort } from '../dispatch/dispatcher.js';
import type { WorkerVersion } from '../config/config.js';
import { defaults, type WorkflowMode } from '../config/defaults.js';
import { SHUTDOWN_GRACE_MS, WORKER_CAPACITY } from '../workflows/limits.js';
import { TASK_QUEUE } from '../workflows/names.js';

const CONCURRENT_WORKFLOW_TASKS = 100;
/**
 * Workflows in memory, at some 200 KB each: the most recently used ones. Others are rebuilt from their histories, which
 * are short.
 */
const CACHED_WORKFLOWS = 300;
/** Wait before a failed worker is replaced, in milliseconds. */
const RESTART_MS = 1_000;

/**
 * How long polls in flight are awaited when a worker stops, in milliseconds. Without it they are aborted at once, and a task
 * that the server is just sending is lost until it times out: the attempt of a delivery would then be late by more than its
 * time limit, and count as interrupted. Read by the SDK's core; servers that end polls themselves do not need it.
 */
process.env.TEMPORAL_POLL_SHUTDOWN_INTERRUPT_WAIT_MS ??= '1000';

export interface RunningWorker {
  /** Makes first attempts without a workflow. */
  readonly sender: SenderPort;
  /** Whether it asks Temporal for work. */
  isPolling(): boolean;
  /** Accepts no more work, waits for attempts in flight and stops. */
  stop(): Promise<void>;
}

export interface WorkerSettings extends AttemptDependencies {
  readonly connection: NativeConnection;
  readonly namespace: string;
  /** Of the clients that start workflows. */
  readonly interceptors?: ClientInterceptors;
  readonly log: Logger;
  /** When the deliveries of callbacks and broadcasts get a workflow, unless their account has a setting of its own. */
  readonly workflows?: WorkflowMode;
  /** Days that data of accounts without a setting of their own is kept; 0 keeps it indefinitely. */
  readonly retentionDays?: number;
  /** Hours for which the response of a request with an idempotency key is stored. */
  readonly idempotencyHours?: number;
  /** Days for which the audit log is kept. */
  readonly auditDays?: number;
  /** Sends the mails of alert rules; absent when no mail server is set. */
  readonly mailer?: Mailer;
  /** Its build in Temporal's Worker Versioning; absent: it has no version, and gets what no version gets. */
  readonly workerVersion?: WorkerVersion;
  /** Workflow code, where it is not the build's. */
  readonly workflowBundle?: WorkflowBundleOption;
}

/**
 * Starts a worker; one that fails is replaced, as often as needed: PostgreSQL or Temporal may be unavailable for a while. Rejects
 * when the first cannot be made.
 */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { log, connection, namespace, interceptors = {}, store, workflows = defaults.workflows } = settings;
  const stopping = new AbortController();
  const starter = { client: new Client({ connection, namespace, interceptors }), eager: false };
  const shared = shareDependencies(settings, {
    wakeBreaker: (scope) => wakeBreaker(starter.client, scope),
    onBreakerError: (error) => log.debug({ err: error }, 'cannot advance circuit breakers now; the sweep will'),
  });
  const sender = new Sender({ ...shared, starter, log });
  await sender.start();
  const dispatcher = createDispatcher(starter, log, { workflows, sender });
  const collector = new Collector({
    store: settings.store,
    log,
    onCollected: ({ deliveryStarts }) => sender.offer(deliveryStarts),
  });
  const create = (): Promise<Worker> => createWorker(settings, createActivities(shared, { ...settings, dispatcher }));
  let worker: Worker | undefined = await create().catch(async (error: unknown) => {
    await sender.stop();
    throw error;
  });
  const callbacks = startCallbacks(store, dispatcher, log);

  collector.start();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        worker ??= await create();
        const ended = worker.run();
        // A stop that came while it was made. It has run nevertheless, as one that never has keeps its connection open.
        if (stopping.signal.aborted) worker.shutdown();
        await ended;
      } catch (error) {
        log.error({ err: error }, 'the worker failed; a new one is started');
      }
      worker = undefined;
      await sleep(RESTART_MS, undefined, stopping).catch(() => undefined);
    }
  })();

  return {
    sender,
    isPolling() {
      if (worker === undefined || stopping.signal.aborted) return false;
      const { workflowPollerState, activityPollerState } = worker.getStatus();
      return worker.getState() === 'RUNNING' && workflowPollerState === 'POLLING' && activityPollerState === 'POLLING';
    },
    async stop() {
      stopping.abort();
      if (worker?.getState() === 'RUNNING') worker.shutdown();
      await callbacks.stop();
      await collector.stop();
      await Promise.all([running, sender.stop()]);
      await dispatcher.stop();
      await shared.breakers.stop();
    },
  };
}

function createWorker(
  { connection, namespace, interceptors, workerVersion, workflowBundle }: WorkerSettings,
  activities: ReturnType<typeof createActivities>,
): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUE,
    ...(workflowBundle ? { workflowBundle } : workflowCode()),
    activities,
    ...(workerVersion ? { workerDeploymentOptions: deploymentOptions(workerVersion) } : {}),
    ...(interceptors ? { interceptors: { client: interceptors } } : {}),
    maxConcurrentActivityTaskExecutions: WORKER_CAPACITY,
    maxConcurrentWorkflowTaskExecutions: CONCURRENT_WORKFLOW_TASKS,
    maxCachedWorkflows: CACHED_WORKFLOWS,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
  });
}

/**
 * Every workflow moves on to the current version with its next task. Pinned ones would need workers of their build until they
 * end, which takes days for a delivery and hours for a recovery; replay tests show that a newer build continues the
 * histories of an older one instead.
 */
function deploymentOptions(version: WorkerVersion): WorkerOptions['workerDeploymentOptions'] {
  return { version, useWorkerVersioning: true, defaultVersioningBehavior: 'AUTO_UPGRADE' };
}

/** Workflow code bundled by the build, or bundled now where there is no build. */
function workflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const codePath = join(__dirname, '../workflow-bundle.js');
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  return { workflowsPath: join(__dirname, '../workflows') };
}
