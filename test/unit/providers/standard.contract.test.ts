/** What a receiver of Standard Webhooks can observe, byte by byte, and that its verifiers agree. */
import { createPublicKey, verify } from 'node:crypto';
import * as fc from 'fast-check';
import * as standardwebhooks from 'standardwebhooks';
import * as svix from 'svix';
import { checkHeaders } from '../../../src/contract/headers.js';
import { policyWait, retryPolicy } from '../../../src/contract/schedule.js';
import type { Account, Event, Subscription } from '../../../src/contract/entities.js';
import type { DeliveryRequest } from '../../../src/contract/types.js';
import { contract } from '../../../src/providers/standard/contract.js';
import { events, findEvent } from '../../../src/providers/standard/contract.js';

type Empty = Record<string, never>;
type Standard = Subscription<
  { channels: readonly string[] },
  { keys: readonly { secret: string; expiresAt?: string }[] }
>;

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3';
const OTHER_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
/** The counting bytes 0 to 31, and the public key of that seed by OpenSSL. */
const PRIVATE_KEY = 'whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const PUBLIC_KEY = 'whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=';
const NOW = new Date('2026-03-02T10:11:13.987Z');

const account: Account<Empty, Empty, Empty> = {
  id: 'acc_01h455vb4pex5vsknk084sn02q',
  name: 'Kim',
  scope: {},
  settings: {},
  secrets: {},
};

function subscriptionWith(changes: Partial<Standard> = {}): Standard {
  return {
    id: 'sub_01h455vb4pex5vsknk084sn02q',
    reference: 'ep_000102030405060708090a0b0c0d0e0f',
    url: 'https://example.com/webhooks?a=1',
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
    retriesRemaining: 9,
  });
}

function headersOf({ headers }: DeliveryRequest): Record<string, string> {
  return Object.fromEntries(headers.map(({ name, value }) => [name, value]));
}

/** Runs a verifier as if the clock of the receiver stood at `now`. */
function at<T>(now: Date, run: () => T): T {
  jest.useFakeTimers({ now });
  try {
    return run();
  } finally {
    jest.useRealTimers();
  }
}

