/** What a receiver of Postack's webhooks can observe, byte by byte, and that Svix's own verifiers agree. */
import * as fc from 'fast-check';
import * as standardwebhooks from 'standardwebhooks';
import * as svix from 'svix';
import { policyWait, retryPolicy } from '../../../src/contract/schedule.js';
import type { Account, Event, Subscription } from '../../../src/contract/entities.js';
import type { DeliveryRequest } from '../../../src/contract/types.js';
import { contract } from '../../../src/providers/postack/contract.js';
import { events, findEvent } from '../../../src/providers/postack/events.js';

type Empty = Record<string, never>;
type Postack = Subscription<
  { channels: readonly string[] },
  {
    keys: readonly { secret: string; expiresAt?: string }[];
    credentials?: { username: string; password: string };
  }
>;

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3';
const OTHER_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const NOW = new Date('2026-03-02T10:11:13.987Z');

const account: Account<{ appId: string }, Empty, Empty> = {
  id: 'acc_01h455vb4pex5vsknk084sn02q',
  name: 'Kim',
  scope: { appId: 'app_1srOrx2ZWZBpBUvZwXKQmoEYga2' },
  settings: {},
  secrets: {},
};

function subscriptionWith(changes: Partial<Postack> = {}): Postack {
  return {
    id: 'sub_01h455vb4pex5vsknk084sn02q',
    reference: 'ep_1srOrx2ZWZBpBUvZwXKQmoEYga2',
    url: 'https://example.com/api/v1/webhooks?a=1',
    eventTypes: [],
    description: null,
    enabled: true,
    headers: {},
    options: { channels: [] },
    secrets: { keys: [{ secret: SECRET }] },
    createdAt: NOW,
    ...changes,
  };
}

function eventOf(type: string, text: string, changes: Partial<Event> = {}): Event {
  const occurredAt = new Date('2026-03-02T10:11:12.345Z');
  const id = 'evt_01h455vb4pex5vsknk084sn02q';
  return { id, type, occurredAt, text, data: JSON.parse(text), channels: [], ...changes };
}

function bodyOf(event: Event): string {
  return contract.renderBody({ event, account, subscription: subscriptionWith() });
}

function requestOf(
  event: Event,
  { subscription = subscriptionWith(), now = NOW, body = bodyOf(event) } = {},
): DeliveryRequest {
  return contract.request({
    account,
    subscription,
    event,
    delivery: { id: 'dlv_01h455vb4pex5vsknk084sn02q', createdAt: NOW },
    body,
    now,
    firstAttemptAt: NOW,
    retriesRemaining: 7,
  });
}

function headersOf({ headers }: DeliveryRequest): Record<string, string> {
  return Object.fromEntries(headers.map(({ name, value }) => [name, value]));
}

/** Runs a verifier as if the clock of the receiver stood at `now`. */
function at<T>(now: Date, verify: () => T): T {
  jest.useFakeTimers({ now });
  try {
    return verify();
  } finally {
    jest.useRealTimers();
  }
}

/** Counting bytes: 0, 1, 2 … */
const counting = (size: number) => Buffer.from(Array.from({ length: size }, (_, index) => index));

const INBOUND =
  '{"id":"msg_01ht5x2p4q","direction":"inbound","from":"+15555550101","to":"+15555550100",' +
  '"body":"Is it in stock?","status":"received"}';
const outbound = (status: string, error = '') =>
  '{"id":"msg_01ht5x3r7s","direction":"outbound","from":"+15555550100","to":"+15555550101",' +
  `"body":"Your order is on its way.","status":"${status}"${error}}`;

