/**
 * What crosses the border between workflows and activities. All of it ends up in histories that anyone with access to
 * Temporal can read: ids, numbers, schedule facts, host names and reasons only, never a payload, a secret or a path.
 */

/** Starts a delivery. Frozen at the start, so that a contract can change without breaking a replay. */
export interface DeliveryInput {
  readonly deliveryId: string;
  /** Which redelivery this is; 0 for the delivery itself. */
  readonly run: number;
  /** The waits after failed attempts, in milliseconds. */
  readonly schedule: readonly number[];
  /** The longest time one exchange may take, in milliseconds. */
  readonly timeLimitMs: number;
  /** Present when it does not begin with its first attempt. */
  readonly resumeFrom?: ResumePoint;
}

/** Where a delivery begins for which something has been done before. */
export type ResumePoint =
  /** At a place of the schedule, at a time: Unix milliseconds. */
  | { readonly kind: 'scheduled'; readonly position: number; readonly at: number }
  /** With an attempt whose outcome has yet to be recorded. */
  | { readonly kind: 'unrecorded'; readonly outcome: UnrecordedOutcome }
  /** With its end, which is recorded. */
  | { readonly kind: 'ended'; readonly type: string; readonly message: string }
  /** When the batch that makes its first attempt is done with it. */
  | { readonly kind: 'batched' };

/** How a batch left a delivery. */
export type BatchOutcome =
  | { readonly kind: 'delivered'; readonly result: DeliveryResult }
  | { readonly kind: 'failed'; readonly message: string }
  /** Still open, at a place of the schedule and a time: Unix milliseconds. */
  | { readonly kind: 'open'; readonly position: number; readonly at: number };

/** How a delivery that was accepted ended. */
export interface DeliveryResult {
  readonly attempts: number;
  /** The accepting answer's HTTP status. */
  readonly status: number | null;
}

/** One round of attempts: a single activity whose retries follow the rest of the schedule. */
export interface AttemptTask {
  readonly deliveryId: string;
  readonly run: number;
  /** The waits this round still has, in milliseconds. */
  readonly schedule: readonly number[];
  /** How many waits of the whole schedule came before. */
  readonly position: number;
  readonly timeLimitMs: number;
  /**
   * Attempts of the delivery before this round, where a command began the round: an extra attempt repeats a position of
   * the schedule, so positions do not tell how many were made.
   */
  readonly attemptsBefore?: number;
  /** Present when the first attempt of this round was turned away before. */
  readonly deferral?: Deferral;
}

/** What an attempt that was turned away takes along, so that it need not begin to queue again. */
export interface Deferral {
  /** How often in a row it was turned away. */
  readonly times: number;
  /** The turn that was booked for it, where the subscription has a rate; Unix time in milliseconds. */
  readonly reservedAt?: number;
}

/** The outcome of an attempt that was made but could not be recorded, without anything the receiver said. */
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
  /** Whether the subscription is to be disabled; absent in histories that are older than this field. */
  readonly disable?: boolean;
  /** Unix time in milliseconds. */
  readonly nextAttemptAt: number | null;
  readonly schedulePosition: number;
}

/** Where a delivery stands according to the database. */
export interface ScheduleProgress {
  /** Whether the workflow run that asks has already recorded its end. */
  readonly settledHere: boolean;
  /** Whether this run of the delivery has made an attempt. */
  readonly attempted: boolean;
  /** Attempts of all runs that are recorded. */
  readonly attempts: number;
  /** Which wait of the schedule follows the last attempt; null before the first attempt of this run. */
  readonly schedulePosition: number | null;
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
   * Present when the attempt that was to be the last was lost: how many waits the schedule has. Attempts up to there of
   * which nothing is recorded are then shown as interrupted.
   */
  readonly lostUpTo?: number;
  /** Present when attempts were lost and their number is known: how many the delivery has with them. */
  readonly attemptsUpTo?: number;
}

/** The activities a delivery uses. */
export interface DeliveryActivities {
  /** Makes one attempt and records it. Throws an ApplicationFailure of one of {@link FailureType} unless accepted. */
  attempt(task: AttemptTask): Promise<DeliveryResult>;
  /** Records an outcome that the attempt itself could not record. */
  recordOutcome(outcome: UnrecordedOutcome): Promise<void>;
  getScheduleProgress(task: { deliveryId: string; run: number }): Promise<ScheduleProgress>;
  changeState(task: StateTask): Promise<void>;
  /** Waits until no batch carries the delivery. */
  awaitBatch(task: { deliveryId: string }): Promise<BatchOutcome>;
  /** Asks Temporal to cancel the workflow that calls this. */
  cancelOwnWorkflow(): Promise<void>;
}

/** The activities that keep house. */
export interface MaintenanceActivities {
  /** Starts what has no owner, ends what lost its reason and takes note of terminated workflows. */
  sweep(): Promise<SweepReport>;
}

export interface SweepReport {
  /** Deliveries that got a workflow. */
  readonly started: number;
  /** Deliveries of deleted subscriptions that were told to end. */
  readonly cancelled: number;
  /** Deliveries whose workflow had been terminated. */
  readonly terminated: number;
  /** Deliveries that waited for a subscription that is enabled. */
  readonly resumed: number;
  /** Deliveries that nobody carried; absent in histories that are older than batches. */
  readonly batched?: number;
  /** Operational events. */
  readonly emitted: number;
}

/** Types of the failures an attempt can end with. */
export const FailureType = {
  /** Not accepted; the schedule goes on. */
  notAccepted: 'NotAccepted',
  /** The contract allows no further attempt after this answer. */
  stopped: 'DeliveryStopped',
  /** The schedule has no further attempt. */
  exhausted: 'DeliveryExhausted',
  /** Nothing was sent: the database knows no such delivery, or only a later redelivery of it. */
  superseded: 'DeliverySuperseded',
  /** Nothing was sent because the delivery could not be loaded. */
  storeUnavailable: 'StoreUnavailable',
  /** Nothing was sent: the subscription's limits leave no room now. Its details say when to come back. */
  busy: 'SubscriptionBusy',
  /** Sent, but the outcome could not be recorded; it is the failure's first detail. */
  unrecorded: 'OutcomeUnrecorded',
  /** Nothing was sent: the subscription is disabled. */
  paused: 'SubscriptionDisabled',
  /** Nothing was sent: the subscription is deleted. */
  subscriptionDeleted: 'SubscriptionDeleted',
} as const;

/** The state reason of deliveries that wait for their subscription to be enabled again. */
export const SUBSCRIPTION_DISABLED = 'the subscription is disabled';
/** The state reason of deliveries whose subscription is gone. */
export const SUBSCRIPTION_DELETED = 'the subscription was deleted';
