/** What failed attempts change in their subscription. Nothing here throws: an error must not make Temporal repeat an attempt. */
import { ruleOf } from '../contract/failing.js';
import type { AnyContract } from '../contract/types.js';
import { contractOf } from '../providers/registry.js';
import type { AttemptMaterial } from '../store/attempts/attempts.js';
import { newestAllFailed } from '../store/deliveries/deliveries.js';
import type { Store } from '../store/store.js';
import type { AttemptLog } from '../telemetry/attempts.js';
import { countFailure, replaceOptions } from '../store/subscriptions/changes.js';

export interface HealthDependencies {
  readonly store: Store;
  readonly log: AttemptLog;
}

/** Counts failed attempts, the last at `startedAt`, and disables a subscription that fails for too long. */
export async function recordFailure(
  { store, log }: HealthDependencies,
  contract: AnyContract,
  { account, subscription }: Pick<AttemptMaterial, 'account' | 'subscription'>,
  startedAt: Date,
  attempts = 1,
): Promise<void> {
  try {
    await countFailure(store, subscription.id, startedAt, ruleOf(contract, account), attempts);
  } catch (error) {
    log.warn('cannot count failed attempts', { subscriptionId: subscription.id, attempts, error: String(error) });
  }
}

/** Counts the failed attempts of a sender: one write for each subscription instead of one for each attempt. */
export class FailureCounter {
  readonly #bySubscription = new Map<string, { material: AttemptMaterial; count: number; lastAt: Date }>();

  constructor(private readonly dependencies: HealthDependencies) {}

  add(material: AttemptMaterial, at: Date): void {
    const { id } = material.subscription;
    const count = (this.#bySubscription.get(id)?.count ?? 0) + 1;
    this.#bySubscription.set(id, { material, count, lastAt: at });
  }

  /** Writes what was counted since the last call. */
  async write(): Promise<void> {
    const counted = [...this.#bySubscription.values()];
    this.#bySubscription.clear();
    await Promise.all(
      counted.map(({ material, count, lastAt }) =>
        recordFailure(this.dependencies, contractOf(material.account.provider), material, lastAt, count),
      ),
    );
  }
}

/**
 * Replaces the subscription's options when deliveries of one event type fail again and again and the contract has a rule
 * for that. Called after a delivery has failed; the next one that fails checks again.
 */
export async function replaceOptionsAfterFailures(
  { store, log }: HealthDependencies,
  { lastingFailure: rule }: AnyContract,
  { account, subscription, event }: Pick<AttemptMaterial, 'account' | 'subscription' | 'event'>,
): Promise<void> {
  const to = rule?.optionsAfter(event.type, subscription, account);
  if (!rule || to === undefined) return;
  try {
    const allFailed = await newestAllFailed(store, {
      subscriptionId: subscription.id,
      eventType: event.type,
      deliveries: rule.deliveries,
      since: new Date(Date.now() - rule.withinMs),
    });
    if (allFailed) await replaceOptions(store, subscription.id, { from: subscription.options, to });
  } catch (error) {
    log.warn('cannot apply the rule for repeated failures', { subscriptionId: subscription.id, error: String(error) });
  }
}
