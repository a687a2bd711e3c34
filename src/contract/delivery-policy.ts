/**
 * Delivery policies: what a platform decides of its deliveries where the contract allows it. This file has the document,
 * its bounds and the presets; src/contract/delivery-rules.ts has what follows from it.
 */
import { z } from 'zod';

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;

/** Maximum number of waits of a schedule. */
const MAX_WAITS = 50;
/** Longest wait, and all waits of a schedule together, in seconds. */
const MAX_WAIT_S = 7 * DAY_S;
const MAX_SCHEDULE_S = 30 * DAY_S;
/** The longest time limit of one request, in seconds. */
const MAX_TIME_LIMIT_S = 60;
/** How far Retry-After may move the next attempt at most, in seconds. */
const MAX_RETRY_AFTER_S = DAY_S;
const MAX_FACTOR = 10;
/** Maximum number of entries of a list of statuses. */
const MAX_STATUSES = 50;
/** Bounds of a circuit breaker. */
const MAX_MIN_ATTEMPTS = 10_000;
const MAX_WINDOW_S = HOUR_S;
const MAX_PROBE_AFTER_S = DAY_S;
const MAX_STAGES = 8;

/** The waits of well-known schedules, in seconds. */
export const presets = {
  /** Standard Webhooks 1.0.0, "Operational considerations": ten attempts over 75 h 35 min 5 s. */
  standard_webhooks: [5, 300, 1_800, ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR_S)],
  /** https://docs.svix.com/retries: eight attempts over 27 h 35 min 5 s. */
  svix: [5, 300, 1_800, ...[2, 5, 10, 10].map((hours) => hours * HOUR_S)],
  /**
   * https://docs.stripe.com/webhooks#automatic-retries says "for up to three days with an exponential back off". The
   * intervals are not documented; these double from five minutes, are at most half a day and end after 69 h 15 min.
   */
  stripe: Array.from({ length: 12 }, (_, index) => Math.min(300 * 2 ** index, DAY_S / 2)),
  /**
   * https://shopify.dev/changelog/updates-to-webhook-retry-mechanism, of 10 September 2024: "retried a total of 8 times
   * over 4 hours using an exponential backoff schedule". The intervals are not documented; these double from one minute
   * and end after 4 h 15 min.
   */
  shopify: Array.from({ length: 8 }, (_, index) => 60 * 2 ** index),
} as const satisfies Record<string, readonly number[]>;

const waitS = z.number().min(1).max(MAX_WAIT_S);

const presetNames = Object.keys(presets) as [keyof typeof presets, ...(keyof typeof presets)[]];

/** The fields of each form that a schedule can have. */
const scheduleForms: readonly (readonly string[])[] = [['waits'], ['initial', 'factor', 'max', 'attempts'], ['preset']];

/** A list, an exponential series or a preset: one object with optional fields, so that errors name the wrong one. */
const scheduleSchema = z
  .strictObject({
    waits: z.array(waitS).max(MAX_WAITS).optional().describe('A list: the waits after failed attempts, in seconds.'),
    initial: waitS.optional().describe('A series: its first wait, in seconds.'),
    factor: z.number().min(1).max(MAX_FACTOR).optional().describe('Each wait is so many times the one before.'),
    max: waitS.optional().describe('The longest wait, in seconds.'),
    attempts: z
      .int()
      .min(1)
      .max(MAX_WAITS + 1)
      .optional()
      .describe('Number of attempts, the first included.'),
    preset: z.enum(presetNames).optional().describe('A well-known schedule.'),
  })
  .refine((schedule) => scheduleForms.some((form) => isSame(Object.keys(schedule), form)), {
    error: 'must have either waits; or initial, factor, max and attempts; or preset',
    abort: true,
  })
  .refine((schedule) => sum(waitsInSeconds(schedule)) <= MAX_SCHEDULE_S, {
    error: 'must not take longer than 30 days in all; use fewer or shorter waits',
  });

const status = z.union([z.int().min(100).max(599), z.enum(['1xx', '2xx', '3xx', '4xx', '5xx'])]);
const statuses = z.array(status).max(MAX_STATUSES);

