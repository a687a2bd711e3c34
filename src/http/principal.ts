/** Authentication of the caller, and which accounts the caller can see. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { StoredAccount } from '../store/accounts/accounts.js';
import { Problem } from './problem.js';
import type { SignIn } from './sign-in.js';
import type { SignInFailures } from './sign-in-failures.js';

/**
 * The caller: an operator with the admin key, who sees all data, or an account with its own key, which sees its own.
 */
export type Principal =
  { readonly role: 'operator' } | { readonly role: 'account'; readonly account: StoredAccount; readonly keyId: string };

/** An id that no account has. */
const NO_ACCOUNT = '';

/**
 * Accepts requests with `Authorization: Bearer` and the admin key or an account's key, in any provider's key format.
 * The admin key is compared in constant time.
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
    if (key !== undefined && isAdminKey(key)) return { role: 'operator' };
    const signedIn = await signIn(request, key);
    return signedIn && { role: 'account', ...signedIn };
  }

  return async (request, response, next) => {
    const principal = await principalWith(request, keyOf(request));
    if (!principal) throw unauthorized(response, "the admin key or an account's key");
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
