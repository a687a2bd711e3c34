/** What a receiver of Postscript's webhooks can observe, byte by byte. */
import type { AccountSecrets, Scope, Settings } from '../../../src/providers/postscript/account.js';
import { contract } from '../../../src/providers/postscript/contract.js';
import { canonicalType, events, findEvent } from '../../../src/providers/postscript/events.js';
import { policyWait, retryPolicy } from '../../../src/contract/schedule.js';
import type { Account, Event, Subscription } from '../../../src/contract/entities.js';

type Empty = Record<string, never>;

const TOKEN = 'KTtOeqTHZ4o0Xj3mJmJ7m1eWnq0JxQYQ4rYw0m9sWbE';
const REFERENCE = '89066f0a-eb36-4ed8-b98c-606e6dcac715';
const NOW = new Date('2026-03-02T10:11:13.000Z');

const account: Account<Scope, Settings, AccountSecrets> = {
  id: 'acc_01h455vb4pex5vsknk084sn02q',
  name: 'Kim',
  scope: { shopId: 'shop_1234567abcd' },
  settings: { enforceRateLimit: false, tokenPer: 'shop' },
  secrets: { token: TOKEN },
};

function subscriptionTo(
  eventTypes: readonly string[],
  changes: Partial<Subscription<Empty, Empty>> = {},
): Subscription<Empty, Empty> {
  return {
    id: 'sub_01h455vb4pex5vsknk084sn02q',
    reference: REFERENCE,
    url: 'https://example.com/postscript_webhooks?shop=1',
    eventTypes,
    description: null,
    enabled: true,
    headers: {},
    options: {},
    secrets: {},
    createdAt: NOW,
    ...changes,
  };
}

function eventOf(type: string, text: string, occurredAt = new Date('2026-03-02T10:11:12.345Z')): Event {
  const id = 'evt_01h455vb4pex5vsknk084sn02q';
  return { id, type, occurredAt, text, data: JSON.parse(text), channels: [] };
}

function bodyOf(event: Event, subscription = subscriptionTo([event.type])): string {
  return contract.renderBody({ event, account, subscription });
}

function requestOf(event: Event, subscription = subscriptionTo([event.type]), now = NOW) {
  return contract.request({
    account,
    subscription,
    event,
    delivery: { id: 'dlv_01h455vb4pex5vsknk084sn02q', createdAt: NOW },
    body: bodyOf(event, subscription),
    now,
    firstAttemptAt: NOW,
    retriesRemaining: 12,
  });
}

/** Counting bytes: 0, 1, 2 … */
const counting = (size: number) => Buffer.from(Array.from({ length: size }, (_, index) => index));

/** The envelope in front of `event_data`. */
const head = (type: string) =>
  `{"webhook_id":"${REFERENCE}","resource_type":"shop","resource_id":"shop_1234567abcd",` +
  `"event_time":"2026-03-02T10:11:12.345000","event":"${type}","event_data":`;

const SUBSCRIBER =
  '{"id":"s_7654321dcba","subscriber_id":"s_7654321dcba","shop_id":"shop_7654321dcba","phone_number":"+15555550123",' +
  '"shopify_customer_id":null,"created_at":"2026-03-02T10:11:12.345678"}';

