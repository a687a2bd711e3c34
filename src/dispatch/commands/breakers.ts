/** Advances open circuit breakers: probes, trials, and the sending of what has waited. */
import type { Client } from '@temporalio/client';
import {
  afterTrial,
  isOpen,
  trialSize,
  withTrial,
  type OpenBreaker,
  type TrialDelivery,
} from '../../contract/breaker.js';
import { breakerOf } from '../../contract/delivery-rules.js';
import { inChunks } from '../../lib/in-chunks.js';
import { contractOf } from '../../providers/registry.js';
import { countUnsent, oldestWaiting, releaseWaiting, trialOutcomes } from '../../store/deliveries/breaker-waiting.js';
import { markResumed } from '../../store/pauses.js';
import { inTransaction, type Queryable } from '../../store/store.js';
import { lockBreaker, saveBreaker, type BreakerScope, type LockedBreaker } from '../../store/subscriptions/breakers.js';
import { countBreaker } from '../../telemetry/metrics.js';
import {
  breakerChanged,
  type BreakerStep,
  type BreakerTask,
  type ReleasedRange,
} from '../../workflows/breaker-types.js';
import type { breaker } from '../../workflows/breaker.js';
import { searchAttributes, TASK_QUEUE } from '../../workflows/names.js';
import { pauseOf } from '../fan-out.js';
import { sendCommand, type Command, type CommandContext } from './commands.js';

/** How long Temporal may take to respond, in milliseconds. */
const DEADLINE_MS = 5_000;
/** How long a trial is waited for before it is looked at without a signal, in milliseconds. */
const TRIAL_CHECK_MS = 10_000;
/** Waiting deliveries that are sent per step. Few, as the senders serve other accounts at the same time. */
const PAGE_SIZE = 500;
/** The next page follows when at most this many of the former one are not sent. */
const MAX_UNSENT = 100;
/** Wait between pages, in milliseconds. */
const PAGE_WAIT_MS = 100;
/** Commands in flight at once. */
const CONCURRENCY = 50;

const NOTHING: BreakerStep = { waitMs: null, state: 'Nothing waits' };

/** The workflow that advances the breaker of a subscription; only one of each can run at a time. */
export const breakerWorkflowId = (subscriptionId: string): string => `breaker-${subscriptionId}`;

/** Starts the workflow of a breaker; one that is running looks at the breaker now. */
export async function wakeBreaker(client: Client, { accountId, subscriptionId }: BreakerScope): Promise<void> {
  await client.withDeadline(Date.now() + DEADLINE_MS, () =>
    client.workflow.signalWithStart<typeof breaker, []>('breaker', {
      args: [subscriptionId],
      signal: breakerChanged,
      signalArgs: [],
      taskQueue: TASK_QUEUE,
      workflowId: breakerWorkflowId(subscriptionId),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      priority: { fairnessKey: accountId },
      staticSummary: `circuit breaker of ${subscriptionId}`,
      typedSearchAttributes: [
        { key: searchAttributes.account, value: accountId },
        { key: searchAttributes.subscription, value: subscriptionId },
      ],
    }),
  );
}

/** What the locked breaker allows: nothing yet, a trial, or everything that waits. */
type Allowed =
  | { readonly kind: 'nothing'; readonly step: BreakerStep }
  | { readonly kind: 'trial'; readonly breaker: OpenBreaker }
  | { readonly kind: 'all' };

/**
 * Makes the next step of a breaker: starts the probe that is due, follows from the outcomes of a trial, or sends a page of
 * what has waited once it is closed. Repeated after a crash it sends the same deliveries, each once.
 */
export async function advanceBreaker(context: CommandContext, task: BreakerTask): Promise<BreakerStep> {
  const { store } = context;
  const { subscriptionId } = task;
  const allowed = await inTransaction(store, async (client): Promise<Allowed> => {
    const locked = await lockBreaker(store, client, subscriptionId);
    return locked ? advance(client, locked, task.isDue) : { kind: 'nothing', step: NOTHING };
  });
  if (allowed.kind === 'nothing') return allowed.step;
  if (allowed.kind === 'all') return sendPage(context, subscriptionId, task.released);
  const { trial, stage } = allowed.breaker;
  // An attempt of a trial is an extra one, so that a delivery that is tried often loses none of its schedule.
  await release(
    context,
    trial.map(({ id }) => id),
    { signal: 'retryNow', args: [] },
  );
  return { waitMs: TRIAL_CHECK_MS, state: `Trial ${stage + 1}: ${trial.length} of the waiting deliveries are sent` };
}

