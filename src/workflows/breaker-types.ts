/** Payloads between the workflow of a circuit breaker, its activity and the processes that wake it. */
import { defineSignal } from '@temporalio/workflow';

/** Wakes the workflow: an attempt of a trial has ended, or the breaker was closed by hand. */
export const breakerChanged = defineSignal('breakerChanged');

/** A range of ids of deliveries. */
export interface ReleasedRange {
  readonly from: string;
  readonly to: string;
}

export interface BreakerTask {
  readonly subscriptionId: string;
  /** Whether the wait of the former step has passed: Temporal decides when a probe is due. */
  readonly isDue: boolean;
  /** What the former step has sent of the deliveries that waited. */
  readonly released?: ReleasedRange;
}

/** What follows from the state of a breaker. */
export interface BreakerStep {
  /** Wait before the next step in milliseconds, unless something changes; null when none follows. */
  readonly waitMs: number | null;
  /** In words. */
  readonly state: string;
  readonly released?: ReleasedRange;
}

/** The activities of the workflow; idempotent. */
export interface BreakerActivities {
  /** Makes the next step of a breaker; see src/dispatch/commands/breakers.ts. */
  advanceBreaker(task: BreakerTask): Promise<BreakerStep>;
}
