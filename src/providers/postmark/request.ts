/**
 * Body and headers of a request. The body is one flat object without an envelope; `RecordType` names its kind. The
 * event's data is that object without the members that the contract adds; its own members stay unchanged and in order.
 * Postmark signs nothing: receivers authenticate it by Basic authentication or a custom header.
 */
import { basicAuthorization, type BasicCredentials } from '../../contract/basic-auth.js';
import type { Subscription } from '../../contract/entities.js';
import { idToUuid } from '../../contract/ids.js';
import { jsonMember, jsonMembers, jsonObject, type JsonMember } from '../../contract/json.js';
import type { AttemptInput, DeliveryRequest, RenderInput, RequestHeader } from '../../contract/types.js';
import { defaultStream, INBOUND } from './streams.js';
import type { Options, Secrets } from './subscription.js';

/** Opens, clicks and inbound mail do not contain the server. */
const WITH_SERVER_ID = new Set(['Bounce', 'SpamComplaint', 'Delivery', 'SubscriptionChange']);

export function renderBody({
  event: { type, text },
  account,
  subscription,
}: RenderInput<{ readonly serverId: number }, unknown, Options>): string {
  const members = jsonMembers(text).filter(
    ({ key }) => key !== 'RecordType' && (key !== 'Content' || includesContent(type, subscription.options)),
  );
  const present = new Set(members.map(({ key }) => key));
  return jsonObject([...addedMembers(type, account.scope.serverId).filter(({ key }) => !present.has(key)), ...members]);
}

/** Bodies differ by whether they include the raw message. */
export function bodyVariant({ options: { includeContent } }: Subscription<Options>): string {
  return `${includeContent.bounce}/${includeContent.spamComplaint}`;
}

/** Members from the event type and the account, `RecordType` first as in the documented samples. */
function addedMembers(type: string, serverId: number): JsonMember[] {
  const stream = jsonMember('MessageStream', defaultStream(type));
  if (type === INBOUND) return [stream];
  const head = [jsonMember('RecordType', type), stream];
  return WITH_SERVER_ID.has(type) ? [...head, jsonMember('ServerID', serverId)] : head;
}

/** Only the two triggers with `IncludeContent` can omit `Content`. */
function includesContent(type: string, { includeContent }: Options): boolean {
  if (type === 'Bounce') return includeContent.bounce;
  if (type === 'SpamComplaint') return includeContent.spamComplaint;
  return true;
}

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
