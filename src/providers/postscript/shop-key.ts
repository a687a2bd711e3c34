/**
 * Authentication of a request: https://developers.postscript.io/docs/api-authentication
 *
 * A shop sends its private key (`sk_`); a partner sends its own key (`sk_partner_`) and the shop's key in a second
 * header. Public keys (`pk_`) are not accepted. Pigeonpost has shops and no partners: of a partner's key only the
 * format is checked, and the shop's key grants the access.
 */
import type { Request } from 'express';

const PRIVATE = 'sk_';
const PARTNER = 'sk_partner_';

export interface Caller {
  /** The private key of the shop. */
  readonly shopKey: string;
  /** The key for the rate limit: a shop, or a partner on behalf of a shop. */
  readonly name: string;
}

/** The caller named by a request, not yet verified; undefined when there is none. */
export function callerOf(request: Request): Caller | undefined {
  const authorization = request.get('authorization') ?? '';
  const key = bearerKey(authorization) ?? basicKey(authorization) ?? '';
  if (isShopKey(key)) return { shopKey: key, name: key };
  const shopKey = request.get('x-postscript-shop-token') ?? '';
  return key.startsWith(PARTNER) && isShopKey(shopKey) ? { shopKey, name: `${key} ${shopKey}` } : undefined;
}

function isShopKey(key: string): boolean {
  return key.startsWith(PRIVATE) && !key.startsWith(PARTNER);
}

function bearerKey(authorization: string): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
}

/** The older scheme: the key as user name of HTTP Basic authentication, with an empty password. */
function basicKey(authorization: string): string | undefined {
  const [, credentials] = /^Basic +([\w+/=-]+) *$/i.exec(authorization) ?? [];
  return credentials && /^([^:]+):$/.exec(Buffer.from(credentials, 'base64').toString())?.[1];
}