async function advance(client: Queryable, locked: LockedBreaker, isDue: boolean): Promise<Allowed> {
  const { account, subscription } = locked;
  const { breaker } = subscription;
  const mayNotSend = !subscription.enabled || pauseOf(account, subscription) !== undefined;
  if (!isOpen(breaker)) return mayNotSend ? { kind: 'nothing', step: NOTHING } : { kind: 'all' };
  const save = (next: OpenBreaker | null): Promise<void> => saveBreaker(client, subscription.id, next);
  const close = async (): Promise<Allowed> => {
    await save(null);
    countBreaker('closed');
    return { kind: 'all' };
  };
  const rules = breakerOf(contractOf(account.provider), account, subscription.policy);
  if (!rules) return close();
  let next: OpenBreaker = breaker;
  if (breaker.trial.length > 0) {
    const after = afterTrial(breaker, rules, await trialOutcomes(client, breaker.trial), Date.now());
    if (after === breaker) return { kind: 'trial', breaker };
    if (!after) return close();
    next = after;
  }
  const waitMs = next.nextProbeAt - Date.now();
  // What was due was the trial that has ended.
  const isProbeDue = waitMs <= 0 || (isDue && breaker.trial.length === 0);
  if (next.stage === 0 && !isProbeDue) {
    await save(next);
    return { kind: 'nothing', step: { waitMs, state: `Open until ${new Date(next.nextProbeAt).toISOString()}` } };
  }
  const waiting = mayNotSend ? [] : await nextOfTrial(client, subscription.id, next);
  // The receiver has accepted a trial and nothing else waits for it.
  if (waiting.length === 0 && next.stage > 0 && !mayNotSend) return close();
  const tried = withTrial(next, waiting, Date.now());
  await save(tried);
  return waiting.length === 0 ? { kind: 'nothing', step: NOTHING } : { kind: 'trial', breaker: tried };
}

/** The deliveries of the next trial: those after the former one, and the oldest where none is left. */
async function nextOfTrial(client: Queryable, subscriptionId: string, breaker: OpenBreaker): Promise<TrialDelivery[]> {
  const limit = trialSize(breaker);
  const after = await oldestWaiting(client, subscriptionId, { after: breaker.triedUpTo, limit });
  return after.length > 0 ? after : oldestWaiting(client, subscriptionId, { limit });
}

/** Sends the oldest waiting deliveries, unless many of the former page are not sent yet. */
async function sendPage(
  context: CommandContext,
  subscriptionId: string,
  former: ReleasedRange | undefined,
): Promise<BreakerStep> {
  const { store } = context;
  const step = { waitMs: PAGE_WAIT_MS, state: 'Closed: what has waited is sent' };
  if (former && (await countUnsent(store, subscriptionId, former)) > MAX_UNSENT) return { ...step, released: former };
  const waiting = await oldestWaiting(store.pool, subscriptionId, { limit: PAGE_SIZE });
  if (waiting.length === 0) return NOTHING;
  await release(
    context,
    waiting.map(({ id }) => id),
    { signal: 'resume', args: [] },
  );
  return { ...step, released: { from: waiting[0]!.id, to: waiting.at(-1)!.id } };
}

/** Releases deliveries that still wait for a breaker; those in a workflow get a command. */
async function release(context: CommandContext, ids: readonly string[], command: Command): Promise<void> {
  const { store } = context;
  const { inWorkflows, asOf } = await releaseWaiting(store, ids);
  await inChunks(
    inWorkflows,
    CONCURRENCY,
    (id) => sendCommand(context, id, command),
    (chunk) => markResumed(store, chunk, asOf),
  );
}
