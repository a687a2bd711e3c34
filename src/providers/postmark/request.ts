/** Request headers. Postmark signs nothing; receivers authenticate it by Basic auth or a custom header. */
import { basicAuthorization, type BasicCredentials } from '../../contract/basic-auth.js';
import { idToUuid } from '../../contract/ids.js';
import type { AttemptInput, DeliveryRequest, RequestHeader } from '../../contract/types.js';
import type { Secrets } from './subscription.js';

/** Lower-case names of headers that the contract sends in every attempt. `Authorization` is allowed, for tokens. */
export const reservedHeaders = [
  'content-type',
  'accept',
  'user-agent',
  'x-pm-webhook-trace-id',
  'x-pm-webhook-event-id',
  'x-pm-retries-remaining',
];

/** Bits of the integer in `X-PM-Webhook-Event-Id`: all random bits at the end of a UUIDv7; fits in an int64. */
const EVENT_ID_BITS = 62;

export function request({
  subscription: { url, headers, secrets },
  event,
  retriesRemaining,
}: AttemptInput<unknown, unknown, unknown, unknown, Secrets>): DeliveryRequest {
  const traceId = idToUuid(event.id);
  return {
    url,
    headers: [
      { name: 'Content-Type', value: 'application/json' },
      { name: 'Accept', value: 'application/json' },
      { name: 'User-Agent', value: 'Postmark' },
      ...basicAuth(secrets.httpAuth),
      { name: 'X-PM-Webhook-Trace-Id', value: traceId },
      { name: 'X-PM-Webhook-Event-Id', value: eventNumber(traceId) },
      { name: 'X-PM-Retries-Remaining', value: String(retriesRemaining) },
      ...customHeaders(headers, secrets.httpAuth !== undefined),
    ],
  };
}

function basicAuth(httpAuth: BasicCredentials | undefined): RequestHeader[] {
  return httpAuth ? [{ name: 'Authorization', value: basicAuthorization(httpAuth), secret: true }] : [];
}

/** Basic credentials are sent with every attempt, so a custom `Authorization` is omitted. */
function customHeaders(headers: Readonly<Record<string, string>>, authorized: boolean): RequestHeader[] {
  return Object.entries(headers)
    .filter(([name]) => !(authorized && name.toLowerCase() === 'authorization'))
    .map(([name, value]) => ({ name, value, secret: true }));
}

function eventNumber(uuid: string): string {
  return BigInt.asUintN(EVENT_ID_BITS, BigInt(`0x${uuid.replaceAll('-', '')}`)).toString();
}
