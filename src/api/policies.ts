/** Delivery policies: who may have one, and which one applies to a subscription. */
import { z } from 'zod';
import type { DeliveryPolicy } from '../contract/delivery-policy.js';
import { deliveryRules, effectivePolicy, policyLevels } from '../contract/delivery-rules.js';
import type { AnyContract } from '../contract/types.js';
import { applyPolicyToMatching } from '../dispatch/commands/bulk.js';
import { contractOf } from '../providers/registry.js';
import { countMatching } from '../store/deliveries/bulk.js';
import { findEventType } from '../store/event-types/event-types.js';
import type { ApiContext } from './context.js';
import { cursorOf, readCursor } from '../http/paging.js';
import { invalidField, Problem } from '../http/problem.js';
import { addRoute, type Routing } from '../http/route.js';
import { line, policySchema } from './schemas.js';
import { mustFindSubscription } from './subscriptions/view.js';

const params = z.object({ id: z.string() });

/** An event type that stands for all that have no policy of their own, where none is named. */
const ANY_EVENT_TYPE = 'any';

/** Deliveries that one request applies a policy to, and that a dry run counts. */
const MAX_APPLIED = 1_000;
const MAX_COUNTED = 100_000;

const source = z.enum([...policyLevels, 'contract']);

const effectiveSchema = z
  .object({
    policy: policySchema.describe('The fields that a policy decides; the contract decides the others.'),
    sources: z
      .object({
        schedule: source,
        jitter: source,
        timeLimitS: source,
        acceptedStatuses: source,
        stopStatuses: source,
        retryAfterMaxS: source,
        slowDown: source,
        breaker: source,
      })
      .describe('Which level decides each field.'),
    waitsS: z.array(z.number()).describe('The waits after failed attempts in seconds, without jitter.'),
    timeLimitS: z.number().describe('Longest time of one request, in seconds.'),
  })
  .openapi('EffectivePolicy');

/** Throws a problem for a policy that the contract does not allow. */
export function checkPolicy(contract: AnyContract, policy: DeliveryPolicy | null | undefined): void {
  const problem = policy && refusal(contract);
  if (problem !== undefined && problem !== null) throw invalidField('policy', `${problem}; remove it`);
}

/** Why deliveries of a contract have no policies; undefined where they may have them. */
function refusal({ hasDeliveryPolicy, title }: AnyContract): string | undefined {
  return hasDeliveryPolicy ? undefined : `the contract of ${title} defines schedule, time limit and accepted responses`;
}

export function policyRoutes(routing: Routing, context: ApiContext): void {
  showRoute(routing, context);
  applyRoute(routing, context);
}

function showRoute(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/subscriptions/{id}/policy',
      tag: 'Subscriptions',
      scope: 'read',
      summary: 'Show the delivery policy that applies to new deliveries of a subscription',
      description:
        'Field by field, the policy of the subscription wins over that of the event type, then the account, then the ' +
        'installation (PIGEONPOST_DELIVERY_POLICY), then the contract.',
      forAccounts: true,
      params,
      query: z.strictObject({ eventType: line(255).optional().describe('For events of this type.') }),
      responses: { status: 200, description: 'The policy, and where each field comes from', schema: effectiveSchema },
    },
    async ({ params: { id }, query: { eventType }, principal }) => {
      const { subscription, account } = await mustFindSubscription(context, principal, id);
      const contract = contractOf(account.provider);
      mustHavePolicy(contract);
      if (eventType !== undefined && !contract.findEvent(eventType))
        throw invalidField('eventType', `${contract.title} has no event ${JSON.stringify(eventType)}`);
      const defined = eventType === undefined ? undefined : await findEventType(context.store, eventType);
      const scope = {
        account,
        eventType: eventType ?? ANY_EVENT_TYPE,
        eventTypePolicy: defined?.policy,
        subscriptionPolicy: subscription.policy,
      };
      const { policy, sources } = effectivePolicy(scope);
      const unjittered = { ...scope, subscriptionPolicy: { ...subscription.policy, jitter: 0 } };
      const { schedule, timeLimitMs } = deliveryRules(contract, '', unjittered);
      const fields = Object.keys(effectiveSchema.shape.sources.shape) as (keyof DeliveryPolicy)[];
      return {
        policy,
        sources: Object.fromEntries(fields.map((field) => [field, sources[field] ?? 'contract'])),
        waitsS: schedule.map((waitMs) => waitMs / 1_000),
        timeLimitS: timeLimitMs / 1_000,
      };
    },
  );
}

function applyRoute(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/subscriptions/{id}/policy/apply',
      tag: 'Subscriptions',
      scope: 'operate',
      summary: 'Apply the delivery policy in force to deliveries that wait for their next attempt',
      description:
        'New deliveries need no such request. The wait in progress and the position of the schedule stay; the waits after ' +
        'it, the time limit and the response rules are those of the policy. The oldest first, at most 1,000 per request. ' +
        'While `more` is true, repeat the request with nextCursor as cursor.',
      forAccounts: true,
      params,
      bodyOptional: true,
      body: z.strictObject({
        dryRun: z.boolean().default(false).describe('Only count; change nothing.'),
        cursor: z.string().max(200).optional().describe('nextCursor of the previous request.'),
      }),
      responses: {
        status: 200,
        description: 'The result; for a dry run, the number of deliveries',
        schema: z.object({
          matched: z.int().describe('Deliveries selected; with dryRun the number that match, counted up to 100,000.'),
          done: z.int().describe('How many get the policy.'),
          more: z.boolean().describe('Whether more deliveries match.'),
          nextCursor: z.string().nullable(),
        }),
      },
    },
    async ({ params: { id }, body: { dryRun, cursor }, principal }) => {
      const { subscription, account } = await mustFindSubscription(context, principal, id);
      mustHavePolicy(contractOf(account.provider));
      const states = ['retrying', 'paused'] as const;
      const filter = { states, subscriptionId: subscription.id, afterId: readCursor('dlv', cursor) };
      if (dryRun) {
        const matched = await countMatching(context.store, filter, MAX_COUNTED + 1);
        return { matched: Math.min(matched, MAX_COUNTED), done: 0, more: matched > MAX_COUNTED, nextCursor: null };
      }
      const { matched, done, lastId } = await applyPolicyToMatching(context, filter, MAX_APPLIED);
      return { matched, done, more: lastId !== null, nextCursor: lastId === null ? null : cursorOf(lastId) };
    },
  );
}

/** Throws a problem for a contract whose deliveries have no policies. */
export function mustHavePolicy(contract: AnyContract): void {
  const refused = refusal(contract);
  if (refused !== undefined) throw new Problem('invalid_request', refused);
}
