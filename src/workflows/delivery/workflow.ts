/** A delivery: one event on its way to one subscription, from the first attempt to its end. */
import { CancellationScope, condition } from '@temporalio/workflow';
import { afterUnrecorded, resumePoint, type Next } from './resume.js';
import { bookkeeping } from './state-activities.js';
import { showAttempting, showEnded, showWaiting } from './details.js';
import { failure } from '../failure.js';
import { applyCommands } from './commands.js';
import { hasPendingCommand, registerSignalHandlers } from '../signals.js';
import { runRound } from './attempts.js';
import { SUBSCRIPTION_DELETED, SUBSCRIPTION_DISABLED, type DeliveryInput, type DeliveryResult } from '../types.js';

/** Waits for a database that cannot be reached, in milliseconds: each doubles, the first from this, up to the longest. */
const FIRST_STALL_MS = 5_000;
const MAX_STALL_MS = 300_000;

/**
 * Delivers until accepted. Fails when the schedule is exhausted or the contract stops it, and closes as cancelled when
 * told to end, so that Temporal's own statuses say how a delivery ended.
 */
export async function delivery(input: DeliveryInput): Promise<DeliveryResult> {
  const root = CancellationScope.current();
  const commands = registerSignalHandlers();
  // Nothing in here may be cut short: what an attempt did must be known before the delivery ends.
  return CancellationScope.nonCancellable(async () => {
    const start = await resumePoint(input, bookkeeping);
    if ('result' in start) return accepted(start.result);
    let next: Next = start;
    let stallMs = FIRST_STALL_MS;
    for (let round = 0; ; round += 1) {
      next = await untilDue(next);
      showAttempting(input, next.position);
      const end = await runRound(input, round, next, commands);
      switch (end.kind) {
        case 'accepted':
          return accepted(end.result);
        case 'failed':
          if (!end.recorded) await recordFailed(end.message, next);
          showEnded(input, `Not delivered: ${end.message}`);
          throw failure(end.type, end.message);
        case 'unrecorded':
          await bookkeeping.recordOutcome(end.outcome);
          if (end.outcome.state === 'delivered')
            return accepted({ attempts: end.outcome.number, status: end.outcome.status });
          next = afterUnrecorded(end.outcome);
          break;
        case 'stalled':
          stallMs = end.attemptsMade > 0 ? FIRST_STALL_MS : Math.min(2 * stallMs, MAX_STALL_MS);
          next = { ...after(next, end), waitMs: stallMs, why: 'the database did not answer' };
          break;
        case 'busy':
          next = {
            ...after(next, end),
            waitMs: end.waitMs,
            why: 'the subscription is busy',
            deferral: end.deferral,
          };
          break;
        case 'paused':
          commands.pause ??= { reason: SUBSCRIPTION_DISABLED };
          break;
        case 'subscriptionDeleted':
          commands.cancel ??= { reason: SUBSCRIPTION_DELETED, byTemporal: false };
          break;
        case 'interrupted':
          next = await applyCommands(input, commands, root, bookkeeping, end.lost);
      }
    }
  });

  /** Waits for a round to be due, obeying orders meanwhile. */
  async function untilDue(next: Next): Promise<Next> {
    for (;;) {
      if (next.waitMs > 0) {
        const { position, waitMs, why = 'the wait of the schedule' } = next;
        showWaiting(input, position, Date.now() + waitMs, why);
        await condition(() => hasPendingCommand(commands), waitMs, { summary: why });
      }
      if (!hasPendingCommand(commands)) return next;
      next = await applyCommands(input, commands, root, bookkeeping);
    }
  }

  function accepted(result: DeliveryResult): DeliveryResult {
    showEnded(input, `Delivered by attempt ${result.attempts}`);
    return result;
  }

  async function recordFailed(reason: string, { position, attemptsBefore }: Next): Promise<void> {
    const { deliveryId, run, schedule } = input;
    await bookkeeping.changeState({
      deliveryId,
      run,
      state: 'failed',
      reason,
      nextAttemptAt: null,
      lostUpTo: schedule.length,
      ...(attemptsBefore === undefined ? {} : { attemptsUpTo: attemptsBefore + schedule.length - position + 1 }),
    });
  }
}

/** Where a round goes on that ended before all of its attempts were made. */
function after(
  { position, attemptsBefore }: Next,
  { attemptsMade }: { readonly attemptsMade: number },
): Pick<Next, 'position' | 'attemptsBefore'> {
  return {
    position: position + attemptsMade,
    ...(attemptsBefore === undefined ? {} : { attemptsBefore: attemptsBefore + attemptsMade }),
  };
}
