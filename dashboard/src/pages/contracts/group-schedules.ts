/** Events that are tried alike, together. */
import type { Contract } from '../../api/shapes.js';

export interface ScheduleGroup {
  /** The event types that share it. */
  readonly types: readonly string[];
  /** Waits between attempts, in milliseconds. */
  readonly waits: readonly number[];
  readonly timeLimitMs: number;
}

/** One group for each schedule and time limit, in the order of the events. */
export function groupSchedules(events: Contract['events']): ScheduleGroup[] {
  const groups = new Map<string, ScheduleGroup>();
  for (const { type, schedule: waits, timeLimitMs } of events) {
    const key = JSON.stringify([waits, timeLimitMs]);
    groups.set(key, { waits, timeLimitMs, types: [...(groups.get(key)?.types ?? []), type] });
  }
  return [...groups.values()];
}

/** When each attempt is made, in milliseconds after the first, if each before it fails at once. */
export function attemptTimes(waits: readonly number[]): number[] {
  return waits.reduce<number[]>((times, wait) => [...times, (times.at(-1) ?? 0) + wait], [0]);
}