describe('the request', () => {
  test.each([
    ['message.received', INBOUND, 'f3OOoDJLA82hJ4NKbbfMUr8/3a+F6aYY3MxJq6eOrKY='],
    ['message.sent', outbound('sent'), '5T/6gD5T42GWYU4nRYleBV5/82RYwkNjNBgvlNwhqdY='],
    ['message.delivered', outbound('delivered'), 'XvuwB3aFQ81nz+Mr37vz5Hf2Vw28Q2K9HwlKo9O/Ieg='],
    [
      'message.undelivered',
      outbound('undelivered', ',"error":{"code":"30003","message":"Unreachable destination handset"}'),
      'oSzbishgeMr/B2jAtVFBiIPOv6T+IWkJNU2EccpnTYE=',
    ],
    [
      'message.failed',
      outbound('failed', ',"error":{"code":"30007","message":"Message filtered"}'),
      'NJNy/8idZQbeIioEhgZoHtWPJrKAAsIFv0cWr1h62y8=',
    ],
  ])('of %s', (type, data, signature) => {
    const event = eventOf(type, JSON.stringify(findEvent(type)?.example));
    expect(bodyOf(event)).toBe(`{"type":"${type}","timestamp":"2026-03-02T10:11:12.345Z","data":${data}}`);
    expect(requestOf(event)).toEqual({
      url: 'https://example.com/api/v1/webhooks?a=1',
      headers: [
        { name: 'Accept', value: '*/*' },
        { name: 'Content-Type', value: 'application/json' },
        { name: 'User-Agent', value: 'Svix-Webhooks/1.0 (Postack)' },
        { name: 'svix-id', value: 'msg_01h455vb4pex5vsknk084sn02q' },
        { name: 'svix-timestamp', value: '1772446273' },
        { name: 'svix-signature', value: `v1,${signature}` },
      ],
    });
  });

  test('covers the whole catalogue', () => {
    expect(events.map(({ type }) => type)).toEqual([
      'message.received',
      'message.sent',
      'message.delivered',
      'message.undelivered',
      'message.failed',
    ]);
  });

  test('keeps large numbers, key order, escapes and duplicate keys of the payload', () => {
    const text = '{"z":12345678901234567890,"a":1.50,"10":1e400,"2":"\\u00e9\\/\\n","z":-0.0,"é":"\\ud83d\\ude00"}';
    const event = eventOf('message.sent', text);
    expect(bodyOf(event)).toBe(`{"type":"message.sent","timestamp":"2026-03-02T10:11:12.345Z","data":${text}}`);
    at(NOW, () => new svix.Webhook(SECRET).verify(bodyOf(event), headersOf(requestOf(event))));
  });

  test('has one body for all subscriptions', () => {
    const other = subscriptionWith({ reference: 'ep_2', options: { channels: ['a'] } });
    expect(contract.bodyVariant(other)).toBe(contract.bodyVariant(subscriptionWith()));
  });

  test('adds the custom headers of the subscription, as secrets and instead of its own Accept', () => {
    const subscription = subscriptionWith({ headers: { accept: 'text/plain', 'X-Team': 'a' } });
    const { headers } = requestOf(eventOf('message.sent', '{}'), { subscription });
    expect(headers.map(({ name }) => name)).toEqual([
      'Content-Type',
      'User-Agent',
      'svix-id',
      'svix-timestamp',
      'svix-signature',
      'accept',
      'X-Team',
    ]);
    expect(headers.filter(({ secret }) => secret).map(({ value }) => value)).toEqual(['text/plain', 'a']);
  });

  test('sends the credentials of the address as basic authentication, unless a custom header does', () => {
    const credentials = { username: 'kim', password: 'pässword' };
    const secrets = { keys: [{ secret: SECRET }], credentials };
    const event = eventOf('message.sent', '{}');
    expect(requestOf(event, { subscription: subscriptionWith({ secrets }) }).headers.at(-1)).toEqual({
      name: 'Authorization',
      value: 'Basic a2ltOnDDpHNzd29yZA==',
      secret: true,
    });
    const subscription = subscriptionWith({ secrets, headers: { authorization: 'Bearer b' } });
    const authorizations = requestOf(event, { subscription }).headers.filter(({ name }) => /authorization/i.test(name));
    expect(authorizations).toEqual([{ name: 'authorization', value: 'Bearer b', secret: true }]);
  });
});

