/** Accepts events, one or many per request. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { duplicateKey, jsonElements, jsonMembers, minifyJson, type JsonMember } from '../contract/json.js';
import type { AnyContract } from '../contract/types.js';
import { describe, fanOut, type AcceptedEvent, type EventInput, type FanOut } from '../dispatch/fan-out.js';
import { IdempotentReplay } from '../dispatch/commit.js';
import type { CommitSize } from '../dispatch/commit-size.js';
import type { Planner } from '../dispatch/event-writer.js';
import { contractOf } from '../providers/registry.js';
import type { StoredAccount } from '../store/accounts/accounts.js';
import type { CachedSubscriptions } from '../store/subscriptions/subscription-cache.js';
import { findEvent } from '../store/events/events.js';
import { annotateSpan, inSpan } from '../telemetry/tracing.js';
import { acceptEvents } from './accept-events.js';
import type { ApiContext } from './context.js';
import { checkEvent } from './event-types/checks.js';
import { namedTwice } from '../http/json-body.js';
import { canSee } from '../http/principal.js';
import { invalid, invalidField, notFound, Problem } from '../http/problem.js';
import { problemSchema } from '../http/openapi.js';
import { addRoute, type Routing } from '../http/route.js';
import { acceptedEventSchema, line, time } from './schemas.js';

const tag = 'Events';
const params = z.object({ id: z.string() });

const eventFields = z.strictObject({
  type: line(255).min(1).describe("The provider's own event name."),
  data: z.unknown().nonoptional().describe("The provider's own payload; sent to the receiver unchanged."),
  occurredAt: time.optional().describe('Time of the event; now when absent.'),
  channels: z.array(line(128).min(1)).max(10).optional().describe('Only for contracts with channels.'),
  orderingKey: line(128)
    .min(1)
    .optional()
    .describe(
      'Only for contracts with ordering keys. Deliveries of one key to one subscription are made one after the other, in ' +
        'the sequence in which their events were accepted.',
    ),
});
const batchFields = z.strictObject({ events: z.array(z.unknown()).min(1).max(1_000) });
const idempotencyKey = z.object({
  'Idempotency-Key': z.string().optional().describe('A repeated request with the same key gets the first response.'),
});

/** One result of a batch: the response for a single event, or its problem. */
const resultSchema = z.union([acceptedEventSchema, problemSchema]);
type Result = AcceptedEvent | ReturnType<Problem['toJSON']>;

export function eventRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/accounts/{id}/events',
      tag,
      summary: 'Emit an event, or up to 1,000',
      description:
        'Responds after the events and their deliveries are committed. A batch has one result per event, in order; ' +
        'a rejected event does not affect the others.',
      params,
      headers: idempotencyKey,
      body: z.union([eventFields, batchFields]),
      readsBodyItself: true,
      responses: {
        status: 202,
        description: 'Accepted',
        schema: z.union([acceptedEventSchema, z.object({ results: z.array(resultSchema) })]),
      },
    },
    async ({ params, request, principal }) => {
      if (!canSee(principal, params.id)) throw notFound('account');
      const text = request.bodyText ?? '';
      const single = isBatch(request.body) ? undefined : text;
      const batch = single === undefined ? elements(text) : [];
      const planner: Planner<unknown> = (entry, size) => {
        const events: FanOut[] = [];
        const reply =
          single === undefined
            ? { results: batch.map((element) => planOrReject(context, entry, element, events, size)) }
            : describe(plan(context, entry, single, events, size));
        annotateSpan({ 'pigeonpost.provider': entry.account.provider, 'pigeonpost.events': events.length });
        return { events, reply };
      };
      await context.eventTypes.ready();
      // Continues the caller's trace, if any.
      const traceparent = request.get('traceparent');
      return inSpan('emit', { traceparent, attributes: { 'pigeonpost.account.id': params.id } }, () =>
        accept(context, params.id, planner, text, request.get('idempotency-key')),
      );
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/events/{id}',
      tag,
      summary: 'Get an event',
      forAccounts: true,
      params,
      responses: {
        status: 200,
        description: 'The event',
        schema: eventFields
          .omit({ orderingKey: true })
          .extend({ id: z.string(), accountId: z.string(), createdAt: time })
          .loose(),
      },
    },
    async ({ params, response, principal }) => {
      const event = await findEvent(store, params.id);
      if (!event || !canSee(principal, event.accountId)) throw notFound('event');
      const { text, ...rest } = event;
      // Inserted as text, so that the payload is exactly as it was sent.
      response.type('json').send(`${JSON.stringify(rest).slice(0, -1)},"data":${text}}`);
    },
  );
}