describe('the request', () => {
  test.each([
    ['shop.test', '{}'],
    [
      'shop.incoming_message',
      '{"id":"im_9c8b7a6d5e4f3a2b","subscriber_id":"s_7654321dcba","shop_id":"shop_7654321dcba","is_opt_out":false,' +
        '"shopify_customer_id":null,"from_number":"+15555550123","created_at":"2026-03-02T10:11:12.345678",' +
        '"body":"Is it in stock?"}',
    ],
    ['shop.subscriber.opt_in', SUBSCRIBER],
    ['shop.subscriber.opt_out', SUBSCRIBER],
    [
      'shop.email_collected',
      '{"shop_id":"shop_7654321dcba","email":"kim@example.com","created_at":"2026-03-02T10:11:12.345678"}',
    ],
  ])('of %s', (type, data) => {
    const event = eventOf(type, JSON.stringify(findEvent(type)?.example));
    expect(bodyOf(event)).toBe(`${head(type)}${data}}`);
    expect(requestOf(event)).toEqual({
      url: 'https://example.com/postscript_webhooks?shop=1',
      headers: [
        { name: 'Content-Type', value: 'application/json' },
        { name: 'User-Agent', value: 'Pigeonpost/1' },
        { name: 'Postscript-Signature', value: TOKEN, secret: true },
      ],
    });
  });

  test('covers the whole catalogue', () => {
    expect(events.map(({ type }) => type)).toEqual([
      'shop.test',
      'shop.incoming_message',
      'shop.subscriber.opt_in',
      'shop.subscriber.opt_out',
      'shop.email_collected',
    ]);
  });

  test("is the guide's own example", () => {
    const text =
      '{"id":"im_1b2a005a386281c9","subscriber_id":"s_1234567abcd","shop_id":"shop_1234567abcd","is_opt_out":false,' +
      '"shopify_customer_id":null,"from_number":"+15555555555","created_at":"2021-11-04T21:52:41.025455",' +
      '"body":"Hello, world"}';
    // Pigeonpost keeps milliseconds, so the last three digits of the guide's 025455 are zeros here.
    const event = eventOf('shop.incoming_message', text, new Date('2021-11-04T21:52:41.025Z'));
    expect(JSON.parse(bodyOf(event))).toEqual({
      webhook_id: '89066f0a-eb36-4ed8-b98c-606e6dcac715',
      resource_type: 'shop',
      resource_id: 'shop_1234567abcd',
      event_time: '2021-11-04T21:52:41.025000',
      event: 'shop.incoming_message',
      event_data: JSON.parse(text),
    });
  });

  test('writes a whole second with six digits as well', () => {
    expect(bodyOf(eventOf('shop.test', '{}', new Date('2026-03-02T10:11:12Z')))).toContain(
      '"event_time":"2026-03-02T10:11:12.000000"',
    );
  });

  test('keeps large numbers, key order, escapes and duplicate keys of the payload', () => {
    const text = '{"z":12345678901234567890,"a":1.50,"10":1e400,"2":"\\u00e9\\/\\n","z":-0.0,"é":"\\ud83d\\ude00"}';
    expect(bodyOf(eventOf('shop.test', text))).toBe(`${head('shop.test')}${text}}`);
  });

  test('adds the custom headers of the subscription, as secrets', () => {
    const subscription = subscriptionTo(['shop.test'], { headers: { 'X-Team': 'a', Authorization: 'Bearer b' } });
    expect(requestOf(eventOf('shop.test', '{}'), subscription).headers.slice(3)).toEqual([
      { name: 'X-Team', value: 'a', secret: true },
      { name: 'Authorization', value: 'Bearer b', secret: true },
    ]);
  });

  test('is the same for every attempt', () => {
    const event = eventOf('shop.test', '{}');
    const first = requestOf(event);
    expect(requestOf(event, undefined, new Date('2026-03-02T11:11:13Z'))).toEqual(first);
  });

  test('contains the id of its subscription, so that bodies are not shared', () => {
    const event = eventOf('shop.test', '{}');
    const other = subscriptionTo(['shop.test'], { reference: 'a47606a1-5b39-4a81-9480-c2cb738ff675' });
    expect(JSON.parse(bodyOf(event, other)).webhook_id).toBe(other.reference);
    expect(contract.bodyVariant(other)).not.toBe(contract.bodyVariant(subscriptionTo(['shop.test'])));
  });
});

describe('the response', () => {
  const classifyResponse = (status: number, headers = {}) =>
    contract.classifyResponse({ status, headers }, { account, eventType: 'shop.test', now: NOW, waitMs: 300_000 });

  test('is accepted with 200 only', () => {
    expect(classifyResponse(200)).toEqual({ kind: 'accepted' });
  });

  test.each([100, 199, 201, 202, 204, 206, 299, 300, 301, 302, 304, 308, 400, 401, 403, 404, 410, 422, 429, 500, 503])(
    'asks for another attempt with %d',
    (status) => {
      expect(classifyResponse(status)).toEqual({ kind: 'retry' });
    },
  );

  test('cannot change the fixed interval', () => {
    expect(classifyResponse(429, { 'retry-after': '3600' })).toEqual({ kind: 'retry' });
  });
});

