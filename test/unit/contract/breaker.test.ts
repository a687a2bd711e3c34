/** The circuit breaker's decisions, by example and against a small model. */
import fc from 'fast-check';
import {
  afterAttempts,
  afterTrial,
  breakerRules,
  bucketMs,
  isOpen,
  mustWait,
  probeDelayMs,
  trialSize,
  withTrial,
  type AttemptCount,
  type Breaker,
  type BreakerRules,
  type OpenBreaker,
  type TrialOutcome,
} from '../../../src/contract/breaker.js';
import { deliveryPolicySchema } from '../../../src/contract/delivery-policy.js';
import { breakerOf } from '../../../src/contract/delivery-rules.js';

const S = 1_000;
const rules = breakerRules({
  minAttempts: 4,
  failureRate: 0.5,
  windowS: 60,
  probeAfterS: 10,
  maxProbeAfterS: 60,
  stages: 3,
});
const count = (at: number, attempts: number, failures: number): AttemptCount => ({ at, attempts, failures });
const opened = (): OpenBreaker => afterAttempts(null, rules, [count(0, 4, 4)], 1_000) as OpenBreaker;

describe('opening', () => {
  test('counts nothing while nothing fails', () => {
    expect(afterAttempts(null, rules, [count(0, 1_000, 0)], 1_000)).toBeNull();
  });

  test('opens at the rate and the number of attempts, and not below', () => {
    expect(afterAttempts(null, rules, [count(0, 3, 3)], 1_000)).toMatchObject({ kind: 'closed' });
    expect(afterAttempts(null, rules, [count(0, 5, 2)], 1_000)).toMatchObject({ kind: 'closed' });
    expect(afterAttempts(null, rules, [count(0, 4, 2)], 1_000)).toEqual({
      kind: 'open',
      since: 1_000,
      attempts: 4,
      failures: 2,
      failedProbes: 0,
      nextProbeAt: 1_000 + 10 * S,
      stage: 0,
      trial: [],
      trialSince: 0,
      triedUpTo: '',
    });
  });

  test('adds up the reports of several processes and forgets what has left the window', () => {
    const first = afterAttempts(null, rules, [count(0, 2, 2)], 1_000);
    expect(afterAttempts(first, rules, [count(0, 2, 2)], 2_000)).toMatchObject({ kind: 'open', attempts: 4 });
    expect(afterAttempts(first, rules, [count(66 * S, 2, 2)], 70 * S)).toEqual({
      kind: 'closed',
      counts: [count(66 * S, 2, 2)],
    });
    expect(afterAttempts(first, rules, [count(66 * S, 5, 0)], 70 * S)).toBeNull();
  });

  test('does not change a breaker that is open', () => {
    const breaker = opened();
    expect(afterAttempts(breaker, rules, [count(0, 100, 100)], 2_000)).toBe(breaker);
  });
});

