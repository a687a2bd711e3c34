/** Schemas of requests and responses, for validation and for the OpenAPI document. */
import { z } from 'zod';
import { workflowModes } from '../config/defaults.js';
import '../http/openapi.js';
import { priorities } from '../contract/timing.js';
import { environments } from '../store/accounts/accounts.js';
import { scopes } from '../store/accounts/api-keys.js';
import { deliveryPolicySchema } from '../contract/delivery-policy.js';
import { deliveryStates } from '../store/deliveries/deliveries.js';
import { tlsClientShown } from './subscriptions/tls-client.js';

/**
 * Text without control characters and lone surrogates; PostgreSQL cannot store NUL and lone surrogates. Not with
 * `regex`, which would put the pattern with its flag into the OpenAPI document.
 */
export const line = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), 'must not hold control characters or halves of surrogate pairs');

export const time = z.iso.datetime({ offset: true });

/** Of a subscription or account: its pause, and what is sent afterwards. */
const pauseFields = {
  pausedAt: time.nullable().describe('Since when its deliveries wait; null while it is not paused.'),
  pausedReason: z.string().nullable(),
  resumeRatePerSecond: z
    .int()
    .nullable()
    .describe('Rate at which deliveries that waited during a pause are being sent; null at other times.'),
};

/** Paging of lists. */
export const paging = z.strictObject({
  limit: z.coerce.number().int().min(1).max(250).default(50).describe('Maximum number of entries.'),
  cursor: z.string().max(200).optional().describe('nextCursor of the previous page.'),
});

/** A delivery policy in requests and responses. Without a name of its own in OpenAPI, where null is allowed in some places only. */
export const policySchema = deliveryPolicySchema;

/** A page of a list. */
export const pageOf = (item: z.ZodType) => z.object({ data: z.array(item), nextCursor: z.string().nullable() });

export const accountSchema = z
  .object({
    id: z.string(),
    provider: z.string(),
    name: z.string(),
    scope: z.record(z.string(), z.unknown()).describe("The provider's own ids for this customer."),
    settings: z.record(z.string(), z.unknown()).describe("Settings of the provider's contract."),
    validatePayloads: z.boolean(),
    receivesOperationalEvents: z.boolean().describe('Whether it receives operational events.'),
    disableAfterHours: z.int().nullable().describe('Hours of failure that disable a subscription; null for never.'),
    retentionDays: z
      .int()
      .nullable()
      .describe('Days to keep events, deliveries and attempts; 0 for indefinitely, null for the default.'),
    dispatchWeight: z.int().describe('How many of its deliveries are started per round.'),
    maxSubscriptions: z.int().nullable().describe('Maximum number of subscriptions; null for the default.'),
    externalId: z.string().nullable().describe('Your own id of the account, usable in paths instead of its id.'),
    metadata: z.record(z.string(), z.string()),
    contactEmail: z.string().nullable().describe('Where alerts for the customer are sent; null for nowhere.'),
    environment: z.enum(environments),
    workflows: z.enum(workflowModes).nullable().describe('When its deliveries get a workflow; null for the default.'),
    featureFlags: z.array(z.string()).describe('It sees event types that have one of these flags.'),
    ...pauseFields,
    policy: policySchema.nullable().describe('Its delivery policy; null without one.'),
    parentId: z
      .string()
      .nullable()
      .describe("The account that has created it through its provider's API; null for those of the operator."),
    createdAt: time,
  })
  .openapi('Account');

export const apiKeySchema = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    scopes: z.array(z.enum(scopes)),
    hint: z.string().describe("The key's last characters."),
    createdAt: time,
    expiresAt: time.nullable().describe('From when on it is rejected; null for never.'),
    lastUsedAt: time.nullable().describe('Its last use, to the minute; null before the first one.'),
  })
  .openapi('ApiKey');

/** A new API key itself, beside what is shown of it later. */
export const withKey = z.object({ apiKey: z.string().describe("In the provider's own format. Shown only once.") });

const healthSchema = z
  .object({
    failingSince: time
      .nullable()
      .describe('Time of the first failed attempt since the last accepted one; null without failures.'),
    lastFailureAt: time.nullable(),
    consecutiveFailures: z.int().describe('Failed attempts since the last accepted one.'),
    disablesAt: time
      .nullable()
      .describe(
        'A failed attempt from this time on disables the subscription, unless one is accepted before; null for never.',
      ),
  })
  .openapi('Health');

const breakerSchema = z
  .object({
    state: z.enum(['open', 'closing']).describe('Open: it waits for its next probe. Closing: some trials have passed.'),
    since: time.describe('When it opened.'),
    attempts: z.int().describe('Attempts in the window when it opened.'),
    failures: z.int().describe('How many of these had failed.'),
    failedProbes: z.int().describe('Trials that have failed since.'),
    nextProbeAt: time.nullable().describe('Null while deliveries are tried.'),
    atOnce: z.int().describe('How many deliveries the trial in progress, or the next one, sends at once.'),
    waiting: z
      .int()
      .optional()
      .describe('Deliveries that wait, counted up to 10,000; only where one subscription is read.'),
  })
  .openapi('CircuitBreaker');

