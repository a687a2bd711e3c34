/** The signals and queries of a delivery, and the commands it has received and not applied yet. */
import type { DeliveryRules } from '../contract/delivery-rules.js';
import type { PlannedAttempt } from './types.js';
import { CancellationScope, defineQuery, defineSignal, setHandler } from '@temporalio/workflow';

/** By name. Clients send these definitions, so that their arguments are checked. */
export const deliverySignals = {
  cancel: defineSignal<[reason?: string]>('cancel'),
  pause: defineSignal<[reason?: string]>('pause'),
  resume: defineSignal('resume'),
  retryNow: defineSignal<[attempts?: number]>('retryNow'),
  applyPolicy: defineSignal<[rules: DeliveryRules]>('applyPolicy'),
} as const;

/** By name. */
export const deliveryQueries = {
  isPaused: defineQuery<boolean>('isPaused'),
} as const;

/** A change of what is planned, which an update (updates.ts) waits for. */
export interface ScheduleChange {
  readonly kind: 'skip' | 'extend';
  /** By how much to extend. */
  readonly waitMs?: number;
  /** What is planned then, or why it cannot be applied; absent until it is processed. */
  result?: PlannedAttempt | string;
}

/** Commands that a delivery has received and not applied yet. */
export interface Commands {
  cancel?: { readonly reason: string; readonly byTemporal: boolean };
  pause?: { readonly reason: string };
  /** An extra attempt now; with `attempts` only if the delivery has made exactly that many. */
  retryNow?: { readonly attempts?: number };
  /** No signal: a timer sets it when the event expires. */
  expired?: true;
  /** Other rules from the next step on. */
  applyPolicy?: DeliveryRules;
  /** Changes of the schedule's next step, in the sequence of their requests. */
  changes?: ScheduleChange[];
  /** Whether the workflow is about to close. */
  hasEnded?: boolean;
}

export function hasPendingCommand(commands: Commands): boolean {
  const { cancel, pause, retryNow, expired, applyPolicy, changes } = commands;
  return [cancel, pause, retryNow, expired, applyPolicy, changes].some((command) => command !== undefined);
}

/** Collects commands from signals and from Temporal's own cancellation. Call it in the workflow's root scope. */
export function registerSignalHandlers(): Commands {
  const commands: Commands = {};
  setHandler(
    deliverySignals.cancel,
    (reason) => {
      commands.cancel ??= { reason: reason ?? 'cancelled', byTemporal: false };
    },
    { description: 'Cancel the delivery after the attempt in flight. Argument: the reason.' },
  );
  setHandler(
    deliverySignals.pause,
    (reason) => {
      commands.pause ??= { reason: reason ?? 'paused' };
    },
    { description: 'Make no further attempt until resumed. Argument: the reason.' },
  );
  setHandler(
    deliverySignals.resume,
    () => {
      delete commands.pause;
    },
    { description: 'Continue at the same position of the schedule.' },
  );
  setHandler(
    deliverySignals.retryNow,
    (attempts) => {
      if (attempts === undefined) {
        delete commands.pause;
        commands.retryNow = {};
      } else if (!commands.pause) {
        commands.retryNow ??= { attempts };
      }
    },
    {
      description:
        'Make an attempt now, in addition to those of the schedule. ' +
        'Argument, optional: the number of attempts so far; ignored if more were made or the delivery is paused.',
    },
  );
  setHandler(
    deliverySignals.applyPolicy,
    (rules) => {
      // Anyone with access to Temporal can send it; with other rules the workflow could not continue.
      if (isRules(rules)) commands.applyPolicy = rules;
    },
    {
      description:
        'Use another schedule, time limit and response rules from the next step on; the position stays. ' +
        'Argument: schedule (waits in ms), timeLimitMs and, optional, responseRules. The API sends it.',
    },
  );
  setHandler(deliveryQueries.isPaused, () => commands.pause !== undefined, {
    description: 'Whether the delivery makes no attempt until it is resumed.',
  });
  CancellationScope.current().cancelRequested.catch(() => {
    commands.cancel = { reason: 'cancelled in Temporal', byTemporal: true };
  });
  return commands;
}

function isRules(rules: Partial<DeliveryRules> | null | undefined): rules is DeliveryRules {
  const isWait = (value: unknown) => typeof value === 'number' && value > 0 && Number.isFinite(value);
  return Array.isArray(rules?.schedule) && rules.schedule.every(isWait) && isWait(rules.timeLimitMs);
}
