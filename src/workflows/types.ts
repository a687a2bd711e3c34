/**
 * Payloads between the delivery workflow, the maintenance workflow and their activities. Anyone with access to Temporal
 * can read them in histories: they hold ids, numbers, schedules, host names and reasons only, never an event's payload, a
 * secret or a URL path.
 */
import type { ResponseRules } from '../contract/delivery-rules.js';

/** Starts a delivery. Frozen at the start, so that a contract can change without breaking a replay. */
export interface DeliveryInput {
  readonly deliveryId: string;
  /** Number of the redelivery; 0 for the first delivery. */
  readonly run: number;
  /** The waits after failed attempts, in milliseconds. */
  readonly schedule: readonly number[];
  /** The longest time one request may take, in milliseconds. */
  readonly timeLimitMs: number;
  /** No attempt is made from this time on, in Unix milliseconds; what is not accepted by then fails. */
  readonly expiresAt?: number;
  /** Present when delivery policies change how outcomes are classified. */
  readonly responseRules?: ResponseRules;
  /** Present when the workflow does not start with the first attempt. */
  readonly resumeFrom?: ResumePoint;
}

/** Where a workflow starts whose delivery was processed before. */
export type ResumePoint =
  /** At a position of the schedule, at a time in Unix milliseconds. */
  | { readonly kind: 'scheduled'; readonly position: number; readonly at: number }
  /** With an attempt whose outcome is not recorded yet. */
  | { readonly kind: 'unrecorded'; readonly outcome: UnrecordedOutcome }
  /** With a final failure that is recorded. */
  | { readonly kind: 'ended'; readonly type: string; readonly message: string }
  /** After the sender that makes the first attempt. */
  | { readonly kind: 'direct' };

/** The state of a delivery after its sender. */
export type DirectOutcome =
  | { readonly kind: 'delivered'; readonly result: DeliveryResult }
  | { readonly kind: 'failed'; readonly message: string }
  /** Still open: the position of the schedule, and the time of the next attempt in Unix milliseconds. */
  | { readonly kind: 'open'; readonly position: number; readonly at: number };

/** The result of an accepted delivery. */
export interface DeliveryResult {
  readonly attempts: number;
  /** HTTP status of the accepted response. */
  readonly status: number | null;
}

/** One round of attempts: a single activity whose retries follow the rest of the schedule. */
export interface AttemptTask {
  readonly deliveryId: string;
  readonly run: number;
  /** The remaining waits of the schedule, in milliseconds. */
  readonly schedule: readonly number[];
  /** Position in the whole schedule: the number of waits before this round. */
  readonly position: number;
  readonly timeLimitMs: number;
  /** Present when delivery policies change how outcomes are classified. */
  readonly responseRules?: ResponseRules;
  /**
   * Attempts of the delivery before this round. Present when a command started the round: an extra attempt repeats a
   * position of the schedule, so the position does not give the number of attempts.
   */
  readonly attemptsBefore?: number;
  /** Present when the first attempt of this round was rejected before. */
  readonly deferral?: Deferral;
  /** Present when someone has asked for the first attempt of this round. */
  readonly byHand?: boolean;
}

/** The state of an attempt that was rejected because the subscription is busy; the next try continues with it. */
export interface Deferral {
  /** Rejections in a row. */
  readonly times: number;
  /** The attempt's reservation where the subscription has a rate; Unix time in milliseconds. */
  readonly reservedAt?: number;
}

/**
 * The outcome of an attempt that was made while the database was unavailable; the workflow records it later. Without the
 * receiver's response.
 */
export interface UnrecordedOutcome {
  readonly deliveryId: string;
  readonly run: number;
  readonly number: number;
  /** Unix time in milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly outcome: 'accepted' | 'refused' | 'failed';
  readonly status: number | null;
  readonly reason: string | null;
  readonly message: string | null;
  readonly state: 'delivered' | 'retrying' | 'failed';
  readonly stateReason: string | null;
  /** Whether the subscription is to be disabled. */
  readonly disable: boolean;
  /** Unix time in milliseconds. */
  readonly nextAttemptAt: number | null;
  readonly schedulePosition: number;
  /** Whether the delivery has an ordering key; absent when it has none. */
  readonly isOrdered?: boolean;
}

/** The progress of a delivery according to the database. */
export interface ScheduleProgress {
  /** Whether the workflow run that asks has recorded the end of the delivery. */
  readonly endRecorded: boolean;
  /** Whether this run of the delivery has made an attempt. */
  readonly attempted: boolean;
  /** Recorded attempts of all runs. */
  readonly attempts: number;
  /** Which wait of the schedule follows the last attempt; null before the first attempt of this run. */
  readonly schedulePosition: number | null;
  /** Unix time in milliseconds. */
  readonly nextAttemptAt: number | null;
}

