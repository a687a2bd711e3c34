/** The signals of a delivery and what it has been told so far. */
import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';

export const cancelSignal = defineSignal<[reason?: string]>('cancel');
export const pauseSignal = defineSignal<[reason?: string]>('pause');
export const resumeSignal = defineSignal('resume');
export const retryNowSignal = defineSignal('retryNow');

/** What a delivery has been told and has not obeyed yet. */
export interface Orders {
  cancel?: { readonly reason: string; readonly byTemporal: boolean };
  pause?: { readonly reason: string };
  retryNow: boolean;
}

/** Whether there is something to obey. */
export function interrupted(orders: Orders): boolean {
  return orders.cancel !== undefined || orders.pause !== undefined || orders.retryNow;
}

/** Takes orders from signals and from Temporal's own cancellation. Call it in the workflow's root scope. */
export function takeOrders(): Orders {
  const orders: Orders = { retryNow: false };
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
    () => {
      delete orders.pause;
      orders.retryNow = true;
    },
    { description: 'Make an attempt at once, in addition to those of the schedule.' },
  );
  CancellationScope.current().cancelRequested.catch(() => {
    orders.cancel = { reason: 'cancelled in Temporal', byTemporal: true };
  });
  return orders;
}