describe('closing', () => {
  const trial = (breaker: OpenBreaker): OpenBreaker =>
    withTrial(
      breaker,
      Array.from({ length: trialSize(breaker) }, (_, index) => ({ id: `dlv_${index}`, attempts: 0 })),
      0,
    );
  const all = (breaker: OpenBreaker, outcome: TrialOutcome) => breaker.trial.map(() => outcome);

  test('passes trials of 1, 2 and 4 deliveries, and is closed', () => {
    let breaker: OpenBreaker | null = opened();
    const sizes: number[] = [];
    while (breaker) {
      const tried = trial(breaker);
      sizes.push(tried.trial.length);
      breaker = afterTrial(tried, rules, all(tried, 'accepted'), 20 * S);
    }
    expect(sizes).toEqual([1, 2, 4]);
  });

  test('a failed trial starts again with one delivery, each time later, up to a longest distance', () => {
    let breaker = opened();
    const distances: number[] = [];
    for (let probe = 1; probe <= 4; probe += 1) {
      breaker = afterTrial(trial(breaker), rules, ['failed'], 100 * S)!;
      distances.push((breaker.nextProbeAt - 100 * S) / S);
    }
    expect(distances).toEqual([20, 40, 60, 60]);
    const second = afterTrial(trial(breaker), rules, ['accepted'], 100 * S)!;
    expect(afterTrial(trial(second), rules, ['accepted', 'failed'], 100 * S)).toMatchObject({
      stage: 0,
      failedProbes: 5,
    });
  });

  test('a failure below the rate passes, and an early majority of failures fails without waiting for the others', () => {
    const third = { ...opened(), stage: 2 };
    const stages = { ...rules, stages: 4 };
    expect(afterTrial(trial(third), stages, ['failed', 'accepted', 'accepted', 'accepted'], 0)).toMatchObject({
      stage: 3,
    });
    expect(afterTrial(trial(third), stages, ['failed', 'failed', 'undecided', 'undecided'], 0)).toMatchObject({
      stage: 0,
    });
  });

  test('waits for what is undecided, and tries others where nothing was attempted', () => {
    const second = trial({ ...opened(), stage: 1 });
    expect(afterTrial(second, rules, ['accepted', 'undecided'], 0)).toBe(second);
    expect(afterTrial(second, rules, ['void', 'void'], 0)).toEqual({ ...second, trial: [], triedUpTo: 'dlv_1' });
    expect(afterTrial(second, rules, ['void', 'accepted'], 0)).toMatchObject({ stage: 2 });
  });

  test('ends after five minutes without what was not attempted', () => {
    const second = trial({ ...opened(), stage: 1 });
    expect(afterTrial(second, rules, ['accepted', 'undecided'], 301 * S)).toMatchObject({ stage: 2, trial: [] });
    expect(afterTrial(second, rules, ['undecided', 'undecided'], 301 * S)).toMatchObject({ stage: 1, trial: [] });
  });

  test('only deliveries of the trial need not wait', () => {
    const breaker = trial(opened());
    expect([mustWait(breaker, 'dlv_0'), mustWait(breaker, 'dlv_1'), mustWait(null, 'dlv_1')]).toEqual([
      false,
      true,
      false,
    ]);
  });
});

/** A breaker written down again as simply as possible: the list of all attempts, and the sequence of trials. */
class Model {
  attempts: { at: number; failed: boolean }[] = [];
  open: { stage: number; failedProbes: number; nextProbeAt: number } | null = null;

  constructor(private readonly rules: BreakerRules) {}

  attempt(at: number, failed: boolean, now: number): void {
    if (this.open) return;
    this.attempts.push({ at, failed });
    const { windowMs, minAttempts, failureRate } = this.rules;
    const bucket = windowMs / 10;
    const counted = this.attempts.filter(
      (attempt) => Math.floor(attempt.at / bucket) * bucket + bucket > now - windowMs,
    );
    const failures = counted.filter((attempt) => attempt.failed).length;
    if (failures > 0 && counted.length >= minAttempts && failures / counted.length >= failureRate)
      this.open = { stage: 0, failedProbes: 0, nextProbeAt: now + this.rules.probeAfterMs };
  }

  trial(accepted: number, failed: number, now: number): void {
    if (!this.open) return;
    const { failureRate, stages, probeAfterMs, maxProbeAfterMs } = this.rules;
    if (failed > 0 && failed / (accepted + failed) >= failureRate) {
      const failedProbes = this.open.failedProbes + 1;
      let delay = probeAfterMs;
      for (let probe = 0; probe < failedProbes; probe += 1) delay = Math.min(delay * 2, maxProbeAfterMs);
      this.open = { stage: 0, failedProbes, nextProbeAt: now + delay };
    } else if (accepted > 0) {
      this.open = this.open.stage + 1 >= stages ? null : { ...this.open, stage: this.open.stage + 1 };
      if (!this.open) this.attempts = [];
    }
  }
}

type Step = { readonly afterMs: number } & ({ readonly failed: boolean } | { readonly failures: number });

