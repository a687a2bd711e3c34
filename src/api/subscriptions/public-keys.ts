/**
 * The public keys of a subscription as a JSON Web Key Set (RFC 7517), without a key: receivers and gateways verify with
 * it. By subscription and not as one list, because a list would show an account which others exist.
 */
import type { OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import type { Router } from 'express';
import { z } from 'zod';
import { problemSchema } from '../../http/openapi.js';
import { notFound, Problem } from '../../http/problem.js';
import { isStorable } from '../../http/check.js';
import { networkOf, WindowCounter } from '../../http/window-counter.js';
import { contractOf } from '../../providers/registry.js';
import { findAccount } from '../../store/accounts/accounts.js';
import { findSubscription } from '../../store/subscriptions/subscriptions.js';
import type { ApiContext } from '../context.js';

const path = '/.well-known/pigeonpost/{id}/jwks.json';

/** Maximum requests of an address per minute and process: each costs two queries. */
const MAX_REQUESTS = 600;
const MAX_COUNTED_ADDRESSES = 10_000;
/** How long a cache may keep the keys, in seconds. Much shorter than the usual overlap of a rotation. */
const MAX_AGE_S = 300;

const jwks = z
  .object({
    keys: z.array(
      z.object({
        kty: z.literal('OKP'),
        crv: z.literal('Ed25519'),
        x: z.string(),
        kid: z.string().describe('The thumbprint of the key (RFC 7638).'),
        use: z.literal('sig'),
        alg: z.literal('EdDSA'),
      }),
    ),
  })
  .openapi('PublicKeys');

/** Serves the public keys; 404 for a subscription without any. */
export function publicKeyRoutes(
  { router, registry }: { readonly router: Router; readonly registry: OpenAPIRegistry },
  { store }: ApiContext,
): void {
  const requests = new WindowCounter(MAX_COUNTED_ADDRESSES, () => performance.now());

  registry.registerPath({
    method: 'get',
    path,
    tags: ['Subscriptions'],
    summary: 'Get the public keys of a subscription that signs with ed25519',
    description:
      'Needs no key. Has every key that is valid now, so also the former one during the overlap of a rotation. May be ' +
      `cached for ${MAX_AGE_S} s.`,
    security: [],
    request: { params: z.object({ id: z.string() }) },
    responses: {
      200: { description: 'A JSON Web Key Set', content: { 'application/jwk-set+json': { schema: jwks } } },
      ...Object.fromEntries(
        [404, 429, 503].map((status) => [
          status,
          { description: 'A problem', content: { 'application/problem+json': { schema: problemSchema } } },
        ]),
      ),
    },
  });

  router.get(path.replace('{id}', ':id'), async ({ params, ip }, response) => {
    const id = String(params.id);
    const { count, endsInMs } = requests.add(networkOf(ip));
    if (count > MAX_REQUESTS)
      throw new Problem('rate_limited', 'too many requests for keys', undefined, Math.ceil(endsInMs / 1_000));
    const subscription = isStorable(id) ? await findSubscription(store, id) : undefined;
    const account = subscription && (await findAccount(store, subscription.accountId));
    const keys =
      subscription && account && contractOf(account.provider).subscriptions.publicKeys?.(subscription, new Date());
    if (!keys || keys.length === 0) throw notFound('set of public keys');
    response.set('Cache-Control', `public, max-age=${MAX_AGE_S}`);
    response.type('application/jwk-set+json').send(JSON.stringify({ keys }));
  });
}
