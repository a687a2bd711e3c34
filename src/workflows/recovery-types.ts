/** Payloads between the recovery workflow, its activities and the API. */

/** States of finished deliveries, which are redelivered. */
export const finishedStates = ['failed', 'cancelled', 'delivered'] as const;
export type FinishedState = (typeof finishedStates)[number];

/**
 * What a recovery can cover: deliveries that wait for their next attempt, which is then made now; finished deliveries by
 * state; and events without a delivery to the subscription.
 */
export const recoverableStates = ['retrying', ...finishedStates, 'missing'] as const;
export type RecoverableState = (typeof recoverableStates)[number];

/** The states of finished deliveries among these. */
export function finishedOf(states: readonly RecoverableState[]): FinishedState[] {
  return states.filter((state): state is FinishedState => (finishedStates as readonly string[]).includes(state));
}

/** What a recovery covers. Times are Unix milliseconds: when deliveries were created and events accepted. */
export interface RecoveryScope {
  readonly subscriptionId: string;
  readonly accountId: string;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly states: readonly RecoverableState[];
  /** Event types; empty means all that the subscription receives. */
  readonly types: readonly string[];
  /** Only events that have this channel or tag; any when absent. */
  readonly channel?: string;
  readonly tag?: string;
}

/** Starts a recovery, or continues it in a new run. */
export interface RecoveryInput {
  readonly recoveryId: string;
  readonly scope: RecoveryScope;
  readonly ratePerSecond: number;
  /** Deliveries or events per page. */
  readonly pageSize: number;
  /** Pages after which the workflow continues as a new run, which limits the size of its history. */
  readonly pagesPerRun: number;
  /** The position of the previous run. */
  readonly cursor?: RecoveryCursor;
}

/** The progress of a recovery. */
export interface RecoveryProgress {
  /** Deliveries and events at the start of the recovery; null until they are counted. */
  readonly total: number | null;
  /** Deliveries that were sent again. */
  readonly recovered: number;
  /** Items that needed no delivery any more, or whose event cannot be rendered. */
  readonly skipped: number;
}

/** The position of a recovery. */
export interface RecoveryCursor {
  readonly progress: RecoveryProgress;
  /** Only deliveries that were not changed after this time; Unix milliseconds by the database's clock. */
  readonly asOf: number;
  readonly phase: RecoveryPhase;
  /** The last id that was read; empty at the start of a phase. */
  readonly afterId: string;
}

/**
 * Waiting deliveries come first, so that none is retried that waits because this recovery redelivered it; then finished
 * ones; then events without a delivery.
 */
export type RecoveryPhase = 'waiting' | 'finished' | 'missing';

/** Requests the next page. */
export interface PageRequest {
  readonly scope: RecoveryScope;
  readonly asOf: number;
  readonly phase: RecoveryPhase;
  readonly afterId: string;
  readonly limit: number;
}

/** Deliveries or events to recover. */
export interface RecoveryPage {
  readonly items: readonly RecoveryItem[];
  /** Where the next page starts; null at the end of the phase. */
  readonly afterId: string | null;
}

export interface RecoveryItem {
  readonly id: string;
  /** Number of the delivery's last redelivery; 0 for an event. */
  readonly run: number;
  /** Attempts of a waiting delivery. */
  readonly attempts?: number;
}

/** Requests the recovery of a page. */
export interface PageTask {
  readonly scope: RecoveryScope;
  readonly phase: RecoveryPhase;
  readonly items: readonly RecoveryItem[];
}

/** The activities of a recovery; each is idempotent. */
export interface RecoveryActivities {
  countRecoverable(scope: RecoveryScope): Promise<{ total: number; asOf: number }>;
  /** Throws a failure of type {@link SUBSCRIPTION_NOT_FOUND} when the subscription was deleted. */
  nextPage(request: PageRequest): Promise<RecoveryPage>;
  /** Returns how many items of the page were sent again. */
  recoverPage(task: PageTask): Promise<number>;
}

/** The type of the failure that ends a recovery whose subscription was deleted. */
export const SUBSCRIPTION_NOT_FOUND = 'SubscriptionDeleted';

/** The memo of a recovery's workflow, which can be read without a worker. */
export interface RecoveryMemo {
  readonly recovery: Pick<RecoveryInput, 'recoveryId' | 'scope' | 'ratePerSecond'>;
  readonly progress: RecoveryProgress;
}
