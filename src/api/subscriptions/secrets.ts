/** The secrets with which receivers verify requests of a subscription. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { TooManySigningKeys } from '../../contract/signing-keys.js';
import { contractOf } from '../../providers/registry.js';
import type { Registrar } from '../../providers/registration.js';
import type { ApiContext } from '../context.js';
import { Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { time } from '../schemas.js';
import { checkOwnSecret } from './input.js';
import { mustFindSubscription } from './view.js';

const tag = 'Subscriptions';
const params = z.object({ id: z.string() });
/** Default time that the old secret stays valid after a rotation, in hours. */
const OVERLAP_HOURS = 24;

export function secretRoutes(routing: Routing, context: ApiContext, registrar: Registrar): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/subscriptions/{id}/secret',
      tag,
      scope: 'operate',
      isAudited: true,
      summary: 'Get the secret with which a receiver verifies requests',
      forAccounts: true,
      capability: 'view_secrets',
      params,
      responses: { status: 200, description: 'The secret', schema: z.object({ secret: z.string() }) },
    },
    async ({ params, principal }) => {
      const { subscription, account } = await mustFindSubscription(context, principal, params.id);
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
      scope: 'operate',
      summary: 'Replace the signing secret',
      forAccounts: true,
      capability: 'show_secrets',
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
      const { subscription, account } = await mustFindSubscription(context, principal, params.id);
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
}
