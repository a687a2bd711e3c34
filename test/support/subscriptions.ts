/** For every provider, a minimal subscription to an event type with the documented example. */
import { contractOf } from '../../src/providers/registry.js';
import type { Ask } from './api.js';

const ownFields: Record<string, (eventType: string) => Record<string, unknown>> = {
  bird: (eventType) => ({
    service: eventType.startsWith('conversation.')
      ? 'conversations'
      : /^(endpoint|10dlc|tfn)/.test(eventType)
        ? 'numbers'
        : 'channels',
  }),
  postmark: () => ({ messageStream: 'outbound' }),
  postpress: (eventType) => ({ source: sourceOf(eventType) }),
};

function sourceOf(eventType: string): string {
  if (eventType.startsWith('message_')) return 'messaging';
  if (eventType.startsWith('calendar_')) return 'calendar_event';
  if (/^mail_(opened|link_clicked)$/.test(eventType)) return 'email_tracking';
  if (eventType.startsWith('mail_')) return 'email';
  return eventType === 'new_relation' ? 'users' : 'account_status';
}

export interface Emitted {
  readonly accountId: string;
  readonly apiKey: string;
  readonly subscriptionId: string;
  readonly eventId: string;
  readonly deliveryId: string;
}

/** Creates an account with a subscription and emits the event's documented example to it. */
export async function emitExample(
  ask: Ask,
  provider: string,
  eventType: string,
  { settings = {}, url = 'https://hooks.example.com/in' }: { settings?: object; url?: string } = {},
): Promise<Emitted> {
  const account = (await ask('POST', '/v1/accounts', { provider, name: 'Acme', settings })).body;
  const own = provider === 'postmark' && eventType === 'Inbound' ? {} : ownFields[provider]?.(eventType);
  const subscription = await ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    url,
    eventTypes: [eventType],
    ...own,
  });
  if (subscription.status !== 201) throw new Error(subscription.text);
  const data = contractOf(provider).findEvent(eventType)?.example;
  const event = await ask('POST', `/v1/accounts/${account.id}/events`, { type: eventType, data });
  if (event.body.deliveries?.length !== 1) throw new Error(`${provider} ${eventType}: ${event.text}`);
  return {
    accountId: account.id,
    apiKey: account.apiKey,
    subscriptionId: subscription.body.id,
    eventId: event.body.id,
    deliveryId: event.body.deliveries[0].id,
  };
}
