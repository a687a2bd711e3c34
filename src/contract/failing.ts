/** A receiver under which every attempt fails: what is remembered of it, and when that has lasted too long. */
import { hours } from './schedule.js';

/** What is remembered of a subscription while every attempt fails; nothing once one is accepted. */
export interface Failing {
  /** The first failure since an attempt was accepted. */
  readonly since: Date;
  readonly lastAt: Date;
  /** Failed attempts since then. */
  readonly attempts: number;
  /** The first failure of the span that may start the clock. */
  readonly spanSince: Date;
  /** When the clock of the rule started; null while it has not, or where the rule has no such clock. */
  readonly clockSince: Date | null;
}

/** When a subscription whose every attempt fails is disabled. Pure data. */
export interface FailingRule {
  /** So long, in milliseconds, every attempt must have failed, … */
  readonly forMs: number;
  /** … counted from when two failures lay this far apart, in milliseconds; from the first failure where absent. */
  readonly startsAfter?: { readonly atLeastMs: number; readonly maxMs: number };
}

/**
 * "If all attempts to a specific endpoint fail for a period of 5 days, the endpoint will be disabled. The clock starts
 * after multiple deliveries failed within a 24 hour span, with at least 12 hours difference between the first and the
 * last failure." https://docs.svix.com/retries
 */
export const FIVE_DAYS_OF_FAILURES: FailingRule = {
  forMs: hours(5 * 24),
  startsAfter: { atLeastMs: hours(12), maxMs: hours(24) },
};

/** The rule for an account's subscriptions: the contract's, or the account's own where the contract has none. */
export function ruleOf(
  { disableAfterFailing }: { readonly disableAfterFailing?: FailingRule },
  { disableAfterHours }: { readonly disableAfterHours: number | null },
): FailingRule | undefined {
  return disableAfterFailing ?? (disableAfterHours === null ? undefined : { forMs: hours(disableAfterHours) });
}

/**
 * What to remember after attempts that failed at a time. The start of the span and the last failure are enough to
 * find any two failures of the right distance: while none lies 12 to 24 h behind the span's start, all lie within its
 * first 12 h, so a later one is either at most 24 h from the last of them or more than 24 h from them all.
 */
export function afterFailure(
  before: Failing | null,
  failedAt: Date,
  rule: FailingRule | undefined,
  attempts = 1,
): Failing {
  if (!before) return { since: failedAt, lastAt: failedAt, attempts, spanSince: failedAt, clockSince: null };
  // Attempts of several deliveries end in any order.
  const lastAt = failedAt > before.lastAt ? failedAt : before.lastAt;
  const after: Failing = { ...before, lastAt, attempts: before.attempts + attempts };
  if (!rule?.startsAfter || before.clockSince) return after;
  const { atLeastMs, maxMs: atMostMs } = rule.startsAfter;
  const spanSince = [before.spanSince, before.lastAt].find((time) => elapsed(time, lastAt) <= atMostMs) ?? lastAt;
  return { ...after, spanSince, clockSince: elapsed(spanSince, lastAt) >= atLeastMs ? lastAt : null };
}

/** When a subscription is disabled unless an attempt is accepted before; null while no clock runs. */
export function disablesAt(failing: Failing | null, rule: FailingRule | undefined): Date | null {
  const from = rule?.startsAfter ? failing?.clockSince : failing?.since;
  return rule && from ? new Date(from.getTime() + rule.forMs) : null;
}

/** Why a subscription that failed just now is to be disabled, in words; undefined when it is not. */
export function disabledBecause(failing: Failing, rule: FailingRule | undefined): string | undefined {
  const at = disablesAt(failing, rule);
  if (!rule || !at || failing.lastAt < at) return undefined;
  return `every attempt has failed for ${inWords(rule.forMs)}`;
}

function elapsed(from: Date, to: Date): number {
  return to.getTime() - from.getTime();
}

function inWords(ms: number): string {
  const [count, unit] = ms % hours(24) === 0 ? [ms / hours(24), 'day'] : [ms / hours(1), 'hour'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
