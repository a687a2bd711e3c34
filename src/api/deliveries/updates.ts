/** Commands for waiting deliveries that respond with their result. */
import { z } from 'zod';
import type { UpdateDefinition } from '@temporalio/common';
import { sendUpdate, UpdateRefused, UpdateTimedOut } from '../../dispatch/commands/updates.js';
import { openStates } from '../../store/deliveries/deliveries.js';
import { deliveryUpdates, MAX_EXTENSION_S } from '../../workflows/updates.js';
import type { ApiContext } from '../context.js';
import type { Principal } from '../../http/principal.js';
import { Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { time } from '../schemas.js';
import { refuseWhileCollected } from './deliveries.js';
import { mustFindDelivery } from './view.js';

const tag = 'Deliveries';
const params = z.object({ id: z.string() });
const none = z.strictObject({});

/** How long a request waits for a result, in milliseconds; an attempt may take a minute. */
const TIMEOUT_MS = 15_000;
const ATTEMPT_TIMEOUT_MS = 100_000;

const plannedSchema = z.object({
  position: z.int().describe('How many waits of the schedule it has used.'),
  nextAttemptAt: time,
});

const reportSchema = z.object({
  attempts: z.int().describe('Attempts of the delivery, this one included.'),
  state: z.string().describe('State of the delivery after it; delivered when it was accepted.'),
  status: z.int().nullable(),
  reason: z.string().nullable().describe('Why it was not accepted, as one word.'),
  nextAttemptAt: time.nullable(),
});

export function deliveryUpdateRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/deliveries/{id}/skip',
      tag,
      scope: 'operate',
      summary: 'Skip the planned attempt: move to the next step of the schedule',
      forAccounts: true,
      params,
      bodyOptional: true,
      body: none,
      responses: { status: 200, description: 'What is planned then', schema: plannedSchema },
      problems: [409],
    },
    async ({ params: { id }, principal }) =>
      withTime(await update(context, principal, id, deliveryUpdates.skipToNext, [], TIMEOUT_MS)),
  );

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/deliveries/{id}/extend',
      tag,
      scope: 'operate',
      summary: 'Make the planned attempt later',
      forAccounts: true,
      params,
      body: z.strictObject({ seconds: z.number().min(1).max(MAX_EXTENSION_S).describe('By how many seconds.') }),
      responses: { status: 200, description: 'What is planned then', schema: plannedSchema },
      problems: [409],
    },
    async ({ params: { id }, body: { seconds }, principal }) =>
      withTime(await update(context, principal, id, deliveryUpdates.extend, [seconds], TIMEOUT_MS)),
  );

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/deliveries/{id}/attempt',
      tag,
      scope: 'operate',
      summary: 'Make an attempt now and respond with its outcome',
      description: 'As retry, which does not wait for it. An attempt that is in flight counts.',
      forAccounts: true,
      capability: 'send_again',
      params,
      bodyOptional: true,
      body: none,
      responses: { status: 200, description: 'The outcome', schema: reportSchema },
      problems: [409],
    },
    async ({ params: { id }, principal }) =>
      withTime(await update(context, principal, id, deliveryUpdates.attemptNow, [], ATTEMPT_TIMEOUT_MS)),
  );
}

/** Sends an update to an open delivery of the caller. Throws a problem that says why nothing was changed. */
async function update<Result, Args extends unknown[]>(
  context: ApiContext,
  principal: Principal,
  id: string,
  definition: UpdateDefinition<Result, Args>,
  args: Args,
  timeoutMs: number,
): Promise<Result> {
  await mustBeOpen(context, principal, id);
  try {
    const result = await sendUpdate(context, id, definition, args, timeoutMs);
    if (result !== undefined) return result;
  } catch (error) {
    if (error instanceof UpdateRefused) throw new Problem('conflict', error.message);
    if (error instanceof UpdateTimedOut)
      throw new Problem('unavailable', `${error.message}; look at the delivery before you try again`);
    throw error;
  }
  await mustBeOpen(context, principal, id);
  throw new Problem(
    'conflict',
    'its workflow is not running: it waits for its first attempt or for a circuit breaker; retry makes an attempt now',
  );
}

async function mustBeOpen(context: ApiContext, principal: Principal, id: string): Promise<void> {
  const delivery = await mustFindDelivery(context, principal, id);
  const { state } = delivery;
  const refused = refuseWhileCollected(delivery, 'change');
  if (refused) throw refused;
  if (!openStates.includes(state))
    throw new Problem('delivery_closed', `this delivery is ${state}; redeliver sends it again`);
}

/** The result with its time as the API writes times. */
function withTime<Result extends { readonly nextAttemptAt: number | null }>(result: Result) {
  const { nextAttemptAt } = result;
  return { ...result, nextAttemptAt: nextAttemptAt === null ? null : new Date(nextAttemptAt) };
}
