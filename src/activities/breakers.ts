/**
 * What attempts mean for circuit breakers. Nothing here throws for an error of the database or of Temporal: it must not
 * make anyone repeat an attempt, and the sweep completes what was not done.
 */
import {
  bucketMs,
  isInTrial,
  isOpen,
  mustWait,
  wasTried,
  type AttemptCount,
  type BreakerRules,
} from '../contract/breaker.js';
import { breakerOf } from '../contract/delivery-rules.js';
import { contractOf } from '../providers/registry.js';
import type { AttemptMaterial } from '../store/attempts/attempts.js';
import type { Store } from '../store/store.js';
import {
  joinTrial,
  reportAttempts,
  type BreakerScope,
  type UnreportedAttempts,
} from '../store/subscriptions/breakers.js';
import { countBreaker } from '../telemetry/metrics.js';
import { FailureType, roundFailure } from '../workflows/failure.js';
import { BREAKER_OPEN } from '../workflows/types.js';

/** Wait after a failure before it is reported, in milliseconds: failures of this time are reported together. */
const FAILURE_REPORT_MS = 250;
/** How often attempts are reported while none fails, in milliseconds. */
const REPORT_MS = 1_000;
/** Subscriptions of one report. */
const MAX_REPORTED = 500;
/** Subscriptions that are counted at once; beyond it those that were added first are forgotten. */
const MAX_COUNTED = 20_000;
/** Workflows that are woken at once. */
const MAX_WAKES = 20;
/** How long a breaker that this process has seen open is assumed to be open, in milliseconds. */
const SEEN_OPEN_MS = 2_000;

/** The attempts of a subscription that are not reported yet. */
interface Counted {
  rules: BreakerRules;
  readonly byTime: Map<number, AttemptCount>;
}

export interface BreakerSettings {
  readonly store: Store;
  /** Starts or wakes the workflow of a breaker. */
  readonly wake: (scope: BreakerScope) => Promise<void>;
  /** Called for errors, which have no other effect. */
  readonly onError: (error: unknown) => void;
}

/**
 * Counts the attempts of one process where a subscription has a breaker, and reports them to the database together, those
 * of failures soon. Where attempts are only accepted nothing is written.
 */
export class Breakers {
  readonly #counted = new Map<string, Counted>();
  /** Until when breakers are assumed to be open, in milliseconds of `performance.now`. */
  readonly #openUntil = new Map<string, number>();
  /** Breakers to wake, by subscription. */
  readonly #toWake = new Map<string, BreakerScope>();
  readonly #wakes = new Set<Promise<void>>();
  #reporting: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #reportsAt = Infinity;
  /** Resolves when the next report is made. */
  #next: { readonly made: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(private readonly settings: BreakerSettings) {}

  /** Counts an attempt; `failed` is undefined when it says nothing of the receiver. Call it once the attempt has ended. */
  count({ account, subscription }: AttemptMaterial, failed: boolean | undefined): void {
    if (failed === undefined || isOpen(subscription.breaker)) return;
    const rules = breakerOf(contractOf(account.provider), account, subscription.policy);
    if (!rules) return;
    const at = Math.floor(Date.now() / bucketMs(rules)) * bucketMs(rules);
    this.#add(subscription.id, rules, { at, attempts: 1, failures: failed ? 1 : 0 });
    this.#reportIn(failed ? FAILURE_REPORT_MS : REPORT_MS);
  }

  /** Wakes the breaker of an attempt that was made while it was open. Call it once the attempt is recorded. */
  recorded({ account, subscription }: AttemptMaterial): void {
    if (isOpen(subscription.breaker)) this.#wake({ accountId: account.id, subscriptionId: subscription.id });
  }

  /** Whether a delivery must wait as far as this process knows; {@link holdForBreaker} knows it exactly. */
  mustWait({ subscription, delivery }: AttemptMaterial): boolean {
    if (isOpen(subscription.breaker)) return mustWait(subscription.breaker, delivery.id);
    return this.#openUntil.size > 0 && (this.#openUntil.get(subscription.id) ?? 0) > performance.now();
  }

  /** The same after an attempt that has failed, once that is reported. */
  async mustWaitAfter(material: AttemptMaterial): Promise<boolean> {
    const { account, subscription } = material;
    if (isOpen(subscription.breaker)) return true;
    if (!breakerOf(contractOf(account.provider), account, subscription.policy)) return false;
    await this.#nextReport();
    return this.mustWait(material);
  }

  /** Forgets that a breaker was open. */
  notOpen(subscriptionId: string): void {
    this.#openUntil.delete(subscriptionId);
  }

