/** Routes of subscriptions. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { describe, fanOutTo } from '../../dispatch/fan-out.js';
import { TooManySigningKeys } from '../../contract/signing-keys.js';
import { contractOf } from '../../providers/registry.js';
import type { Registrar } from '../../providers/registration.js';
import { findAccount, type StoredAccount } from '../../store/accounts/accounts.js';
import { deleteSubscription } from '../../store/subscriptions/changes.js';
import {
  findSubscription,
  listSubscriptions,
  type StoredSubscription,
} from '../../store/subscriptions/subscriptions.js';
import { acceptEvents } from '../accept-events.js';
import { mustFindAccount } from '../accounts/accounts.js';
import type { ApiContext } from '../context.js';
import { page, readCursor } from '../../http/paging.js';
import { canSee, type Principal } from '../../http/principal.js';
import { notFound, Problem } from '../../http/problem.js';
import { currentIn, exampleOf } from './registrar.js';
import { addRoute, type Routing } from '../../http/route.js';
import { acceptedEventSchema, pageOf, paging, subscriptionSchema, time } from '../schemas.js';
import { checkOwnSecret, commonFields } from './input.js';
import { showSubscription, showWithHealth } from './view.js';

const tag = 'Subscriptions';
const params = z.object({ id: z.string() });
const ownFields = "The contract has additional fields; see the provider's page in the documentation.";
/** Default time that the old secret stays valid after a rotation, in hours. */
const OVERLAP_HOURS = 24;

