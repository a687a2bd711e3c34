/** Batches: several events of a subscription in one request. Pure. */
import { z } from 'zod';
import type { Event } from './entities.js';
import { jsonMember, jsonObject } from './json.js';

/** How a subscription's events are put together. */
export interface BatchLimits {
  /** Maximum number of events. */
  readonly maxEvents: number;
  /** How long the first event waits for others, in milliseconds. */
  readonly maxWaitMs: number;
}

const MIN_BATCH_EVENTS = 2;
export const MAX_BATCH_EVENTS = 100;
const MIN_BATCH_WAIT_MS = 1_000;
const MAX_BATCH_WAIT_MS = 3_600_000;
/** Maximum length of a batch's body in UTF-8, unless its first event alone is longer; receivers limit what they accept. */
export const MAX_BATCH_BYTES = 1_048_576;

/** The field of a subscription that asks for batches. */
export const batchField = z
  .strictObject({
    maxEvents: z.int().min(MIN_BATCH_EVENTS).max(MAX_BATCH_EVENTS).describe('Maximum number of events.'),
    maxWaitMs: z
      .int()
      .min(MIN_BATCH_WAIT_MS)
      .max(MAX_BATCH_WAIT_MS)
      .describe('How long the first event waits for others, in milliseconds.'),
  })
  .nullable()
  .optional()
  .describe(
    'Send several events in one request, as soon as there are so many or the first one has waited so long; null for none.',
  );

/** The event type of a delivery that is a batch. */
export const BATCH_TYPE = 'pigeonpost.batch';

/** How subscriptions get batches, where a contract has them. */
export interface Batching<Options = unknown> {
  /** The limits of a subscription with these options; undefined when each event is sent alone. */
  limitsOf(options: Options): BatchLimits | undefined;
  /** The body of a batch of the events of these bodies, each of which is that of a batch of one. */
  join(bodies: readonly string[], at: Date): string;
}

/** `{"type":"batch","timestamp","data":[…]}` with one event, as `{"id","type","timestamp","data"}`, its data as it was sent. */
export function renderBatchOfOne(id: string, { type, occurredAt, text }: Event): string {
  const element = jsonObject([
    jsonMember('id', id),
    jsonMember('type', type),
    jsonMember('timestamp', occurredAt.toISOString()),
    { key: 'data', value: text },
  ]);
  return wrap([element], occurredAt);
}

/** One batch of several batches of one; `at` is when it is made. */
export function joinBatches(bodies: readonly string[], at: Date): string {
  return wrap(
    // The text before the list has no bracket, as it is a word and a time.
    bodies.map((body) => body.slice(body.indexOf('[') + 1, -']}'.length)),
    at,
  );
}

function wrap(elements: readonly string[], at: Date): string {
  return `{"type":"batch","timestamp":"${at.toISOString()}","data":[${elements.join(',')}]}`;
}

/** A delivery that waits to become a member of a batch. */
export interface Candidate {
  readonly deliveryId: string;
  /** Length of its body in UTF-8. */
  readonly bytes: number;
  /** Whether it still waits and has a body. Without a body it is sent alone, which makes the body or fails visibly. */
  readonly state: 'ready' | 'alone' | 'ended';
}

/** What becomes of the first ones that wait. */
export interface Choice<Member extends Candidate> {
  /** The members of the next batch, in their sequence. */
  readonly members: readonly Member[];
  readonly alone: readonly Member[];
  /** How many of the candidates wait no more: members, those that are sent alone, and those that have ended. */
  readonly consumed: number;
  /** Whether the next ones are due as well: they had to wait for another reason than their number. */
  readonly isNextDue: boolean;
}

/**
 * Chooses the members of the next batch among the first that wait: a batch has at most `maxEvents` and `maxBytes`, unless its
 * first event alone is longer. One that cannot be a member ends the batch before it, so that none passes another.
 */
export function chooseMembers<Member extends Candidate>(
  candidates: readonly Member[],
  { maxEvents, maxBytes }: { readonly maxEvents: number; readonly maxBytes: number },
): Choice<Member> {
  const members: Member[] = [];
  let bytes = 0;
  let consumed = 0;
  for (const candidate of candidates) {
    const { state } = candidate;
    if (state === 'alone') {
      if (members.length > 0) return { members, alone: [], consumed, isNextDue: true };
      return { members, alone: [candidate], consumed: consumed + 1, isNextDue: true };
    }
    if (state === 'ready') {
      if (members.length === maxEvents) break;
      if (members.length > 0 && bytes + candidate.bytes > maxBytes)
        return { members, alone: [], consumed, isNextDue: true };
      members.push(candidate);
      bytes += candidate.bytes;
    }
    consumed += 1;
  }
  return { members, alone: [], consumed, isNextDue: false };
}
