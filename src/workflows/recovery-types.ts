/** What crosses the border between the recovery workflow, its activities and whoever looks at it. */

/** States of finished deliveries, which are redelivered. */
export const finishedStates = ['failed', 'cancelled', 'delivered'] as const;
export type FinishedState = (typeof finishedStates)[number];

/**
 * What a recovery may take: deliveries that wait for their next attempt, which is made now, finished deliveries by their
 * state, and events the subscription has no delivery of.
 */
export const recoverableStates = ['retrying', ...finishedStates, 'missing'] as const;
export type RecoverableState = (typeof recoverableStates)[number];

/** Those of the states that are of finished deliveries. */
export function finishedOf(states: readonly RecoverableState[]): FinishedState[] {
  return states.filter((state): state is FinishedState => (finishedStates as readonly string[]).includes(state));
}

/** What a recovery covers. Times are Unix milliseconds of when deliveries were created and events accepted. */
export interface RecoveryScope {
  readonly subscriptionId: string;
  readonly accountId: string;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly states: readonly RecoverableState[];
  /** Event types; empty means all that the subscription takes. */
  readonly types: readonly string[];
}

/** Starts a recovery, or goes on with it in a new run. */
export interface RecoveryInput {
  readonly recoveryId: string;
  readonly scope: RecoveryScope;
  readonly ratePerSecond: number;
  /** How many deliveries are taken at once. */
  readonly pageSize: number;
  /** After how many batches the workflow goes on as a new run, so that no history grows without end. */
  readonly pagesPerRun: number;
  /** Where a former run of the workflow got to. */
  readonly cursor?: RecoveryCursor;
}

/** How far a recovery has come. */
export interface RecoveryProgress {
  /** How many deliveries and events there were when it began; null until they are counted. */
  readonly total: number | null;
  /** Deliveries that are on their way again. */
  readonly recovered: number;
  /** Those that needed nothing any more, or of whose event no body can be made. */
  readonly skipped: number;
}

/** Where a recovery stands. */
export interface RecoveryCursor {
  readonly progress: RecoveryProgress;
  /** Only what has been as it is since then is taken; Unix milliseconds by the database's clock. */
  readonly settledBy: number;
  readonly phase: RecoveryPhase;
  /** The last id that was looked at; empty at the beginning of a phase. */
  readonly afterId: string;
}

/**
 * Deliveries that wait come first, so that none is taken that waits because it was redelivered, then finished ones, then
 * events without one.
 */
export type RecoveryPhase = 'waiting' | 'finished' | 'missing';

/** Asks for the next batch. */
export interface PageRequest {
  readonly scope: RecoveryScope;
  readonly settledBy: number;
  readonly phase: RecoveryPhase;
  readonly afterId: string;
  readonly limit: number;
}

/** Deliveries, with the number of their last redelivery, or events to deliver. */
export interface RecoveryPage {
  readonly items: readonly RecoveryItem[];
  /** Where to look on; null at the end of the phase. */
  readonly afterId: string | null;
}

export interface RecoveryItem {
  readonly id: string;
  /** Which redelivery it was; 0 for an event. */
  readonly run: number;
  /** How many attempts a delivery that waits has made. */
  readonly attempts?: number;
}

/** Asks for a batch to be sent on its way. */
export interface PageTask {
  readonly scope: RecoveryScope;
  readonly phase: RecoveryPhase;
  readonly items: readonly RecoveryItem[];
}

/** The activities a recovery uses; each may be repeated without harm. */
export interface RecoveryActivities {
  countRecoverable(scope: RecoveryScope): Promise<{ total: number; settledBy: number }>;
  /** Throws a failure of type {@link SUBSCRIPTION_NOT_FOUND} when the subscription was deleted. */
  nextPage(question: PageRequest): Promise<RecoveryPage>;
  /** Gives back how many of the batch are on their way. */
  recoverPage(task: PageTask): Promise<number>;
}

/** The type of the failure that ends a recovery whose subscription was deleted. */
export const SUBSCRIPTION_NOT_FOUND = 'SubscriptionDeleted';

/** Where a recovery leaves its progress, so that it can be read without a worker. */
export interface RecoveryMemo {
  readonly recovery: Pick<RecoveryInput, 'recoveryId' | 'scope' | 'ratePerSecond'>;
  readonly progress: RecoveryProgress;
}
