/** The updates of a delivery: commands whose result the caller gets, from the API and from Temporal's UI. */
import { condition, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import { failure, FailureType } from './failure.js';
import type { Commands, ScheduleChange } from './signals.js';
import type { AttemptReport, DeliveryActivities, DeliveryInput, PlannedAttempt } from './types.js';

/** By name. Clients send these definitions, so that their arguments are checked. */
export const deliveryUpdates = {
  skipToNext: defineUpdate<PlannedAttempt>('skipToNext'),
  extend: defineUpdate<PlannedAttempt, [seconds: number]>('extend'),
  attemptNow: defineUpdate<AttemptReport>('attemptNow'),
} as const;

/** Longest extension by one update, in seconds: seven days. */
export const MAX_EXTENSION_S = 604_800;

const { awaitAttempt } = proxyActivities<DeliveryActivities>({
  startToCloseTimeout: '40s',
  retry: { initialInterval: '1s', maximumAttempts: 6 },
  summary: 'wait for the outcome of the attempt',
});

/** Registers the updates; `getProgress` is the activity of the delivery. Call it in the workflow's root scope. */
export function registerUpdateHandlers(
  { deliveryId, run }: DeliveryInput,
  commands: Commands,
  getProgress: DeliveryActivities['getScheduleProgress'],
): void {
  setHandler(deliveryUpdates.skipToNext, () => change(commands, { kind: 'skip' }), {
    description:
      'Move to the next step of the schedule without the attempt that is planned. Returns what is planned then.',
  });
  setHandler(deliveryUpdates.extend, (seconds) => change(commands, { kind: 'extend', waitMs: seconds * 1_000 }), {
    validator: (seconds) => {
      const isValid = typeof seconds === 'number' && seconds >= 1 && seconds <= MAX_EXTENSION_S;
      if (!isValid) throw refused(`the argument must be a number of seconds from 1 to ${MAX_EXTENSION_S}`);
    },
    description: 'Make the planned attempt later. Argument: by how many seconds. Returns what is planned then.',
  });
  setHandler(
    deliveryUpdates.attemptNow,
    async () => {
      const { attempts } = await getProgress({ deliveryId, run });
      delete commands.pause;
      commands.retryNow = {};
      return awaitAttempt({ deliveryId, run, after: attempts });
    },
    { description: 'Make an attempt now, in addition to those of the schedule. Returns its outcome.' },
  );
}

/** Requests a change of what is planned, and waits until it is applied. */
async function change(commands: Commands, requested: Pick<ScheduleChange, 'kind' | 'waitMs'>): Promise<PlannedAttempt> {
  if (commands.pause) throw refused('the delivery is paused; resume it first');
  const entry: ScheduleChange = { ...requested };
  (commands.changes ??= []).push(entry);
  await condition(() => entry.result !== undefined || commands.hasEnded === true);
  const { result = 'the delivery has ended' } = entry;
  if (typeof result === 'string') throw refused(result);
  return result;
}

function refused(message: string) {
  return failure(FailureType.updateRefused, message);
}
