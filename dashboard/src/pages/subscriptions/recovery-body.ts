/** From the fields of the form to what the API takes, and from its counts to what is said of them. */
import type { RecoveryCount } from '../../api/shapes.js';

export const recoverable = ['retrying', 'failed', 'cancelled', 'delivered', 'missing'] as const;

export type RecoverableState = (typeof recoverable)[number];

/** How many there are of each state, in the order of the form; states of which there is none are omitted. */
export function countsByState({ counts }: RecoveryCount): { state: RecoverableState; count: number }[] {
  return recoverable
    .map((state) => ({
      state,
      count: counts.filter((each) => each.state === state).reduce((sum, { count }) => sum + count, 0),
    }))
    .filter(({ count }) => count > 0);
}

interface Chosen {
  /** Ignored with `from`. */
  readonly hours: number;
  /** As the fields of a browser have a time: without a zone, in the reader's own. Empty for none. */
  readonly from?: string;
  readonly to?: string;
  readonly ratePerSecond?: number;
  readonly states: readonly RecoverableState[];
  readonly types: readonly string[];
}

/** A recovery of the hours before `now`, or of a period of its own. */
export function recoveryBody({ hours, from, to, ratePerSecond, states, types }: Chosen, now: Date) {
  return {
    from: from ? new Date(from).toISOString() : new Date(now.getTime() - hours * 3_600_000).toISOString(),
    to: to ? new Date(to).toISOString() : now.toISOString(),
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
    states: [...states],
    types: [...types],
    // The form says of these that they are sent once more.
    allowDelivered: states.includes('delivered'),
  };
}