test('does what a small model does, whatever the rules and the outcomes', () => {
  const rulesArbitrary = fc
    .record({
      failureRate: fc.constantFrom(0.1, 0.5, 0.9, 1),
      minAttempts: fc.integer({ min: 1, max: 6 }),
      windowS: fc.constantFrom(10, 60, 300),
      probeAfterS: fc.integer({ min: 1, max: 60 }),
      maxProbeAfterS: fc.integer({ min: 60, max: 600 }),
      stages: fc.integer({ min: 1, max: 4 }),
    })
    .map(breakerRules);
  const steps = fc.array(
    fc.oneof(
      fc.record({ afterMs: fc.integer({ min: 0, max: 20_000 }), failed: fc.boolean() }),
      fc.record({ afterMs: fc.integer({ min: 0, max: 20_000 }), failures: fc.integer({ min: 0, max: 4 }) }),
    ),
    { minLength: 1, maxLength: 60 },
  ) as fc.Arbitrary<Step[]>;
  fc.assert(
    fc.property(rulesArbitrary, steps, (chosen, script) => {
      const model = new Model(chosen);
      let breaker: Breaker = null;
      /** What the process has counted and not reported, as nothing has failed. */
      let unreported: AttemptCount[] = [];
      let now = 0;
      for (const step of script) {
        now += step.afterMs;
        if ('failed' in step) {
          const at = Math.floor(now / bucketMs(chosen)) * bucketMs(chosen);
          if (!isOpen(breaker)) unreported.push(count(at, 1, step.failed ? 1 : 0));
          if (step.failed || breaker) {
            const before: Breaker = breaker;
            breaker = afterAttempts(breaker, chosen, unreported, now);
            // Kept in the process where the database has nothing to add them to.
            if (breaker || before) unreported = breaker ? [] : unreported;
          }
          model.attempt(now, step.failed, now);
        } else if (isOpen(breaker)) {
          const size = trialSize(breaker);
          const failed = Math.min(step.failures, size);
          const outcomes = Array.from({ length: size }, (_, index): TrialOutcome =>
            index < failed ? 'failed' : 'accepted',
          );
          breaker = afterTrial(breaker, chosen, outcomes, now);
          unreported = [];
          model.trial(size - failed, failed, now);
        }
        expect(
          isOpen(breaker)
            ? { stage: breaker.stage, failedProbes: breaker.failedProbes, nextProbeAt: breaker.nextProbeAt }
            : null,
        ).toEqual(model.open);
      }
    }),
    { numRuns: 500 },
  );
});

test('the distance of probes never shrinks and never exceeds its bound', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 86_400 }),
      fc.integer({ min: 1, max: 86_400 }),
      fc.nat(2_000),
      (after, max, probes) => {
        const chosen = breakerRules({ probeAfterS: Math.min(after, max), maxProbeAfterS: max });
        const delay = probeDelayMs(chosen, probes);
        expect(delay).toBeLessThanOrEqual(max * S);
        expect(delay).toBeGreaterThanOrEqual(probeDelayMs(chosen, Math.max(probes - 1, 0)));
      },
    ),
  );
});

describe('the policy', () => {
  const account = { provider: 'standard', scope: {}, settings: {}, secrets: {} } as never as Parameters<
    typeof breakerOf
  >[1];

  test('the nearest level wins, also with null, and a contract without policies has no breaker', () => {
    const withPolicies = { hasDeliveryPolicy: true };
    const installation = { ...account, installationPolicy: { breaker: { minAttempts: 7 } } };
    expect(breakerOf(withPolicies, account, null)).toBeUndefined();
    expect(breakerOf(withPolicies, installation, null)).toMatchObject({ minAttempts: 7, windowMs: 60_000 });
    expect(breakerOf(withPolicies, { ...installation, policy: { breaker: {} } }, {})).toMatchObject({
      minAttempts: 10,
    });
    expect(breakerOf(withPolicies, installation, { breaker: null })).toBeUndefined();
    expect(breakerOf({}, installation, null)).toBeUndefined();
  });

  test.each([
    [{ failureRate: 0 }],
    [{ failureRate: 1.1 }],
    [{ minAttempts: 0 }],
    [{ windowS: 4_000 }],
    [{ stages: 9 }],
    [{ probeAfterS: 60, maxProbeAfterS: 30 }],
    [{ probes: 1 }],
  ])('%j is refused', (breaker) => {
    expect(deliveryPolicySchema.safeParse({ breaker }).success).toBe(false);
  });

  test.each([[{}], [null], [{ failureRate: 1, minAttempts: 1, windowS: 3_600, probeAfterS: 86_400, stages: 8 }]])(
    '%j is accepted',
    (breaker) => {
      expect(deliveryPolicySchema.safeParse({ breaker }).success).toBe(true);
    },
  );
});