/** Accepts events; a repeated request with the same key gets the first response. */
async function accept(
  context: ApiContext,
  accountId: string,
  planner: Planner<unknown>,
  text: string,
  key: string | undefined,
): Promise<unknown> {
  if (key !== undefined && !/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw invalidField('Idempotency-Key', 'must be 1 to 255 printable ASCII characters');
  }
  if (key === undefined) return acceptEvents(context, accountId, planner);
  const fingerprint = createHash('sha256').update(text).digest();
  try {
    return await acceptEvents(context, accountId, planner, { key, fingerprint });
  } catch (error) {
    if (!(error instanceof IdempotentReplay)) throw error;
    if (error.first.fingerprint.equals(fingerprint)) return error.first.response;
    throw new Problem('idempotency_key_reused', 'this Idempotency-Key was used for another request');
  }
}

function isBatch(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'events' in body;
}

function elements(text: string): string[] {
  const members = ownMembers(text, 'the body');
  const result = batchFields.safeParse(JSON.parse(text));
  if (!result.success) throw invalid(result.error);
  return jsonElements(members.find(({ key }) => key === 'events')!.value);
}

function planOrReject(
  context: ApiContext,
  entry: CachedSubscriptions,
  text: string,
  planned: FanOut[],
  size: CommitSize,
): Result {
  try {
    return describe(plan(context, entry, text, planned, size));
  } catch (error) {
    if (error instanceof Problem) return error.toJSON();
    throw error;
  }
}

function plan(
  context: ApiContext,
  { account, subscriptions }: CachedSubscriptions,
  text: string,
  planned: FanOut[],
  size: CommitSize,
): FanOut {
  const input = readEvent(contractOf(account.provider), account, text);
  checkEvent(context, account, input.type, input.data);
  const event = fanOut(account, subscriptions, input, size);
  planned.push(event);
  return event;
}

/** Parses and validates one event. Throws a problem that names the wrong field. */
function readEvent(contract: AnyContract, account: StoredAccount, text: string): EventInput {
  const parsed: unknown = JSON.parse(text);
  const result = eventFields.safeParse(parsed);
  if (!result.success) throw invalid(result.error);
  const { type, data, occurredAt, channels = [], orderingKey } = result.data;
  const members = ownMembers(text, 'the event');
  const definition = contract.findEvent(type);
  if (!definition) throw invalidField('type', `${contract.title} has no event ${JSON.stringify(type)}`);
  if (channels.length > 0 && !contract.hasChannels) throw invalidField('channels', `${contract.title} has no channels`);
  if (orderingKey !== undefined && !contract.hasOrderingKeys)
    throw invalidField('orderingKey', `${contract.title} has no ordering keys; leave the field out`);
  checkPayload(definition.data, data, account.validatePayloads);
  return {
    type: definition.type,
    occurredAt: occurredAt === undefined ? new Date() : new Date(occurredAt),
    text: minifyJson(members.find(({ key }) => key === 'data')!.value),
    data,
    channels,
    ...(orderingKey === undefined ? {} : { orderingKey }),
  };
}

/**
 * The members of an object. Throws a problem for a duplicate name; payloads inside it are not checked for duplicates.
 */
function ownMembers(text: string, what: string): JsonMember[] {
  const members = jsonMembers(text);
  const repeated = duplicateKey(members);
  if (repeated !== undefined) throw namedTwice(what, repeated);
  return members;
}

/**
 * Validates a payload by its documented schema; if not `strictly`, only that it is an object where the schema is one.
 */
function checkPayload(shape: z.ZodType, data: unknown, strictly: boolean): void {
  const isObject = typeof data === 'object' && data !== null && !Array.isArray(data);
  if (!isObject && !shape.safeParse(null).success) throw invalidField('data', 'must be a JSON object');
  const checked = strictly ? shape.safeParse(data) : { success: true as const };
  if (!checked.success) throw invalid(checked.error, 'data');
}
