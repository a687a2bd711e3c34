/** Other work on the machine: a loop that uses one core. */
import { nowMs } from '../clock.js';
import { serve } from './remote.js';

/** How long it computes before it looks whether it is to end, in milliseconds. */
const ROUND_MS = 50;

function compute(): void {
  const untilMs = nowMs() + ROUND_MS;
  while (nowMs() < untilMs);
  setImmediate(compute);
}

export const busy = serve({
  /** Uses a core until the process is stopped. */
  begin(): void {
    compute();
  },
});
export type BusyMethods = typeof busy;
