/**
 * The circuit breaker of a subscription: when it opens, when it probes, and how it closes. Pure; times are Unix
 * milliseconds. src/store/subscriptions/breakers.ts stores it, and src/dispatch/commands/breakers.ts advances it.
 */
import type { DeliveryPolicy } from './delivery-policy.js';
import { minutes, seconds } from './schedule.js';

/** When a breaker opens and how it closes, with all defaults. */
export interface BreakerRules {
  /** It opens when this share of the attempts in the window has failed, … */
  readonly failureRate: number;
  /** … of at least so many. */
  readonly minAttempts: number;
  readonly windowMs: number;
  /** From opening to the first probe; doubles with each failed probe. */
  readonly probeAfterMs: number;
  readonly maxProbeAfterMs: number;
  /** How many trials in a row must pass until it is closed: of 1, 2, 4, … deliveries at once. */
  readonly stages: number;
}

/** Attempts from `at` on, for as long as {@link bucketMs} says. */
export interface AttemptCount {
  readonly at: number;
  readonly attempts: number;
  readonly failures: number;
}

/** A delivery that is sent although the breaker is open, and how many attempts it had before. */
export interface TrialDelivery {
  readonly id: string;
  readonly attempts: number;
}

/** Deliveries are made. It counts while some of the attempts in its window have failed. */
export interface ClosedBreaker {
  readonly kind: 'closed';
  readonly counts: readonly AttemptCount[];
}

/** Deliveries wait, except those of the trial. */
export interface OpenBreaker {
  readonly kind: 'open';
  /** When it opened; it stays when a trial fails. */
  readonly since: number;
  /** The attempts in the window when it opened, and how many of them had failed. */
  readonly attempts: number;
  readonly failures: number;
  /** Trials that have failed since it opened. */
  readonly failedProbes: number;
  readonly nextProbeAt: number;
  /** Trials that have passed in a row; it is closing when there are some. */
  readonly stage: number;
  /** The deliveries that are sent now; empty between trials. */
  readonly trial: readonly TrialDelivery[];
  /** When the trial started. */
  readonly trialSince: number;
  /** The last id of the former trial: the next one has the deliveries after it, so that none fails for all others. */
  readonly triedUpTo: string;
}

/** Null is a closed breaker that has nothing to count. */
export type Breaker = ClosedBreaker | OpenBreaker | null;

/** The breaker's defaults, in the units of the policy. */
export const breakerDefaults = {
  failureRate: 0.5,
  minAttempts: 10,
  windowS: 60,
  probeAfterS: 30,
  maxProbeAfterS: 3_600,
  stages: 6,
} as const;

/** Parts of the window that are counted separately. */
const BUCKETS = 10;

/** Fills the defaults in. */
export function breakerRules(policy: NonNullable<DeliveryPolicy['breaker']>): BreakerRules {
  const { failureRate, minAttempts, windowS, probeAfterS, maxProbeAfterS, stages } = { ...breakerDefaults, ...policy };
  return {
    failureRate,
    minAttempts,
    windowMs: seconds(windowS),
    probeAfterMs: seconds(probeAfterS),
    maxProbeAfterMs: Math.max(seconds(maxProbeAfterS), seconds(probeAfterS)),
    stages,
  };
}

/** How long attempts are counted together. */
export const bucketMs = ({ windowMs }: BreakerRules): number => windowMs / BUCKETS;

/** Whether deliveries wait. */
export function isOpen(breaker: Breaker): breaker is OpenBreaker {
  return breaker?.kind === 'open';
}

/** Whether a delivery waits: the breaker is open, and it is not one of the trial. */
export function mustWait(breaker: Breaker, deliveryId: string): boolean {
  return isOpen(breaker) && !isInTrial(breaker, deliveryId);
}

/** Whether a delivery is sent although the breaker is open. */
export function isInTrial(breaker: Breaker, deliveryId: string): boolean {
  return isOpen(breaker) && breaker.trial.some(({ id }) => id === deliveryId);
}

/** Whether a delivery has made the one attempt that it has in the trial, by the number of its attempts. */
export function wasTried(breaker: Breaker, deliveryId: string, attempts: number): boolean {
  return isOpen(breaker) && breaker.trial.some((tried) => tried.id === deliveryId && tried.attempts < attempts);
}

