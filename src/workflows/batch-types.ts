/** What crosses the border between a batch's workflow and its activities; as in types.ts, ids and schedule facts only. */

/** Deliveries that share a schedule and a time limit. Frozen at the start. */
export interface BatchGroup {
  /** The waits after failed attempts, in milliseconds. */
  readonly schedule: readonly number[];
  /** The longest time one exchange may take, in milliseconds. */
  readonly timeLimitMs: number;
  readonly deliveryIds: readonly string[];
}

/** Starts a batch. */
export interface BatchInput {
  readonly groups: readonly BatchGroup[];
}

/** What became of the deliveries of a batch. */
export interface BatchReport {
  readonly accepted: number;
  /** Those that got a workflow of their own. */
  readonly startedIndividually: number;
  /** Those that were somebody else's business. */
  readonly skipped: number;
}

/** The activities of a batch. */
export interface BatchActivities {
  /** Makes the first attempt of each delivery, and gives a workflow of its own to each that is not accepted. */
  processBatch(input: BatchInput): Promise<BatchReport>;
}