/** Every field is optional; src/contract/breaker.ts has the defaults. */
const breakerSchema = z
  .strictObject({
    failureRate: z
      .number()
      .min(0.01)
      .max(1)
      .optional()
      .describe('It opens when this share of the attempts in the window has failed; 0.5 by default.'),
    minAttempts: z
      .int()
      .min(1)
      .max(MAX_MIN_ATTEMPTS)
      .optional()
      .describe('Fewer attempts in the window do not open it; 10 by default.'),
    windowS: z.number().min(1).max(MAX_WINDOW_S).optional().describe('The window in seconds; 60 by default.'),
    probeAfterS: z
      .number()
      .min(1)
      .max(MAX_PROBE_AFTER_S)
      .optional()
      .describe('From opening to the first probe in seconds, 30 by default; doubles with each failed probe.'),
    maxProbeAfterS: z
      .number()
      .min(1)
      .max(MAX_PROBE_AFTER_S)
      .optional()
      .describe('The longest time between two probes in seconds; 3,600 by default.'),
    stages: z
      .int()
      .min(1)
      .max(MAX_STAGES)
      .optional()
      .describe('How many trials in a row must pass until it is closed: of 1, 2, 4, … deliveries; 6 by default.'),
  })
  .refine(({ probeAfterS = 1, maxProbeAfterS = MAX_PROBE_AFTER_S }) => probeAfterS <= maxProbeAfterS, {
    error: 'must have a maxProbeAfterS that is at least probeAfterS',
  });

/** The document; every field is optional, and an absent one is inherited. */
export const deliveryPolicySchema = z.strictObject({
  schedule: scheduleSchema.optional().describe('The waits between attempts.'),
  jitter: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Share by which each wait is shortened or lengthened at random; fixed for a delivery.'),
  timeLimitS: z.number().min(1).max(MAX_TIME_LIMIT_S).optional().describe('Longest time of one request, in seconds.'),
  acceptedStatuses: statuses
    .min(1)
    .optional()
    .describe('Statuses that accept a delivery, such as 304 or "2xx"; no others do.'),
  stopStatuses: statuses
    .optional()
    .describe('Statuses that end a delivery, such as 410 or "4xx"; no others do, except accepted ones.'),
  retryAfterMaxS: z
    .number()
    .min(0)
    .max(MAX_RETRY_AFTER_S)
    .optional()
    .describe('How far Retry-After may move the next attempt, in seconds; 0 ignores it.'),
  slowDown: z
    .strictObject({
      on: z
        .array(z.union([status, z.literal('timeout')]))
        .min(1)
        .max(MAX_STATUSES),
      factor: z.number().min(1).max(MAX_FACTOR),
    })
    .optional()
    .describe('After these outcomes the next wait is so many times as long, at most 24 hours.'),
  breaker: breakerSchema
    .nullable()
    .optional()
    .describe(
      'Circuit breaker of each subscription; null for none. In the policy of a subscription, an account or the ' +
        'installation, not of an event type.',
    ),
});

/** What one level decides: the installation, an account, an event type or a subscription. */
export type DeliveryPolicy = z.infer<typeof deliveryPolicySchema>;
export type StatusPattern = z.infer<typeof status>;

/** One of the three forms; the schema ensures that its fields are present. */
interface PolicySchedule {
  readonly waits?: readonly number[];
  readonly preset?: keyof typeof presets;
  readonly initial?: number;
  readonly factor?: number;
  readonly max?: number;
  readonly attempts?: number;
}

/** The waits of a schedule, in seconds. */
export function waitsInSeconds(schedule: PolicySchedule): readonly number[] {
  const { waits, preset, initial = 1, factor = 1, max = initial, attempts = 1 } = schedule;
  if (waits) return waits;
  if (preset) return presets[preset];
  return Array.from({ length: attempts - 1 }, (_, index) => Math.min(initial * factor ** index, max));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function isSame(names: readonly string[], form: readonly string[]): boolean {
  return names.length === form.length && form.every((name) => names.includes(name));
}
