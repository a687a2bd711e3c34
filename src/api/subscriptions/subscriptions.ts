/** Routes of subscriptions. */
import { z } from 'zod';
import { groupEntries, groupOf, takesTypeOrGroup } from '../../contract/contract.js';
import { describe, fanOutTo } from '../../dispatch/fan-out.js';
import { contractOf } from '../../providers/registry.js';
import type { Registrar } from '../../providers/registration.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import { deleteSubscription } from '../../store/subscriptions/changes.js';
import { listSubscriptions, type StoredSubscription } from '../../store/subscriptions/subscriptions.js';
import { acceptEvents } from '../accept-events.js';
import { mustFindAccount } from '../accounts/accounts.js';
import type { ApiContext } from '../context.js';
import { createIdempotently, idempotencyKey } from '../idempotency.js';
import { hasCapability, lacksCapability } from '../../http/access.js';
import { page, readCursor } from '../../http/paging.js';
import { firstDefined } from '../event-types/checks.js';
import { invalidField, notFound } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { acceptedEventSchema, pageOf, paging, subscriptionSchema } from '../schemas.js';
import { anyFields } from './input.js';
import { pollRoutes } from './poll.js';
import { secretRoutes } from './secrets.js';
import { currentIn, exampleOf } from './test-events.js';
import { mustFindSubscription, showOneWithHealth, showSubscription, showWithHealth } from './view.js';

const tag = 'Subscriptions';
const params = z.object({ id: z.string() });
const ownFields = "The contract has additional fields; see the provider's page in the documentation.";

export function subscriptionRoutes(routing: Routing, context: ApiContext, registrar: Registrar): void {
  collectionRoutes(routing, context, registrar);
  itemRoutes(routing, context, registrar);
  secretRoutes(routing, context, registrar);
  pollRoutes(routing, context);
  testRoute(routing, context);
}

/** Creates and lists the subscriptions of an account. */
function collectionRoutes(routing: Routing, context: ApiContext, registrar: Registrar): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/accounts/{id}/subscriptions',
      tag,
      scope: 'operate',
      summary: 'Create a subscription',
      forAccounts: true,
      capability: 'manage_subscriptions',
      description: ownFields,
      params,
      headers: idempotencyKey,
      body: z.looseObject(anyFields.shape),
      responses: { status: 201, description: 'The subscription, including its secret', schema: subscriptionSchema },
      problems: [409],
    },
    async ({ params, body, principal, request }) => {
      const account = await mustFindAccount(context, principal, params.id);
      const show = (saved: StoredSubscription) => {
        const secret = contractOf(account.provider).subscriptions.signingSecret?.(saved, account);
        return { ...showSubscription(saved, account.provider), ...(secret === undefined ? {} : { secret }) };
      };
      const created = await createIdempotently(context.store, request, account.id, async (record) =>
        show(await registrar.create(account, body, undefined, (client, saved) => record(client, show(saved)))),
      );
      return hasCapability(principal, 'show_secrets')
        ? created
        : withoutSecret(created as { readonly secret?: string });
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/accounts/{id}/subscriptions',
      tag,
      scope: 'read',
      summary: "List an account's subscriptions",
      forAccounts: true,
      capability: 'view',
      params,
      query: paging,
      responses: { status: 200, description: 'Subscriptions, newest first', schema: pageOf(subscriptionSchema) },
    },
    async ({ params, query: { limit, cursor }, principal }) => {
      const account = await mustFindAccount(context, principal, params.id);
      const before = readCursor('sub', cursor);
      const rows = await listSubscriptions(context.store, { accountId: account.id, limit: limit + 1, before });
      return page(rows, limit, (row) => showWithHealth(row, account));
    },
  );
}

function withoutSecret<Shown extends { readonly secret?: string }>({ secret: _, ...shown }: Shown) {
  return shown;
}