/** Verifies a `v1a` signature as a receiver does, who knows the public key only. */
function verifiesAsymmetric(whpk: string, headers: Record<string, string>, body: string): boolean {
  const x = Buffer.from(whpk.slice('whpk_'.length), 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const signed = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`);
  return (headers['webhook-signature'] ?? '')
    .split(' ')
    .filter((signature) => signature.startsWith('v1a,'))
    .some((signature) => verify(null, signed, key, Buffer.from(signature.slice('v1a,'.length), 'base64')));
}

/** Counting bytes: 0, 1, 2 … */
const counting = (size: number) => Buffer.from(Array.from({ length: size }, (_, index) => index));

describe('the request', () => {
  test.each([
    ['user.created', '{"id":"usr_1","email":"kim@example.com"}', 'sCnDnlUvJqe2FnGGgLfy59w80DAcPfGTJ3qJZGPcfLU='],
    ['invoice.paid', '{"id":"inv_1","total":4200}', 'VAEQ7oTgI434IJR8V0mT/vmou8GY0mLjPsqBSdSu6iA='],
  ])('of %s', (type, data, signature) => {
    const event = eventOf(type, JSON.stringify(findEvent(type)?.example));
    expect(bodyOf(event)).toBe(`{"type":"${type}","timestamp":"2026-03-02T10:11:12.345Z","data":${data}}`);
    expect(requestOf(event)).toEqual({
      url: 'https://example.com/webhooks?a=1',
      headers: [
        { name: 'Content-Type', value: 'application/json' },
        { name: 'User-Agent', value: 'Pigeonpost/1' },
        { name: 'webhook-id', value: 'msg_01h455vb4pex5vsknk084sn02q' },
        { name: 'webhook-timestamp', value: '1772446273' },
        { name: 'webhook-signature', value: `v1,${signature}` },
      ],
    });
  });

  test.each(['null', '[1,2]', '"text"', '0'])('may contain %s, as data is any JSON value', (text) => {
    expect(findEvent('a')?.data.safeParse(JSON.parse(text)).success).toBe(true);
    expect(bodyOf(eventOf('a', text))).toBe(`{"type":"a","timestamp":"2026-03-02T10:11:12.345Z","data":${text}}`);
  });

  test('keeps large numbers, key order, escapes and duplicate keys of the payload', () => {
    const text = '{"z":12345678901234567890,"a":1.50,"10":1e400,"2":"\\u00e9\\/\\n","z":-0.0,"é":"\\ud83d\\ude00"}';
    const event = eventOf('user.created', text);
    expect(bodyOf(event)).toBe(`{"type":"user.created","timestamp":"2026-03-02T10:11:12.345Z","data":${text}}`);
    at(NOW, () => new standardwebhooks.Webhook(SECRET).verify(bodyOf(event), headersOf(requestOf(event))));
  });

  test('has one body for all subscriptions', () => {
    const other = subscriptionWith({ reference: 'ep_2', options: { channels: ['a'] } });
    expect(contract.bodyVariant(other)).toBe(contract.bodyVariant(subscriptionWith()));
  });

  test('adds the custom headers of the subscription, as secrets', () => {
    const subscription = subscriptionWith({ headers: { Authorization: 'Bearer b', 'X-Team': 'a' } });
    expect(requestOf(eventOf('user.created', '{}'), { subscription }).headers.slice(5)).toEqual([
      { name: 'Authorization', value: 'Bearer b', secret: true },
      { name: 'X-Team', value: 'a', secret: true },
    ]);
  });
});

describe('the signature', () => {
  test.each([
    [SECRET, 'evt_1', 1_790_000_000, '{"type":"x"}', 'v1,fsTtWzt/V9h14RVhumC7qYBCaaFkZATYbcv7Pv+rG0o='],
    [
      PRIVATE_KEY,
      'evt_1',
      1_790_000_000,
      '{"type":"x"}',
      'v1a,7ogkrCN8qcxQoCYH3tGHGlXO+uSGoYtIO24HouYP3VLmrNwxCGHGFeG5/eCWw1khtpF2HV10CgLXYDF04Df0Ag==',
    ],
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
    expect(headersOf(request)['webhook-signature']).toBe(signature);
  });

  const event = eventOf('user.created', '{"id":"usr_1"}');
  const body = bodyOf(event);

  test.each([
    ['standardwebhooks', standardwebhooks.Webhook],
    ['svix', svix.Webhook],
  ])('is verified by the %s package', (_, Webhook) => {
    const headers = headersOf(requestOf(event));
    expect(at(NOW, () => new Webhook(SECRET).verify(body, headers))).toEqual(JSON.parse(body));
    for (const [secret, received] of [
      [OTHER_SECRET, body],
      [SECRET, `${body} `],
    ] as const) {
      expect(() => at(NOW, () => new Webhook(secret).verify(received, headers))).toThrow('No matching signature found');
    }
  });

  test('is verified with the public key alone, for an ed25519 secret', () => {
    const subscription = subscriptionWith({ secrets: { keys: [{ secret: PRIVATE_KEY }] } });
    const headers = headersOf(requestOf(event, { subscription }));
    expect(headers['webhook-signature']).toMatch(/^v1a,\S{88}$/);
    expect(verifiesAsymmetric(PUBLIC_KEY, headers, body)).toBe(true);
    expect(verifiesAsymmetric(PUBLIC_KEY, headers, `${body} `)).toBe(false);
    expect(verifiesAsymmetric(PUBLIC_KEY, { ...headers, 'webhook-timestamp': '1772446274' }, body)).toBe(false);
  });

  test('is made again for every attempt, under the same id', () => {
    const later = new Date(NOW.getTime() + 24 * 3_600_000);
    const first = headersOf(requestOf(event));
    const second = headersOf(requestOf(event, { now: later }));
    expect(second['webhook-id']).toBe(first['webhook-id']);
    expect(second['webhook-timestamp']).toBe(String(1_772_446_273 + 86_400));
    expect(second['webhook-signature']).not.toBe(first['webhook-signature']);
    at(later, () => new standardwebhooks.Webhook(SECRET).verify(body, second));
    expect(() => at(later, () => new standardwebhooks.Webhook(SECRET).verify(body, first))).toThrow(
      'Message timestamp too old',
    );
  });

  test('covers whatever JSON a payload is', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const any = eventOf('user.created', text);
        at(NOW, () => new standardwebhooks.Webhook(SECRET).verify(bodyOf(any), headersOf(requestOf(any))));
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
  ) => contract.classifyResponse({ status, headers }, { account, eventType: 'user.created', now: NOW, waitMs });

  test.each([200, 201, 202, 204, 299])('accepts with %d', (status) => {
    expect(classifyResponse(status)).toEqual({ kind: 'accepted' });
  });

  test.each([
    199, 300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 408, 409, 411, 422, 429, 500, 501, 502, 503, 504, 505,
  ])('asks for another attempt with %d', (status) => {
    expect(classifyResponse(status)).toEqual({ kind: 'retry' });
  });

  test('with 410 ends the delivery and disables the subscription', () => {
    const gone = { kind: 'stop', reason: 'the receiver responded with 410 Gone', disable: true };
    expect(classifyResponse(410)).toEqual(gone);
    expect(classifyResponse(410, { 'retry-after': '400' })).toEqual(gone);
  });

  test.each([
    [429, '400', 400_000],
    [502, '400', 400_000],
    [503, '400', 400_000],
    [504, '400', 400_000],
    [503, '1', 300_000],
    [503, '300', 300_000],
    [503, '600', 600_000],
    [503, '601', 600_000],
    [503, '86400', 600_000],
    [429, 'Mon, 02 Mar 2026 10:18:13 GMT', 419_013],
    [429, 'Mon, 02 Mar 2026 10:00:00 GMT', undefined],
    [429, 'soon', undefined],
    [429, '-1', undefined],
    [500, '400', undefined],
    [400, '400', undefined],
    [301, '400', undefined],
  ])('with %d and Retry-After %s waits %p ms of a scheduled 300000', (status, value, retryAfterMs) => {
    expect(classifyResponse(status, { 'retry-after': value })).toEqual({ kind: 'retry', retryAfterMs });
  });

  test('has no wait to stretch after the last attempt', () => {
    const context = { account, eventType: 'user.created', now: NOW, waitMs: undefined };
    const response = { status: 429, headers: { 'retry-after': '400' } };
    expect(contract.classifyResponse(response, context)).toEqual({ kind: 'retry' });
  });

  test("does not know Svix's webhook-delivery", () => {
    expect(classifyResponse(500, { 'webhook-delivery': 'disable' })).toEqual({ kind: 'retry' });
  });
});

describe('the schedule', () => {
  const schedule = contract.schedule('user.created', account);

  test("is the specification's example: ten attempts over 75 h 35 min 5 s", () => {
    const hour = 3_600;
    expect(schedule.map((wait) => wait / 1_000)).toEqual([
      5,
      300,
      1_800,
      ...[2, 5, 10, 14, 20, 24].map((hours) => hours * hour),
    ]);
    expect(schedule.reduce((sum, wait) => sum + wait, 0)).toBe(((75 * 60 + 35) * 60 + 5) * 1_000);
  });

  test('is irregular, so the policy holds the number of attempts and the first wait', () => {
    const policy = retryPolicy(schedule);
    expect(policy).toEqual({
      initialInterval: 5_000,
      backoffCoefficient: 1,
      maximumInterval: 5_000,
      maximumAttempts: 10,
    });
    expect(policyWait(policy, 8)).toBe(5_000);
  });

  test('allows 15 s for a response and no redirect', () => {
    expect(contract.timeLimitMs('user.created', account)).toBe(15_000);
    expect(contract.maxRedirects('user.created', account)).toBe(0);
  });
});

describe('matching', () => {
  const all = subscriptionWith();
  const created = subscriptionWith({ eventTypes: ['user.created', 'user.deleted'] });
  const channel = subscriptionWith({ options: { channels: ['a', 'b'] } });
  const both = subscriptionWith({ eventTypes: ['user.created'], options: { channels: ['b'] } });
  const select = (type: string, channels: readonly string[]) =>
    contract.select(eventOf(type, '{}', { channels }), [all, created, channel, both], account);

  test('is by event type and channel', () => {
    expect(select('user.created', ['b', 'c'])).toEqual([all, created, channel, both]);
    expect(select('user.created', ['a'])).toEqual([all, created, channel]);
    expect(select('invoice.paid', ['b'])).toEqual([all, channel]);
    expect(select('user', ['c'])).toEqual([all]);
  });

  test('keeps events without a channel from subscriptions with one', () => {
    expect(select('user.created', [])).toEqual([all, created]);
    expect(contract.hasChannels).toBe(true);
  });
});

describe('the catalogue', () => {
  test('shows two examples', () => {
    expect(events.map(({ type }) => type)).toEqual(['user.created', 'invoice.paid']);
    for (const { data, example } of events) expect(data.safeParse(example).error).toBeUndefined();
  });

  test('is open to every name that the specification recommends', () => {
    expect(findEvent('Order_2.line.added')).toMatchObject({ type: 'Order_2.line.added', example: { test: true } });
    expect(findEvent('a'.repeat(128))).toBeDefined();
    for (const type of ['', '.', 'a.', '.a', 'a..b', 'a b', 'a-b', 'a/b', 'é', 'a\n', 'a'.repeat(129)]) {
      expect([type, findEvent(type)]).toEqual([type, undefined]);
    }
  });
});

describe('subscriptions', () => {
  const rules = contract.subscriptions;
  type Given = Parameters<typeof rules.toStored>[0]['fields'];
  const keep = (fields: Given, previous?: Standard) =>
    rules.toStored({ fields, previous, eventTypes: [], randomBytes: counting });
  const signatureAt = (now: Date, subscription: Standard) =>
    headersOf(requestOf(eventOf('user.created', '{}'), { subscription, now }));

  test('have any well-formed event types, or all', () => {
    expect(rules.checkEventTypes([], { channels: [] })).toBeUndefined();
    expect(rules.checkEventTypes(['user.created', 'other'], { channels: [] })).toBeUndefined();
    expect(rules.checkEventTypes(['user.created', 'a b'], { channels: [] })).toBe('there is no event type "a b"');
  });

  test('have any address, without credentials', () => {
    expect(rules.checkUrl('http://localhost:3000/', { channels: [] })).toBeUndefined();
    expect(rules.allowsUrlCredentials).toBe(false);
  });

  test('are made with a secret of 24 random bytes, or an ed25519 key', () => {
    const symmetric = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX';
    const made = (secret: string) => ({ options: { channels: [] }, secrets: { keys: [{ secret }] } });
    expect(keep({})).toEqual(made(symmetric));
    expect(keep({ signature: 'v1' })).toEqual(made(symmetric));
    expect(keep({ signature: 'v1a' })).toEqual(made(PRIVATE_KEY));
    expect(keep({ secret: SECRET, signature: 'v1a' })).toEqual(made(SECRET));
    expect(keep({ channels: ['a'] }).options).toEqual({ channels: ['a'] });
  });

  test('keep what an edit does not name', () => {
    const keys = [{ secret: SECRET }, { secret: OTHER_SECRET, expiresAt: '2027-01-01T00:00:00.000Z' }];
    const previous = subscriptionWith({ options: { channels: ['a'] }, secrets: { keys } });
    expect(keep({}, previous)).toEqual({ options: previous.options, secrets: previous.secrets });
    expect(keep({ signature: 'v1a' }, previous).secrets).toEqual(previous.secrets);
    expect(keep({ channels: [] }, previous).options).toEqual({ channels: [] });
    expect(keep({ secret: OTHER_SECRET }, previous).secrets).toEqual({ keys: [{ secret: OTHER_SECRET }] });
  });

  test('show channels, and for verification no private key', () => {
    const asymmetric = subscriptionWith({ secrets: { keys: [{ secret: PRIVATE_KEY }] } });
    expect(rules.toPublic(subscriptionWith({ options: { channels: ['a'] } }))).toEqual({
      channels: ['a'],
      receivesBy: 'push',
      onOrderedFailure: 'continue',
      onDelivered: null,
      onExhausted: null,
      batch: null,
    });
    expect(rules.signingSecret?.(subscriptionWith(), account)).toBe(SECRET);
    expect(rules.signingSecret?.(asymmetric, account)).toBe(PUBLIC_KEY);
  });

  test('check their fields', () => {
    const passes = (fields: unknown) => rules.fields.strict().safeParse(fields).success;
    expect(passes({ secret: SECRET, signature: 'v1a', channels: ['project 1337', 'é'] })).toBe(true);
    expect(passes({ signature: 'v2' })).toBe(false);
    expect(passes({ channels: [''] })).toBe(false);
    expect(passes({ channels: ['a'.repeat(129)] })).toBe(false);
    expect(passes({ channels: Array.from({ length: 11 }, (_, index) => `c${index}`) })).toBe(false);
    expect(passes({ appId: 'app_1' })).toBe(false);
  });

  test('check a secret of their owner', () => {
    expect(rules.checkSecret?.(SECRET)).toBeUndefined();
    expect(rules.checkSecret?.(PRIVATE_KEY)).toBeUndefined();
    expect(rules.checkSecret?.('whsec_AAAA')).toBe('must hold 24 to 64 bytes');
    expect(rules.checkSecret?.(PUBLIC_KEY)).toMatch('must begin with whsec_');
  });

  test('sign with both keys until a rotation ends', () => {
    const overlapEndsAt = new Date(NOW.getTime() + 24 * 3_600_000);
    const before = subscriptionWith();
    const secrets = rules.rotateSecret?.(before, { randomBytes: counting, overlapEndsAt, now: NOW });
    if (!secrets) throw new Error('nothing was rotated');
    const fresh = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX';
    expect(secrets).toEqual({
      keys: [{ secret: fresh }, { secret: SECRET, expiresAt: overlapEndsAt.toISOString() }],
    });

    const subscription = subscriptionWith({ secrets });
    expect(rules.signingSecret?.(subscription, account)).toBe(fresh);
    const body = bodyOf(eventOf('user.created', '{}'));
    const lastMoment = new Date(overlapEndsAt.getTime() - 1);
    const during = signatureAt(lastMoment, subscription);
    expect(during['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/);
    for (const secret of [fresh, SECRET]) {
      at(lastMoment, () => new standardwebhooks.Webhook(secret).verify(body, during));
    }
    const after = signatureAt(overlapEndsAt, subscription);
    expect(after['webhook-signature']).toMatch(/^v1,\S{44}$/);
    at(overlapEndsAt, () => new standardwebhooks.Webhook(fresh).verify(body, after));
  });

  test('rotate to a key of the same kind, or to the secret of their owner', () => {
    const input = { randomBytes: (size: number) => Buffer.alloc(size), overlapEndsAt: NOW, now: NOW };
    const asymmetric = subscriptionWith({ secrets: { keys: [{ secret: PRIVATE_KEY }] } });
    expect(rules.rotateSecret?.(asymmetric, input).keys).toEqual([{ secret: `whsk_${'A'.repeat(43)}=` }]);
    expect(rules.rotateSecret?.(asymmetric, { ...input, secret: SECRET }).keys).toEqual([{ secret: SECRET }]);
  });

  test('may go from a shared secret to ed25519 without a gap', () => {
    const overlapEndsAt = new Date(NOW.getTime() + 1_000);
    const input = { randomBytes: counting, overlapEndsAt, now: NOW, secret: PRIVATE_KEY };
    const secrets = rules.rotateSecret?.(subscriptionWith(), input);
    const headers = signatureAt(NOW, subscriptionWith({ secrets }));
    const body = bodyOf(eventOf('user.created', '{}'));
    expect(headers['webhook-signature']).toMatch(/^v1a,\S{88} v1,\S{44}$/);
    expect(verifiesAsymmetric(PUBLIC_KEY, headers, body)).toBe(true);
    at(NOW, () => new standardwebhooks.Webhook(SECRET).verify(body, headers));
  });

  test('cannot set the headers of the contract, in whatever case', () => {
    for (const { name } of requestOf(eventOf('user.created', '{}')).headers) {
      expect(checkHeaders({ [name.toUpperCase()]: 'a' }, rules.reservedHeaders)?.problem).toBe(
        'is set by the contract itself',
      );
    }
    expect(rules.reservedHeaders).toHaveLength(5);
  });

  test('have a reference of 16 random bytes', () => {
    expect(rules.newReference(1, counting)).toBe('ep_000102030405060708090a0b0c0d0e0f');
  });
});

describe('accounts', () => {
  const rules = contract.accounts;

  test('have neither ids, settings nor secrets of their own', () => {
    expect(rules.newScope(counting)).toEqual({});
    expect(rules.newSecrets(counting)).toEqual({});
    for (const schema of [rules.scope, rules.settings]) {
      expect(schema.safeParse({}).success).toBe(true);
      expect(schema.safeParse({ a: 1 }).success).toBe(false);
    }
  });

  test('have keys that begin with sk_', () => {
    expect(rules.newApiKey(counting)).toBe('sk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX');
  });
});
