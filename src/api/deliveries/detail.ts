/** Details of one delivery: its attempts, the next attempts, and the request that was sent. */
import { z } from 'zod';
import { deliveryRules } from '../../contract/delivery-rules.js';
import type { Schedule } from '../../contract/schedule.js';
import { withoutSettingAdvice } from '../../lib/errors.js';
import { contractOf } from '../../providers/registry.js';
import {
  listAttempts,
  loadAttemptMaterial,
  type AttemptMaterial,
  type StoredAttempt,
} from '../../store/attempts/attempts.js';
import { openStates, type StoredDelivery } from '../../store/deliveries/deliveries.js';
import { findHeads } from '../../store/deliveries/ordering.js';
import { loadDeliveryStarts } from '../../store/deliveries/delivery-starts.js';
import { ERASED } from '../../store/erasures.js';
import type { ApiContext } from '../context.js';
import { mustFindDelivery, showOne } from './view.js';
import { notFound, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { attemptSchema, deliverySchema, headerSchema, time } from '../schemas.js';

const tag = 'Deliveries';
const params = z.object({ id: z.string() });

const detailSchema = deliverySchema.extend({
  attempts: z.array(attemptSchema),
  schedule: z
    .array(
      z.object({
        position: z.int().describe('Position in the schedule: 0 is the first attempt.'),
        waitMs: z.number().describe('Wait before it by the schedule, in milliseconds.'),
        at: time.nullable().describe('All but the first are estimates; null while paused.'),
      }),
    )
    .describe('The next attempts, unless an earlier one is accepted.'),
  blockedBy: z
    .string()
    .nullable()
    .describe('The delivery of its ordering key that it waits for; null when it waits for none.'),
  workflow: z.object({ id: z.string(), url: z.string().nullable() }),
});

const requestSchema = z
  .object({
    attempt: z
      .int()
      .nullable()
      .describe('Number of the attempt that sent it; null for the request that would be sent now.'),
    method: z.literal('POST'),
    url: z.string(),
    headers: z.array(headerSchema).describe('Secret values are masked.'),
    body: z.string(),
  })
  .openapi('DeliveryRequest');

export function deliveryDetailRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/deliveries/{id}',
      tag,
      scope: 'read',
      summary: 'Get a delivery with its attempts',
      forAccounts: true,
      capability: 'view',
      params,
      responses: { status: 200, description: 'The delivery', schema: detailSchema },
    },
    async ({ params, principal }) => {
      const delivery = await mustFindDelivery(context, principal, params.id);
      const { id, provider } = delivery;
      const [[deliveryStart], attempts] = await Promise.all([
        loadDeliveryStarts(store, [id]),
        listAttempts(store, delivery.batchId ?? id),
      ]);
      const heads = delivery.isBlocked ? await findHeads(store, [id]) : undefined;
      const shown = await showOne(context, principal, delivery);
      return {
        ...shown,
        attempts: principal.role === 'operator' ? attempts : attempts.map(withoutAdvice),
        schedule:
          deliveryStart && !deliveryStart.isCollected
            ? nextAttempts(delivery, deliveryRules(contractOf(provider), id, deliveryStart).schedule, new Date())
            : [],
        blockedBy: heads?.get(id) ?? null,
        workflow: shown.workflowId === null ? null : { id: shown.workflowId, url: shown.temporalUrl },
      };
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/deliveries/{id}/request',
      tag,
      scope: 'read',
      summary: 'Show the request that an attempt sent',
      description:
        "The latest attempt's request, unless `attempt` is given. If no attempt has sent one yet, the request that would " +
        'be sent now.',
      forAccounts: true,
      capability: 'view',
      params,
      query: z.strictObject({ attempt: z.coerce.number().int().min(1).optional().describe('Number of the attempt.') }),
      responses: { status: 200, description: 'The request', schema: requestSchema },
      problems: [409],
    },
    async ({ params, query: { attempt }, principal }) => {
      const { id: deliveryId, batchId } = await mustFindDelivery(context, principal, params.id);
      // The request of a member is that of its batch.
      const id = batchId ?? deliveryId;
      const [material, attempts] = await Promise.all([loadAttemptMaterial(store, id), listAttempts(store, id)]);
      if (!material) throw notFound('delivery');
      const sent = attempts.findLast(
        ({ number, url, requestHeaders }) =>
          url !== null && requestHeaders !== null && (attempt === undefined || number === attempt),
      );
      if (sent) return asSent(sent, material.body);
      if (attempt !== undefined) throw new Problem('not_found', 'there is no such attempt, or it sent no request');
      return preview(material, new Date());
    },
  );
}

/** An attempt as accounts see it, without advice about settings. */
function withoutAdvice(attempt: StoredAttempt): StoredAttempt {
  const { message } = attempt;
  return { ...attempt, message: message && withoutSettingAdvice(message) };
}

/** The stored request of an attempt; every attempt of a delivery sends the same body. */
function asSent({ number, url, requestHeaders }: StoredAttempt, body: string) {
  return { attempt: number, method: 'POST', url, headers: requestHeaders, body };
}

/** The request that would be sent now; throws a problem when the contract cannot build it. */
function preview(material: AttemptMaterial, now: Date) {
  if (material.bodyError === ERASED)
    throw new Problem('erased', 'the request was erased with the payload of its event');
  if (material.bodyError !== null) throw new Problem('conflict', `there is no body: ${material.bodyError}`);
  const { account, event, firstAttemptAt, schedulePosition, body } = material;
  const contract = contractOf(account.provider);
  const waits = contract.schedule(event.type, account).length;
  const made = schedulePosition === null ? 0 : schedulePosition + 1;
  const retriesRemaining = Math.max(waits - made, 0);
  try {
    const { url, headers } = contract.request({
      ...material,
      now,
      firstAttemptAt: firstAttemptAt ?? now,
      retriesRemaining,
    });
    const masked = headers.map(({ name, value, secret }) => ({ name, value: secret ? '***' : value }));
    return { attempt: null, method: 'POST', url, headers: masked, body };
  } catch {
    throw new Problem(
      'conflict',
      'the request cannot be built from the current subscription; see the messages of its attempts',
    );
  }
}

/** A future attempt, unless an earlier one is accepted. */
export interface NextAttempt {
  /** Position in the schedule: 0 is the first attempt of a run. */
  readonly position: number;
  /** Wait before it by the schedule, in milliseconds. */
  readonly waitMs: number;
  /** Its time; null while the delivery is paused. All but the first are estimates, because attempts take time too. */
  readonly at: Date | null;
}

/**
 * The remaining attempts of an open delivery by the contract's current schedule. A delivery that started with an older
 * schedule keeps it, but only its workflow knows it. None is made after its event expires.
 */
export function nextAttempts(
  delivery: Pick<StoredDelivery, 'state' | 'schedulePosition' | 'nextAttemptAt'> &
    Partial<Pick<StoredDelivery, 'expiresAt'>>,
  schedule: Schedule,
  now: Date,
): NextAttempt[] {
  if (!openStates.includes(delivery.state)) return [];
  const next = delivery.schedulePosition === null ? 0 : delivery.schedulePosition + 1;
  const waits = [0, ...schedule];
  let at = Math.max(delivery.nextAttemptAt?.getTime() ?? 0, now.getTime());
  const attempts = waits.slice(next).map((waitMs, index) => {
    if (index > 0) at += waitMs;
    return { position: next + index, waitMs, at: delivery.state === 'paused' ? null : new Date(at) };
  });
  const { expiresAt } = delivery;
  return expiresAt ? attempts.filter((attempt) => !attempt.at || attempt.at < expiresAt) : attempts;
}
