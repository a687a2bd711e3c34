/** The workflow of a delivery: one event for one subscription, from the first attempt to the end. */
import { allHandlersFinished, CancellationScope, condition, proxyActivities, sleep } from '@temporalio/workflow';
import { failure } from '../failure.js';
import { hasPendingCommand, registerSignalHandlers, type Commands } from '../signals.js';
import { SUBSCRIPTION_DELETED, type DeliveryActivities, type DeliveryInput, type DeliveryResult } from '../types.js';
import { registerUpdateHandlers } from '../updates.js';
import { runRound, type RoundEnd } from './attempts.js';
import { applyCommands, withPolicy } from './commands.js';
import { showAttempting, showEnded, showWaiting } from './details.js';
import { firstRound, roundAfter, type NextRound } from './resume.js';

/** Wait while the database is unavailable, in milliseconds: doubles each time, from the first to the longest. */
const FIRST_STALL_MS = 5_000;
const MAX_STALL_MS = 300_000;

/** Small reads and writes, each with a summary for Temporal's UI. They are retried until the database is available. */
const activities: Omit<DeliveryActivities, 'attempt' | 'awaitAttempt'> = {
  getScheduleProgress: (task) => withSummary('load the position in the schedule').getScheduleProgress(task),
  changeState: (task) => withSummary(`record the state ${task.state}`).changeState(task),
  recordOutcome: (outcome) => withSummary(`record attempt ${outcome.number}, made before`).recordOutcome(outcome),
  awaitSender: (task) => withSummary('wait for the sender that makes the first attempt').awaitSender(task),
  cancelOwnWorkflow: () => withSummary('close as cancelled in Temporal').cancelOwnWorkflow(),
};

function withSummary(summary: string) {
  return proxyActivities<DeliveryActivities>({
    startToCloseTimeout: '30s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  });
}

/**
 * Delivers until accepted. Fails when the schedule is exhausted or the contract stops the delivery, and closes as
 * cancelled on a cancel command, so that Temporal's own statuses show how a delivery ended.
 */
export async function delivery(input: DeliveryInput): Promise<DeliveryResult> {
  const commands = registerSignalHandlers();
  registerUpdateHandlers(input, commands, activities.getScheduleProgress);
  try {
    return await deliver(input, commands);
  } finally {
    // Updates that wait get their result before the workflow closes.
    commands.hasEnded = true;
    if (!allHandlersFinished()) await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}

async function deliver(start: DeliveryInput, commands: Commands): Promise<DeliveryResult> {
  let input = start;
  const root = CancellationScope.current();
  // Not cancellable: the outcome of an attempt in flight must be known before the delivery ends.
  return CancellationScope.nonCancellable(async () => {
    expireInTime(input, commands);
    const first = await firstRound(input, activities);
    if ('result' in first) return accepted(first.result);
    let next: NextRound = first;
    let stallMs = FIRST_STALL_MS;
    for (let round = 0; ; round += 1) {
      next = await waitUntilDue(next);
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
          await activities.recordOutcome(end.outcome);
          if (end.outcome.state === 'delivered')
            return accepted({ attempts: end.outcome.number, status: end.outcome.status });
          next = roundAfter(end.outcome);
          break;
        case 'stalled':
          stallMs = end.attemptsMade > 0 ? FIRST_STALL_MS : Math.min(2 * stallMs, MAX_STALL_MS);
          next = { ...advance(next, end), waitMs: stallMs, why: 'the delivery could not be loaded' };
          break;
        case 'busy':
          next = {
            ...advance(next, end),
            waitMs: end.waitMs,
            why: 'the subscription is busy',
            deferral: end.deferral,
          };
          break;
        case 'interrupted':
          next = await applyCommands(input, commands, root, activities, end.lost);
          input = withPolicy(input, commands);
          break;
        default:
          setCommand(commands, end);
      }
    }
  });

  /** Waits until a round is due and applies commands that arrive before that. */
  async function waitUntilDue(next: NextRound): Promise<NextRound> {
    for (;;) {
      if (next.waitMs > 0) {
        const { position, waitMs, why = 'the wait of the schedule' } = next;
        showWaiting(input, position, Date.now() + waitMs, why);
        await condition(() => hasPendingCommand(commands), waitMs, { summary: why });
      }
      if (!hasPendingCommand(commands)) return next;
      next = await applyCommands(input, commands, root, activities);
      input = withPolicy(input, commands);
    }
  }

  function accepted(result: DeliveryResult): DeliveryResult {
    showEnded(input, `Delivered by attempt ${result.attempts}`);
    return result;
  }

  async function recordFailed(reason: string, { position, attemptsBefore }: NextRound): Promise<void> {
    const { deliveryId, run, schedule } = input;
    await activities.changeState({
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

/** What follows from an attempt that was not allowed is done like a command. */
function setCommand(
  commands: Commands,
  end: Extract<RoundEnd, { kind: 'paused' | 'expired' | 'cancelled' | 'subscriptionDeleted' }>,
): void {
  switch (end.kind) {
    case 'paused':
      commands.pause ??= { reason: end.reason };
      break;
    case 'expired':
      commands.expired = true;
      break;
    case 'cancelled':
      commands.cancel ??= { reason: end.reason, byTemporal: false };
      break;
    case 'subscriptionDeleted':
      commands.cancel ??= { reason: SUBSCRIPTION_DELETED, byTemporal: false };
  }
}

/** Interrupts the delivery when its event expires; an attempt in flight is finished first. */
function expireInTime({ expiresAt }: DeliveryInput, commands: Commands): void {
  if (expiresAt === undefined) return;
  const waitMs = expiresAt - Date.now();
  if (waitMs <= 0) commands.expired = true;
  else void sleep(waitMs, { summary: 'until the event expires' }).then(() => (commands.expired = true));
}

/** The position of a round that ended before all of its attempts were made. */
function advance(
  { position, attemptsBefore }: NextRound,
  { attemptsMade }: { readonly attemptsMade: number },
): Pick<NextRound, 'position' | 'attemptsBefore'> {
  return {
    position: position + attemptsMade,
    ...(attemptsBefore === undefined ? {} : { attemptsBefore: attemptsBefore + attemptsMade }),
  };
}
