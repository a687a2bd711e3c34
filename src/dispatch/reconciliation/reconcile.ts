/**
 * Compares the database with Temporal, part by part: first the workflows of all open deliveries, then the deliveries of all
 * running workflows. Nothing is kept between the parts, so each can be repeated.
 */
import type { OpenPosition } from '../../store/deliveries/reconciliation.js';
import { reconcileOpen } from './open-deliveries.js';
import { reconcileRunning } from './running-workflows.js';
import type { Finding, ReconciliationContext } from './types.js';

/** Where a part begins. */
export type ReconciliationPosition =
  | { readonly of: 'deliveries'; readonly after?: OpenPosition }
  | { readonly of: 'workflows'; readonly token?: Uint8Array };

export interface ReconciliationPart {
  readonly findings: readonly Finding[];
  /** Running workflows that were compared. */
  readonly workflows: number;
  /** Absent after the last part. */
  readonly next?: ReconciliationPosition;
}

/** One part: at most `limit` open deliveries, or running workflows. */
export async function reconcile(
  context: ReconciliationContext,
  position: ReconciliationPosition,
  limit: number,
): Promise<ReconciliationPart> {
  if (position.of === 'deliveries') {
    const { findings, next } = await reconcileOpen(context, position.after, limit);
    const following: ReconciliationPosition = next ? { of: 'deliveries', after: next } : { of: 'workflows' };
    return { findings, workflows: 0, next: following };
  }
  const { findings, compared, next } = await reconcileRunning(context, position.token, limit);
  return { findings, workflows: compared, ...(next ? { next: { of: 'workflows', token: next } } : {}) };
}
