/** Accepts events, one or many per request. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { duplicateKey, jsonElements, jsonMembers, minifyJson, type JsonMember } from '../contract/json.js';
import type { AnyContract } from '../contract/types.js';
import { describe, fanOut, type AcceptedEvent, type EventInput, type FanOut } from '../dispatch/fan-out.js';
import { IdempotentReplay } from '../dispatch/commit.js';
import type { CommitSize } from '../dispatch/commit-size.js';
import type { Planner } from '../dispatch/event-writer.js';
import { contractOf, contracts, findContract } from '../providers/registry.js';
import type { StoredAccount } from '../store/accounts/accounts.js';
import type { CachedSubscriptions } from '../store/subscriptions/subscription-cache.js';
import { findEvent } from '../store/events/events.js';
import type { Store } from '../store/store.js';
import { annotateSpan, inSpan } from '../telemetry/tracing.js';
import { acceptEvents } from './accept-events.js';
import { createAccount } from './accounts/create.js';
import { EXTERNAL_ID_RULE, isExternalId } from './accounts/external-ids.js';
import type { ApiContext } from './context.js';
import { checkEvent } from './event-types/checks.js';
import { namedTwice } from '../http/json-body.js';
import { canSee } from '../http/principal.js';
import { invalid, invalidField, notFound, Problem } from '../http/problem.js';
import { problemSchema } from '../http/openapi.js';
import { addRoute, type Routing } from '../http/route.js';
import { acceptedEventSchema, line, time } from './schemas.js';

/** How often an account is looked up for a request; more only if it is deleted again and again. */
const MAX_ACCOUNT_TRIES = 4;

const tag = 'Events';
const params = z.object({ id: z.string() });

const eventFields = z.strictObject({
  type: line(255).min(1).describe("The provider's own event name."),
  data: z.unknown().nonoptional().describe("The provider's own payload; sent to the receiver unchanged."),
  occurredAt: time.optional().describe('Time of the event; now when absent.'),
  channels: z.array(line(128).min(1)).max(10).optional().describe('Only for contracts with channels.'),
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
      findsAccountItself: true,
      query: z.strictObject({
        createAccount: z
          .string()
          .optional()
          .describe(
            'A provider: if no account has the external id of the path, one of this provider is created, without an ' +
              'API key and with the external id as its name.',
          ),
      }),
      headers: idempotencyKey,
      body: z.union([eventFields, batchFields]),
      readsBodyItself: true,
      responses: {
        status: 202,
        description: 'Accepted',
        schema: z.union([acceptedEventSchema, z.object({ results: z.array(resultSchema) })]),
      },
      problems: [409],
    },
    async ({ params, query: { createAccount: provider }, request }) => {
      const text = request.bodyText ?? '';
      const single = isBatch(request.body) ? undefined : text;
      const batch = single === undefined ? elements(text) : [];
      const planner: Planner<unknown> = (entry, size) => {
        if (provider !== undefined) checkProvider(entry.account, provider);
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
        withAccount(context, params.id, provider, (accountId) =>
          accept(context, accountId, planner, text, request.get('idempotency-key')),
        ),
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
        schema: eventFields.extend({ id: z.string(), accountId: z.string(), createdAt: time }).loose(),
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

/**
 * Calls `work` with the id of the account that a path names. An external id is looked up in memory first; when its
 * account was deleted in the meantime, it is looked up again, because it may name another account now. With `provider`
 * an account that does not exist is created.
 */
async function withAccount<Result>(
  { store, accountIds }: ApiContext,
  named: string,
  provider: string | undefined,
  work: (accountId: string) => Promise<Result>,
): Promise<Result> {
  if (!isExternalId(named)) {
    if (provider === undefined) return work(named);
    throw invalidField('createAccount', `needs an id of your own in the path, which ${EXTERNAL_ID_RULE}`);
  }
  for (let tries = 1; ; tries += 1) {
    try {
      return await work(await accountIds.findCached(named));
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'not_found')) throw error;
      const wasOutdated = accountIds.drop(named);
      if (tries === MAX_ACCOUNT_TRIES || (!wasOutdated && provider === undefined)) throw error;
      if (!wasOutdated && provider !== undefined) await createMissing(store, named, provider);
    }
  }
}

/** Creates the account; does nothing when another request has just created it. */
async function createMissing(store: Store, externalId: string, provider: string): Promise<void> {
  if (!findContract(provider))
    throw invalidField('createAccount', `must be one of ${contracts.map((contract) => contract.provider).join(', ')}`);
  try {
    await createAccount(store, { provider, externalId, name: externalId }, { withKey: false });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.code !== 'conflict') throw error;
  }
}

function checkProvider(account: StoredAccount, provider: string): void {
  if (account.provider === provider) return;
  throw new Problem('conflict', `createAccount: the account exists, and its provider is ${account.provider}`);
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
  const { type, data, occurredAt, channels = [] } = result.data;
  const members = ownMembers(text, 'the event');
  const definition = contract.findEvent(type);
  if (!definition) throw invalidField('type', `${contract.title} has no event ${JSON.stringify(type)}`);
  if (channels.length > 0 && !contract.hasChannels) throw invalidField('channels', `${contract.title} has no channels`);
  checkPayload(definition.data, data, account.validatePayloads);
  return {
    type: definition.type,
    occurredAt: occurredAt === undefined ? new Date() : new Date(occurredAt),
    text: minifyJson(members.find(({ key }) => key === 'data')!.value),
    data,
    channels,
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