/**
 * The breaker after further attempts. One that is open stays as it is: only trials decide there. One whose window has no
 * failure is null, so that attempts of a working receiver are not written.
 */
export function afterAttempts(
  breaker: Breaker,
  rules: BreakerRules,
  added: readonly AttemptCount[],
  now: number,
): Breaker {
  if (isOpen(breaker)) return breaker;
  const counts = merge([...(breaker?.counts ?? []), ...added]).filter(
    ({ at }) => at + bucketMs(rules) > now - rules.windowMs,
  );
  const attempts = sum(counts.map((count) => count.attempts));
  const failures = sum(counts.map((count) => count.failures));
  if (failures === 0) return null;
  if (attempts < rules.minAttempts || failures / attempts < rules.failureRate) return { kind: 'closed', counts };
  return {
    kind: 'open',
    since: now,
    attempts,
    failures,
    failedProbes: 0,
    nextProbeAt: now + probeDelayMs(rules, 0),
    stage: 0,
    trial: [],
    trialSince: 0,
    triedUpTo: '',
  };
}

/** From opening, or from the end of a failed trial, to the next probe. */
export function probeDelayMs({ probeAfterMs, maxProbeAfterMs }: BreakerRules, failedProbes: number): number {
  return Math.min(probeAfterMs * 2 ** failedProbes, maxProbeAfterMs);
}

/** The breaker with further deliveries in its trial. */
export function withTrial(breaker: OpenBreaker, added: readonly TrialDelivery[], now: number): OpenBreaker {
  const { trial, trialSince } = breaker;
  return { ...breaker, trial: [...trial, ...added], trialSince: trial.length === 0 ? now : trialSince };
}

/** How many deliveries the next trial sends at once: 1, 2, 4, … */
export const trialSize = ({ stage }: OpenBreaker): number => 2 ** stage;

/** After so long a trial ends without the deliveries that were not attempted, in milliseconds. Longer than any attempt. */
const MAX_TRIAL_MS = minutes(5);

/** What became of a delivery of a trial; `void` when no attempt of it was made, as when it was cancelled. */
export type TrialOutcome = 'accepted' | 'failed' | 'void' | 'undecided';

/**
 * The breaker after the outcomes of its trial; the same object while they decide nothing. A trial fails when as large a
 * share of it has failed as opens the breaker: then the next probe comes later. One that passes leads to the next stage,
 * and the last stage closes it. Where nothing was attempted, the trial is repeated with other deliveries.
 */
export function afterTrial(
  breaker: OpenBreaker,
  rules: BreakerRules,
  outcomes: readonly TrialOutcome[],
  now: number,
): OpenBreaker | null {
  const triedUpTo =
    breaker.trial
      .map(({ id }) => id)
      .sort()
      .at(-1) ?? breaker.triedUpTo;
  const ended = { ...breaker, trial: [], triedUpTo };
  const count = (of: TrialOutcome) => outcomes.filter((outcome) => outcome === of).length;
  const [accepted, failed] = [count('accepted'), count('failed')];
  const undecided = now - breaker.trialSince > MAX_TRIAL_MS ? 0 : count('undecided');
  if (failed > 0 && failed / (accepted + failed + undecided) >= rules.failureRate) {
    const failedProbes = breaker.failedProbes + 1;
    return { ...ended, failedProbes, nextProbeAt: now + probeDelayMs(rules, failedProbes), stage: 0 };
  }
  if (undecided > 0) return breaker;
  if (accepted === 0) return ended;
  const stage = breaker.stage + 1;
  return stage >= rules.stages ? null : { ...ended, stage };
}

/** Adds up counts that start at the same time, the oldest first. */
function merge(counts: readonly AttemptCount[]): AttemptCount[] {
  const byTime = new Map<number, AttemptCount>();
  for (const count of counts) {
    const before = byTime.get(count.at);
    byTime.set(
      count.at,
      before
        ? { at: count.at, attempts: before.attempts + count.attempts, failures: before.failures + count.failures }
        : count,
    );
  }
  return Array.from(byTime.values()).sort((one, other) => one.at - other.at);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
