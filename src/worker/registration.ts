/** What Pigeonpost needs to find in a Temporal namespace: search attributes and the schedule of its upkeep. */
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { Logger } from 'pino';
import { OperatorError } from '../errors.js';
import { searchAttributes, TASK_QUEUE, UPKEEP_SCHEDULE_ID, UPKEEP_WORKFLOW_ID } from '../dispatch/names.js';
import type { upkeep } from '../workflows/upkeep.js';

/** How often the sweep runs. */
const SWEEP_EVERY = '30s';

/** The search attributes by name, as servers and command lines want them. */
export const searchAttributeTypes: Readonly<Record<string, 'Keyword'>> = Object.fromEntries(
  Object.values(searchAttributes).map(({ name }) => [name, 'Keyword']),
);

/**
 * Registers the search attributes that the namespace lacks. Where they cannot even be listed, as on Temporal Cloud, they
 * are taken to be there: a delivery that cannot be started says so.
 */
export async function ensureSearchAttributes(client: Client, namespace: string, log: Logger): Promise<void> {
  const { operatorService } = client.connection as unknown as {
    operatorService: temporal.api.operatorservice.v1.OperatorService;
  };
  const known = await operatorService.listSearchAttributes({ namespace }).catch((error: unknown) => {
    log.warn({ err: error }, `cannot look for search attributes; these must be there: ${names().join(', ')}`);
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

/** Creates the schedule of the upkeep where there is none, and has it run now: something may have been left undone. */
export async function ensureUpkeep(client: Client): Promise<void> {
  try {
    await client.schedule.create<typeof upkeep>({
      scheduleId: UPKEEP_SCHEDULE_ID,
      spec: { intervals: [{ every: SWEEP_EVERY }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' },
      action: {
        type: 'startWorkflow',
        workflowType: 'upkeep',
        workflowId: UPKEEP_WORKFLOW_ID,
        taskQueue: TASK_QUEUE,
        staticSummary: 'Starts, ends and counts what crashes and deletions left behind',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  await client.schedule.getHandle(UPKEEP_SCHEDULE_ID).trigger(ScheduleOverlapPolicy.SKIP);
}
