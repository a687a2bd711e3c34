/** Payloads between the workflow that sends what waited during a pause, its activities and the API. */

/** What was paused: a subscription, or all of an account when `subscriptionId` is null. */
export interface PauseScope {
  readonly accountId: string;
  readonly subscriptionId: string | null;
}

/** What became of a page of waiting deliveries. */
export interface ResumedPage {
  readonly resumed: number;
  /** Deliveries per second, as the last request asked for; 0 when no page follows. */
  readonly ratePerSecond: number;
}

/** The activities of the workflow; idempotent. */
export interface ResumeActivities {
  /** Resumes the oldest waiting deliveries of a scope, as many as its rate allows in one second. */
  resumePage(scope: PauseScope): Promise<ResumedPage>;
}
