/** Failures of attempts and deliveries: their types, and the details that an attempt's failure reports to its workflow. */
import { ApplicationFailure } from '@temporalio/common';
import type { Deferral, UnrecordedOutcome } from './types.js';

/** Types of the failures an attempt can end with. */
export const FailureType = {
  /** Not accepted; the schedule continues. */
  notAccepted: 'NotAccepted',
  /** The contract allows no further attempt after this response. */
  stopped: 'DeliveryStopped',
  /** The schedule has no further attempt. */
  exhausted: 'DeliveryExhausted',
  /** Nothing was sent: the delivery does not exist, or was redelivered since. */
  superseded: 'DeliverySuperseded',
  /** Nothing was sent because the database is unavailable. */
  storeUnavailable: 'StoreUnavailable',
  /** Nothing was sent: the subscription's limits are reached. */
  busy: 'SubscriptionBusy',
  /** Sent, but the outcome could not be recorded. */
  unrecorded: 'OutcomeUnrecorded',
  /** Nothing was sent: the event has expired. */
  expired: 'DeliveryExpired',
  /** Nothing was sent: a newer event has cancelled the delivery. */
  cancelled: 'DeliveryCancelled',
  /** Nothing was sent: the subscription is disabled, or it or its account is paused. The message is the state reason. */
  paused: 'SubscriptionDisabled',
  /** Nothing was sent: the subscription is deleted. */
  subscriptionDeleted: 'SubscriptionDeleted',
} as const;

/** What failures that end a round report to the workflow, by type; other types have no details for it. */
export interface RoundFailureDetails {
  [FailureType.storeUnavailable]: {
    /** Attempts that the round has made. */
    readonly attemptsMade: number;
  };
  [FailureType.busy]: {
    readonly attemptsMade: number;
    /** Wait before the next try, in milliseconds. */
    readonly waitMs: number;
    readonly deferral: Deferral;
  };
  [FailureType.unrecorded]: { readonly outcome: UnrecordedOutcome };
}

type DetailedType = keyof RoundFailureDetails;
type PlainType = Exclude<(typeof FailureType)[keyof typeof FailureType], DetailedType>;

/** A failure that ends the round: Temporal does not retry it, and the workflow decides what comes next. */
export function roundFailure(type: PlainType, message: string): ApplicationFailure;
export function roundFailure<Type extends DetailedType>(
  type: Type,
  message: string,
  details: RoundFailureDetails[Type],
): ApplicationFailure;
export function roundFailure(type: string, message: string, details?: unknown): ApplicationFailure {
  return details === undefined ? failure(type, message) : failure(type, message, [details]);
}

/** Reads what `roundFailure` wrote. */
export function roundFailureDetails<Type extends DetailedType>(
  failure: ApplicationFailure,
  _type: Type,
): RoundFailureDetails[Type] {
  return failure.details![0] as RoundFailureDetails[Type];
}

/** A failure that is not retried. Benign: a receiver that refuses a delivery is no fault of the worker. */
export function failure(type: string, message: string, details?: unknown[]): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true, category: 'BENIGN', details });
}
