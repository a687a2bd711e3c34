/**
 * The cookie of a session of the dashboard. Scripts cannot read it (HttpOnly), other sites do not send it
 * (SameSite=Strict), and it is accepted only in requests of the dashboard's own page: SameSite allows other ports and
 * subdomains of the same site, where Temporal's UI may run.
 */
import type { CookieOptions, Request, Response } from 'express';
import { Problem } from './problem.js';

/** Of a sign-in with OpenID Connect, until the provider sends the browser back. */
const OIDC_NAMES = { secure: '__Host-pigeonpost_oidc', plain: 'pigeonpost_oidc' } as const;

/** Over TLS the prefix makes browsers reject a cookie that a subdomain or a plain connection has set. */
const NAMES = { secure: '__Host-pigeonpost_session', plain: 'pigeonpost_session' } as const;

/** Sets the cookie, until the session ends. */
export function setSessionCookie(request: Request, response: Response, token: string, expires: Date): void {
  response.cookie(nameFor(request), token, { ...attributes(request), expires });
}

/** Removes the cookie. */
export function clearSessionCookie(request: Request, response: Response): void {
  response.clearCookie(nameFor(request), attributes(request));
}

/** The token in the cookie of a request; undefined without one. Throws `forbidden` if another page has sent it. */
export function sessionOf(request: Request): string | undefined {
  const token = cookieOf(request, nameFor(request));
  if (token === undefined) return undefined;
  if (isOwnPage(request)) return token;
  throw new Problem(
    'forbidden',
    'a session is for the dashboard’s own page; send a key as Authorization: Bearer <key>',
  );
}

/** Sets the cookie of a sign-in. Lax, as the provider's page sends the browser back. */
export function setOidcCookie(request: Request, response: Response, value: string, expires: Date): void {
  response.cookie(oidcNameFor(request), value, { ...attributes(request), sameSite: 'lax', expires });
}

export function clearOidcCookie(request: Request, response: Response): void {
  response.clearCookie(oidcNameFor(request), { ...attributes(request), sameSite: 'lax' });
}

/** The cookie of a sign-in; undefined without one. It opens nothing by itself, so any page may cause its request. */
export function oidcCookieOf(request: Request): string | undefined {
  return cookieOf(request, oidcNameFor(request));
}

/** The value of a cookie; undefined when it is absent or empty. */
function cookieOf(request: Request, name: string): string | undefined {
  const cookies = request.get('cookie')?.split(/; */) ?? [];
  const value = cookies.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1);
  return value === '' ? undefined : value;
}

/**
 * Whether the dashboard's own page sends a request. Browsers say so in Sec-Fetch-Site, unless the connection is neither
 * encrypted nor of this machine; then Origin has to be the address of the request. What changes nothing may have neither.
 */
function isOwnPage(request: Request): boolean {
  const site = request.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = request.get('origin');
  if (origin !== undefined) return URL.canParse(origin) && new URL(origin).host === request.host;
  return request.method === 'GET' || request.method === 'HEAD';
}

function nameFor({ secure }: Request): string {
  return secure ? NAMES.secure : NAMES.plain;
}

function oidcNameFor({ secure }: Request): string {
  return secure ? OIDC_NAMES.secure : OIDC_NAMES.plain;
}

function attributes({ secure }: Request): CookieOptions {
  return { httpOnly: true, sameSite: 'strict', secure, path: '/' };
}
