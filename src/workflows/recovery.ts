/** A recovery: sends what a subscription has missed again, page by page, at a limited rate. */
import {
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import { HEARTBEAT_TIMEOUT_MS } from './limits.js';
import {
  finishedOf,
  SUBSCRIPTION_NOT_FOUND,
  type RecoveryActivities,
  type RecoveryInput,
  type RecoveryMemo,
  type RecoveryPhase,
  type RecoveryCursor,
  type RecoveryProgress,
} from './recovery-types.js';

export const progressQuery = defineQuery<RecoveryProgress>('progress');

const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;
const { countRecoverable } = proxyActivities<RecoveryActivities>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  summary: 'count the deliveries and events to recover',
  retry,
});
const recoveryActivities: ActivityOptions = {
  startToCloseTimeout: '5m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  retry: { ...retry, nonRetryableErrorTypes: [SUBSCRIPTION_NOT_FOUND] },
};
const { nextPage } = proxyActivities<RecoveryActivities>({ ...recoveryActivities, summary: 'find the next page' });
const { recoverPage } = proxyActivities<RecoveryActivities>({ ...recoveryActivities, summary: 'recover the page' });

/**
 * Recovers everything in its scope, the oldest first, and completes with the counts. Closes as cancelled when Temporal is
 * asked to cancel it; a page in progress is finished first.
 */
export async function recovery(input: RecoveryInput): Promise<RecoveryProgress> {
  const root = CancellationScope.current();
  let cancelled = false;
  root.cancelRequested.catch(() => (cancelled = true));
  let progress: RecoveryProgress = input.cursor?.progress ?? { total: null, recovered: 0, skipped: 0 };
  setHandler(progressQuery, () => progress, {
    description: 'How many deliveries there are and how many were sent again.',
  });
  showProgress();
  // Not cancellable: a page in progress is finished and counted.
  return CancellationScope.nonCancellable(async () => {
    let cursor = input.cursor ?? (await firstCursor());
    for (let pages = 0; ;) {
      if (cancelled) await root.cancelRequested;
      const startedAt = Date.now();
      const { scope, pageSize: limit } = input;
      const { asOf, phase, afterId } = cursor;
      const page = await nextPage({ scope, asOf, phase, afterId, limit });
      if (page.items.length > 0) {
        const recovered = await recoverPage({ scope, phase, items: page.items });
        setProgress({
          ...progress,
          recovered: progress.recovered + recovered,
          skipped: progress.skipped + page.items.length - recovered,
        });
      }
      const next = page.afterId === null ? phaseAfter(phase) : phase;
      if (next === undefined) return end();
      cursor = { ...cursor, progress, phase: next, afterId: page.afterId ?? '' };
      pages += 1;
      const dueAt = startedAt + (page.items.length * 1_000) / input.ratePerSecond;
      const waitMs = dueAt - Date.now();
      if (waitMs > 0) await condition(() => cancelled, waitMs, { summary: 'keep to the rate' });
      if (!cancelled && (pages >= input.pagesPerRun || workflowInfo().continueAsNewSuggested)) {
        await continueAsNew<typeof recovery>({ ...input, cursor });
      }
    }
  });

  async function firstCursor(): Promise<RecoveryCursor> {
    const { total, asOf } = await countRecoverable(input.scope);
    setProgress({ ...progress, total });
    return { progress, asOf, phase: phaseAfter(undefined)!, afterId: '' };
  }

  /** The phase that follows one; undefined after the last. */
  function phaseAfter(phase: RecoveryPhase | undefined): RecoveryPhase | undefined {
    const { states } = input.scope;
    const wanted: Readonly<Record<RecoveryPhase, boolean>> = {
      waiting: states.includes('retrying'),
      finished: finishedOf(states).length > 0,
      missing: states.includes('missing'),
    };
    const phases = (['waiting', 'finished', 'missing'] as const).filter((each) => wanted[each]);
    return phases[phase === undefined ? 0 : phases.indexOf(phase) + 1];
  }

  /** Items that were counted but not found again were recovered or changed by others in the meantime. */
  function end(): RecoveryProgress {
    const { total, recovered, skipped } = progress;
    setProgress({ ...progress, skipped: Math.max((total ?? 0) - recovered, skipped) });
    return progress;
  }

  function setProgress(next: RecoveryProgress): void {
    progress = next;
    upsertMemo({ progress } satisfies Partial<RecoveryMemo>);
    showProgress();
  }

  function showProgress(): void {
    const { total, recovered, skipped } = progress;
    const rate = `At most ${input.ratePerSecond} per second.`;
    setCurrentDetails(
      total === null ? `Counting. ${rate}` : `**${recovered} of ${total}** sent again, ${skipped} skipped. ${rate}`,
    );
  }
}
