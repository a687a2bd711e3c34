/** Accepts events, one or many per request. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  describe,
  fanOut,
  fanOutTo,
  type AcceptedEvent,
  type EventInput,
  type FanOut,
} from '../../dispatch/fan-out.js';
import { IdempotentReplay } from '../../dispatch/commit.js';
import type { CommitSize } from '../../dispatch/commit-size.js';
import type { Planner } from '../../dispatch/event-writer.js';
import { contractOf } from '../../providers/registry.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import type { StoredSubscription } from '../../store/subscriptions/subscriptions.js';
import type { CachedSubscriptions } from '../../store/subscriptions/subscription-cache.js';
import { findOwners } from '../../store/accounts/list-accounts.js';
import { findEvent } from '../../store/events/stored-events.js';
import { annotateSpan, inSpan } from '../../telemetry/tracing.js';
import { acceptEvents } from '../accept-events.js';
import type { ApiContext } from '../context.js';
import { idempotencyKey, keyReused, readIdempotencyKey } from '../idempotency.js';
import { checkEvent } from '../event-types/checks.js';
import { checkReceivers } from '../subscriptions/callbacks.js';
import { canSee } from '../../http/principal.js';
import { invalidField, notFound, Problem } from '../../http/problem.js';
import { problemSchema } from '../../http/openapi.js';
import { addRoute, type Routing } from '../../http/route.js';
import { acceptedEventSchema, time } from '../schemas.js';
import { checkProvider, withAccount } from './named-account.js';
import { batchFields, elements, eventFields, isBatch, readEvent } from './read-event.js';

const tag = 'Events';
const params = z.object({ id: z.string() });

/** One result of a batch: the response for a single event, or its problem. */
const resultSchema = z.union([acceptedEventSchema, problemSchema]);
type Result = AcceptedEvent | ReturnType<Problem['toJSON']>;

export function eventRoutes(routing: Routing, context: ApiContext): void {
  emitRoute(routing, context);
  readRoute(routing, context);
}

function emitRoute(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/accounts/{id}/events',
      tag,
      scope: 'publish',
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
      const key = readIdempotencyKey(request);
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
        withAccount(context, params.id, provider, (accountId) => accept(context, accountId, planner, text, key)),
      );
    },
  );
}

function readRoute(routing: Routing, { store }: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/events/{id}',
      tag,
      scope: 'read',
      summary: 'Get an event',
      forAccounts: true,
      capability: 'view',
      params,
      responses: {
        status: 200,
        description: 'The event',
        schema: eventFields
          .omit({
            subscriptionId: true,
            deliverAt: true,
            expiresAt: true,
            supersedes: true,
            priority: true,
            orderingKey: true,
            onDelivered: true,
            onExhausted: true,
          })
          .extend({
            id: z.string(),
            accountId: z.string(),
            accountName: z.string(),
            provider: z.string(),
            messageId: z
              .string()
              .nullable()
              .describe('How receivers read its id in a header; null where the contract has no such header.'),
            messageIdHeader: z.string().nullable().describe('The header.'),
            createdAt: time,
            erasedAt: time.nullable().describe('When its payload was erased; data is null then.'),
          })
          .loose(),
      },
    },
    async ({ params, response, principal }) => {
      const event = await findEvent(store, params.id);
      if (!event || !canSee(principal, event.accountId)) throw notFound('event');
      const { text, ...rest } = event;
      const owner = (await findOwners(store, [event.accountId])).get(event.accountId);
      const messageIds = owner && contractOf(owner.provider).messageIds;
      const messageId = { messageId: messageIds?.of(event.id) ?? null, messageIdHeader: messageIds?.header ?? null };
      const shown = { ...rest, ...owner, ...messageId };
      // Inserted as text, so that the payload is exactly as it was sent.
      response.type('json').send(`${JSON.stringify(shown).slice(0, -1)},"data":${text}}`);
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
  if (key === undefined) return acceptEvents(context, accountId, planner);
  const fingerprint = createHash('sha256').update(text).digest();
  try {
    return await acceptEvents(context, accountId, planner, { key, fingerprint });
  } catch (error) {
    if (!(error instanceof IdempotentReplay)) throw error;
    if (error.first.fingerprint.equals(fingerprint)) return error.first.response;
    throw keyReused();
  }
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
  if (input.callbacks) checkReceivers(input.callbacks, subscriptions);
  const eventTypePolicy = context.eventTypes.find(input.type)?.policy;
  const withPolicy = eventTypePolicy ? { ...input, eventTypePolicy } : input;
  const event =
    input.subscriptionId === undefined
      ? fanOut(account, subscriptions, withPolicy, size)
      : fanOutTo(account, [addressee(account, subscriptions, input)], withPolicy, size);
  planned.push(event);
  return event;
}

/** The subscription that an event is for. Throws a problem when it cannot receive the event; its filter is ignored. */
function addressee(
  account: StoredAccount,
  subscriptions: readonly StoredSubscription[],
  input: EventInput,
): StoredSubscription {
  const found = subscriptions.find(({ id }) => id === input.subscriptionId);
  if (!found) throw invalidField('subscriptionId', 'must be the id of a subscription of the account');
  if (!found.enabled) throw invalidField('subscriptionId', 'is disabled; enable the subscription first');
  const contract = contractOf(account.provider);
  if (contract.select({ ...input, id: '' }, [found], account).length === 0) {
    const what = `does not receive this event of the type ${JSON.stringify(input.type)}`;
    throw invalidField('subscriptionId', `${what}; change the event or the subscription`);
  }
  return found;
}