  /**
   * Throws the failure of a delivery that must wait after `attemptsMade` attempts of its round. One that is retried by hand,
   * and one that is due when a probe is, becomes part of the trial instead.
   */
  async admit(material: AttemptMaterial, byHand: boolean, attemptsMade: number): Promise<void> {
    const { subscription, delivery, attempts } = material;
    // Its schedule may be faster than the end of the trial.
    if (!byHand && wasTried(subscription.breaker, delivery.id, attempts))
      throw roundFailure(FailureType.paused, BREAKER_OPEN);
    if (!mustWait(subscription.breaker, delivery.id)) return;
    const entry = { id: delivery.id, attempts, byHand };
    const joined = await joinTrial(this.settings.store, subscription.id, entry).catch((error: Error) => {
      const message = `cannot read the circuit breaker: ${error.message}`;
      throw roundFailure(FailureType.storeUnavailable, message, { attemptsMade });
    });
    if (!joined) throw roundFailure(FailureType.paused, BREAKER_OPEN);
  }

  /** Reports what is counted, and waits for it and for the workflows that are being woken. */
  async stop(): Promise<void> {
    await this.#report();
    while (this.#wakes.size > 0) await Promise.all(this.#wakes);
  }

  #add(subscriptionId: string, rules: BreakerRules, { at, attempts, failures }: AttemptCount): void {
    let counted = this.#counted.get(subscriptionId);
    if (!counted) {
      if (this.#counted.size >= MAX_COUNTED) this.#counted.delete(this.#counted.keys().next().value!);
      this.#counted.set(subscriptionId, (counted = { rules, byTime: new Map() }));
    }
    counted.rules = rules;
    const before = counted.byTime.get(at);
    counted.byTime.set(at, {
      at,
      attempts: attempts + (before?.attempts ?? 0),
      failures: failures + (before?.failures ?? 0),
    });
  }

  #nextReport(): Promise<void> {
    if (!this.#next) {
      let resolve = (): void => undefined;
      const made = new Promise<void>((made) => (resolve = made));
      this.#next = { made, resolve };
    }
    this.#reportIn(FAILURE_REPORT_MS);
    return this.#next.made;
  }

  #reportIn(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.#reportsAt) return;
    clearTimeout(this.#timer);
    this.#reportsAt = at;
    this.#timer = setTimeout(() => void this.#report(), ms).unref();
  }

  /** One at a time. Never rejects. */
  #report(): Promise<void> {
    clearTimeout(this.#timer);
    this.#reportsAt = Infinity;
    return (this.#reporting = this.#reporting.then(async () => {
      const next = this.#next;
      this.#next = undefined;
      await this.#reportNow();
      next?.resolve();
    }));
  }

  async #reportNow(): Promise<void> {
    const now = Date.now();
    const all = this.#takeCounted(now);
    for (let from = 0; from < all.length; from += MAX_REPORTED) {
      const reports = all.slice(from, from + MAX_REPORTED);
      const reported = await reportAttempts(this.settings.store, reports, now).catch((error: unknown) => {
        this.settings.onError(error);
        return [];
      });
      // The others count again once an attempt has failed, in this process or in another one.
      const known = new Set(reported.map(({ subscriptionId }) => subscriptionId));
      for (const { subscriptionId, rules, counts } of reports)
        if (!known.has(subscriptionId)) for (const count of counts) this.#add(subscriptionId, rules, count);
      for (const { subscriptionId, accountId, breaker, opened } of reported) {
        if (!isOpen(breaker)) continue;
        this.#openUntil.set(subscriptionId, performance.now() + SEEN_OPEN_MS);
        if (!opened) continue;
        countBreaker('opened');
        this.#wake({ accountId, subscriptionId });
      }
    }
    for (const [id, until] of this.#openUntil) if (until <= performance.now()) this.#openUntil.delete(id);
  }

  /** Removes and returns what is counted, without what has left the window. */
  #takeCounted(now: number): UnreportedAttempts[] {
    const reports = Array.from(this.#counted, ([subscriptionId, { rules, byTime }]) => ({
      subscriptionId,
      rules,
      counts: [...byTime.values()].filter(({ at }) => at + bucketMs(rules) > now - rules.windowMs),
    }));
    this.#counted.clear();
    return reports.filter(({ counts }) => counts.length > 0);
  }

  /** Several that wait for the same breaker are one. */
  #wake(scope: BreakerScope): void {
    this.#toWake.set(scope.subscriptionId, scope);
    this.#wakeMore();
  }

  #wakeMore(): void {
    for (const [id, scope] of this.#toWake) {
      if (this.#wakes.size >= MAX_WAKES) return;
      this.#toWake.delete(id);
      const wake = this.settings
        .wake(scope)
        .catch(this.settings.onError)
        .finally(() => {
          this.#wakes.delete(wake);
          this.#wakeMore();
        });
      this.#wakes.add(wake);
    }
  }
}

/**
 * The position of a direct delivery's next attempt: 0 for a first one, more where a breaker has released it after others.
 * An attempt of a trial is an extra one, which repeats the former position.
 */
export function positionOf({ schedulePosition, subscription, delivery }: AttemptMaterial): number {
  if (schedulePosition === null) return 0;
  return isInTrial(subscription.breaker, delivery.id) ? schedulePosition : schedulePosition + 1;
}
