/** Counting the failed attempts of a batch: once for each subscription instead of once for each attempt. */
import { contractOf } from '../../providers/registry.js';
import type { AttemptMaterial } from '../../store/attempts/attempts.js';
import type { Store } from '../../store/store.js';
import { recordFailure } from '../subscription-health.js';

export class FailureTally {
  readonly #bySubscription = new Map<string, { material: AttemptMaterial; count: number; lastAt: Date }>();

  constructor(private readonly store: Store) {}

  add(material: AttemptMaterial, at: Date): void {
    const { id } = material.subscription;
    const count = (this.#bySubscription.get(id)?.count ?? 0) + 1;
    this.#bySubscription.set(id, { material, count, lastAt: at });
  }

  /** Never rejects: the outcomes are recorded, and the next failure is counted again. */
  async write(): Promise<void> {
    await Promise.all(
      Array.from(this.#bySubscription.values(), ({ material, count, lastAt }) =>
        recordFailure(this.store, contractOf(material.account.provider), material, lastAt, count),
      ),
    );
  }
}