export const subscriptionSchema = z
  .looseObject({
    id: z.string(),
    reference: z.string().describe("Id of this subscription in the provider's own API and payloads."),
    accountId: z.string(),
    provider: z.string(),
    url: z.string().nullable().describe('Null for one that is polled.'),
    eventTypes: z.array(z.string()),
    description: z.string().nullable(),
    enabled: z.boolean(),
    disabledReason: z.string().nullable().describe('Reason, unless its owner disabled it.'),
    disabledAt: time.nullable(),
    ...pauseFields,
    breaker: breakerSchema
      .nullable()
      .optional()
      .describe('Its circuit breaker while that is not closed. Absent where the contract has none.'),
    health: healthSchema.optional().describe('Only when subscriptions are read; not in the response to a change.'),
    headers: z.record(z.string(), z.string()).describe('Values are masked.'),
    maxConcurrentAttempts: z.int().nullable().describe('Maximum attempts in flight; null for the default.'),
    ratePerSecond: z.number().nullable().describe('Maximum attempts started per second; null for no limit.'),
    tlsClient: tlsClientShown,
    filter: z
      .record(z.string(), z.unknown())
      .nullable()
      .optional()
      .describe('Which events it receives besides its event types; null for all. Absent without filters.'),
    transformation: z
      .string()
      .nullable()
      .optional()
      .describe('JSONata expression that makes the payload; null for none. Absent without transformations.'),
    policy: policySchema.nullable().describe('Its delivery policy; null without one.'),
    createdAt: time,
    updatedAt: time,
    secret: z.string().optional().describe('Secret with which the receiver verifies requests; only on creation.'),
  })
  .openapi('Subscription');

export const acceptedEventSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    deliveries: z.array(
      z.object({
        id: z.string(),
        subscriptionId: z.string(),
        workflowId: z
          .string()
          .describe(
            'The id of its workflow. A delivery whose first attempt is made without a workflow may never get one.',
          ),
      }),
    ),
  })
  .openapi('AcceptedEvent');

export const deliverySchema = z
  .object({
    id: z.string(),
    eventId: z.string(),
    accountId: z.string(),
    accountName: z.string().nullable(),
    subscriptionId: z.string(),
    url: z.string().nullable().describe("The subscription's current URL."),
    provider: z.string(),
    type: z.string(),
    state: z.enum(deliveryStates),
    stateReason: z.string().nullable().describe('Why it is paused, failed or cancelled.'),
    attemptCount: z.int(),
    redeliveries: z.int(),
    lastStatus: z.int().nullable(),
    lastReason: z.string().nullable(),
    nextAttemptAt: time.nullable(),
    deliverAt: time.nullable().describe('No attempt is made before this time; null for none.'),
    expiresAt: time.nullable().describe('No attempt is made from this time on; null for never.'),
    supersedes: z.string().nullable().describe('A newer event with this key cancels it while it waits.'),
    priority: z.enum(priorities),
    orderingKey: z.string().nullable(),
    blocked: z.boolean().describe('Whether it waits until an earlier delivery of its ordering key has ended.'),
    waitsForBatch: z.boolean().describe('Whether it waits for others of its subscription, with which it is sent.'),
    batchId: z.string().nullable().describe('The delivery that sends it with others; its outcome is that one’s.'),
    batchEvents: z.int().nullable().describe('How many events it sends, if it is a batch; null for one event.'),
    workflowId: z
      .string()
      .nullable()
      .describe('Its workflow; null before a first attempt that is made without one, and after it if it was accepted.'),
    temporalUrl: z
      .string()
      .nullable()
      .describe("The workflow in Temporal's UI; null for accounts, and without a workflow."),
    createdAt: time,
    updatedAt: time,
    settledAt: time.nullable(),
  })
  .openapi('Delivery');

/** A header of a shown request. */
export const headerSchema = z.object({ name: z.string(), value: z.string() });

const timingsSchema = z
  .object({
    dnsMs: z.number().optional(),
    connectMs: z.number().optional(),
    tlsMs: z.number().optional(),
    firstByteMs: z.number().optional().describe('From sending the request to the response headers.'),
    totalMs: z.number(),
  })
  .openapi('Timings');

export const attemptSchema = z
  .object({
    number: z.int(),
    run: z.int().describe('Number of the redelivery; 0 for the original delivery.'),
    startedAt: time,
    durationMs: z.int().nullable(),
    timings: timingsSchema.nullable().describe('Durations of its parts; a reused connection has no DNS, TCP and TLS.'),
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
