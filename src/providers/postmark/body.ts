/**
 * A body is one flat object without an envelope; `RecordType` names its kind. The event's data is that object without
 * the members that the contract adds; its own members stay unchanged and in order.
 */
import { jsonMember, jsonMembers, jsonObject, type JsonMember } from '../../contract/json.js';
import type { Subscription } from '../../contract/entities.js';
import type { RenderInput } from '../../contract/types.js';
import { defaultStream, INBOUND } from './streams.js';
import type { Options } from './subscription.js';

/** Opens, clicks and inbound mail do not contain the server. */
const WITH_SERVER_ID = new Set(['Bounce', 'SpamComplaint', 'Delivery', 'SubscriptionChange']);

export function renderBody({
  event: { type, text },
  account,
  subscription,
}: RenderInput<{ readonly serverId: number }, unknown, Options>): string {
  const members = jsonMembers(text).filter(
    ({ key }) => key !== 'RecordType' && (key !== 'Content' || takesContent(type, subscription.options)),
  );
  const present = new Set(members.map(({ key }) => key));
  return jsonObject([...known(type, account.scope.serverId).filter(({ key }) => !present.has(key)), ...members]);
}

/** Bodies differ by whether they include the raw message. */
export function bodyVariant({ options: { includeContent } }: Subscription<Options>): string {
  return `${includeContent.bounce}/${includeContent.spamComplaint}`;
}

/** Members from the event type and the account, `RecordType` first as in the documented samples. */
function known(type: string, serverId: number): JsonMember[] {
  const stream = jsonMember('MessageStream', defaultStream(type));
  if (type === INBOUND) return [stream];
  const head = [jsonMember('RecordType', type), stream];
  return WITH_SERVER_ID.has(type) ? [...head, jsonMember('ServerID', serverId)] : head;
}

/** Only the two triggers with `IncludeContent` can omit `Content`. */
function takesContent(type: string, { includeContent }: Options): boolean {
  if (type === 'Bounce') return includeContent.bounce;
  if (type === 'SpamComplaint') return includeContent.spamComplaint;
  return true;
}
