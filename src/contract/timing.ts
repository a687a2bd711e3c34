/** When the deliveries of an event are made, and which of an account's deliveries come first. Pure. */
import { hours } from './schedule.js';

/** The first comes first. */
export const priorities = ['high', 'normal', 'low'] as const;
export type Priority = (typeof priorities)[number];

/** As they are stored: the lowest number comes first. */
export const PRIORITY_NUMBERS: Readonly<Record<Priority, number>> = { high: 1, normal: 2, low: 3 };

/** The priority of a stored number. */
export function priorityOf(number: number): Priority {
  return priorities[number - 1] ?? 'normal';
}

/** What an event says about the times of its deliveries; each field is optional. */
export interface EventTiming {
  /** No attempt is made before this time. */
  readonly deliverAt?: Date;
  /** No attempt is made from this time on; what is not accepted by then fails. */
  readonly expiresAt?: Date;
  /** Deliveries of older events of the account with the same key are cancelled while they wait. */
  readonly supersedes?: string;
  /** Normal when absent. */
  readonly priority?: Priority;
}

/** How far in the future an event may be delivered. */
export const MAX_DELIVER_AFTER_MS = hours(30 * 24);
/** How far in the future an event may expire: a delivery at the latest time and its whole schedule fit in. */
export const MAX_EXPIRE_AFTER_MS = hours(60 * 24);

/** What is wrong with the times of an event that is accepted at `now`: the field and the message; undefined if nothing is. */
export function timingProblem(
  { deliverAt, expiresAt }: EventTiming,
  now: Date,
): { readonly field: keyof EventTiming; readonly message: string } | undefined {
  if (deliverAt && deliverAt.getTime() > now.getTime() + MAX_DELIVER_AFTER_MS)
    return { field: 'deliverAt', message: 'must be at most 30 days in the future' };
  if (!expiresAt) return undefined;
  if (expiresAt <= now) return { field: 'expiresAt', message: 'must be in the future' };
  if (expiresAt.getTime() > now.getTime() + MAX_EXPIRE_AFTER_MS)
    return { field: 'expiresAt', message: 'must be at most 60 days in the future' };
  if (deliverAt && expiresAt <= deliverAt) return { field: 'expiresAt', message: 'must be after deliverAt' };
  return undefined;
}

/**
 * Whether the deliveries of an event need a workflow from the start. A sender makes its attempts from memory, so it would
 * not see that a delivery was superseded, and it has no timers.
 */
export function needsWorkflow({ deliverAt, expiresAt, supersedes }: EventTiming): boolean {
  return deliverAt !== undefined || expiresAt !== undefined || supersedes !== undefined;
}
