/** The signals of a delivery, and the commands it has received and not applied yet. */
import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';

/** By name. Clients send these definitions, so that their arguments are checked. */
export const deliverySignals = {
  cancel: defineSignal<[reason?: string]>('cancel'),
  pause: defineSignal<[reason?: string]>('pause'),
  resume: defineSignal('resume'),
  retryNow: defineSignal<[attempts?: number]>('retryNow'),
} as const;

/** Commands that a delivery has received and not applied yet. */
export interface Commands {
  cancel?: { readonly reason: string; readonly byTemporal: boolean };
  pause?: { readonly reason: string };
  /** An extra attempt now; with `attempts` only if the delivery has made exactly that many. */
  retryNow?: { readonly attempts?: number };
  /** No signal: a timer sets it when the event expires. */
  expired?: true;
}

export function hasPendingCommand(commands: Commands): boolean {
  const { cancel, pause, retryNow, expired } = commands;
  return cancel !== undefined || pause !== undefined || retryNow !== undefined || expired !== undefined;
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
  CancellationScope.current().cancelRequested.catch(() => {
    commands.cancel = { reason: 'cancelled in Temporal', byTemporal: true };
  });
  return commands;
}