describe('the signature', () => {
  test.each([
    [SECRET, 'evt_1', 1_790_000_000, '{"type":"x"}', 'v1,fsTtWzt/V9h14RVhumC7qYBCaaFkZATYbcv7Pv+rG0o='],
    [
      OTHER_SECRET,
      'evt_p5jXN8AQM9LWM0D4loKWxJek',
      1_614_265_330,
      '{"test": 2432232314}',
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    ],
  ])('of known responses: %s %s', (secret, id, timestamp, body, signature) => {
    const subscription = subscriptionWith({ secrets: { keys: [{ secret }] } });
    const request = requestOf(eventOf('x', '{}', { id }), { subscription, now: new Date(timestamp * 1_000), body });
    expect(headersOf(request)['svix-signature']).toBe(signature);
  });

  const event = eventOf('message.received', INBOUND);
  const body = bodyOf(event);

  test('is verified by the svix package', () => {
    expect(at(NOW, () => new svix.Webhook(SECRET).verify(body, headersOf(requestOf(event))))).toEqual(JSON.parse(body));
    expect(() => at(NOW, () => new svix.Webhook(OTHER_SECRET).verify(body, headersOf(requestOf(event))))).toThrow(
      'No matching signature found',
    );
    expect(() => at(NOW, () => new svix.Webhook(SECRET).verify(`${body} `, headersOf(requestOf(event))))).toThrow(
      'No matching signature found',
    );
  });

  test('has the form of Standard Webhooks under other names', () => {
    const renamed = Object.fromEntries(
      Object.entries(headersOf(requestOf(event))).map(([name, value]) => [name.replace('svix-', 'webhook-'), value]),
    );
    expect(at(NOW, () => new standardwebhooks.Webhook(SECRET).verify(body, renamed))).toEqual(JSON.parse(body));
  });

  test('is made again for every attempt, under the same id', () => {
    const later = new Date(NOW.getTime() + 10 * 3_600_000);
    const first = headersOf(requestOf(event));
    const second = headersOf(requestOf(event, { now: later }));
    expect(second['svix-id']).toBe(first['svix-id']);
    expect(second['svix-timestamp']).toBe(String(1_772_446_273 + 36_000));
    expect(second['svix-signature']).not.toBe(first['svix-signature']);
    at(later, () => new svix.Webhook(SECRET).verify(body, second));
    expect(() => at(later, () => new svix.Webhook(SECRET).verify(body, first))).toThrow('Message timestamp too old');
  });

  test('covers whatever JSON a payload is', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const any = eventOf('message.sent', text);
        at(NOW, () => new svix.Webhook(SECRET).verify(bodyOf(any), headersOf(requestOf(any))));
        expect(bodyOf(any).endsWith(`,"data":${text}}`)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the response', () => {
  const classifyResponse = (
    status: number,
    headers: Record<string, string> = {},
    waitMs: number | undefined = 300_000,
  ) => contract.classifyResponse({ status, headers }, { account, eventType: 'message.sent', now: NOW, waitMs });

  test.each([200, 201, 202, 204, 299])('accepts with %d', (status) => {
    expect(classifyResponse(status)).toEqual({ kind: 'accepted' });
  });

  test.each([199, 300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 408, 410, 422, 429, 500, 502, 503, 504])(
    'asks for another attempt with %d',
    (status) => {
      expect(classifyResponse(status)).toEqual({ kind: 'retry' });
    },
  );

  test.each([
    [429, '400', 400_000],
    [503, '400', 400_000],
    [503, '1', 300_000],
    [503, '300', 300_000],
    [503, '600', 600_000],
    [503, '86400', 600_000],
    [429, 'Mon, 02 Mar 2026 10:18:13 GMT', 419_013],
    [429, 'Mon, 02 Mar 2026 10:00:00 GMT', undefined],
    [429, 'soon', undefined],
    [502, '400', undefined],
    [400, '400', undefined],
  ])('with %d and Retry-After %s waits %p ms of a scheduled 300000', (status, value, retryAfterMs) => {
    expect(classifyResponse(status, { 'retry-after': value })).toEqual({ kind: 'retry', retryAfterMs });
  });

  test('has no wait to stretch after the last attempt', () => {
    const context = { account, eventType: 'message.sent', now: NOW, waitMs: undefined };
    const response = { status: 429, headers: { 'retry-after': '400' } };
    expect(contract.classifyResponse(response, context)).toEqual({ kind: 'retry' });
  });

  test.each([400, 410, 429, 503])('ends the delivery with %d and webhook-delivery', (status) => {
    expect(classifyResponse(status, { 'webhook-delivery': 'abort-message' })).toEqual({
      kind: 'stop',
      reason: 'the receiver responded with webhook-delivery: abort-message',
    });
    expect(classifyResponse(status, { 'webhook-delivery': ' Disable ' })).toEqual({
      kind: 'stop',
      reason: 'the receiver responded with webhook-delivery: disable',
      disable: true,
    });
    expect(classifyResponse(status, { 'webhook-delivery': 'later' })).toEqual({ kind: 'retry' });
  });

  test('is accepted with 2xx whatever webhook-delivery says', () => {
    expect(classifyResponse(200, { 'webhook-delivery': 'abort-message' })).toEqual({ kind: 'accepted' });
  });
});

describe('the schedule', () => {
  const schedule = contract.schedule('message.sent', account);

  test("is Svix's: eight attempts over 27 h 35 min 5 s", () => {
    expect(schedule.map((wait) => wait / 1_000)).toEqual([5, 300, 1_800, 7_200, 18_000, 36_000, 36_000]);
    expect(schedule.reduce((sum, wait) => sum + wait, 0)).toBe(((27 * 60 + 35) * 60 + 5) * 1_000);
  });

  test('is irregular, so the policy holds the number of attempts and the first wait', () => {
    const policy = retryPolicy(schedule);
    expect(policy).toEqual({
      initialInterval: 5_000,
      backoffCoefficient: 1,
      maximumInterval: 5_000,
      maximumAttempts: 8,
    });
    expect(policyWait(policy, 6)).toBe(5_000);
  });

  test('allows 15 s for a response and no redirect', () => {
    expect(contract.timeLimitMs('message.sent', account)).toBe(15_000);
    expect(contract.maxRedirects('message.sent', account)).toBe(0);
  });
});

describe('matching', () => {
  const all = subscriptionWith();
  const sent = subscriptionWith({ eventTypes: ['message.sent', 'message.failed'] });
  const channel = subscriptionWith({ options: { channels: ['a', 'b'] } });
  const both = subscriptionWith({ eventTypes: ['message.sent'], options: { channels: ['b'] } });
  const select = (type: string, channels: readonly string[]) =>
    contract.select(eventOf(type, '{}', { channels }), [all, sent, channel, both], account);

  test('is by event type and channel', () => {
    expect(select('message.sent', ['b', 'c'])).toEqual([all, sent, channel, both]);
    expect(select('message.sent', ['a'])).toEqual([all, sent, channel]);
    expect(select('message.received', ['b'])).toEqual([all, channel]);
  });

  test('keeps events without a channel from subscriptions with one', () => {
    expect(select('message.sent', [])).toEqual([all, sent]);
    expect(contract.hasChannels).toBe(true);
  });
});

describe('the catalogue', () => {
  test.each(events.map((event) => [event.type, event] as const))(
    '%s: example, empty, typed',
    (_, { data, example }) => {
      expect(data.safeParse(example).error).toBeUndefined();
      expect(data.safeParse({}).success).toBe(true);
      expect(data.safeParse({ segments: 2, error: { code: '1', retryable: true } }).success).toBe(true);
      expect(data.safeParse({ body: 1 }).success).toBe(false);
      expect(data.safeParse([]).success).toBe(false);
    },
  );

  test('is open to every name that Svix allows', () => {
    expect(findEvent('contact.opted-out_2')).toMatchObject({ type: 'contact.opted-out_2', example: {} });
    expect(findEvent('a'.repeat(256))).toBeDefined();
    for (const type of ['', 'a b', 'a/b', 'é', 'a'.repeat(257), 'a\n']) expect(findEvent(type)).toBeUndefined();
  });
});

describe('subscriptions', () => {
  const rules = contract.subscriptions;
  const keep = (fields: { secret?: string; channels?: string[] }, url?: string, previous?: Postack) =>
    rules.toStored({ fields, url: url ? new URL(url) : undefined, previous, eventTypes: [], randomBytes: counting });

  test('have any well-formed event types, or all', () => {
    expect(rules.checkEventTypes([], { channels: [] })).toBeUndefined();
    expect(rules.checkEventTypes(['message.sent', 'other'], { channels: [] })).toBeUndefined();
    expect(rules.checkEventTypes(['a b'], { channels: [] })).toBe('there is no event type "a b"');
  });

  test('have HTTPS addresses', () => {
    expect(rules.checkUrl('https://kim:password@example.com', { channels: [] })).toBeUndefined();
    expect(rules.checkUrl('HTTPS://example.com/a', { channels: [] })).toBeUndefined();
    expect(rules.checkUrl('http://example.com', { channels: [] })).toMatch('https://');
  });

  test('are made with a secret of 24 random bytes', () => {
    expect(keep({}, 'https://example.com')).toEqual({
      options: { channels: [] },
      secrets: { keys: [{ secret: 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX' }], credentials: undefined },
    });
  });

  test('are made with a secret, channels and credentials of their own', () => {
    expect(keep({ secret: SECRET, channels: ['a'] }, 'https://kim:p%C3%A4ss%40@example.com')).toEqual({
      options: { channels: ['a'] },
      secrets: { keys: [{ secret: SECRET }], credentials: { username: 'kim', password: 'päss@' } },
    });
    expect(keep({}, 'https://token@example.com').secrets.credentials).toEqual({ username: 'token', password: '' });
    expect(keep({}, 'https://kim:100%@example.com').secrets.credentials?.password).toBe('100%');
  });

  test('keep what an edit does not name', () => {
    const credentials = { username: 'kim', password: 'a' };
    const previous = subscriptionWith({
      options: { channels: ['a'] },
      secrets: { keys: [{ secret: SECRET }, { secret: OTHER_SECRET, expiresAt: '2027-01-01' }], credentials },
    });
    expect(keep({}, undefined, previous)).toEqual({ options: previous.options, secrets: previous.secrets });
    expect(keep({ channels: [] }, undefined, previous).options).toEqual({ channels: [] });
    expect(keep({ secret: OTHER_SECRET }, undefined, previous).secrets).toEqual({
      keys: [{ secret: OTHER_SECRET }],
      credentials,
    });
    expect(keep({}, 'https://example.com', previous).secrets.credentials).toBeUndefined();
  });

  test('show channels and no secret', () => {
    expect(rules.toPublic(subscriptionWith({ options: { channels: ['a'] } }))).toEqual({ channels: ['a'] });
    expect(rules.signingSecret?.(subscriptionWith(), account)).toBe(SECRET);
  });

  test('check their fields', () => {
    const strict = rules.fields.strict();
    expect(strict.safeParse({ secret: SECRET, channels: ['project_1337', 'a-b.c'] }).success).toBe(true);
    expect(strict.safeParse({ channels: ['a b'] }).success).toBe(false);
    expect(strict.safeParse({ channels: ['a'.repeat(129)] }).success).toBe(false);
    expect(strict.safeParse({ channels: Array.from({ length: 11 }, (_, index) => `c${index}`) }).success).toBe(false);
    expect(strict.safeParse({ signature: 'v1a' }).success).toBe(false);
  });

  test('check a secret of their owner', () => {
    const bytes = (size: number) => `whsec_${Buffer.alloc(size).toString('base64')}`;
    expect(rules.checkSecret?.(SECRET)).toBeUndefined();
    expect(rules.checkSecret?.(bytes(23))).toBe('must hold 24 to 64 bytes');
    expect(rules.checkSecret?.(bytes(64))).toBeUndefined();
    expect(rules.checkSecret?.(bytes(65))).toBe('must hold 24 to 64 bytes');
    expect(rules.checkSecret?.('whsec_!')).toBe('must be whsec_ followed by base64');
    expect(rules.checkSecret?.(`whsk_${Buffer.alloc(32).toString('base64')}`)).toMatch('whsec_');
  });

  test('sign with both keys until a rotation ends', () => {
    const overlapEndsAt = new Date(NOW.getTime() + 24 * 3_600_000);
    const credentials = { username: 'kim', password: 'a' };
    const before = subscriptionWith({ secrets: { keys: [{ secret: SECRET }], credentials } });
    const secrets = rules.rotateSecret?.(before, { randomBytes: counting, overlapEndsAt, now: NOW });
    if (!secrets) throw new Error('nothing was rotated');
    const fresh = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX';
    expect(secrets).toEqual({
      keys: [{ secret: fresh }, { secret: SECRET, expiresAt: overlapEndsAt.toISOString() }],
      credentials,
    });

    const subscription = subscriptionWith({ secrets });
    expect(rules.signingSecret?.(subscription, account)).toBe(fresh);
    const event = eventOf('message.sent', '{}');
    const lastMoment = new Date(overlapEndsAt.getTime() - 1);
    const during = headersOf(requestOf(event, { subscription, now: lastMoment }));
    expect(during['svix-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/);
    for (const secret of [fresh, SECRET]) {
      at(lastMoment, () => new svix.Webhook(secret).verify(bodyOf(event), during));
    }
    const after = headersOf(requestOf(event, { subscription, now: overlapEndsAt }));
    expect(after['svix-signature']).toMatch(/^v1,\S{44}$/);
    at(overlapEndsAt, () => new svix.Webhook(fresh).verify(bodyOf(event), after));
  });

  test('rotate to a secret of their owner', () => {
    const input = { randomBytes: counting, overlapEndsAt: NOW, now: NOW, secret: OTHER_SECRET };
    expect(rules.rotateSecret?.(subscriptionWith(), input).keys).toEqual([{ secret: OTHER_SECRET }]);
  });

  test('cannot set the headers of the contract', () => {
    expect(rules.reservedHeaders).toEqual(
      expect.arrayContaining(['svix-id', 'svix-timestamp', 'svix-signature', 'content-type', 'user-agent']),
    );
    expect(rules.reservedHeaders).toHaveLength(22);
    expect(rules.reservedHeaders).not.toContain('authorization');
  });
});

describe('ids', () => {
  test('name applications and endpoints', () => {
    const rules = contract.accounts;
    expect(rules.newScope(counting)).toEqual({ appId: 'app_0029sS3yqsuDyR1vGFhTuuRAq1b' });
    expect(rules.scope.parse(rules.newScope(counting))).toEqual(rules.newScope(counting));
    for (const scope of [{}, { appId: 'acme' }, { appId: 'app_' }, { appId: 'app_1', other: 1 }]) {
      expect(rules.scope.safeParse(scope).success).toBe(false);
    }
    expect(contract.subscriptions.newReference(1, counting)).toBe('ep_0029sS3yqsuDyR1vGFhTuuRAq1b');
  });

  test('and keys are made of letters and digits', () => {
    expect(contract.accounts.newApiKey(counting)).toBe('sk_000A7dl5PEW67zZCpFU9uKaHnGgOvQKAR');
    expect(contract.accounts.newSecrets(counting)).toEqual({});
    expect(contract.accounts.settings.safeParse({ a: 1 }).success).toBe(false);
  });
});
