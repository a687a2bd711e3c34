/** The fields `filter` and `transformation` of subscriptions, and the routes that try them out. */
import { z } from 'zod';
import { newId } from '../../contract/ids.js';
import { callbackFields } from '../../contract/callbacks.js';
import type { AnyContract } from '../../contract/types.js';
import { FilterBudget, FilterError, filterInput, filterText, passesFilter } from '../../dispatch/payload/filter.js';
import { makeBody } from '../../dispatch/payload/transform-bodies.js';
import { expressionProblem, MAX_EXPRESSION_LENGTH, transformer } from '../../dispatch/payload/transformer.js';
import { invalidField, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { contractOf } from '../../providers/registry.js';
import { lastEvents } from '../../store/events/stored-events.js';
import type { StoredSubscription } from '../../store/subscriptions/subscriptions.js';
import { mustFindAccount } from '../accounts/accounts.js';
import type { ApiContext } from '../context.js';
import { line, time } from '../schemas.js';

/** Events of a dry run. */
const TESTED_EVENTS = 100;
/** Evaluations of an account that may wait when it tries one more expression. */
const MAX_WAITING_TESTS = 10;

const filterField = z.record(z.string(), z.unknown());
const expressionField = z.string().min(1).max(MAX_EXPRESSION_LENGTH);

export const payloadFields = {
  filter: filterField
    .nullable()
    .optional()
    .describe(
      'Receive only events that pass, such as {"data.total": {"gte": 100}}; null for all. Only for contracts with filters.',
    ),
  transformation: expressionField
    .nullable()
    .optional()
    .describe(
      'JSONata expression over {type, timestamp, channels, data} that makes the data that is sent; null for none. Only ' +
        'for contracts with transformations.',
    ),
};
interface PayloadFields {
  readonly filter?: Readonly<Record<string, unknown>> | null;
  readonly transformation?: string | null;
}

/** Refuses the fields where the contract does not have them; the schema would only say that they are unknown. */
export function rejectUnsupported(
  { title, hasFilters, renderTransformed, callbacks, batching }: AnyContract,
  body: unknown,
): void {
  if (typeof body !== 'object' || body === null) return;
  if ('filter' in body && !hasFilters) throw invalidField('filter', `${title} has no filters; remove the field`);
  if ('transformation' in body && !renderTransformed)
    throw invalidField('transformation', `${title} has no transformations; remove the field`);
  const callback = callbacks ? undefined : Object.keys(callbackFields).find((field) => field in body);
  if (callback !== undefined) throw invalidField(callback, `${title} has no callbacks; remove the field`);
  if ('batch' in body && !batching) throw invalidField('batch', `${title} has no batches; remove the field`);
}

/** Checks the fields and returns them as they are stored; absent ones keep the previous values. Throws a problem. */
export function checkPayloadFields(
  { filter, transformation }: PayloadFields,
  previous?: StoredSubscription,
): Pick<StoredSubscription, 'filter' | 'transformation'> {
  if (typeof transformation === 'string') checkExpression('transformation', transformation);
  return {
    filter: filter === undefined ? (previous?.filter ?? null) : filter && checkedFilter(filter),
    transformation: transformation === undefined ? (previous?.transformation ?? null) : transformation,
  };
}

function checkedFilter(filter: unknown): string {
  try {
    return filterText(filter);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { path } = error;
    throw invalidField(path === '' || path.startsWith('[') ? `filter${path}` : `filter.${path}`, error.message);
  }
}

function checkExpression(field: string, expression: string): void {
  const problem = expressionProblem(expression);
  if (problem !== undefined) throw invalidField(field, problem);
}

const tag = 'Subscriptions';
const params = z.object({ id: z.string() });

export function payloadTestRoutes(routing: Routing, context: ApiContext): void {
  filterTestRoute(routing, context);
  transformationTestRoute(routing, context);
}

function filterTestRoute(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/accounts/{id}/filters/test',
      tag,
      scope: 'read',
      summary: "Try a filter on the account's last events",
      description: `Says which of the last ${TESTED_EVENTS} events would have passed. Nothing is sent or stored.`,
      forAccounts: true,
      capability: 'manage_subscriptions',
      params,
      body: z.strictObject({
        filter: filterField.describe('As the field of a subscription.'),
        eventType: line(255).min(1).optional().describe('Only events of this type.'),
      }),
      responses: {
        status: 200,
        description: 'The events, newest first',
        schema: z.object({
          passed: z.int(),
          rejected: z.int(),
          events: z.array(z.object({ eventId: z.string(), type: z.string(), createdAt: time, passes: z.boolean() })),
        }),
      },
    },
    async ({ params, body, principal }) => {
      const account = await mustFindAccount(context, principal, params.id);
      rejectUnsupported(contractOf(account.provider), body);
      const filter = checkedFilter(body.filter);
      const rows = await lastEvents(context.store, {
        accountId: account.id,
        type: body.eventType,
        limit: TESTED_EVENTS,
      });
      const events = rows.map((event) => ({
        eventId: event.id,
        type: event.type,
        createdAt: event.createdAt,
        passes: passesFilter(filter, filterInput(event), new FilterBudget(event.text.length)),
      }));
      const passed = events.filter(({ passes }) => passes).length;
      return { passed, rejected: events.length - passed, events };
    },
  );
}

function transformationTestRoute(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/accounts/{id}/transformations/test',
      tag,
      scope: 'read',
      summary: 'Try a transformation on an event',
      description: 'Makes the body that a subscription would receive. Nothing is sent or stored.',
      forAccounts: true,
      capability: 'manage_subscriptions',
      params,
      body: z.strictObject({
        expression: expressionField.describe('As the field `transformation` of a subscription.'),
        event: z.strictObject({
          type: line(255).min(1),
          data: z.unknown().nonoptional(),
          occurredAt: time.optional().describe('Now when absent.'),
          channels: z.array(line(128).min(1)).max(10).optional(),
        }),
      }),
      responses: {
        status: 200,
        description: 'The body, or why it cannot be made',
        schema: z.object({ body: z.string().nullable(), error: z.string().nullable() }),
      },
    },
    async ({ params, body: { expression, event }, principal }) => {
      const account = await mustFindAccount(context, principal, params.id);
      const { title, renderTransformed } = contractOf(account.provider);
      if (!renderTransformed) throw invalidField('expression', `${title} has no transformations`);
      checkExpression('expression', expression);
      if (transformer.countOf(account.id) > MAX_WAITING_TESTS)
        throw new Problem('unavailable', 'other transformations of this account are waiting; try again shortly');
      const { type, data, occurredAt, channels = [] } = event;
      // The caller has sent the payload, and nothing is stored.
      const made = await makeBody(
        {},
        {
          account,
          expression,
          event: {
            id: newId('evt'),
            type,
            occurredAt: occurredAt === undefined ? new Date() : new Date(occurredAt),
            channels,
            data,
            text: JSON.stringify(data),
          },
        },
      );
      return 'body' in made ? { body: made.body, error: null } : { body: null, error: made.error };
    },
  );
}
