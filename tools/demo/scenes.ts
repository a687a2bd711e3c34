/** What the demo shows: one subscription per provider, and two more receivers that do not accept at once. */
import { contractOf } from '#src/providers/registry.js';
import type { DemoClient } from './client.js';
import { verifyBird, verifyHeader, verifyStandard, verifySvix, type ReceiverPath, type Verify } from './receivers.js';

/** A subscription to be registered and the event to be emitted to it. */
export interface Scene {
  readonly title: string;
  readonly provider: string;
  readonly path: string;
  readonly eventType: string;
  readonly fields: Record<string, unknown>;
  /** Whether the contract demands https. */
  readonly secure: boolean;
  /** The statuses its receiver responds with, in order; the last one repeats. */
  readonly statuses: number[];
  /** How its receiver verifies, given what registering returned. */
  readonly verify: (secret: string) => Verify;
}

const SIGNING_KEY = 'demo-signing-key-0123456789';
const BASIC = `Basic ${Buffer.from('demo:letmein').toString('base64')}`;

export const scenes: readonly Scene[] = [
  {
    title: 'Postscript: a token in a header',
    provider: 'postscript',
    path: '/postscript',
    eventType: 'shop.incoming_message',
    fields: {},
    secure: true,
    statuses: [200],
    verify: (secret) => verifyHeader('postscript-signature', secret),
  },
  {
    title: 'Postack: signed as Svix signs',
    provider: 'postack',
    path: '/postack',
    eventType: 'message.received',
    fields: {},
    secure: true,
    statuses: [200],
    verify: verifySvix,
  },
  {
    title: 'postpress: a secret header',
    provider: 'postpress',
    path: '/postpress',
    eventType: 'message_received',
    fields: { source: 'messaging', headers: { 'Postpress-Auth': 'letmein' } },
    secure: false,
    statuses: [200],
    verify: () => verifyHeader('postpress-auth', 'letmein'),
  },
  {
    title: 'Postmark: Basic authentication',
    provider: 'postmark',
    path: '/postmark',
    eventType: 'Bounce',
    fields: { httpAuth: { username: 'demo', password: 'letmein' } },
    secure: false,
    statuses: [200],
    verify: () => verifyHeader('authorization', BASIC),
  },
  {
    title: 'Bird: signed over address and body',
    provider: 'bird',
    path: '/bird',
    eventType: 'sms.inbound',
    fields: { service: 'channels', signingKey: SIGNING_KEY },
    secure: true,
    statuses: [200],
    verify: () => verifyBird(SIGNING_KEY),
  },
  {
    title: 'Standard Webhooks',
    provider: 'standard',
    path: '/standard',
    eventType: 'user.created',
    fields: {},
    secure: false,
    statuses: [200],
    verify: verifyStandard,
  },
  {
    title: 'Standard Webhooks: fails twice',
    provider: 'standard',
    path: '/flaky',
    eventType: 'invoice.paid',
    fields: {},
    secure: false,
    statuses: [503, 500, 200],
    verify: verifyStandard,
  },
  {
    title: 'Postmark: always fails',
    provider: 'postmark',
    path: '/broken',
    eventType: 'Open',
    fields: { httpAuth: { username: 'demo', password: 'letmein' } },
    secure: false,
    statuses: [500],
    verify: () => verifyHeader('authorization', BASIC),
  },
];

/** Registers a scene's subscription, sets up its receiver and emits its event. Returns the delivery's id. */
export async function play(
  client: DemoClient,
  scene: Scene,
  origin: string,
  paths: Map<string, ReceiverPath>,
): Promise<string> {
  const { provider, eventType, fields } = scene;
  const account = await client.post<{ id: string }>('/v1/accounts', { provider, name: `Demo: ${scene.title}` });
  const subscription = await client.post<{ secret?: string }>(`/v1/accounts/${account.id}/subscriptions`, {
    url: `${origin}${scene.path}`,
    eventTypes: [eventType],
    ...fields,
  });
  paths.set(scene.path, {
    verify: scene.verify(subscription.secret ?? ''),
    statuses: [...scene.statuses],
    verification: '',
  });
  const event = await client.post<{ deliveries: [{ id: string }] }>(`/v1/accounts/${account.id}/events`, {
    type: eventType,
    data: contractOf(provider).findEvent(eventType)?.example,
  });
  return event.deliveries[0].id;
}
