/** Ordering keys: which of them are blocked by their head, and taking a head out of the order. */
import { z } from 'zod';
import { sendCommand } from '../../dispatch/commands/commands.js';
import { contractOf } from '../../providers/registry.js';
import { deliveryStates, openStates, type StoredDelivery } from '../../store/deliveries/deliveries.js';
import {
  findHeads,
  listBlockedKeys,
  MAX_WAITING_COUNTED,
  parkHead,
  type BlockedKey,
} from '../../store/deliveries/ordering.js';
import type { ApiContext } from '../context.js';
import { cursorOf } from '../../http/paging.js';
import { invalidField, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { deliverySchema, line, pageOf, paging, time } from '../schemas.js';
import { mustFindSubscription } from '../subscriptions/view.js';
import { mustFindDelivery, showOne } from './view.js';

const params = z.object({ id: z.string() });

/** Longest cursor: base64url of a key of 128 characters, each at most 4 bytes in UTF-8. */
const MAX_CURSOR = 700;

const blockedKeySchema = z
  .object({
    orderingKey: z.string(),
    head: z.string().describe('The delivery that the others of the key wait for.'),
    state: z.enum(deliveryStates).describe('Of the head, as the fields from here to `nextAttemptAt`.'),
    stateReason: z.string().nullable(),
    attemptCount: z.int(),
    lastStatus: z.int().nullable(),
    lastReason: z.string().nullable(),
    nextAttemptAt: time.nullable(),
    since: time.describe('Since when it has been the head.'),
    waiting: z.int().describe(`Deliveries that wait for it, counted up to ${MAX_WAITING_COUNTED}.`),
    oldestAt: time.nullable().describe('When the oldest of these was accepted.'),
  })
  .openapi('BlockedOrderingKey');

export function orderingRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/subscriptions/{id}/ordering',
      tag: 'Subscriptions',
      scope: 'read',
      summary: 'List the ordering keys whose deliveries wait for an earlier one',
      description: 'Sorted by key. Only for contracts with ordering keys.',
      forAccounts: true,
      params,
      query: paging.extend({ cursor: z.string().max(MAX_CURSOR).optional() }),
      responses: { status: 200, description: 'Blocked keys with their heads', schema: pageOf(blockedKeySchema) },
      problems: [422],
    },
    async ({ params, query: { limit, cursor }, principal }) => {
      const { subscription, account } = await mustFindSubscription(context, principal, params.id);
      const { hasOrderingKeys, title } = contractOf(account.provider);
      if (!hasOrderingKeys) throw new Problem('invalid_request', `${title} has no ordering keys`);
      const after = readKeyCursor(cursor);
      const keys = await listBlockedKeys(context.store, { subscriptionId: subscription.id, after, limit: limit + 1 });
      const shown = keys.slice(0, limit);
      const last = keys.length > limit ? shown.at(-1) : undefined;
      return { data: shown.map(showKey), nextCursor: last ? cursorOf(last.orderingKey) : null };
    },
  );

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/deliveries/{id}/park',
      tag: 'Deliveries',
      scope: 'operate',
      summary: 'Pause a delivery that blocks its ordering key, and release the next one of the key',
      description:
        'A failed delivery that blocks its key stays failed. Resume or redeliver makes it outside of the order later.',
      forAccounts: true,
      params,
      bodyOptional: true,
      body: z.strictObject({ reason: line(500).optional().describe('Shown with the delivery and in Temporal.') }),
      responses: { status: 202, description: 'Command sent; the delivery before it', schema: deliverySchema },
      problems: [409],
    },
    async ({ params, body, principal }) => {
      const delivery = await mustFindDelivery(context, principal, params.id);
      if (delivery.orderingKey === null) throw new Problem('conflict', 'it has no ordering key; pause or cancel it');
      if (!(await parkHead(context.store, delivery.id))) throw await notHead(context, delivery);
      if (openStates.includes(delivery.state) && delivery.state !== 'paused') {
        const reason = body.reason ?? 'parked by the API';
        // When it ends before the command arrives, the next one is released as well.
        await sendCommand(context, delivery.id, { signal: 'pause', args: [reason] });
      }
      return showOne(context, principal, delivery);
    },
  );
}

/** The problem of a command that would break the order of a blocked delivery; undefined where it may be sent. */
export async function refuseWhileBlocked(
  { store }: Pick<ApiContext, 'store'>,
  { id, isBlocked }: StoredDelivery,
  command: string,
): Promise<Problem | undefined> {
  if (!isBlocked || command === 'cancel') return undefined;
  const head = (await findHeads(store, [id])).get(id) ?? 'an earlier one';
  return new Problem(
    'conflict',
    `cannot ${command} a delivery that waits for ${head} of the same ordering key; cancel it, or park that one`,
  );
}

async function notHead(context: ApiContext, delivery: StoredDelivery): Promise<Problem> {
  return (
    (await refuseWhileBlocked(context, delivery, 'park')) ??
    new Problem('conflict', 'no delivery waits for it: it is not the head of its ordering key')
  );
}

function showKey({ attempts: attemptCount, nextAttemptAt, ...key }: BlockedKey) {
  const isDue = key.state === 'retrying' || key.state === 'pending';
  return { ...key, attemptCount, nextAttemptAt: isDue ? nextAttemptAt : null };
}

/** The key to continue after. Throws a problem for an invalid cursor. */
function readKeyCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const key = line(128).min(1).safeParse(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (!key.success) throw invalidField('cursor', 'must be the nextCursor of a previous page');
  return key.data;
}
