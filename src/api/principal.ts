/** Who asks, and whose rows are there for them. */
import { createHash, timingSafeEqual } from 'crypto';
import type { Request, RequestHandler, Response } from 'express';
import { findAccount, type StoredAccount } from '../store/accounts.js';
import { findAccountIdByKey } from '../store/api-keys.js';
import type { ApiContext } from './context.js';
import { Problem } from './problem.js';

/** An operator, who has the admin key and sees everything, or an account, which has a key of its own and sees itself. */
export type Principal = { readonly role: 'operator' } | { readonly role: 'account'; readonly account: StoredAccount };

/** An id that no account has. */
const NOBODY = '';

/**
 * Lets requests pass that carry `Authorization: Bearer` with the admin key or an account's key, in whatever form its
 * provider's keys have. Comparing the admin key takes the same time for any key.
 */
export function requireKey({ adminKey, store }: Pick<ApiContext, 'adminKey' | 'store'>): RequestHandler {
  const isAdminKey = comparedWith(adminKey);

  async function principalWith(key: string): Promise<Principal | undefined> {
    if (isAdminKey(key)) return { role: 'operator' };
    const id = await findAccountIdByKey(store, key);
    const account = id === undefined ? undefined : await findAccount(store, id);
    return account && { role: 'account', account };
  }

  return async (request, response, next) => {
    const key = keyOf(request);
    const principal = key === undefined ? undefined : await principalWith(key);
    if (!principal) throw unauthorized(response, "the admin key or an account's key");
    response.locals.principal = principal;
    next();
  };
}

/** Lets requests pass that carry the admin key, and asks no database for that. */
export function requireAdminKey(adminKey: string): RequestHandler {
  const isAdminKey = comparedWith(adminKey);
  return (request, response, next) => {
    const key = keyOf(request);
    if (key === undefined || !isAdminKey(key)) throw unauthorized(response, 'the admin key');
    next();
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
export function sees(principal: Principal, accountId: string): boolean {
  return principal.role === 'operator' || principal.account.id === accountId;
}

/** The account to look at when `asked` is asked for; undefined for all. For an account that is itself or nobody. */
export function accountSeen(principal: Principal, asked: string | undefined): string | undefined {
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
