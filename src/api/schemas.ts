/** Shapes of requests and answers, shared by validation and the OpenAPI document. */
import { z } from 'zod';
import '../http/openapi.js';
import { deliveryStates } from '../store/deliveries/deliveries.js';
import { tlsClientShown } from './subscriptions/tls-client.js';

/**
 * Text without control characters and halves of surrogate pairs; PostgreSQL could not keep NUL and the halves. Not by
 * `regex`, which would put the pattern into the OpenAPI document with its flag.
 */
export const line = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), 'must not hold control characters or halves of surrogate pairs');

export const time = z.iso.datetime({ offset: true });

/** Paging of lists: as many as `limit`, from `cursor` on. */
export const paging = z.strictObject({
  limit: z.coerce.number().int().min(1).max(250).default(50).describe('How many to return.'),
  cursor: z.string().max(200).optional().describe('nextCursor of the page before.'),
});

/** A page of a list. */
export const pageOf = (item: z.ZodType) => z.object({ data: z.array(item), nextCursor: z.string().nullable() });

export const accountSchema = z
  .object({
    id: z.string(),
    provider: z.string(),
    name: z.string(),
    scope: z.record(z.string(), z.unknown()).describe("The provider's own ids for this customer."),
    settings: z.record(z.string(), z.unknown()).describe('Choices among what the contract leaves open.'),
    validatePayloads: z.boolean(),
    receivesOperationalEvents: z.boolean().describe('Whether operational events are emitted to it.'),
    disableAfterHours: z.int().nullable().describe('Hours of failure that disable a subscription; null for never.'),
    retentionDays: z
      .int()
      .nullable()
      .describe("Days that what happened is kept for; 0 for ever, null for the setting's."),
    dispatchWeight: z.int().describe('How many of its deliveries are started in its turn.'),
    maxSubscriptions: z.int().nullable().describe("How many subscriptions it may have; null for the setting's."),
    createdAt: time,
  })
  .openapi('Account');

export const apiKeySchema = z
  .object({
    id: z.string(),
    hint: z.string().describe("The key's last characters."),
    createdAt: time,
  })
  .openapi('ApiKey');

const healthSchema = z
  .object({
    failingSince: time.nullable().describe('The first failed attempt since one was accepted; null while it is well.'),
    lastFailureAt: time.nullable(),
    consecutiveFailures: z.int().describe('Failed attempts since one was accepted.'),
    disablesAt: time
      .nullable()
      .describe('A failed attempt from this time on disables it, unless one is accepted before; null for never.'),
  })
  .openapi('Health');

export const subscriptionSchema = z
  .looseObject({
    id: z.string(),
    reference: z.string().describe("The id by which the provider's own API and payloads know this subscription."),
    accountId: z.string(),
    provider: z.string(),
    url: z.string(),
    eventTypes: z.array(z.string()),
    description: z.string().nullable(),
    enabled: z.boolean(),
    disabledReason: z.string().nullable().describe('Why, where it was not its owner who disabled it.'),
    disabledAt: time.nullable(),
    health: healthSchema.optional().describe('Where subscriptions are read; not in the answer to a change.'),
    headers: z.record(z.string(), z.string()).describe('Values are masked.'),
    maxConcurrentAttempts: z.int().nullable().describe('Attempts under way at once; null for as many as usual.'),
    ratePerSecond: z.number().nullable().describe('Attempts begun per second at most; null for any number.'),
    tlsClient: tlsClientShown,
    createdAt: time,
    updatedAt: time,
    secret: z.string().optional().describe('What a receiver verifies with; on creation only.'),
  })
  .openapi('Subscription');

export const acceptedEventSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    deliveries: z.array(z.object({ id: z.string(), subscriptionId: z.string(), workflowId: z.string() })),
  })
  .openapi('AcceptedEvent');

export const deliverySchema = z
  .object({
    id: z.string(),
    eventId: z.string(),
    accountId: z.string(),
    subscriptionId: z.string(),
    url: z.string().nullable().describe("The subscription's address as it is now."),
    provider: z.string(),
    type: z.string(),
    state: z.enum(deliveryStates),
    stateReason: z.string().nullable().describe('Why it is paused, failed or cancelled.'),
    attemptCount: z.int(),
    redeliveries: z.int(),
    lastStatus: z.int().nullable(),
    lastReason: z.string().nullable(),
    nextAttemptAt: time.nullable(),
    workflowId: z.string().describe('Its own workflow, or the batch in which it was accepted.'),
    temporalUrl: z.string().nullable().describe("The workflow in Temporal's UI; null for accounts."),
    createdAt: time,
    updatedAt: time,
    settledAt: time.nullable(),
  })
  .openapi('Delivery');

/** A header as requests are shown with. */
export const headerSchema = z.object({ name: z.string(), value: z.string() });

const timingsSchema = z
  .object({
    dnsMs: z.number().optional(),
    connectMs: z.number().optional(),
    tlsMs: z.number().optional(),
    firstByteMs: z.number().optional().describe('From sending the request to the headers of the answer.'),
    totalMs: z.number(),
  })
  .openapi('Timings');

export const attemptSchema = z
  .object({
    number: z.int(),
    run: z.int().describe('Which redelivery made it; 0 for the delivery itself.'),
    startedAt: time,
    durationMs: z.int().nullable(),
    timings: timingsSchema.nullable().describe('How long its parts took; a connection used again skips the first.'),
    outcome: z.enum(['accepted', 'refused', 'failed', 'interrupted']),
    status: z.int().nullable(),
    reason: z.string().nullable().describe('One word, such as status, timeout, refused, dns, tls or blocked.'),
    message: z.string().nullable(),
    url: z.string().nullable(),
    requestHeaders: z.array(headerSchema).nullable(),
    responseHeaders: z.record(z.string(), z.string()).nullable(),
    responseExcerpt: z.string().nullable(),
    responseTruncated: z.boolean().nullable(),
  })
  .openapi('Attempt');
