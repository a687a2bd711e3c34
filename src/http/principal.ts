/** Who asks, and whose rows are there for them. */
import { createHash, timingSafeEqual } from 'crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { StoredAccount } from '../store/accounts/accounts.js';
import { Problem } from './problem.js';
import type { SignIn } from './sign-in.js';
import type { SignInFailures } from './sign-in-failures.js';

/** An operator, who has the admin key and sees everything, or an account, which has a key of its own and sees itself. */
export type Principal =
  { readonly role: 'operator' } | { readonly role: 'account'; readonly account: StoredAccount; readonly keyId: string };

/** An id that no account has. */
const NOBODY = '';

/**
 * Lets requests pass that carry `Authorization: Bearer` with the admin key or an account's key, in whatever form its
 * provider's keys have. Comparing the admin key takes the same time for any key.
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

/** Lets requests pass that carry the admin key, and asks no database for that. */
export function requireAdminKey(adminKey: string, failures: SignInFailures): RequestHandler {
  const isAdminKey = comparedWith(adminKey);
  return (request, response, next) => {
    const key = keyOf(request);
    if (key !== undefined && isAdminKey(key)) return next();
    if (key === undefined) failures.recordMissing();
    else failures.record(request, key, 'unknown');
    throw unauthorized(response, 'the admin key');
  };
}

/** Who asks, once `requireKey` has let the request pass. */
export function principalOf(response: Response): Principal {
  return response.locals.principal as Principal;
}

/** Whether an operator asks. Not so while no key was looked at yet, nor on the providers' own routes. */
export function isOperator({ locals }: Response): boolean {
  return (locals.principal as Principal | undefined)?.role === 'operator';
}

/** Whether the rows of an account are there for whoever asks; others answer as if they were not. */
export function canSee(principal: Principal, accountId: string): boolean {
  return principal.role === 'operator' || principal.account.id === accountId;
}

/** The account to look at when `asked` is asked for; undefined for all. For an account that is itself or nobody. */
export function visibleAccountId(principal: Principal, asked: string | undefined): string | undefined {
  if (principal.role === 'operator') return asked;
  return asked === undefined || asked === principal.account.id ? principal.account.id : NOBODY;
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
