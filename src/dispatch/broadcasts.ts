/** Broadcasts: starts and cancels their workflows, and emits their events page by page. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { completeBroadcast, findBroadcast, loadRunning, nextAccounts, recordPage } from '../store/broadcasts.js';
import type { RunningBroadcast } from '../store/broadcasts.js';
import { insertCurrentEvents } from '../store/events/events.js';
import { inTransaction, type Store } from '../store/store.js';
import { loadEntry, type CachedSubscriptions } from '../store/subscriptions/subscription-cache.js';
import { countEmitted } from '../telemetry/metrics.js';
import type { BroadcastPage } from '../workflows/broadcast-types.js';
import type { broadcast } from '../workflows/broadcast.js';
import { TASK_QUEUE, searchAttributes } from '../workflows/names.js';
import { Outdated } from './commit.js';
import { CommitSize } from './commit-size.js';
import type { Dispatcher } from './dispatcher.js';
import type { TaskReport } from './start.js';
import { fanOut, type EventInput, type FanOut } from './fan-out.js';
import { postponeBodies } from './payload/transform-bodies.js';

/** How long Temporal may take to respond, in milliseconds. */
const DEADLINE_MS = 5_000;
/** Accounts of one page; at lower rates a page is what one second allows. */
const MAX_PAGE_SIZE = 200;
/** Accounts that are loaded at once. */
const CONCURRENCY = 10;
/** A page ends after the account whose events and bodies exceed this size, in bytes. */
const MAX_PAGE_BYTES = 4 * 1_024 * 1_024;
/** How often a page is planned while its accounts change; then it is written as it was planned. */
const MAX_TRIES = 3;

/** The workflow id of a broadcast. */
export const broadcastWorkflowId = (broadcastId: string): string => `broadcast-${broadcastId}`;

/** Starts the workflow of a broadcast; one that runs continues, with the current rate. */
export async function startBroadcast(client: Client, id: string, provider: string): Promise<void> {
  await client.withDeadline(Date.now() + DEADLINE_MS, () =>
    client.workflow.start<typeof broadcast>('broadcast', {
      args: [{ broadcastId: id }],
      taskQueue: TASK_QUEUE,
      workflowId: broadcastWorkflowId(id),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `broadcast ${id} to the accounts of ${provider}`,
      typedSearchAttributes: [{ key: searchAttributes.provider, value: provider }],
    }),
  );
}

/** Asks Temporal to close the workflow of a broadcast as cancelled, if it runs. */
export async function closeCancelled(client: Client, id: string): Promise<void> {
  try {
    await client.withDeadline(Date.now() + DEADLINE_MS, () =>
      client.workflow.getHandle(broadcastWorkflowId(id)).cancel(),
    );
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

export interface BroadcastContext extends TaskReport {
  readonly store: Store;
  readonly dispatcher: Pick<Dispatcher, 'modesFor' | 'dispatchNew'>;
}

/**
 * Emits a running broadcast to its next accounts. Their events and the progress are committed in one transaction, so each
 * account gets the event once, however often the call is repeated.
 */
export async function emitPage(context: BroadcastContext, id: string): Promise<BroadcastPage> {
  const { store } = context;
  const running = await loadRunning(store, id);
  if (running === undefined) return { state: 'cancelled', accounts: 0, processed: 0, total: 0, ratePerSecond: 1 };
  if (typeof running === 'string') return pageOf(context, id, 0);
  const accountIds = await nextAccounts(store, running, Math.min(running.rate, MAX_PAGE_SIZE));
  if (accountIds.length === 0) {
    await completeBroadcast(store, id);
    return pageOf(context, id, 0);
  }
  for (let tries = 1; ; tries += 1) {
    try {
      const accounts = await writePage(context, running, accountIds, tries < MAX_TRIES);
      return await pageOf(context, id, accounts);
    } catch (error) {
      if (!(error instanceof Outdated)) throw error;
    }
  }
}

/** The result of a page, with the state and the rate as they are now. */
async function pageOf({ store }: BroadcastContext, id: string, accounts: number): Promise<BroadcastPage> {
  const { state, emitted, skipped, total, rate } = (await findBroadcast(store, id))!;
  return { state, accounts, processed: emitted + skipped, total, ratePerSecond: rate };
}

/** Plans and commits a page; returns the number of its accounts. Throws Outdated when an account has changed. */
async function writePage(
  context: BroadcastContext,
  running: RunningBroadcast,
  accountIds: readonly string[],
  isCurrent: boolean,
): Promise<number> {
  const { store, dispatcher } = context;
  const { planned, versions, lastAccount, accounts } = await planPage(context, running, accountIds);
  const rows = planned.map(({ row }) => row);
  const modes = dispatcher.modesFor(planned);
  const deliveries = rows.reduce((sum, row) => sum + row.deliveries.length, 0);
  const progress = { lastAccount, emitted: rows.length, skipped: accounts - rows.length, deliveries };
  const isWritten = await inTransaction(store, async (client) => {
    if (!(await recordPage(client, running, progress))) return false;
    if (rows.length === 0) return true;
    // An account that changes all the time must not hold the others up.
    const { outdated } = await insertCurrentEvents(store, client, rows, isCurrent ? versions : new Map(), modes);
    if (outdated.size > 0) throw new Outdated();
    return true;
  });
  if (!isWritten) return 0;
  countEmitted(rows);
  dispatcher.dispatchNew(planned, modes);
  return accounts;
}

/** The events of a page, as many as fit; the page ends with `lastAccount`. */
async function planPage(
  { store, heartbeat, warn }: BroadcastContext,
  { text, type, occurredAt, channels, eventTypePolicy }: RunningBroadcast,
  accountIds: readonly string[],
) {
  const event: EventInput = { type, occurredAt, text, data: JSON.parse(text), channels, eventTypePolicy };
  const planned: FanOut[] = [];
  const versions = new Map<string, string>();
  const size = new CommitSize();
  let accounts = 0;
  for (let from = 0; from < accountIds.length && size.bytes < MAX_PAGE_BYTES; from += CONCURRENCY) {
    const chunk = accountIds.slice(from, from + CONCURRENCY);
    const entries = await Promise.all(chunk.map((id) => loadEntry(store, id)));
    heartbeat();
    for (const [index, entry] of entries.entries()) {
      if (size.bytes >= MAX_PAGE_BYTES) break;
      accounts += 1;
      const fannedOut =
        entry &&
        tryFanOut(entry, event, size, (error) =>
          warn('cannot emit a broadcast to an account; it is skipped', chunk[index]!, error),
        );
      if (!fannedOut) continue;
      planned.push(fannedOut);
      versions.set(entry.account.id, entry.version);
    }
  }
  // Transformations are evaluated before the first attempt, so that a slow one does not delay the other accounts.
  return { planned: postponeBodies(planned), versions, lastAccount: accountIds[accounts - 1]!, accounts };
}

function tryFanOut(
  { account, subscriptions }: CachedSubscriptions,
  event: EventInput,
  size: CommitSize,
  onRefused: (error: unknown) => void,
): FanOut | undefined {
  try {
    return fanOut(account, subscriptions, event, size);
  } catch (error) {
    onRefused(error);
    return undefined;
  }
}
