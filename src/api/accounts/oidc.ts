/**
 * Signing in to the dashboard with OpenID Connect. What belongs to a sign-in is in a cookie until the provider sends the
 * browser back: sealed, for ten minutes and for that browser only, so that no process has to remember anything.
 */
import type { OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import type { Oidc, OidcTransaction, OidcUser } from '../../http/oidc.js';
import type { Principal } from '../../http/principal.js';
import { Problem } from '../../http/problem.js';
import { clearOidcCookie, oidcCookieOf, setOidcCookie, setSessionCookie } from '../../http/session-cookie.js';
import { networkOf, WindowCounter } from '../../http/window-counter.js';
import { errorMessage } from '../../lib/errors.js';
import { createSession } from '../../store/accounts/sessions.js';
import type { ApiContext } from '../context.js';

const CALLBACK = '/v1/sessions/oidc/callback';

/** How long a sign-in may take, in milliseconds. */
const SIGN_IN_MS = 600_000;
/** What the content of the cookie is sealed for. */
const SEALED_FOR = 'oidc sign-in';
/** Maximum requests of an address per minute and process: each may cause some to the provider. */
const MAX_REQUESTS = 60;
const MAX_COUNTED_ADDRESSES = 10_000;

/** Why no one was signed in; the sign-in page has a text for each. */
type Failure = 'refused' | 'failed' | 'unavailable';

/** What the API needs for it; `oidc` is absent without a provider. */
export interface OidcContext extends ApiContext {
  readonly oidc?: Oidc | undefined;
}

/** Routes that need no key, for browsers. */
export function oidcRoutes(registry: OpenAPIRegistry, context: OidcContext): Router {
  document(registry);
  const router = Router();
  const requests = new WindowCounter(MAX_COUNTED_ADDRESSES, () => performance.now());

  function limited({ ip }: Request): Oidc {
    const { count, endsInMs } = requests.add(networkOf(ip));
    if (count > MAX_REQUESTS)
      throw new Problem('rate_limited', 'too many sign-ins', undefined, Math.ceil(endsInMs / 1_000));
    if (!context.oidc) throw new Problem('not_found', 'no OpenID Connect provider is set (PIGEONPOST_OIDC_ISSUER)');
    return context.oidc;
  }

  router.get('/v1/sessions/methods', (_request, response) => {
    response.json({ key: true, oidc: context.oidc ? { name: context.oidc.name } : null });
  });
  router.get('/v1/sessions/oidc', async (request, response) => {
    response.set('Cache-Control', 'no-store');
    await start(context, limited(request), request, response);
  });
  router.get(CALLBACK, async (request, response) => {
    response.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' });
    await finish(context, limited(request), request, response);
  });
  return router;
}

async function start(context: OidcContext, oidc: Oidc, request: Request, response: Response): Promise<void> {
  try {
    const redirectUri = `${request.protocol}://${request.host}${CALLBACK}`;
    const { url, transaction } = await oidc.start(redirectUri);
    const expiresAt = Date.now() + SIGN_IN_MS;
    const sealed = context.store.box.seal({ ...transaction, expiresAt }, SEALED_FOR);
    setOidcCookie(request, response, sealed.toString('base64url'), new Date(expiresAt));
    response.redirect(303, url.href);
  } catch (err) {
    context.log.warn({ error: errorMessage(err) }, 'the OpenID Connect provider cannot be reached');
    back(response, 'unavailable', '../../');
  }
}

async function finish(context: OidcContext, oidc: Oidc, request: Request, response: Response): Promise<void> {
  const cookie = oidcCookieOf(request);
  clearOidcCookie(request, response);
  const transaction = cookie === undefined ? undefined : open(context, cookie);
  if (!transaction) return back(response, 'failed');
  let user: OidcUser;
  try {
    user = await oidc.finish(new URL(request.originalUrl, transaction.redirectUri), transaction);
  } catch (err) {
    // Without the error's other fields, which may have tokens.
    context.log.warn({ error: errorMessage(err), address: request.ip }, 'a sign-in with OpenID Connect failed');
    return back(response, 'failed');
  }
  if (user.scopes.length === 0) {
    context.log.warn(
      { user: user.name, address: request.ip },
      'a sign-in was refused: no claim of PIGEONPOST_OIDC_ACCESS',
    );
    return back(response, 'refused');
  }
  await signIn(context, oidc, user, request, response);
  // The cookie of the session is not sent with this redirect, which another site has caused, but with what the page
  // then requests.
  response.redirect(303, '../../../');
}

async function signIn(
  { store, audit, sessionHours }: OidcContext,
  { client }: Oidc,
  { name, scopes }: OidcUser,
  request: Request,
  response: Response,
): Promise<void> {
  const principal: Principal = { role: 'operator', credential: { kind: 'dashboard', keyId: null, name, scopes } };
  const call = { principal, request, response, action: `GET ${CALLBACK}`, params: {}, success: 303 };
  await audit.around(call, async () => {
    const { id, token, expiresAt } = await createSession(store, {
      ...{ kind: 'dashboard', madeWith: { userName: name, oidcClient: client }, accountId: null },
      ...{ scopes, seconds: sessionHours * 3_600 },
    });
    setSessionCookie(request, response, token, expiresAt);
    return { id };
  });
}

/** The content of the cookie; undefined when it is not ours, or too old. */
function open({ store }: OidcContext, cookie: string): OidcTransaction | undefined {
  try {
    const opened = store.box.open(Buffer.from(cookie, 'base64url'), SEALED_FOR);
    const { expiresAt, ...transaction } = opened as OidcTransaction & { readonly expiresAt: number };
    return expiresAt > Date.now() ? transaction : undefined;
  } catch {
    return undefined;
  }
}

/** Sends the browser to the sign-in page; `root` leads there from this path, whatever a proxy has put before it. */
function back(response: Response, failure: Failure, root = '../../../'): void {
  response.redirect(303, `${root}?signIn=${failure}`);
}

const methodsSchema = z
  .object({
    key: z.literal(true),
    oidc: z.object({ name: z.string() }).nullable().describe('The OpenID Connect provider; null without one.'),
  })
  .openapi('SignInMethods');

/** The other routes are for browsers only, and so not in the document. */
function document(registry: OpenAPIRegistry): void {
  registry.registerPath({
    method: 'get',
    path: '/v1/sessions/methods',
    tags: ['Access'],
    security: [],
    summary: 'Get how one can sign in to the dashboard',
    description: 'Needs no key.',
    responses: { 200: { description: 'The methods', content: { 'application/json': { schema: methodsSchema } } } },
  });
}
