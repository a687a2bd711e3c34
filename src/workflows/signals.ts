/** The signals of a delivery and what it has been told so far. */
import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';

export const cancelSignal = defineSignal<[reason?: string]>('cancel');
export const pauseSignal = defineSignal<[reason?: string]>('pause');
export const resumeSignal = defineSignal('resume');
export const retryNowSignal = defineSignal<[attempts?: number]>('retryNow');

/** What a delivery has been told and has not obeyed yet. */
export interface Commands {
  cancel?: { readonly reason: string; readonly byTemporal: boolean };
  pause?: { readonly reason: string };
  /** An attempt at once; with `attempts` only if the delivery has made so many and no more. */
  retryNow?: { readonly attempts?: number };
}

/** Whether there is something to obey. */
export function hasPendingCommand(commands: Commands): boolean {
  return commands.cancel !== undefined || commands.pause !== undefined || commands.retryNow !== undefined;
}

/** Takes orders from signals and from Temporal's own cancellation. Call it in the workflow's root scope. */
export function registerSignalHandlers(): Commands {
  const commands: Commands = {};
  setHandler(
    cancelSignal,
    (reason) => {
      commands.cancel ??= { reason: reason ?? 'cancelled', byTemporal: false };
    },
    { description: 'End the delivery; an attempt under way is awaited first. Argument: the reason.' },
  );
  setHandler(
    pauseSignal,
    (reason) => {
      commands.pause ??= { reason: reason ?? 'paused' };
    },
    { description: 'Make no further attempt until resumed. Argument: the reason.' },
  );
  setHandler(
    resumeSignal,
    () => {
      delete commands.pause;
    },
    { description: 'Go on at the same place of the schedule.' },
  );
  setHandler(
    retryNowSignal,
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
        'Make an attempt at once, in addition to those of the schedule. ' +
        'Argument, optional: how many attempts there are; if it has made more or is paused, nothing is done.',
    },
  );
  CancellationScope.current().cancelRequested.catch(() => {
    commands.cancel = { reason: 'cancelled in Temporal', byTemporal: true };
  });
  return commands;
}
