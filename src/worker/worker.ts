/** The worker: makes attempts and keeps house. Stateless; run as many as the load needs. */
import { existsSync } from 'fs';
import { join } from 'path';
import { Worker, type NativeConnection, type WorkerOptions, type WorkflowBundleOption } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createActivities, type ActivityDependencies } from '../activities/index.js';
import { TASK_QUEUE } from '../dispatch/names.js';

/** Attempts under way at once; each is little more than an open socket. */
const CONCURRENT_ATTEMPTS = 400;
const CONCURRENT_WORKFLOW_TASKS = 100;
/** Longer than any attempt takes, so that a shutdown never leaves one without a known outcome. */
const SHUTDOWN_GRACE = '150s';
/** Wait before a worker that failed is made anew, in milliseconds. */
const RESTART_MS = 1_000;

export interface RunningWorker {
  /** Takes no more work, waits for attempts under way and stops. */
  stop(): Promise<void>;
}

export interface WorkerSettings extends ActivityDependencies {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly log: Logger;
  /** Workflow code, where it is not the build's. */
  readonly workflowBundle?: WorkflowBundleOption;
}

/** Starts a worker; one that fails is replaced. Rejects when the first cannot be made. */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { log } = settings;
  let worker = await createWorker(settings);
  let stopping = false;

  const running = (async () => {
    for (;;) {
      try {
        await worker.run();
      } catch (error) {
        log.error({ err: error }, 'the worker failed');
      }
      if (stopping) return;
      await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
      worker = await createWorker(settings);
    }
  })();
  running.catch((error: unknown) => log.fatal({ err: error }, 'the worker cannot be replaced'));

  return {
    async stop() {
      stopping = true;
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
    },
  };
}

function createWorker({ connection, namespace, workflowBundle, ...dependencies }: WorkerSettings): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUE,
    ...(workflowBundle ? { workflowBundle } : workflowCode()),
    activities: createActivities(dependencies),
    maxConcurrentActivityTaskExecutions: CONCURRENT_ATTEMPTS,
    maxConcurrentWorkflowTaskExecutions: CONCURRENT_WORKFLOW_TASKS,
    shutdownGraceTime: SHUTDOWN_GRACE,
  });
}

/** Workflow code bundled by the build, or bundled now where there is no build. */
function workflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const codePath = join(__dirname, '..', 'workflow-bundle.js');
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  return { workflowsPath: join(__dirname, '..', 'workflows') };
}
