import { setTimeout as sleep } from 'node:timers/promises';

/** A condition that is polled until it is true. */
export type Condition = () => boolean | Promise<boolean>;

/**
 * Waits until `condition` holds, asking every `everyMs`.
 *
 * @returns whether the condition became true within `timeoutMs`
 */
export async function waitUntil(condition: Condition, timeoutMs: number, everyMs = 50): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() >= deadline) return false;
    await sleep(everyMs);
  }
}

/** The time since `startedMs` (of `performance.now()`), as people write it: `40 s`, `2 min 10 s`. */
export function elapsed(startedMs: number): string {
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
