/** Lists deliveries and sends commands to them. */
import { z } from 'zod';
import { sendCommand, redeliver, type Command } from '../../dispatch/commands/commands.js';
import { openStates, type DeliveryState, type StoredDelivery } from '../../store/deliveries/deliveries.js';
import { findEvent } from '../../store/events/stored-events.js';
import type { Store } from '../../store/store.js';
import type { ApiContext } from '../context.js';
import { allowDelivered } from './many.js';
import { refuseWhileBlocked } from './ordering.js';
import { mustFindDelivery, showOne } from './view.js';
import { Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { deliverySchema, line } from '../schemas.js';
import { deliveryListRoutes } from './list.js';

const tag = 'Deliveries';
const params = z.object({ id: z.string() });

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
  deliveryListRoutes(routing, context);

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
        capability: 'send_again',
        params,
        bodyOptional: true,
        body: withReason,
        responses: { status: 202, description: 'Command sent; the delivery before it', schema: deliverySchema },
        problems: [409],
      },
      async ({ params, body, principal }) => {
        const delivery = await mustFindDelivery(context, principal, params.id);
        if (!states.includes(delivery.state)) throw closed(delivery, name);
        const refused = refuseWhileCollected(delivery, name) ?? (await refuseWhileBlocked(context, delivery, name));
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
      capability: 'send_again',
      params,
      bodyOptional: true,
      body: z.strictObject({ allowDelivered }),
      responses: { status: 202, description: 'The delivery, pending again', schema: deliverySchema },
      problems: [409],
    },
    async ({ params, body, principal }) => {
      const { eventId, state, expiresAt } = await mustFindDelivery(context, principal, params.id);
      if (state === 'delivered' && !body.allowDelivered)
        throw new Problem(
          'conflict',
          'its receiver has accepted this delivery and would get the event twice; send allowDelivered: true to redeliver it',
        );
      const reopened = await redeliver(context, params.id);
      if (reopened) return showOne(context, principal, reopened);
      throw await whyNotRedelivered(store, { eventId, state, expiresAt });
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

/** The problem of a command for a delivery that a batch sends; undefined where it may be sent. */
export function refuseWhileCollected(
  { state, batchId, isCollected }: StoredDelivery,
  command: string,
): Problem | undefined {
  if (isCollected && command !== 'cancel')
    return new Problem('conflict', `cannot ${command} a delivery that waits for a batch; it can only be cancelled`);
  if (batchId === null || !openStates.includes(state)) return undefined;
  return new Problem('conflict', `cannot ${command} one event of a batch; ${command} the batch, ${batchId}`);
}

function closed({ state }: StoredDelivery, command: string): Problem {
  if (openStates.includes(state)) return new Problem('conflict', `cannot ${command} a delivery that is ${state}`);
  return new Problem('delivery_closed', `this delivery is ${state}; redeliver sends it again`);
}
