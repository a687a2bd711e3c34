/** Authentication of the caller, and which accounts the caller can see. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { StoredAccount } from '../store/accounts/accounts.js';
import type { Scope } from '../store/accounts/api-keys.js';
import {
  TOKEN_PREFIXES,
  type PortalCapability,
  type SessionKind,
  type SessionUser,
} from '../store/accounts/sessions.js';
import { Problem } from './problem.js';
import { sessionOf } from './session-cookie.js';
import type { SignIn } from './sign-in.js';
import type { SignInFailures } from './sign-in-failures.js';

/** With what the caller has signed in. */
export interface Credential {
  readonly kind: 'admin_key' | 'key' | SessionKind;
  /** Its id; absent for the admin key of the settings, which is not stored. */
  readonly id?: string;
  /** Of a session: the key that it was made with; null for the admin key of the settings. */
  readonly keyId?: string | null;
  /** The name of the key, which of a session is the one that it was made with. */
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  /** Of a session that was made with OpenID Connect: who has signed in. */
  readonly user?: SessionUser;
  /** Of a link of the customer portal, whose caller is always an account. */
  readonly portal?: { readonly capabilities: readonly PortalCapability[]; readonly expiresAt: Date };
}

/** The caller: an operator, who sees all data, or an account with its own key, which sees its own. */
export type Principal =
  | { readonly role: 'operator'; readonly credential: Credential }
  | { readonly role: 'account'; readonly account: StoredAccount; readonly credential: Credential };

/** The name of the admin key of the settings. */
export const ADMIN_KEY_NAME = 'PIGEONPOST_ADMIN_KEY';

/** Who sends that key. */
const admin: Principal = {
  role: 'operator',
  credential: { kind: 'admin_key', name: ADMIN_KEY_NAME, scopes: ['admin'] },
};

/** The scopes of which a key needs one to use a route of a scope. */
const sufficient: Readonly<Record<Scope, readonly Scope[]>> = {
  publish: ['publish', 'admin'],
  read: ['read', 'operate', 'admin'],
  operate: ['operate', 'admin'],
  admin: ['admin'],
};

/** Whether the caller may use what needs a scope. */
export function hasScope({ credential }: Principal, needed: Scope): boolean {
  return sufficient[needed].some((scope) => credential.scopes.includes(scope));
}

/** An id that no account has. */
const NO_ACCOUNT = '';

/**
 * Accepts requests from the dashboard's own page with the cookie of a session, and requests with `Authorization: Bearer` and
 * the admin key, an operator's key, an account's key in any provider's format, or the token of a portal link. The admin key
 * is compared in constant time.
 */
export function requireKey({
  adminKey,
  signIn,
}: {
  readonly adminKey: string;
  readonly signIn: SignIn;
}): RequestHandler {
  const isAdminKey = comparedWith(adminKey);

  async function principalWith(request: Request, key: string | undefined): Promise<Principal | undefined> {
    const token = key === undefined ? sessionOf(request) : undefined;
    if (token !== undefined) return signIn.withSession(request, 'dashboard', token);
    if (key !== undefined && isAdminKey(key)) return admin;
    // No cookie, as a browser does not send it from a frame in a page of another site.
    if (key?.startsWith(TOKEN_PREFIXES.portal)) return signIn.withSession(request, 'portal', key);
    return signIn(request, key);
  }

  return async (request, response, next) => {
    const principal = await principalWith(request, keyOf(request));
    if (!principal) throw unauthorized(response, "an operator's or an account's key");
    response.locals.principal = principal;
    next();
  };
}

/** Accepts only requests with one of these keys, which `wanted` names; does not use the database. */
export function requireOneOf(keys: readonly string[], wanted: string, failures: SignInFailures): RequestHandler {
  const isOneOf = keys.map(comparedWith);
  return (request, response, next) => {
    const key = keyOf(request);
    if (key !== undefined && isOneOf.some((isKey) => isKey(key))) return next();
    if (key === undefined) failures.recordMissing();
    else failures.record(request, key, 'unknown');
    throw unauthorized(response, wanted);
  };
}

/** The caller of a request that `requireKey` accepted. */
export function principalOf(response: Response): Principal {
  return response.locals.principal as Principal;
}

/** Whether the caller is an operator. False before a key was checked, and on the providers' own routes. */
export function isOperator({ locals }: Response): boolean {
  return (locals.principal as Principal | undefined)?.role === 'operator';
}

/** Whether the caller may see an account's data; otherwise the response is the same as for data that does not exist. */
export function canSee(principal: Principal, accountId: string): boolean {
  return principal.role === 'operator' || principal.account.id === accountId;
}

/** The account to query when the caller asks for `asked`; undefined for all. An account can query only itself. */
export function visibleAccountId(principal: Principal, asked: string | undefined): string | undefined {
  if (principal.role === 'operator') return asked;
  return asked === undefined || asked === principal.account.id ? principal.account.id : NO_ACCOUNT;
}

function keyOf(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.get('authorization') ?? '')?.[1];
}

function unauthorized(response: Response, wanted: string): Problem {
  response.set('WWW-Authenticate', 'Bearer');
  return new Problem('unauthorized', `send ${wanted} as Authorization: Bearer <key>`);
}

function comparedWith(adminKey: string): (key: string) => boolean {
  const expected = digest(adminKey);
  return (key) => timingSafeEqual(digest(key), expected);
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
