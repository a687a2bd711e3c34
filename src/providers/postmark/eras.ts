/**
 * What Postmark changed in 2026: which responses it accepts, which it retries and when.
 *
 * Classic is the contract of the webhooks overview up to spring 2026, of the vendor's skill `postmark-webhooks` 1.0.0
 * and of all its SDKs. The rules of 2026 are those of the overview of September 2026 and of the skill 1.1.0. They apply
 * to outbound webhooks only: inbound mail uses the classic rules in both contracts.
 * https://postmarkapp.com/developer/webhooks/webhooks-overview
 */
import { ACCEPTED, isSuccess, RETRY } from '../../contract/contract.js';
import { hours, minutes, type Schedule } from '../../contract/schedule.js';
import type { ResponseClass } from '../../contract/types.js';
import { INBOUND } from './streams.js';

export const eras = ['classic', '2026'] as const;
export type Era = (typeof eras)[number];

export interface Rules {
  schedule(eventType: string): Schedule;
  classifyResponse(status: number): ResponseClass;
  readonly maxRedirects: number;
}

/** "Click, Open, Delivery, and Subscription Change": 3 retries over 21 min. */
const SHORT: Schedule = [1, 5, 15].map(minutes);

/** The table of September 2026, for every trigger: 6 retries over 51 min. */
const SINGLE: Schedule = [1, 5, 10, 10, 10, 15].map(minutes);

/** "Bounce and Inbound": 10 retries over 10 h 21 min, which the documentation rounds to 10.5 h. */
const LONG: Schedule = [...SINGLE, minutes(30), hours(1), hours(2), hours(6)];

/** The classic page omits SpamComplaint. Its body is that of a bounce, so it uses the schedule of a bounce. */
const ON_LONG_SCHEDULE = new Set(['Bounce', 'SpamComplaint', INBOUND]);

/** Temporary client errors, retried like server errors. */
const PASSING = new Set([408, 429]);

const classic: Rules = {
  schedule: (eventType) => (ON_LONG_SCHEDULE.has(eventType) ? LONG : SHORT),
  classifyResponse: (status) => {
    if (status === 200) return ACCEPTED;
    return status === 403 ? refusal(status) : RETRY;
  },
  maxRedirects: 0,
};

const since2026: Rules = {
  schedule: () => SINGLE,
  classifyResponse: (status) => {
    if (isSuccess(status)) return ACCEPTED;
    return status >= 400 && status <= 499 && !PASSING.has(status) ? refusal(status) : RETRY;
  },
  maxRedirects: 10,
};

/** The rules for an event type. */
export function rulesOf(era: Era, eventType: string): Rules {
  return era === 'classic' || eventType === INBOUND ? classic : since2026;
}

function refusal(status: number): ResponseClass {
  return { kind: 'stop', reason: `the receiver responded with ${status}, which Postmark does not retry` };
}