export function subscriptionRoutes(routing: Routing, context: ApiContext, registrar: Registrar): void {
  const { store } = context;

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/accounts/{id}/subscriptions',
      tag,
      summary: 'Create a subscription',
      forAccounts: true,
      description: ownFields,
      params,
      body: z.looseObject(commonFields.shape),
      responses: { status: 201, description: 'The subscription, including its secret', schema: subscriptionSchema },
    },
    async ({ params, body, principal }) => {
      const account = await mustFindAccount(context, principal, params.id);
      const saved = await registrar.create(account, body);
      const secret = contractOf(account.provider).subscriptions.signingSecret?.(saved, account);
      return { ...showSubscription(saved, account.provider), ...(secret === undefined ? {} : { secret }) };
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/accounts/{id}/subscriptions',
      tag,
      summary: "List an account's subscriptions",
      forAccounts: true,
      params,
      query: paging,
      responses: { status: 200, description: 'Subscriptions, newest first', schema: pageOf(subscriptionSchema) },
    },
    async ({ params, query: { limit, cursor }, principal }) => {
      const account = await mustFindAccount(context, principal, params.id);
      const before = readCursor('sub', cursor);
      const rows = await listSubscriptions(store, { accountId: account.id, limit: limit + 1, before });
      return page(rows, limit, (row) => showWithHealth(row, account));
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/subscriptions/{id}',
      tag,
      summary: 'Get a subscription',
      forAccounts: true,
      params,
      responses: { status: 200, description: 'The subscription', schema: subscriptionSchema },
    },
    async ({ params, principal }) => {
      const { subscription, account } = await mustFind(context, principal, params.id);
      return showWithHealth(subscription, account);
    },
  );

  addRoute(
    routing,
    {
      method: 'patch',
      path: '/v1/subscriptions/{id}',
      tag,
      summary: 'Edit a subscription',
      forAccounts: true,
      description:
        'Absent fields stay unchanged; later attempts use the new values. An edit that moves the url to another origin ' +
        'must send headers and credentials again, because they would be sent there; for the same reason an edit that ' +
        `sets them gets 409 when another edit has just moved the url to another origin. ${ownFields}`,
      params,
      body: z.looseObject(commonFields.partial().shape),
      responses: { status: 200, description: 'The subscription after the edit', schema: subscriptionSchema },
      problems: [409],
    },
    async ({ params, body, principal }) => {
      const { subscription, account } = await mustFind(context, principal, params.id);
      return showSubscription(await registrar.edit(account, subscription, body), account.provider);
    },
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path: '/v1/subscriptions/{id}',
      tag,
      summary: 'Delete a subscription',
      forAccounts: true,
      description: 'Its open deliveries are cancelled.',
      params,
      responses: { status: 204, description: 'Deleted', schema: null },
    },
    async ({ params, principal }) => {
      const { subscription } = await mustFind(context, principal, params.id);
      if (!(await deleteSubscription(store, subscription.id))) throw notFound('subscription');
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/subscriptions/{id}/secret',
      tag,
      summary: 'Get the secret with which a receiver verifies requests',
      forAccounts: true,
      params,
      responses: { status: 200, description: 'The secret', schema: z.object({ secret: z.string() }) },
    },
    async ({ params, principal }) => {
      const { subscription, account } = await mustFind(context, principal, params.id);
      const secret = contractOf(account.provider).subscriptions.signingSecret?.(subscription, account);
      if (secret === undefined) throw new Problem('not_found', 'this subscription has no secret');
      return { secret };
    },
  );

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/subscriptions/{id}/rotate-secret',
      tag,
      summary: 'Replace the signing secret',
      forAccounts: true,
      description: 'The old secret also signs until the overlap ends, if the contract supports two signatures.',
      params,
      bodyOptional: true,
      body: z.strictObject({
        secret: z.string().optional().describe('The new secret; generated when absent.'),
        overlapHours: z.number().min(0).max(168).default(OVERLAP_HOURS),
      }),
      responses: {
        status: 200,
        description: 'The new secret',
        schema: z.object({ secret: z.string().optional(), overlapEndsAt: time }),
      },
      problems: [409],
    },
    async ({ params, body, principal }) => {
      const { subscription, account } = await mustFind(context, principal, params.id);
      const contract = contractOf(account.provider);
      const rules = contract.subscriptions;
      if (!rules.rotateSecret)
        throw new Problem('conflict', `subscriptions of ${contract.title} have no secret to rotate`);
      checkOwnSecret(body.secret, contract);
      const now = new Date();
      const overlapEndsAt = new Date(now.getTime() + body.overlapHours * 3_600_000);
      const saved = await registrar
        .rotate(subscription, (current) =>
          rules.rotateSecret?.(current, { randomBytes, now, overlapEndsAt, secret: body.secret }),
        )
        .catch((error: unknown) => {
          throw error instanceof TooManySigningKeys ? new Problem('conflict', error.message) : error;
        });
      return { secret: rules.signingSecret?.(saved, account), overlapEndsAt };
    },
  );

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/subscriptions/{id}/test',
      tag,
      summary: 'Send a test event to this subscription',
      forAccounts: true,
      params,
      bodyOptional: true,
      body: z.strictObject({ type: z.string().optional().describe('One of its event types; the first when absent.') }),
      responses: { status: 202, description: 'Accepted', schema: acceptedEventSchema },
    },
    async ({ params, body, principal }) => {
      const { subscription, account } = await mustFind(context, principal, params.id);
      return acceptEvents(context, account.id, (entry, size) => {
        const current = currentIn(entry, subscription.id);
        const example = exampleOf(entry.account, body.type ?? testType(current, entry.account));
        const planned = fanOutTo(entry.account, [current], example, size);
        return { events: [planned], reply: describe(planned) };
      });
    },
  );
}

/** The subscription's first event type; without any, the first type that it could have. */
function testType({ eventTypes, options }: StoredSubscription, { provider }: StoredAccount): string {
  const { events, subscriptions: rules } = contractOf(provider);
  return eventTypes[0] ?? events.find(({ type }) => !rules.checkEventTypes([type], options))?.type ?? '';
}

async function mustFind(
  { store }: ApiContext,
  principal: Principal,
  id: string,
): Promise<{ subscription: StoredSubscription; account: StoredAccount }> {
  const subscription = await findSubscription(store, id);
  const account = subscription && (await findAccount(store, subscription.accountId));
  if (!subscription || !account || !canSee(principal, account.id)) throw notFound('subscription');
  return { subscription, account };
}
