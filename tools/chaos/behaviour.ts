/** How a receiver behaves towards an event it gets for the n-th time. Pure: the same seed, the same behaviour. */
import type { ReceiverKind } from './plan.js';
import { randomFor } from './random.js';

/** What a receiver does with one request; durations in milliseconds. */
export type Reaction =
  | { readonly kind: 'response'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Responds with 200 after a wait that the sender has the patience for, or not. */
  | { readonly kind: 'wait'; readonly forMs: number }
  /** Sends its 200 a few bytes at a time. */
  | { readonly kind: 'trickle'; readonly forMs: number }
  /** Never responds. */
  | { readonly kind: 'hang' }
  /** Closes the connection: before any byte of the response, or in the middle of it. */
  | { readonly kind: 'close'; readonly midway: boolean };

/** Responds with 200 at once. */
export const ACCEPT: Reaction = { kind: 'response', status: 200 };
const REFUSALS: readonly Reaction[] = [
  { kind: 'response', status: 500 },
  { kind: 'response', status: 404 },
  { kind: 'response', status: 503, headers: { 'retry-after': '1' } },
  { kind: 'response', status: 429, headers: { 'retry-after': '2' } },
];

/** `arrival` counts the arrivals of event `n` at this receiver from 0; `timeLimitMs` is the contract's. */
export function react(seed: number, kind: ReceiverKind, n: number, arrival: number, timeLimitMs: number): Reaction {
  const random = randomFor(seed, `${kind}/${n}/${arrival}`);
  const failures = randomFor(seed, `${kind}/${n}`).between(1, 2);
  switch (kind) {
    case 'accepts':
      return ACCEPT;
    case 'refuses':
      return arrival < failures ? REFUSALS[random.between(0, REFUSALS.length - 1)]! : ACCEPT;
    case 'hangs':
      return arrival === 0 ? { kind: 'hang' } : ACCEPT;
    case 'late':
      return arrival === 0 ? { kind: 'wait', forMs: timeLimitMs + random.between(200, 1_000) } : ACCEPT;
    case 'too-late':
      return arrival === 0 ? { kind: 'wait', forMs: 2 * timeLimitMs } : ACCEPT;
    case 'closes':
      return arrival < failures ? { kind: 'close', midway: random.chance(0.5) } : ACCEPT;
    case 'slow':
      return { kind: 'trickle', forMs: random.between(500, 4_000) };
    case 'fails':
      return { kind: 'response', status: 500 };
  }
}
