/** From the fields of the form to what the API takes. */
export const recoverable = ['failed', 'cancelled', 'delivered', 'missing'] as const;

export type RecoverableState = (typeof recoverable)[number];

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
  };
}
