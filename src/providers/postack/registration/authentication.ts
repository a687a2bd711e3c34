/**
 * Links to the portal of an application: codegen/lib-openapi.json, AppPortalAccessIn and ApplicationTokenExpireIn, and
 * dashboard-access, which only clients of the first line have (svix-server, src/v1/endpoints/auth.rs).
 */
import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import { check } from '../../../http/check.js';
import { endPortalLinks } from '../../../store/accounts/portal-links.js';
import { TOKEN_PREFIXES, type PortalCapability } from '../../../store/accounts/sessions.js';
import type { PortalLinkInput, Registrar } from '../../registration.js';
import { contract } from '../contract.js';
import { applicationIn, createApplication } from './applications.js';
import { conflict, svixError } from './errors.js';
import { applicationOf, bearerOf, environmentOf, respondOnce, type Api } from './request.js';

const LOGOUT = '/api/v1/auth/logout';

/** What each of Svix's capabilities allows here. No code of a transformation can be edited through Svix's API. */
const ALLOWED: Readonly<Record<string, readonly PortalCapability[]>> = {
  ViewBase: [],
  ViewEndpointSecret: ['view_secrets'],
  ManageEndpointSecret: ['show_secrets'],
  ManageTransformations: [],
  CreateAttempts: ['send_again'],
  ManageEndpoint: ['manage_subscriptions', 'show_secrets'],
};

/** Seven days. */
const MAX_SECONDS = 604_800;

const sessionId = z.string().regex(/^[a-zA-Z0-9@_-]{1,64}$/, 'must be 1 to 64 letters, digits, @, _ and -');

const accessIn = z.object({
  application: applicationIn.nullish(),
  readOnly: z.boolean().nullish(),
  capabilities: z
    .array(z.enum(Object.keys(ALLOWED)))
    .refine((given) => given.includes('ViewBase'), 'must have ViewBase')
    .nullish(),
  featureFlags: z
    .array(z.string().regex(/^[a-zA-Z0-9\-_.]{1,256}$/))
    .max(25)
    .nullish(),
  expiry: z.int().min(3_600).max(MAX_SECONDS).nullish(),
  sessionId: sessionId.nullish(),
});

const expireIn = z.object({
  expiry: z.int().min(0).max(259_200).nullish(),
  sessionIds: z.array(sessionId).max(1_000).nullish(),
});

/** Everything: what a link allows unless that is chosen. */
const EVERYTHING = [...new Set(Object.values(ALLOWED).flat())].filter((each) => each !== 'view_secrets');

/** The only call with the token of a link; before the key of an account is required. */
export function logoutRoute(router: Router, registrar: Registrar): void {
  router.post(LOGOUT, async (request, response, next) => {
    const key = bearerOf(request);
    // The call with another token is refused below, after it has been checked like every other one.
    if (!key?.startsWith(TOKEN_PREFIXES.portal)) return next();
    if (!(await registrar.endPortalSession(contract.provider, { request, key })))
      throw svixError(401, 'authentication_failed', 'Invalid token');
    response.status(204).end();
  });
}

export function authenticationRoutes(router: Router, api: Api): void {
  router.post(LOGOUT, () => {
    throw svixError(403, 'insufficient access', 'Only the token of a portal can be logged out');
  });

  router.post('/api/v1/auth/app-portal-access/:app_id', (request, response) => {
    const { application, readOnly, capabilities, featureFlags, expiry, ...input } = check(accessIn, request.body ?? {});
    const allowed = readOnly ? [] : capabilities?.flatMap((each) => ALLOWED[each]!);
    return respondWithLink(api, request, response, {
      ensure: async () => {
        if (response.locals.application === undefined && application != null)
          response.locals.application = await createApplication(api, environmentOf(response), application);
      },
      link: {
        capabilities: allowed ? [...new Set(allowed)] : EVERYTHING,
        seconds: expiry ?? MAX_SECONDS,
        featureFlags: featureFlags ?? undefined,
        group: input.sessionId ?? undefined,
      },
    });
  });

  router.post('/api/v1/auth/dashboard-access/:app_id', (request, response) =>
    respondWithLink(api, request, response, { link: { capabilities: EVERYTHING, seconds: MAX_SECONDS } }),
  );

  router.post('/api/v1/auth/app/:app_id/expire-all', (request, response) => {
    const { expiry, sessionIds } = check(expireIn, request.body ?? {});
    return respondOnce(api, request, response, async () => {
      const groups = sessionIds && sessionIds.length > 0 ? sessionIds : undefined;
      await endPortalLinks(api.registrar.store, applicationOf(response).id, { seconds: expiry ?? 0, groups });
      return { status: 204 };
    });
  });
}

/** Responds with a link, or again with that of the first request with its idempotency key, which is stored encrypted. */
async function respondWithLink(
  { registrar, once }: Api,
  request: Request,
  response: Response,
  { ensure, link }: { readonly ensure?: () => Promise<void>; readonly link: PortalLinkInput },
): Promise<void> {
  const { box } = registrar.store;
  const environment = environmentOf(response);
  const { body } = await once(request, environment, async () => {
    await ensure?.();
    const by = { request, key: bearerOf(request) };
    const { url, token } = await registrar.makePortalLink(applicationOf(response), by, link);
    return { status: 200, body: { sealed: box.seal({ url, token }, environment.id).toString('base64') } };
  });
  response.json(open(body as { readonly sealed: string }));

  function open({ sealed }: { readonly sealed: string }): unknown {
    try {
      return box.open(Buffer.from(sealed, 'base64'), environment.id);
    } catch {
      // A repeated request after the encryption key of the first one was removed.
      throw conflict('The first response to this idempotency key cannot be read any more');
    }
  }
}
