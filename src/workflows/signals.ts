/** The signals of a delivery and what it has been told so far. */
import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';

export const cancelSignal = defineSignal<[reason?: string]>('cancel');
export const pauseSignal = defineSignal<[reason?: string]>('pause');
export const resumeSignal = defineSignal('resume');
export const retryNowSignal = defineSignal<[attempts?: number]>('retryNow');

/** What a delivery has been told and has not obeyed yet. */
export interface Orders {
  cancel?: { readonly reason: string; readonly byTemporal: boolean };
  pause?: { readonly reason: string };
  /** An attempt at once; with `attempts` only if the delivery has made so many and no more. */
  retryNow?: { readonly attempts?: number };
}

/** Whether there is something to obey. */
export function interrupted(orders: Orders): boolean {
  return orders.cancel !== undefined || orders.pause !== undefined || orders.retryNow !== undefined;
}

/** Takes orders from signals and from Temporal's own cancellation. Call it in the workflow's root scope. */
export function takeOrders(): Orders {
  const orders: Orders = {};
  setHandler(
    cancelSignal,
    (reason) => {
      orders.cancel ??= { reason: reason ?? 'cancelled', byTemporal: false };
    },
    { description: 'End the delivery; an attempt under way is awaited first. Argument: the reason.' },
  );
  setHandler(
    pauseSignal,
    (reason) => {
      orders.pause ??= { reason: reason ?? 'paused' };
    },
    { description: 'Make no further attempt until resumed. Argument: the reason.' },
  );
  setHandler(
    resumeSignal,
    () => {
      delete orders.pause;
    },
    { description: 'Go on at the same place of the schedule.' },
  );
  setHandler(
    retryNowSignal,
    (attempts) => {
      if (attempts === undefined) {
        delete orders.pause;
        orders.retryNow = {};
      } else if (!orders.pause) {
        orders.retryNow ??= { attempts };
      }
    },
    {
      description:
        'Make an attempt at once, in addition to those of the schedule. ' +
        'Argument, optional: how many attempts there are; if it has made more or is paused, nothing is done.',
    },
  );
  CancellationScope.current().cancelRequested.catch(() => {
    orders.cancel = { reason: 'cancelled in Temporal', byTemporal: true };
  });
  return orders;
}
