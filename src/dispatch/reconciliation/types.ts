/** What a comparison of the database with Temporal finds. */
import type { Client } from '@temporalio/client';
import type { Store } from '../../store/store.js';

/** What is to be mended. */
export const mismatches = ['missing', 'closed', 'pause', 'unknown', 'settled'] as const;
export type Mismatch = (typeof mismatches)[number];

/** What was found of one delivery. */
export interface Finding {
  readonly kind: 'running' | Mismatch;
  readonly deliveryId: string;
  /** Whether it was mended, or could not be; absent where nothing was tried. */
  readonly result?: 'mended' | 'failed';
}

export interface ReconciliationContext {
  readonly store: Store;
  readonly client: Client;
  /** Only compare; change nothing. */
  readonly dryRun: boolean;
  /** Called with an error that keeps one delivery from being mended. */
  readonly warn: (deliveryId: string, error: unknown) => void;
}

/** Lookups in Temporal at once. */
export const CONCURRENCY = 20;
/** Maximum duration of the lookup or the repair of one delivery, in milliseconds. */
export const DEADLINE_MS = 10_000;
/** Seconds since the last change of a delivery after which it should match: its workflow starts after its row. */
export const SETTLED_AFTER_S = 10;

/** Mends one finding, unless nothing is to be changed. A failure is of this delivery only. */
export async function mend(
  { client, dryRun, warn }: ReconciliationContext,
  kind: Mismatch,
  deliveryId: string,
  repair: () => Promise<unknown>,
): Promise<Finding> {
  if (dryRun) return { kind, deliveryId };
  try {
    await client.withDeadline(Date.now() + DEADLINE_MS, repair);
    return { kind, deliveryId, result: 'mended' };
  } catch (error) {
    warn(deliveryId, error);
    return { kind, deliveryId, result: 'failed' };
  }
}
