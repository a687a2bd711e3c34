/** Sessions of the dashboard: signing in with a key gets a cookie, signing out ends it. */
import { z } from 'zod';
import { hasScope, type Principal } from '../../http/principal.js';
import { Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { clearSessionCookie, setSessionCookie } from '../../http/session-cookie.js';
import { createSession, revokeSession, type SessionKey } from '../../store/accounts/sessions.js';
import type { ApiContext } from '../context.js';
import { time } from '../schemas.js';

const tag = 'Access';

/** The key that a session is made with. Throws `forbidden` for a session, which would not end if it could make others. */
export function keyOfSession({ credential }: Principal, { adminKey }: Pick<ApiContext, 'adminKey'>): SessionKey {
  const { kind, id } = credential;
  if (kind === 'admin_key') return { adminKey };
  if (kind === 'key' && id !== undefined) return { keyId: id };
  throw new Problem('forbidden', 'a session cannot make another one; send a key as Authorization: Bearer <key>');
}

export function sessionRoutes(routing: Routing, context: ApiContext): void {
  const { store, sessionHours } = context;

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/sessions',
      tag,
      scope: 'any',
      isAudited: true,
      summary: 'Sign in to the dashboard',
      description:
        'Sets a cookie that only the dashboard’s own page can use, with the scopes of the key of this request. It ends ' +
        'after PIGEONPOST_SESSION_HOURS, or when the key is revoked or expires.',
      forAccounts: true,
      responses: {
        status: 201,
        description: 'The session; its token is in the cookie',
        schema: z.object({ id: z.string(), expiresAt: time }),
      },
      problems: [403],
    },
    async ({ principal, request, response }) => {
      const madeWith = keyOfSession(principal, context);
      if (!hasScope(principal, 'read'))
        throw new Problem('forbidden', 'this key may not read, so it shows nothing in the dashboard; use another key');
      const { id, expiresAt, token } = await createSession(store, {
        kind: 'dashboard',
        madeWith,
        accountId: principal.role === 'account' ? principal.account.id : null,
        scopes: principal.credential.scopes,
        seconds: sessionHours * 3_600,
      });
      setSessionCookie(request, response, token, expiresAt);
      return { id, expiresAt };
    },
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path: '/v1/sessions/current',
      tag,
      scope: 'any',
      isAudited: true,
      summary: 'Sign out of the dashboard',
      forAccounts: true,
      responses: { status: 204, description: 'Signed out', schema: null },
    },
    async ({ principal, request, response }) => {
      const { kind, id } = principal.credential;
      if (kind === 'dashboard' && id !== undefined) await revokeSession(store, id);
      clearSessionCookie(request, response);
    },
  );
}
