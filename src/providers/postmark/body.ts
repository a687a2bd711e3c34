/**
 * Bodies: one flat object without an envelope, distinguished by `RecordType`. The event's data is that object less what
 * is known here; its own members stay as they were sent, in their order.
 */
import { jsonMember, jsonMembers, jsonObject, type JsonMember } from '../../contract/json.js';
import type { Subscription } from '../../contract/entities.js';
import type { RenderInput } from '../../contract/types.js';
import { defaultStream, INBOUND } from './streams.js';
import type { Options } from './subscription.js';

/** Opens and clicks name no server, nor does incoming mail. */
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

/** Bodies differ by whether the raw message is included. */
export function bodyVariant({ options: { includeContent } }: Subscription<Options>): string {
  return `${includeContent.bounce}/${includeContent.spamComplaint}`;
}

/** What an event type and an account say by themselves, `RecordType` first as in the documented samples. */
function known(type: string, serverId: number): JsonMember[] {
  const stream = jsonMember('MessageStream', defaultStream(type));
  if (type === INBOUND) return [stream];
  const head = [jsonMember('RecordType', type), stream];
  return WITH_SERVER_ID.has(type) ? [...head, jsonMember('ServerID', serverId)] : head;
}

/** Only the two triggers that have `IncludeContent` can omit `Content`. */
function takesContent(type: string, { includeContent }: Options): boolean {
  if (type === 'Bounce') return includeContent.bounce;
  if (type === 'SpamComplaint') return includeContent.spamComplaint;
  return true;
}