describe('the schedule', () => {
  const schedule = contract.schedule('shop.test', account);

  test('is every 5 minutes for 1 hour', () => {
    expect(schedule).toEqual(Array.from({ length: 12 }, () => 5 * 60_000));
    expect(schedule.reduce((sum, wait) => sum + wait, 0)).toBe(3_600_000);
  });

  test('is executed by the retry policy alone', () => {
    const policy = retryPolicy(schedule);
    expect(policy).toEqual({
      initialInterval: 300_000,
      backoffCoefficient: 1,
      maximumInterval: 300_000,
      maximumAttempts: 13,
    });
    expect(schedule.map((_, index) => policyWait(policy, index))).toEqual(schedule);
  });

  test('allows 10 s for a response and no redirect', () => {
    expect(contract.timeLimitMs('shop.test', account)).toBe(10_000);
    expect(contract.maxRedirects('shop.test', account)).toBe(0);
  });
});

describe('matching', () => {
  const one = subscriptionTo(['shop.incoming_message']);
  const short = subscriptionTo(['shop.email_collected']);
  const long = subscriptionTo(['shop.shop.email_collected']);
  const select = (type: string) => contract.select(eventOf(type, '{}'), [one, short, long], account);

  test('takes the one event type of a subscription', () => {
    expect(select('shop.incoming_message')).toEqual([one]);
    expect(select('shop.test')).toEqual([]);
  });

  test.each(['shop.email_collected', 'shop.shop.email_collected'])('%s reaches both spellings', (type) => {
    expect(select(type)).toEqual([short, long]);
    expect(JSON.parse(bodyOf(eventOf(type, '{}'))).event).toBe('shop.email_collected');
  });

  test('does not take a subscription without event types for one of all', () => {
    expect(contract.select(eventOf('shop.test', '{}'), [subscriptionTo([])], account)).toEqual([]);
  });
});

describe('the catalogue', () => {
  test.each(events.map((event) => [event.type, event] as const))('%s has an example of its own shape', (_, event) => {
    expect(event.data.safeParse(event.example).error).toBeUndefined();
  });

  test('knows one event by two names, and no others', () => {
    expect(findEvent('shop.shop.email_collected')).toBe(findEvent('shop.email_collected'));
    expect(canonicalType('shop.shop.email_collected')).toBe('shop.email_collected');
    expect(findEvent('shop.shop.test')).toBeUndefined();
    expect(findEvent('toString')).toBeUndefined();
  });

  test.each([
    'id',
    'subscriber_id',
    'shop_id',
    'is_opt_out',
    'shopify_customer_id',
    'from_number',
    'created_at',
    'body',
  ])('requires the documented %s of an incoming message', (field) => {
    const event = findEvent('shop.incoming_message');
    const complete = event?.example as Record<string, unknown>;
    const rest = Object.fromEntries(Object.entries(complete).filter(([key]) => key !== field));
    expect(event?.data.safeParse(rest).success).toBe(false);
    expect(event?.data.safeParse({ ...complete, media: [] }).success).toBe(true);
  });

  test.each([null, 7654321, '7654321'])('takes %p for a Shopify customer', (shopify_customer_id) => {
    const event = findEvent('shop.incoming_message');
    expect(event?.data.safeParse({ ...(event.example as object), shopify_customer_id }).success).toBe(true);
  });

  test.each(['shop.test', 'shop.subscriber.opt_in', 'shop.subscriber.opt_out', 'shop.email_collected'])(
    '%s, whose shape is unpublished, may be empty but must be an object',
    (type) => {
      expect(findEvent(type)?.data.safeParse({}).success).toBe(true);
      expect(findEvent(type)?.data.safeParse([]).success).toBe(false);
    },
  );

  test('checks the type of an inferred field', () => {
    expect(findEvent('shop.subscriber.opt_in')?.data.safeParse({ phone_number: 1 }).success).toBe(false);
    expect(findEvent('shop.email_collected')?.data.safeParse({ email: null }).success).toBe(false);
  });
});

