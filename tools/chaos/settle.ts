/** The end of a run: everything works again, what still waits is hurried, and what would never end is cancelled. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { deliveryWorkflowId } from '#src/workflows/names.js';
import type { Ask } from './api-client.js';
import { printProgress } from '../progress.js';
import { queryWithRetry } from './servers.js';

/** How often is looked, in milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** A delivery is hurried when it would wait longer than this for its next attempt, and no more often; milliseconds. */
const HURRY_MS = 10_000;
/**
 * So is one that nothing was heard of for so long, in milliseconds: more than an attempt takes to time out. Its attempt was
 * lost, and its workflow may wait for the next position of the schedule without the database knowing.
 */
const SILENT_MS = 45_000;
/** Deliveries hurried together; more would keep a busy Temporal from the rest. */
const HURRIED_AT_ONCE = 25;
/** It is given up when nothing was settled for so long, in milliseconds: more than an attempt takes to time out. */
const STANDSTILL_MS = 120_000;
/** How long the cancelled deliveries may take to end, in milliseconds. */
const CANCELLED_WITHIN_MS = 30_000;

interface OpenRow {
  readonly id: string;
  readonly subscription_id: string;
  readonly attempts: number;
  readonly next_attempt_at: Date | null;
  readonly updated_at: Date;
  /** Whether it waits for an earlier delivery of its ordering key, which is hurried instead. */
  readonly blocked: boolean;
}

/**
 * Waits until every delivery has ended or, at the receiver `never`, has been attempted; or until nothing moves. Those that
 * wait for their next attempt are hurried past the API, which would start a workflow where there is none: whether every
 * delivery has an owner is checked by the ledger.
 */
export async function settle(databaseUrl: string, temporal: Client, never: string): Promise<void> {
  const hurriedAt = new Map<string, number>();
  let fewest = Infinity;
  let end = 0;
  for (let look = 0; ; look += 1) {
    const open = await openDeliveries(databaseUrl);
    const waiting = open.filter((row) => row.subscription_id !== never || row.attempts === 0);
    if (look % 10 === 0) printProgress(`${waiting.length} deliveries are not settled yet`);
    if (waiting.length === 0) return;
    const now = Date.now();
    if (waiting.length < fewest) {
      fewest = waiting.length;
      end = now + STANDSTILL_MS;
    }
    if (now > end) return printProgress('nothing was settled for long; the run is ended');
    const hurried = waiting
      .filter((row) => !row.blocked && waitsLong(row, now) && now - (hurriedAt.get(row.id) ?? 0) >= HURRY_MS)
      .slice(0, HURRIED_AT_ONCE);
    for (const { id } of hurried) hurriedAt.set(id, now);
    await Promise.all(hurried.map(({ id }) => hurry(temporal, id)));
    await sleep(LOOK_EVERY_MS);
  }
}

/** Cancels the deliveries to a receiver, as their owner would, and waits until each has ended. */
export async function giveUpOn(subscriptionId: string, databaseUrl: string, ask: Ask): Promise<void> {
  const end = Date.now() + CANCELLED_WITHIN_MS;
  for (;;) {
    const open = (await openDeliveries(databaseUrl)).filter((row) => row.subscription_id === subscriptionId);
    if (open.length === 0 || Date.now() > end) return;
    await Promise.all(open.slice(0, HURRIED_AT_ONCE).map(({ id }) => ask('POST', `/v1/deliveries/${id}/cancel`)));
    await sleep(LOOK_EVERY_MS);
  }
}

async function openDeliveries(databaseUrl: string): Promise<OpenRow[]> {
  return queryWithRetry(databaseUrl, async (client) => {
    const { rows } = await client.query<OpenRow>(
      `SELECT id, subscription_id, attempts, next_attempt_at, updated_at, sender_id IS NOT DISTINCT FROM 'ordering' AS blocked
       FROM deliveries
       WHERE state IN ('pending', 'retrying', 'paused')`,
    );
    return rows;
  });
}

async function hurry(temporal: Client, id: string): Promise<void> {
  const handle = temporal.workflow.getHandle(deliveryWorkflowId(id));
  // One that cannot be signalled now is signalled again; one without a workflow is not settled, and counts.
  await temporal.withDeadline(Date.now() + HURRY_MS, () => handle.signal('retryNow')).catch(() => undefined);
}

function waitsLong({ next_attempt_at: next, updated_at: updated }: OpenRow, now: number): boolean {
  return (next !== null && next.getTime() - now > HURRY_MS) || now - updated.getTime() > SILENT_MS;
}
