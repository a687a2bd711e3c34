/** The end of a run: everything works again, what still waits is hurried, and what would never end is cancelled. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ask } from './api-client.js';
import { say } from './progress.js';
import { insist } from './servers.js';

/** How often is looked, in milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** A delivery is hurried when it would wait longer than this for its next attempt, and no more often; milliseconds. */
const HURRY_MS = 10_000;
/** Deliveries hurried together; more would keep a busy Temporal from the rest. */
const HURRIED_AT_ONCE = 25;
/** A delivery that is pending for longer is hurried too: its worker may have been killed. In milliseconds. */
const PENDING_MS = 60_000;
/** It is given up when nothing was settled for so long, in milliseconds: more than an attempt takes to time out. */
const STANDSTILL_MS = 120_000;
/** How long the cancelled deliveries may take to end, in milliseconds. */
const CANCELLED_WITHIN_MS = 30_000;

interface OpenRow {
  readonly id: string;
  readonly subscription_id: string;
  readonly state: string;
  readonly attempts: number;
  readonly next_attempt_at: Date | null;
  readonly updated_at: Date;
}

/** Waits until every delivery has ended or, at the receiver `never`, has been attempted; or until nothing moves. */
export async function settle(databaseUrl: string, ask: Ask, never: string): Promise<void> {
  const hurriedAt = new Map<string, number>();
  let fewest = Infinity;
  let end = 0;
  for (let look = 0; ; look += 1) {
    const open = await openDeliveries(databaseUrl);
    const waiting = open.filter((row) => row.subscription_id !== never || row.attempts === 0);
    if (look % 10 === 0) say(`${waiting.length} deliveries are not settled yet`);
    if (waiting.length === 0) return;
    const now = Date.now();
    if (waiting.length < fewest) {
      fewest = waiting.length;
      end = now + STANDSTILL_MS;
    }
    if (now > end) return say('nothing was settled for long; the run is ended');
    const hurried = waiting
      .filter((row) => waitsLong(row, now) && now - (hurriedAt.get(row.id) ?? 0) >= HURRY_MS)
      .slice(0, HURRIED_AT_ONCE);
    for (const { id } of hurried) hurriedAt.set(id, now);
    await Promise.all(hurried.map(({ id }) => ask('POST', `/v1/deliveries/${id}/retry`)));
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
  return insist(databaseUrl, async (client) => {
    const { rows } = await client.query<OpenRow>(
      `SELECT id, subscription_id, state, attempts, next_attempt_at, updated_at FROM deliveries
       WHERE state IN ('pending', 'retrying', 'paused')`,
    );
    return rows;
  });
}

function waitsLong({ state, next_attempt_at: next, updated_at: updated }: OpenRow, now: number): boolean {
  if (state === 'pending') return now - updated.getTime() > PENDING_MS;
  return next !== null && next.getTime() - now > HURRY_MS;
}