/** What is planned for a delivery that waits. */
export interface PlannedAttempt {
  /** How many waits of the schedule it has used. */
  readonly position: number;
  /** Unix time in milliseconds. */
  readonly nextAttemptAt: number;
}

/** The outcome of an attempt that an update made. */
export interface AttemptReport {
  /** The delivery's attempts, this one included. */
  readonly attempts: number;
  /** The delivery's state after it; `delivered` when it was accepted. */
  readonly state: string;
  readonly status: number | null;
  /** Why it was not accepted, as one word. */
  readonly reason: string | null;
  /** Unix time in milliseconds. */
  readonly nextAttemptAt: number | null;
}

/** A change of state that is not the outcome of an attempt. */
export interface StateTask {
  readonly deliveryId: string;
  readonly run: number;
  readonly state: 'pending' | 'retrying' | 'paused' | 'failed' | 'cancelled';
  readonly reason: string | null;
  /** Unix time in milliseconds. */
  readonly nextAttemptAt: number | null;
  /**
   * Present when the last attempt of the schedule was lost with its worker: the number of waits of the schedule. Attempts
   * up to this position that are not recorded are shown as interrupted.
   */
  readonly lostUpTo?: number;
  /** Present when steps of the schedule were skipped: which wait precedes the next attempt. */
  readonly schedulePosition?: number;
  /** Present when attempts were lost and their number is known: the delivery's attempts including the lost ones. */
  readonly attemptsUpTo?: number;
}

/** The activities of a delivery. */
export interface DeliveryActivities {
  /** Makes one attempt and records it. Throws a failure of one of the types in failure.ts unless it was accepted. */
  attempt(task: AttemptTask): Promise<DeliveryResult>;
  /** Records an outcome that the attempt itself could not record. */
  recordOutcome(outcome: UnrecordedOutcome): Promise<void>;
  getScheduleProgress(task: { deliveryId: string; run: number }): Promise<ScheduleProgress>;
  changeState(task: StateTask): Promise<void>;
  /** Waits until the delivery has more than `after` attempts or has ended. Throws when that takes too long. */
  awaitAttempt(task: { deliveryId: string; run: number; after: number }): Promise<AttemptReport>;
  /** Waits until no sender has the delivery, and takes it over. */
  awaitSender(task: { deliveryId: string }): Promise<DirectOutcome>;
  /** Requests Temporal to cancel the calling workflow. */
  cancelOwnWorkflow(): Promise<void>;
}

/** The activities of the maintenance workflow. */
export interface MaintenanceActivities {
  /** Recovers deliveries that no running workflow or sender works on. */
  sweep(): Promise<SweepReport>;
}

export interface SweepReport {
  /** Deliveries for which a workflow was started. */
  readonly started: number;
  /** Open deliveries without a running workflow that should have one. */
  readonly unreconciled?: number;
  /** Deliveries of deleted subscriptions that were cancelled. */
  readonly cancelled: number;
  /** Deliveries whose workflow was terminated. */
  readonly terminated: number;
  /** Paused deliveries whose subscription is enabled and not paused. */
  readonly resumed: number;
  /** Operational events. */
  readonly emitted: number;
  /** Ordering keys whose next delivery was released. */
  readonly released?: number;
}

/** The state reason of deliveries that wait until their subscription is enabled. */
export const SUBSCRIPTION_DISABLED = 'the subscription is disabled';
/** The state reason of deliveries that wait until their subscription is resumed. */
export const SUBSCRIPTION_PAUSED = 'the subscription is paused';
/** The state reason of deliveries that wait until their account is resumed. */
export const ACCOUNT_PAUSED = 'the account is paused';
/** The state reason of deliveries that wait until the circuit breaker of their subscription closes. */
export const BREAKER_OPEN = 'the circuit breaker is open';
/** The state reasons of deliveries that wait until their subscription or account is as it was before. */
export const WAITING_REASONS = [SUBSCRIPTION_DISABLED, SUBSCRIPTION_PAUSED, ACCOUNT_PAUSED] as const;
/** The state reason of deliveries that were not accepted before their event expired. */
export const EXPIRED = 'expired';
/** The state reason of deliveries whose subscription was deleted. */
export const SUBSCRIPTION_DELETED = 'the subscription was deleted';
