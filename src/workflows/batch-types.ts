/** Payloads between a batch's workflow and its activity. Like types.ts they hold ids and schedules only. */

/** Deliveries with the same schedule and time limit. Frozen at the start. */
export interface BatchGroup {
  /** The waits after failed attempts, in milliseconds. */
  readonly schedule: readonly number[];
  /** The longest time one request may take, in milliseconds. */
  readonly timeLimitMs: number;
  readonly deliveryIds: readonly string[];
}

/** Starts a batch. */
export interface BatchInput {
  readonly groups: readonly BatchGroup[];
}

/** How many deliveries of a batch ended in which way. */
export interface BatchReport {
  readonly accepted: number;
  /** Deliveries for which a workflow was started. */
  readonly startedIndividually: number;
  /** Deliveries that another batch or workflow owns. */
  readonly skipped: number;
}

/** The activities of a batch. */
export interface BatchActivities {
  /** Makes the first attempt of each delivery, and starts a workflow for each that is not accepted. */
  processBatch(input: BatchInput): Promise<BatchReport>;
}