describe('subscriptions', () => {
  const rules = contract.subscriptions;

  test('have exactly one known event type', () => {
    expect(rules.checkEventTypes(['shop.test'], {})).toBeUndefined();
    expect(rules.checkEventTypes(['shop.shop.email_collected'], {})).toBeUndefined();
    expect(rules.checkEventTypes([], {})).toBe('a Postscript subscription has exactly one event type');
    expect(rules.checkEventTypes(['shop.test', 'shop.incoming_message'], {})).toMatch('exactly one');
    expect(rules.checkEventTypes(['shop.opt_in'], {})).toBe('there is no event type "shop.opt_in"');
  });

  test('keep their event in an edit, under either of its spellings', () => {
    const change = (from: string, to: string) => rules.checkEventTypes([to], {}, subscriptionTo([from]));
    expect(change('shop.test', 'shop.test')).toBeUndefined();
    expect(change('shop.email_collected', 'shop.shop.email_collected')).toBeUndefined();
    expect(change('shop.shop.email_collected', 'shop.email_collected')).toBeUndefined();
    expect(change('shop.test', 'shop.incoming_message')).toBe(
      'the event of a subscription cannot be changed; create another one',
    );
    expect(change('shop.test', 'shop.opt_in')).toBe('there is no event type "shop.opt_in"');
    expect(rules.checkEventTypes([], {}, subscriptionTo(['shop.test']))).toMatch('exactly one');
  });

  test("are verified with the shop's token, which is not theirs to rotate", () => {
    const shown = rules.signingSecret?.(subscriptionTo(['shop.test']), account);
    expect(shown).toBe(TOKEN);
    expect(requestOf(eventOf('shop.test', '{}')).headers.find(({ secret }) => secret)?.value).toBe(shown);
    expect(rules).not.toHaveProperty('rotateSecret');
    expect(rules).not.toHaveProperty('checkSecret');
  });

  test('have HTTPS addresses', () => {
    expect(rules.checkUrl('https://example.com', {})).toBeUndefined();
    expect(rules.checkUrl('HTTPS://example.com/a', {})).toBeUndefined();
    expect(rules.checkUrl('http://example.com', {})).toMatch('https://');
    expect(rules.checkUrl('http://localhost:3000/https://', {})).toMatch('https://');
    expect(rules.allowsUrlCredentials).toBe(false);
  });

  test('have a version 4 UUID for a reference', () => {
    expect(rules.newReference(1, counting)).toBe('00010203-0405-4607-8809-0a0b0c0d0e0f');
    expect(rules.newReference(1, (size) => Buffer.alloc(size, 0xff))).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
  });

  test('have no fields of their own', () => {
    expect(rules.fields.parse({})).toEqual({});
    expect(rules.fields.strict().safeParse({ secret: 'a' }).success).toBe(false);
    expect(rules.toStored({ fields: {}, eventTypes: ['shop.test'], randomBytes: counting })).toEqual({
      options: {},
      secrets: {},
    });
    expect(rules.toPublic(subscriptionTo(['shop.test']))).toEqual({});
  });

  test('cannot set the headers of the contract', () => {
    expect(rules.reservedHeaders).toEqual(['postscript-signature', 'content-type', 'user-agent']);
  });
});

describe('accounts', () => {
  const rules = contract.accounts;

  test('are shops', () => {
    expect(rules.newScope(counting)).toEqual({ shopId: 'shop_0001020304050607' });
    expect(rules.scope.parse({ shopId: 'shop_1234567abcd' })).toEqual({ shopId: 'shop_1234567abcd' });
    expect(rules.scope.parse(rules.newScope(counting))).toEqual(rules.newScope(counting));
    for (const scope of [{}, { shopId: '1234567abcd' }, { shopId: 'shop_' }, { shopId: 'shop_1', other: 1 }]) {
      expect(rules.scope.safeParse(scope).success).toBe(false);
    }
  });

  test('have no limit of requests unless they want one', () => {
    expect(rules.settings.parse({})).toEqual({ enforceRateLimit: false, tokenPer: 'shop' });
    expect(rules.settings.parse({ enforceRateLimit: true })).toMatchObject({ enforceRateLimit: true });
    expect(rules.settings.safeParse({ retries: 1 }).success).toBe(false);
  });

  test('have a token for each subscription when they want that', () => {
    const own = { ...account, settings: { ...account.settings, tokenPer: 'subscription' as const } };
    const tokenIn = (to: typeof account, reference: string) =>
      contract.subscriptions.signingSecret?.(subscriptionTo(['shop.test'], { reference }), to);
    expect(tokenIn(account, REFERENCE)).toBe(TOKEN);
    expect(tokenIn(own, REFERENCE)).toMatch(/^[\w-]{43}$/);
    expect(tokenIn(own, REFERENCE)).not.toBe(tokenIn(own, '00000000-0000-4000-8000-000000000000'));
    expect(tokenIn(own, REFERENCE)).not.toBe(TOKEN);
  });

  test('have one token of 32 random bytes and keys that begin with sk_', () => {
    expect(rules.newSecrets(counting)).toEqual({ token: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8' });
    expect(rules.newApiKey(counting)).toBe('sk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX');
  });
});
