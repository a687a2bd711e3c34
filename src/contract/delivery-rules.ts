/**
 * What holds for one delivery: its contract's schedule, time limit and classification of responses, with what the delivery
 * policies of its subscription, event type, account and installation change in them.
 */
import { breakerRules, type BreakerRules } from './breaker.js';
import type { DeliveryPolicy, StatusPattern } from './delivery-policy.js';
import { waitsInSeconds } from './delivery-policy.js';
import type { Account } from './entities.js';
import { retryAfterMs } from './retry-after.js';
import { hours, seconds, type Schedule } from './schedule.js';
import type { AnyContract, ReceiverResponse, ResponseClass } from './types.js';

/** A wait that is slowed down is not made longer than this, in milliseconds. */
const MAX_SLOWED_MS = hours(24);

/** The part of a policy that decides about outcomes. */
export interface ResponseRules {
  readonly acceptedStatuses?: readonly StatusPattern[];
  readonly stopStatuses?: readonly StatusPattern[];
  /** How far Retry-After may move the next attempt; 0 ignores it. */
  readonly retryAfterMaxMs?: number;
  readonly slowDown?: DeliveryPolicy['slowDown'];
}

/** The rules of one delivery. */
export interface DeliveryRules {
  /** The waits after failed attempts, in milliseconds. */
  readonly schedule: Schedule;
  /** The longest time one request may take, in milliseconds. */
  readonly timeLimitMs: number;
  /** Absent when the contract alone classifies responses. */
  readonly responseRules?: ResponseRules;
}

/** A delivery and the policies above it; null or absent where a level has none. */
export interface PolicyScope {
  readonly account: Account & {
    readonly policy?: DeliveryPolicy | null;
    readonly installationPolicy?: DeliveryPolicy;
  };
  readonly eventType: string;
  readonly eventTypePolicy?: DeliveryPolicy | null;
  readonly subscriptionPolicy?: DeliveryPolicy | null;
}

/** The levels of policies, the nearest first: its fields win. */
export const policyLevels = ['subscription', 'eventType', 'account', 'installation'] as const;
export type PolicyLevel = (typeof policyLevels)[number];
/** Where a field of an effective policy comes from. */
export type PolicySource = PolicyLevel | 'contract';

/** The policy that applies, field by field, and the level of each field. */
export interface EffectivePolicy {
  readonly policy: DeliveryPolicy;
  readonly sources: { readonly [Field in keyof DeliveryPolicy]?: PolicyLevel };
}

/** Merges the levels of a delivery: the nearest that has a field decides it. */
export function effectivePolicy(scope: PolicyScope): EffectivePolicy {
  const levels = {
    subscription: scope.subscriptionPolicy,
    eventType: scope.eventTypePolicy,
    account: scope.account.policy,
    installation: scope.account.installationPolicy,
  };
  let policy: DeliveryPolicy = {};
  let sources: EffectivePolicy['sources'] = {};
  for (const level of policyLevels.toReversed()) {
    const own = levels[level] ?? {};
    policy = { ...policy, ...own };
    sources = { ...sources, ...Object.fromEntries(Object.keys(own).map((field) => [field, level])) };
  }
  return { policy, sources };
}

/** The rules of a delivery. Its id decides the jitter, so they are the same whenever they are asked for. */
export function deliveryRules(contract: AnyContract, deliveryId: string, scope: PolicyScope): DeliveryRules {
  const { account, eventType, eventTypePolicy, subscriptionPolicy } = scope;
  const schedule = contract.schedule(eventType, account);
  const timeLimitMs = contract.timeLimitMs(eventType, account);
  const isPlain = !(account.policy || account.installationPolicy || eventTypePolicy || subscriptionPolicy);
  if (isPlain || !contract.hasDeliveryPolicy) return { schedule, timeLimitMs };
  const { policy } = effectivePolicy(scope);
  const waits = policy.schedule ? waitsInSeconds(policy.schedule).map(seconds) : schedule;
  const { jitter = 0, timeLimitS } = policy;
  const responseRules = responseRulesOf(policy);
  return {
    schedule: jitter === 0 ? waits : waits.map((wait, index) => withJitter(wait, jitter, `${deliveryId} ${index}`)),
    timeLimitMs: timeLimitS === undefined ? timeLimitMs : seconds(timeLimitS),
    ...(responseRules ? { responseRules } : {}),
  };
}

