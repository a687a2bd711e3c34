/**
 * What Pigeonpost needs to find in a Temporal namespace: search attributes and the schedule of its maintenance. It is
 * ensured again and again, as a namespace can be lost and made again while workers run.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { Logger } from 'pino';
import { OperatorError } from '../lib/errors.js';
import { searchAttributes, TASK_QUEUE, MAINTENANCE_SCHEDULE_ID, MAINTENANCE_WORKFLOW_ID } from '../workflows/names.js';
import type { maintenance } from '../workflows/maintenance.js';
import { isDenied } from './unreachable.js';

/** How often the sweep runs. */
const SWEEP_EVERY = '30s';
/** How often a worker ensures the registration, in milliseconds; each wait is up to half shorter or longer. */
const ENSURE_EVERY_MS = 30_000;
/** How long that may take, in milliseconds. */
const DEADLINE_MS = 10_000;
/** gRPC's code for what there is not. */
const NOT_FOUND = 5;

/** The search attributes by name, as servers and command lines want them. */
export const searchAttributeTypes: Readonly<Record<string, 'Keyword'>> = Object.fromEntries(
  Object.values(searchAttributes).map(({ name }) => [name, 'Keyword']),
);

/** The namespace to register in. */
export interface RegistrationContext {
  readonly client: Client;
  readonly namespace: string;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** For how many days the namespace keeps workflows that have ended; undefined: as it says itself. */
  readonly retentionDays?: number | undefined;
}

type Warn = (error: unknown, message: string) => void;

/**
 * Registers what the namespace lacks, and keeps doing so until stopped. Rejects when the first time fails; later failures
 * are logged, each once in a row.
 */
export async function keepRegistered(
  context: RegistrationContext,
  everyMs = ENSURE_EVERY_MS,
): Promise<{ stop(): Promise<void> }> {
  const { client, log } = context;
  const stopping = new AbortController();
  let problems = new Set<string>();
  let lastProblems = new Set<string>();
  const warn: Warn = (err, message) => {
    problems.add(message);
    if (!lastProblems.has(message)) log.warn({ err }, message);
  };
  const ensure = (trigger: boolean): Promise<void> =>
    client.withDeadline(Date.now() + DEADLINE_MS, async () => {
      await ensureSearchAttributes(context, warn);
      const created = await ensureMaintenance(context, trigger);
      if (created) log.info('the maintenance schedule was created in Temporal');
      await ensureRetention(context, warn);
    });

  await ensure(true);
  const running = (async () => {
    for (;;) {
      const waitMs = everyMs * (0.5 + Math.random());
      await sleep(waitMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      [lastProblems, problems] = [problems, new Set()];
      await ensure(false).catch((error: Error) => warn(error, `cannot ensure the registration: ${error.message}`));
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/**
 * Registers the search attributes that the namespace lacks. Where they cannot even be listed, as on Temporal Cloud, they
 * are assumed to be there: a delivery that cannot be started says so.
 */
async function ensureSearchAttributes({ client, namespace }: RegistrationContext, warn: Warn): Promise<void> {
  const { operatorService } = client.connection as unknown as {
    operatorService: temporal.api.operatorservice.v1.OperatorService;
  };
  const known = await operatorService.listSearchAttributes({ namespace }).catch((error: unknown) => {
    warn(error, `cannot look for search attributes; these must be there: ${names().join(', ')}`);
  });
  const missing = known ? names().filter((name) => !(name in known.customAttributes)) : [];
  if (missing.length === 0) return;
  const { INDEXED_VALUE_TYPE_KEYWORD: keyword } = temporal.api.enums.v1.IndexedValueType;
  try {
    await operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, keyword])),
    });
  } catch (error) {
    throw new OperatorError(
      `Temporal's namespace ${namespace} lacks search attributes and does not let us add them.`,
      `Add as Keyword: ${missing.join(', ')}.`,
      { cause: error },
    );
  }
}

const names = (): string[] => Object.keys(searchAttributeTypes);

/**
 * Creates the schedule of the maintenance where there is none, and runs it now: there may be unfinished work.
 * With `trigger` it runs now in any case. Gives back whether it was created.
 */
async function ensureMaintenance({ client, namespace }: RegistrationContext, trigger: boolean): Promise<boolean> {
  let created = true;
  try {
    await client.schedule.create<typeof maintenance>({
      scheduleId: MAINTENANCE_SCHEDULE_ID,
      spec: { intervals: [{ every: SWEEP_EVERY }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' },
      state: { triggerImmediately: true },
      action: {
        type: 'startWorkflow',
        workflowType: 'maintenance',
        workflowId: MAINTENANCE_WORKFLOW_ID,
        taskQueue: TASK_QUEUE,
        staticSummary: 'Starts, ends and counts what crashes and deletions interrupted',
      },
    });
  } catch (error) {
    if (isNotFound(error)) throw noNamespace(namespace, error);
    if (isDenied(error)) throw noPermission(namespace, error);
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    created = false;
  }
  if (trigger && !created) await client.schedule.getHandle(MAINTENANCE_SCHEDULE_ID).trigger(ScheduleOverlapPolicy.SKIP);
  return created;
}

/** Sets for how long the namespace keeps workflows that have ended. Where that is not allowed, deliveries work without. */
async function ensureRetention({ client, namespace, log, retentionDays }: RegistrationContext, warn: Warn) {
  if (retentionDays === undefined) return;
  const { workflowService } = client.connection;
  const seconds = retentionDays * 86_400;
  try {
    const { config } = await workflowService.describeNamespace({ namespace });
    if (Number(config?.workflowExecutionRetentionTtl?.seconds) === seconds) return;
    // The types want an object for an int64; a number is encoded just as well.
    const workflowExecutionRetentionTtl = {
      seconds,
    } as unknown as temporal.api.namespace.v1.INamespaceConfig['workflowExecutionRetentionTtl'];
    await workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl } });
    log.info(`Temporal's namespace ${namespace} keeps workflows that have ended for ${retentionDays} days now`);
  } catch (error) {
    warn(error, `cannot set the retention of Temporal's namespace ${namespace} to ${retentionDays} days`);
  }
}

function isNotFound(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  return code === NOT_FOUND || cause?.code === NOT_FOUND;
}

function noNamespace(namespace: string, cause: unknown): OperatorError {
  return new OperatorError(
    `Temporal has no namespace ${namespace}.`,
    `Create it (temporal operator namespace create --namespace ${namespace}), or set TEMPORAL_NAMESPACE.`,
    { cause },
  );
}

function noPermission(namespace: string, cause: unknown): OperatorError {
  return new OperatorError(
    `Temporal does not let us create a schedule in namespace ${namespace}.`,
    'Give the API key or the client certificate the permission to write in it.',
    { cause },
  );
}
