/**
 * The body of a webhook, as in the sample of https://developers.postscript.io/docs/configuring-webhooks; the
 * example-event operation returns the same body.
 */
import { jsonMember, jsonObject } from '../../contract/json.js';
import type { Event } from '../../contract/entities.js';
import { canonicalType } from './events.js';

export function envelope({
  webhookId,
  shopId,
  event,
}: {
  /** The subscription's id, not the delivery's. */
  webhookId: string;
  shopId: string;
  event: Pick<Event, 'type' | 'occurredAt' | 'text'>;
}): string {
  return jsonObject([
    jsonMember('webhook_id', webhookId),
    jsonMember('resource_type', 'shop'),
    jsonMember('resource_id', shopId),
    jsonMember('event_time', naiveTime(event.occurredAt)),
    jsonMember('event', canonicalType(event.type)),
    { key: 'event_data', value: event.text },
  ]);
}

/** A time in Postscript's format: UTC without a zone, six fraction digits, as in `2021-11-04T21:52:41.025455`. */
function naiveTime(time: Date): string {
  return time.toISOString().replace('Z', '000');
}
