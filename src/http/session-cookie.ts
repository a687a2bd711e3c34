/**
 * The cookie of a session of the dashboard. Scripts cannot read it (HttpOnly), other sites do not send it
 * (SameSite=Strict), and it is accepted only in requests of the dashboard's own page: SameSite allows other ports and
 * subdomains of the same site, where Temporal's UI may run.
 */
import type { CookieOptions, Request, Response } from 'express';
import { Problem } from './problem.js';

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
  const name = nameFor(request);
  const cookies = request.get('cookie')?.split(/; */) ?? [];
  const token = cookies.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1);
  if (token === undefined || token === '') return undefined;
  if (isOwnPage(request)) return token;
  throw new Problem(
    'forbidden',
    'a session is for the dashboard’s own page; send a key as Authorization: Bearer <key>',
  );
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

function attributes({ secure }: Request): CookieOptions {
  return { httpOnly: true, sameSite: 'strict', secure, path: '/' };
}
