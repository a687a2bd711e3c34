/** Counting failed attempts, and disabling a subscription that fails for too long. */
import { ruleOf } from '../contract/failing.js';
import type { AnyContract } from '../contract/types.js';
import type { AttemptMaterial } from '../store/attempts/attempts.js';
import { countFailure } from '../store/subscriptions/failing.js';
import type { Store } from '../store/store.js';

/** Counts attempts that have failed, the last at `startedAt`. Never throws: the outcome is recorded, and the next failure is counted again. */
export async function recordFailure(
  store: Store,
  contract: AnyContract,
  { account, subscription }: Pick<AttemptMaterial, 'account' | 'subscription'>,
  startedAt: Date,
  attempts = 1,
): Promise<void> {
  try {
    await countFailure(store, subscription.id, startedAt, ruleOf(contract, account), attempts);
  } catch {
    // An error here must not make Temporal repeat the attempt.
  }
}