/**
 * The rules of a subscription's circuit breaker; undefined where it has none. Called for every attempt: it reads three
 * fields where there is no breaker.
 */
export function breakerOf(
  { hasDeliveryPolicy }: Pick<AnyContract, 'hasDeliveryPolicy'>,
  account: PolicyScope['account'],
  subscriptionPolicy: DeliveryPolicy | null,
): BreakerRules | undefined {
  let breaker = subscriptionPolicy?.breaker;
  if (breaker === undefined) breaker = account.policy?.breaker;
  if (breaker === undefined) breaker = account.installationPolicy?.breaker;
  return breaker && hasDeliveryPolicy ? breakerRules(breaker) : undefined;
}

function responseRulesOf(policy: DeliveryPolicy): ResponseRules | undefined {
  const { acceptedStatuses, stopStatuses, retryAfterMaxS, slowDown } = policy;
  if (!acceptedStatuses && !stopStatuses && retryAfterMaxS === undefined && !slowDown) return undefined;
  return {
    ...(acceptedStatuses ? { acceptedStatuses } : {}),
    ...(stopStatuses ? { stopStatuses } : {}),
    ...(retryAfterMaxS === undefined ? {} : { retryAfterMaxMs: seconds(retryAfterMaxS) }),
    ...(slowDown ? { slowDown } : {}),
  };
}

/** A wait from `1 - jitter` to `1 + jitter` times as long, at least a second, decided by the key alone. */
function withJitter(waitMs: number, jitter: number, key: string): number {
  return Math.max(Math.round(waitMs * (1 - jitter + 2 * jitter * fraction(key))), seconds(1));
}

/** A number from 0 to 1 for a text, evenly distributed: FNV-1a (32 bits), mixed as MurmurHash3 ends. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** An outcome as rules see it. */
export interface Outcome {
  /** Undefined when the receiver did not respond. */
  readonly response: ReceiverResponse | undefined;
  /** Why it did not, such as `timeout`. */
  readonly failure?: string;
  readonly now: Date;
  /** The schedule's next wait in milliseconds; undefined after the last attempt. */
  readonly waitMs: number | undefined;
}

/** Changes a contract's classification of an outcome by the rules of its delivery. */
export function applyResponseRules(rules: ResponseRules, byContract: ResponseClass, outcome: Outcome): ResponseClass {
  const { acceptedStatuses, stopStatuses } = rules;
  const { response } = outcome;
  let responseClass = byContract;
  if (response && acceptedStatuses) {
    if (matches(acceptedStatuses, response.status)) return { kind: 'accepted' };
    if (responseClass.kind === 'accepted') responseClass = { kind: 'retry' };
  }
  if (response && stopStatuses && responseClass.kind !== 'accepted') {
    const stops = matches(stopStatuses, response.status);
    if (!stops) responseClass = responseClass.kind === 'stop' ? { kind: 'retry' } : responseClass;
    else if (responseClass.kind !== 'stop')
      responseClass = { kind: 'stop', reason: `the receiver responded with ${response.status}, a status that stops` };
  }
  if (responseClass.kind !== 'retry' || outcome.waitMs === undefined) return responseClass;
  const waitMs = waitByRules(rules, responseClass.retryAfterMs, outcome, outcome.waitMs);
  return waitMs === outcome.waitMs ? { kind: 'retry' } : { kind: 'retry', retryAfterMs: waitMs };
}

/** The wait after a failed attempt: the schedule's, or a longer one. */
function waitByRules(
  { retryAfterMaxMs, slowDown }: ResponseRules,
  byContract: number | undefined,
  { response, failure, now }: Outcome,
  waitMs: number,
): number {
  const asked =
    response && retryAfterMaxMs !== undefined ? retryAfterMs(response.headers['retry-after'], now) : undefined;
  const allowed = retryAfterMaxMs === undefined ? byContract : asked && Math.min(asked, retryAfterMaxMs);
  const isSlowed =
    slowDown &&
    (response ? matches(slowDown.on, response.status) : failure === 'timeout' && slowDown.on.includes(failure));
  const slowed = isSlowed ? Math.max(waitMs, Math.min(Math.round(waitMs * slowDown.factor), MAX_SLOWED_MS)) : waitMs;
  return Math.max(allowed ?? 0, slowed);
}

function matches(patterns: readonly (StatusPattern | 'timeout')[], status: number): boolean {
  return patterns.includes(status) || patterns.includes(`${Math.floor(status / 100)}xx` as StatusPattern);
}
