/** Contents of requests to Postscript's API: the caller, the fields of a subscription, and a test. */
import type { Request } from 'express';
import type { EventDefinition } from '../../../contract/types.js';
import type { SubscriptionBody } from '../../registration.js';
import { events, findEvent } from '../events.js';
import { badRequest, bodyError, type TestError } from './errors.js';

const PRIVATE = 'sk_';
const PARTNER = 'sk_partner_';

export interface Caller {
  /** The private key of the shop. */
  readonly shopKey: string;
  /** The key for the rate limit: a shop, or a partner on behalf of a shop. */
  readonly name: string;
}

/**
 * The caller named by a request, not yet verified: https://developers.postscript.io/docs/api-authentication
 *
 * A shop sends its private key (`sk_`); a partner sends its own key (`sk_partner_`) and the shop's key in a second
 * header. Public keys (`pk_`) are not accepted. Pigeonpost has shops and no partners: of a partner's key only the
 * format is checked, and the shop's key grants the access.
 */
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

/** Converts a body to the fields of `/v1`. Unknown fields are ignored, because no document forbids them. */
export function toSubscription(body: unknown): SubscriptionBody {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('send a JSON object');
  const { callback_url: url, event, headers } = body as Record<string, unknown>;
  return { url, headers, ...(event === undefined ? {} : { eventTypes: [event] }) };
}

/** The requested event, or the error of the request. */
export function readTest(body: unknown): EventDefinition | TestError {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return bodyError('value is not a valid dict', 'type_error.dict');
  }
  const { event } = body as { event?: unknown };
  const fail = (msg: string, type: string, ctx = {}): TestError => ({ ctx, log: ['event'], msg, type });
  if (event === undefined) return fail('field required', 'value_error.missing');
  if (typeof event !== 'string') return fail('str type expected', 'type_error.str');
  const names = events.map(({ type }) => type);
  const permitted = names.map((name) => `'${name}'`).join(', ');
  return (
    findEvent(event) ??
    fail(`value is not a valid enumeration member; permitted: ${permitted}`, 'type_error.enum', { enum_values: names })
  );
}
