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
  readonly hours: number;
  readonly states: readonly RecoverableState[];
  readonly types: readonly string[];
}

/** A recovery of the hours before `now`. */
export function recoveryBody({ hours, states, types }: Chosen, now: Date) {
  return {
    from: new Date(now.getTime() - hours * 3_600_000).toISOString(),
    to: now.toISOString(),
    states: [...states],
    types: [...types],
    // The form says of these that they are sent once more.
    allowDelivered: states.includes('delivered'),
  };
}