/** Shows, edits and deletes one subscription. */
function itemRoutes(routing: Routing, context: ApiContext, registrar: Registrar): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/subscriptions/{id}',
      tag,
      scope: 'read',
      summary: 'Get a subscription',
      forAccounts: true,
      capability: 'view',
      params,
      responses: { status: 200, description: 'The subscription', schema: subscriptionSchema },
    },
    async ({ params, principal }) => {
      const { subscription, account } = await mustFindSubscription(context, principal, params.id);
      return showOneWithHealth(context.store, subscription, account);
    },
  );

  addRoute(
    routing,
    {
      method: 'patch',
      path: '/v1/subscriptions/{id}',
      tag,
      scope: 'operate',
      summary: 'Edit a subscription',
      forAccounts: true,
      capability: 'manage_subscriptions',
      description:
        'Absent fields stay unchanged; later attempts use the new values. An edit that moves the url to another origin ' +
        'must send headers and credentials again, because they would be sent there; for the same reason an edit that ' +
        `sets them gets 409 when another edit has just moved the url to another origin. ${ownFields}`,
      params,
      body: z.looseObject(anyFields.partial().shape),
      responses: { status: 200, description: 'The subscription after the edit', schema: subscriptionSchema },
      problems: [409],
    },
    async ({ params, body, principal }) => {
      const { subscription, account } = await mustFindSubscription(context, principal, params.id);
      if (!hasCapability(principal, 'show_secrets')) {
        const secretOf = (one: StoredSubscription) =>
          contractOf(account.provider).subscriptions.signingSecret?.(one, account);
        if (secretOf(registrar.draftEdit(account, subscription, body)) !== secretOf(subscription))
          throw lacksCapability('show_secrets', 'a new secret');
      }
      return showSubscription(await registrar.edit(account, subscription, body), account.provider);
    },
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path: '/v1/subscriptions/{id}',
      tag,
      scope: 'operate',
      summary: 'Delete a subscription',
      forAccounts: true,
      capability: 'manage_subscriptions',
      description: 'Its open deliveries are cancelled.',
      params,
      responses: { status: 204, description: 'Deleted', schema: null },
    },
    async ({ params, principal }) => {
      const { subscription } = await mustFindSubscription(context, principal, params.id);
      if (!(await deleteSubscription(context.store, subscription.id))) throw notFound('subscription');
    },
  );
}

/** Sends a test event. */
function testRoute(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/subscriptions/{id}/test',
      tag,
      scope: 'operate',
      summary: 'Send a test event to this subscription',
      forAccounts: true,
      capability: ['manage_subscriptions', 'send_again'],
      params,
      bodyOptional: true,
      body: z.strictObject({ type: z.string().optional().describe('One of its event types; the first when absent.') }),
      responses: { status: 202, description: 'Accepted', schema: acceptedEventSchema },
    },
    async ({ params, body, principal }) => {
      const { subscription, account } = await mustFindSubscription(context, principal, params.id);
      await context.eventTypes.ready();
      return acceptEvents(context, account.id, (entry, size) => {
        const current = currentIn(entry, subscription.id);
        const type = body.type ?? testType(context, current, entry.account);
        const example = exampleOf(context, entry.account, type);
        const planned = fanOutTo(entry.account, [current], example, size);
        return { events: [planned], reply: describe(planned) };
      });
    },
  );
}

/**
 * The subscription's first event type. Without any, or with groups only, the first that it could get: of those that the
 * platform defined, otherwise of those that the contract documents.
 */
function testType(context: ApiContext, subscription: StoredSubscription, account: StoredAccount): string {
  const { eventTypes, options } = subscription;
  const { events, subscriptions: rules, openCatalogue } = contractOf(account.provider);
  if (!openCatalogue)
    return eventTypes[0] ?? events.find(({ type }) => !rules.checkEventTypes([type], options))?.type ?? '';
  const named = eventTypes.find((entry) => groupOf(entry) === undefined);
  if (named !== undefined) return named;
  const takes = (type: string) => takesTypeOrGroup(subscription, type, groupEntries(type));
  const found = firstDefined(context, account, takes) ?? events.find(({ type }) => takes(type))?.type;
  if (found === undefined)
    throw invalidField('type', 'is missing: no event type is defined in the groups of the subscription');
  return found;
}
