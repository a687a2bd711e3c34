/** What crosses the border between a burst's workflow and its activities; as in types.ts, ids and schedule facts only. */

/** Deliveries that share a schedule and a time limit. Frozen at the start. */
export interface BurstGroup {
  /** The waits after failed attempts, in milliseconds. */
  readonly schedule: readonly number[];
  /** The longest time one exchange may take, in milliseconds. */
  readonly timeLimitMs: number;
  readonly deliveryIds: readonly string[];
}

/** Starts a burst. */
export interface BurstInput {
  readonly groups: readonly BurstGroup[];
}

/** What became of the deliveries of a burst. */
export interface BurstReport {
  readonly accepted: number;
  /** Those that got a workflow of their own. */
  readonly handedOver: number;
  /** Those that were somebody else's business. */
  readonly left: number;
}

/** The activities of a burst. */
export interface BurstActivities {
  /** Makes the first attempt of each delivery, and gives a workflow of its own to each that is not accepted. */
  carry(input: BurstInput): Promise<BurstReport>;
}
