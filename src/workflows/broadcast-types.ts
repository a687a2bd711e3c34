/** Payloads between the workflow of a broadcast, its activities and the API. */

export const broadcastStates = ['running', 'paused', 'completed', 'cancelled'] as const;
export type BroadcastState = (typeof broadcastStates)[number];

export interface BroadcastInput {
  readonly broadcastId: string;
}

/** What became of a page. */
export interface BroadcastPage {
  /** The state after it; pages follow while it is `running`. */
  readonly state: BroadcastState;
  /** Accounts of the page. */
  readonly accounts: number;
  /** Accounts processed so far, of all. */
  readonly processed: number;
  readonly total: number;
  /** Accounts per second, as the last request asked for. */
  readonly ratePerSecond: number;
}

/** The activities of the workflow; idempotent. */
export interface BroadcastActivities {
  /** Emits the event to the next accounts, as many as the rate allows in one second. */
  broadcastPage(input: BroadcastInput): Promise<BroadcastPage>;
  /** Records that the broadcast was cancelled in Temporal. */
  cancelBroadcast(input: BroadcastInput): Promise<void>;
}
