/** Lists deliveries and sends commands to them. */
import { z } from 'zod';
import { lowestIdAt } from '../../contract/ids.js';
import { sendCommand, redeliver, type Command } from '../../dispatch/commands/commands.js';
import {
  deliveryStates,
  listDeliveries,
  openStates,
  type DeliveryState,
  type StoredDelivery,
} from '../../store/deliveries/deliveries.js';
import { findEvent } from '../../store/events/stored-events.js';
import type { Store } from '../../store/store.js';
import type { ApiContext } from '../context.js';
import { refuseWhileBlocked } from './ordering.js';
import { mustFindDelivery, showDeliveries, showOne } from './view.js';
import { page, readCursor } from '../../http/paging.js';
import { visibleAccountId } from '../../http/principal.js';
import { invalidField, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { deliverySchema, line, pageOf, paging, time } from '../schemas.js';

const tag = 'Deliveries';
const params = z.object({ id: z.string() });

const filter = paging.extend({
  accountId: z.string().optional(),
  subscriptionId: z.string().optional(),
  provider: z.string().optional(),
  eventId: z.string().optional(),
  type: z.string().optional().describe('Event type.'),
  orderingKey: line(128).optional().describe('Only with `subscriptionId` or `accountId`.'),
  state: z.enum(deliveryStates).optional(),
  from: time.optional().describe('Only deliveries created at this time or later.'),
  to: time.optional().describe('Only deliveries created before this time.'),
});

const withReason = z.strictObject({
  reason: line(500).optional().describe('Shown with the delivery and in Temporal.'),
});

/** Commands for open deliveries. */
const commands: readonly {
  readonly name: string;
  readonly summary: string;
  readonly command: (reason: string) => Command;
  readonly states: readonly DeliveryState[];
}[] = [
  {
    name: 'cancel',
    summary: 'Cancel a delivery; an attempt in flight is finished first',
    command: (reason) => ({ signal: 'cancel', args: [reason] }),
    states: openStates,
  },
  {
    name: 'pause',
    summary: 'Pause a delivery: make no attempt until it is resumed',
    command: (reason) => ({ signal: 'pause', args: [reason] }),
    states: openStates,
  },
  {
    name: 'resume',
    summary: 'Resume a paused delivery at the same position of the schedule',
    command: () => ({ signal: 'resume', args: [] }),
    states: ['paused'],
  },
  {
    name: 'retry',
    summary: 'Make an attempt now, in addition to those of the schedule',
    command: () => ({ signal: 'retryNow', args: [] }),
    states: openStates,
  },
];

export function deliveryRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;
  listRoute(routing, context);

  for (const { name, summary, command, states } of commands) {
    addRoute(
      routing,
      {
        method: 'post',
        path: `/v1/deliveries/{id}/${name}`,
        tag,
        scope: 'operate',
        summary,
        forAccounts: true,
        params,
        bodyOptional: true,
        body: withReason,
        responses: { status: 202, description: 'Command sent; the delivery before it', schema: deliverySchema },
        problems: [409],
      },
      async ({ params, body, principal }) => {
        const delivery = await mustFindDelivery(context, principal, params.id);
        if (!states.includes(delivery.state)) throw closed(delivery, name);
        const refused = await refuseWhileBlocked(context, delivery, name);
        if (refused) throw refused;
        const sent = await sendCommand(context, delivery.id, command(body.reason ?? `${name} by the API`));
        if (!sent) throw closed(await mustFindDelivery(context, principal, params.id), name);
        return showOne(context, principal, delivery);
      },
    );
  }

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/deliveries/{id}/redeliver',
      tag,
      scope: 'operate',
      summary: 'Deliver a finished delivery again, from the start of the schedule',
      forAccounts: true,
      params,
      bodyOptional: true,
      body: z.strictObject({}),
      responses: { status: 202, description: 'The delivery, pending again', schema: deliverySchema },
      problems: [409],
    },
    async ({ params, principal }) => {
      const { eventId, state, expiresAt } = await mustFindDelivery(context, principal, params.id);
      const reopened = await redeliver(context, params.id);
      if (reopened) return showOne(context, principal, reopened);
      throw await whyNotRedelivered(store, { eventId, state, expiresAt });
    },
  );
}

function listRoute(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/deliveries',
      tag,
      scope: 'read',
      summary: 'List deliveries',
      forAccounts: true,
      query: filter,
      responses: { status: 200, description: 'Deliveries, newest first', schema: pageOf(deliverySchema) },
    },
    async ({ query: { limit, cursor, type, from, to, accountId, ...ids }, principal }) => {
      const ends = [readCursor('dlv', cursor), to && lowestIdAt('dlv', new Date(to))].filter((id) => id !== undefined);
      const visible = visibleAccountId(principal, accountId);
      if (ids.orderingKey !== undefined && visible === undefined && ids.subscriptionId === undefined)
        throw invalidField('orderingKey', 'needs accountId or subscriptionId, as keys belong to subscriptions');
      const rows = await listDeliveries(context.store, {
        ...ids,
        accountId: visible,
        eventType: type,
        fromId: from && lowestIdAt('dlv', new Date(from)),
        beforeId: ends.sort()[0],
        limit: limit + 1,
      });
      const { data, nextCursor } = page(rows, limit, (row) => row);
      return { data: await showDeliveries(context, principal, data), nextCursor };
    },
  );
}

/** Why a delivery could not be redelivered. */
async function whyNotRedelivered(
  store: Store,
  { eventId, state, expiresAt }: Pick<StoredDelivery, 'eventId' | 'state' | 'expiresAt'>,
): Promise<Problem> {
  if (!openStates.includes(state) && expiresAt && expiresAt.getTime() <= Date.now())
    return new Problem('conflict', 'its event has expired, so it cannot be redelivered; emit the event again');
  const event = await findEvent(store, eventId);
  if (!event)
    return new Problem('conflict', 'its event is no longer stored, so it cannot be redelivered; emit the event again');
  if (event.erasedAt)
    return new Problem(
      'erased',
      'the payload of its event was erased, so it cannot be redelivered; emit the event again',
    );
  return new Problem('conflict', 'only a finished delivery can be redelivered; retry makes an attempt now');
}

function closed({ state }: StoredDelivery, command: string): Problem {
  if (openStates.includes(state)) return new Problem('conflict', `cannot ${command} a delivery that is ${state}`);
  return new Problem('delivery_closed', `this delivery is ${state}; redeliver sends it again`);
}
