import { randomBytes } from 'node:crypto';
import { TypeID } from 'typeid-js';
import { z } from 'zod';
import { retryPolicy } from '../../../src/contract/schedule.js';
import type { Event } from '../../../src/contract/entities.js';
import { contract } from '../../../src/providers/bird/contract.js';
import { events, findEvent, serviceOf } from '../../../src/providers/bird/events.js';
import { passes } from '../../../src/providers/bird/filters.js';
import { sign } from '../../../src/providers/bird/signature.js';

type Kept = Parameters<typeof contract.subscriptions.toPublic>[0];
type Fields = Parameters<typeof contract.subscriptions.toStored>[0]['fields'];
type Settings = ReturnType<typeof contract.accounts.settings.parse>;

const KEY = 'KeV+/HGoIQrxuE5YPCRR6AuQOJveldYNNhbVi1i22qk=';
const UUID = '01995b0e-7b3c-7d5a-9c1e-3f2a1b0c9d8e';
const EVENT_ID = TypeID.fromUUID('evt', UUID).toString();
const first = new Date(1_790_000_000_400);
const later = new Date(1_790_000_960_000);
const zeros = (size: number): Buffer => Buffer.alloc(size);
const strict = z.strictObject(contract.subscriptions.fields.shape);

const platforms = [
  'sms',
  'whatsapp',
  'email',
  'line',
  'instagram',
  'facebook',
  'viber',
  'linkedin',
  'tiktok',
  'telegram',
];
const catalogueByService: Record<string, string[]> = {
  channels: [
    ...platforms.flatMap((platform) => [`${platform}.inbound`, `${platform}.outbound`, `${platform}.interaction`]),
    'voice.inbound',
    'voice.outbound',
    'channel.created',
    'channel.updated',
  ],
  numbers: ['endpoint', '10dlc.brand', '10dlc.campaign', '10dlc.vetting', 'tfn.verification'],
  conversations: ['conversation.created', 'conversation.updated', 'conversation.deleted'],
};
const typesWithService = Object.entries(catalogueByService).flatMap(([service, types]) =>
  types.map((type) => [type, service] as const),
);

function accountWith(settings: Partial<Settings> = {}) {
  return {
    id: 'acc_1',
    name: 'Acme',
    scope: contract.accounts.newScope(zeros),
    settings: contract.accounts.settings.parse(settings),
    secrets: {},
  };
}

function keep(fields: Partial<Fields>, previous?: Kept) {
  return contract.subscriptions.toStored({
    fields: { ...(previous ? {} : { service: 'channels' }), ...fields } as Fields,
    eventTypes: [],
    randomBytes: zeros,
    previous,
  });
}

function subscribe(fields: Partial<Fields> = {}, rest: Partial<Kept> = {}): Kept {
  return {
    id: 'sub_1',
    reference: UUID,
    url: 'https://hooks.example.com/bird?x=1',
    eventTypes: ['sms.inbound'],
    description: null,
    enabled: true,
    headers: {},
    createdAt: first,
    ...keep(fields),
    ...rest,
  };
}

function happened(type: string, text = '{}'): Event {
  return { id: EVENT_ID, type, occurredAt: first, text, data: JSON.parse(text), channels: [] };
}

function body(type: string, text: string): string {
  return contract.renderBody({ event: happened(type, text), account: accountWith(), subscription: subscribe() });
}

function attempt({
  subscription = subscribe({ signingKey: KEY }),
  now = first,
  text = '{"service":"channels"}',
  settings = {},
}: { subscription?: Kept; now?: Date; text?: string; settings?: Partial<Settings> } = {}) {
  return contract.request({
    account: accountWith(settings),
    subscription,
    event: { id: EVENT_ID, type: 'sms.inbound', occurredAt: first },
    delivery: { id: 'dlv_1', createdAt: first },
    body: text,
    now,
    firstAttemptAt: first,
    retriesRemaining: 35,
  });
}

describe('events', () => {
  test('the catalogue is the documented one', () => {
    expect(events.map(({ type }) => type)).toEqual(typesWithService.map(([type]) => type));
    expect(contract.events).toBe(events);
  });

  test.each(typesWithService)('%s belongs to %s and has an example of its own shape', (type, service) => {
    const definition = findEvent(type);
    expect(serviceOf(type)).toBe(service);
    expect(definition?.data.safeParse(definition.example).error).toBeUndefined();
  });

  test.each(['rcs.inbound', 'apple-business-chat.outbound', 'some_platform.interaction', '2go.inbound'])(
    '%s is an event of a platform that is not listed',
    (type) => {
      const definition = findEvent(type);
      expect(definition?.type).toBe(type);
      expect(definition?.data.safeParse(definition.example).success).toBe(true);
      expect(serviceOf(type)).toBe('channels');
    },
  );

  test.each([
    'SMS.inbound',
    'sms.',
    '.inbound',
    'sms.deleted',
    'sms.inbound.x',
    'apple business chat.inbound',
    'voice.interaction',
    'conversation.inbound',
    'channel.deleted',
    `${'a'.repeat(128)}.inbound`,
    'sms.inbound\n',
    '',
  ])('%j is no event', (type) => {
    expect(findEvent(type)).toBeUndefined();
    expect(serviceOf(type)).toBeUndefined();
  });

  test('shapes hold what is documented and let the rest pass', () => {
    const valid = (type: string, data: unknown) => findEvent(type)!.data.safeParse(data).success;
    const message = { id: 'm', channelId: 'c', status: 'delivered', direction: 'incoming' };
    expect(valid('sms.inbound', { ...message, anything: [1] })).toBe(true);
    expect(valid('sms.outbound', message)).toBe(false);
    expect(valid('sms.inbound', { ...message, channelId: undefined })).toBe(false);
    expect(valid('sms.inbound', { ...message, chargeableUnits: '1', batchId: null })).toBe(true);
    expect(valid('sms.inbound', { ...message, chargeableUnits: 'many' })).toBe(false);
    const number = { type: 'toll-free', issues: '', capabilities: [] };
    expect(valid('endpoint', number)).toBe(true);
    expect(valid('endpoint', { ...number, capabilities: undefined })).toBe(false);
    expect(valid('conversation.deleted', { id: 'x' })).toBe(true);
  });
});

describe('requests', () => {
  test.each(typesWithService)('the exact body of %s', (type, service) => {
    const text = JSON.stringify(findEvent(type)!.example);
    expect(body(type, text)).toBe(`{"service":"${service}","event":"${type}","payload":${text}}`);
  });

  test('numbers, key order, duplicates and escapes survive', () => {
    const text = '{"z":90071992547409931234,"b":1.0e+2,"a":{"y":-0},"s":"\\u00e9\\/\\ud83d\\ude00","d":1,"d":2}';
    expect(body('rcs.inbound', text)).toBe(`{"service":"channels","event":"rcs.inbound","payload":${text}}`);
    expect(contract.bodyVariant(subscribe({ template: 'text' }))).toBe(contract.bodyVariant(subscribe()));
  });

  test('the known response of the signature', () => {
    const signed = {
      timestamp: '1790000000',
      url: 'https://hooks.example.com/bird?x=1',
      body: '{"service":"channels"}',
    };
    expect(sign(KEY, signed)).toBe('wo6iie4PXmWOtDlWEWmaeOiYAYUkdibWLPRz3rzrT8s=');
    expect(sign(KEY, { ...signed, url: 'https://hooks.example.com/bird' })).not.toBe(sign(KEY, signed));
    expect(sign(KEY, { ...signed, body: '{"service":"é"}' })).toHaveLength(44);
  });

  test('signed', () => {
    expect(attempt()).toEqual({
      url: 'https://hooks.example.com/bird?x=1',
      headers: [
        { name: 'Content-Type', value: 'application/json' },
        { name: 'User-Agent', value: 'Pigeonpost/1' },
        { name: 'messagebird-request-id', value: UUID },
        { name: 'messagebird-request-timestamp', value: '1790000000' },
        { name: 'messagebird-signature', value: 'wo6iie4PXmWOtDlWEWmaeOiYAYUkdibWLPRz3rzrT8s=' },
      ],
    });
  });

  test('unsigned, with headers of the subscription', () => {
    expect(attempt({ subscription: subscribe({}, { headers: { 'X-Auth': 's' } }) }).headers).toEqual([
      { name: 'Content-Type', value: 'application/json' },
      { name: 'User-Agent', value: 'Pigeonpost/1' },
      { name: 'messagebird-request-id', value: UUID },
      { name: 'messagebird-request-timestamp', value: '1790000000' },
      { name: 'X-Auth', value: 's', secret: true },
    ]);
  });

  test('retries keep the id, timestamp and signature of the first attempt', () => {
    expect(attempt({ now: later })).toEqual(attempt());
  });

  test('unless the account stamps them again', () => {
    const headers = Object.fromEntries(
      attempt({ now: later, settings: { restampRetries: true } }).headers.map(({ name, value }) => [name, value]),
    );
    const url = 'https://hooks.example.com/bird?x=1';
    expect(headers).toMatchObject({
      'messagebird-request-id': UUID,
      'messagebird-request-timestamp': '1790000960',
      'messagebird-signature': sign(KEY, { timestamp: '1790000960', url, body: '{"service":"channels"}' }),
    });
  });

  test('neither sends nor signs a fragment of the address', () => {
    const fields = { signingKey: KEY };
    const url = 'https://hooks.example.com/bird?x=1';
    expect(attempt({ subscription: subscribe(fields, { url: `${url}#part` }) })).toEqual(
      attempt({ subscription: subscribe(fields, { url }) }),
    );
  });

  test('headers of the contract are reserved', () => {
    for (const { name } of attempt().headers) {
      expect(contract.subscriptions.reservedHeaders).toContain(name.toLowerCase());
    }
  });
});

describe('responses', () => {
  const classifyResponse = (status: number) =>
    contract.classifyResponse(
      { status, headers: { 'retry-after': '9' } },
      { account: accountWith(), eventType: 'sms.inbound', now: first, waitMs: 60_000 },
    );

  test.each([200, 201, 204, 299])('%i accepts', (status) => {
    expect(classifyResponse(status)).toEqual({ kind: 'accepted' });
  });

  test.each([100, 199, 300, 301, 308, 400, 401, 403, 404, 410, 429, 500, 503])('%i asks for another', (status) => {
    expect(classifyResponse(status)).toEqual({ kind: 'retry' });
  });

  test('35 retries over 8 hours, 10 s, no redirects', () => {
    const account = accountWith();
    const schedule = contract.schedule('sms.inbound', account);
    const minutes = schedule.map((wait) => wait / 60_000);
    expect(minutes).toEqual([1, 2, 4, 8, ...Array.from({ length: 31 }, () => 15)]);
    expect(minutes.reduce((sum, wait) => sum + wait)).toBe(8 * 60);
    expect(retryPolicy(schedule)).toEqual({
      initialInterval: 60_000,
      backoffCoefficient: 2,
      maximumInterval: 900_000,
      maximumAttempts: 36,
    });
    expect(contract.timeLimitMs('sms.inbound', account)).toBe(10_000);
    expect(contract.maxRedirects('sms.inbound', account)).toBe(0);
  });
});

describe('matching', () => {
  const opened = happened('email.interaction', '{"channelId":"c1","type":"opened","platformId":"email-messagebird"}');
  const ofChannel = { key: 'channelId', value: 'c1' } as const;
  const isOpened = { key: 'interactionType', value: 'opened' } as const;
  const isClicked = { key: 'interactionType', value: 'clicked' } as const;
  const takes = (id: string, filters: Fields['eventFilters'], rest: Partial<Kept> = {}) =>
    subscribe({ eventFilters: filters }, { id, eventTypes: ['email.interaction'], ...rest });
  const selects = (event: Event, subscriptions: Kept[], settings: Partial<Settings> = {}): string[] =>
    contract.select(event, subscriptions, accountWith(settings)).map(({ id }) => id);

  test('all filters must pass', () => {
    expect(
      selects(opened, [
        takes('channel', [ofChannel]),
        takes('both', [ofChannel, isOpened]),
        takes('one fails', [ofChannel, isClicked]),
        takes('other fails', [{ key: 'channelId', value: 'c2' }, isOpened]),
      ]),
    ).toEqual(['channel', 'both']);
  });

  test('keys find their values in the payload', () => {
    const payload = { channelId: 'c', status: 'sent', type: 'opened', platformId: 'p' };
    for (const [key, value] of [
      ['channelId', 'c'],
      ['messageStatus', 'sent'],
      ['channelStatus', 'sent'],
      ['status', 'sent'],
      ['interactionType', 'opened'],
      ['platformId', 'p'],
    ] as const) {
      expect(passes(payload, [{ key, value }])).toBe(true);
      expect(passes(payload, [{ key, value: 'other' }])).toBe(false);
      expect(passes({}, [{ key, value }])).toBe(false);
      expect(passes(null, [{ key, value }])).toBe(false);
    }
    expect(passes(null, [])).toBe(true);
  });

  test('of several statuses one is enough', () => {
    const filters = [
      { key: 'channelId', value: 'c' },
      { key: 'status', value: 'completed' },
      { key: 'status', value: 'starting' },
    ] as const;
    expect(passes({ channelId: 'c', status: 'starting' }, filters)).toBe(true);
    expect(passes({ channelId: 'c', status: 'ringing' }, filters)).toBe(false);
    expect(passes({ channelId: 'd', status: 'starting' }, filters)).toBe(false);
  });

  test('an unfiltered subscription loses what a filtered one matches', () => {
    const subscriptions = [takes('all', []), takes('opened', [isOpened]), takes('clicked', [isClicked])];
    expect(selects(opened, subscriptions)).toEqual(['opened']);
    expect(selects(happened('email.interaction', '{"type":"unsubscribe-request"}'), subscriptions)).toEqual(['all']);
    expect(selects(opened, subscriptions, { unfilteredTakesAll: true })).toEqual(['all', 'opened']);
  });

  test('filtered subscriptions of other events take nothing away', () => {
    const elsewhere = [
      takes('inbound', [ofChannel], { eventTypes: ['email.inbound'] }),
      takes('service', [ofChannel], keep({ service: 'conversations', eventFilters: [ofChannel] })),
    ];
    expect(selects(opened, [takes('all', []), ...elsewhere])).toEqual(['all']);
  });
});

describe('subscriptions', () => {
  const { subscriptions } = contract;

  test('fields are kept; the signing key is a secret and not shown', () => {
    const eventFilters = [{ key: 'channelId', value: 'c' } as const];
    const subscription = subscribe({ signingKey: KEY, eventFilters, template: 'text' });
    expect(subscriptions.toPublic(subscription)).toEqual({ service: 'channels', eventFilters, template: 'text' });
    expect(subscription.secrets).toEqual({ signingKey: KEY });
    expect(subscriptions.signingSecret?.(subscription, accountWith())).toBe(KEY);
    expect(subscriptions.toPublic(subscribe())).toEqual({ service: 'channels', eventFilters: [], template: null });
    expect(subscriptions.signingSecret?.(subscribe(), accountWith())).toBeUndefined();
  });

  test('an edit keeps what it does not name and clears what it names as null', () => {
    const previous = subscribe({
      signingKey: KEY,
      eventFilters: [{ key: 'channelId', value: 'c' }],
      template: 'text',
    });
    expect(keep({}, previous)).toEqual({ options: previous.options, secrets: previous.secrets });
    expect(keep({ signingKey: null, eventFilters: null, template: null }, previous)).toEqual({
      options: { service: 'channels', eventFilters: [], template: null },
      secrets: { signingKey: null },
    });
    expect(keep({ signingKey: 'new' }, previous).secrets).toEqual({ signingKey: 'new' });
  });

  test('fields are checked', () => {
    const filters = (...eventFilters: unknown[]) => strict.safeParse({ service: 'channels', eventFilters }).success;
    const status = (value: string) => ({ key: 'status', value });
    expect(filters()).toBe(true);
    expect(filters(status('completed'), status('starting'), { key: 'channelId', value: 'c' })).toBe(true);
    expect(filters({ key: 'channelId', value: 'c' }, { key: 'channelId', value: 'd' })).toBe(false);
    expect(filters({ key: 'interactionType', value: 'a' }, { key: 'interactionType', value: 'b' })).toBe(false);
    expect(filters({ key: 'listId', value: 'x' })).toBe(false);
    expect(filters({ key: 'status' })).toBe(false);
    const valid = (given: object) => strict.safeParse({ service: 'channels', ...given }).success;
    expect(valid({ signingKey: 'x'.repeat(1_024) })).toBe(true);
    expect(valid({ signingKey: 'x'.repeat(1_025) })).toBe(false);
    expect(valid({ signingKey: '' })).toBe(false);
    expect(valid({ eventFilters: null })).toBe(true);
    expect(valid({ service: 'voice' })).toBe(false);
    expect(valid({ secret: 'x' })).toBe(false);
    expect(strict.safeParse({}).success).toBe(false);
  });

  test('exactly one event type, of the service, with filters that the service has', () => {
    const check = (eventTypes: string[], fields: Partial<Fields>) =>
      subscriptions.checkEventTypes(eventTypes, keep(fields).options);
    const byChannel = [{ key: 'channelId', value: 'c' } as const];
    const one = 'a subscription has exactly one event type';
    expect(check(['sms.inbound'], {})).toBeUndefined();
    expect(check([], {})).toBe(one);
    expect(check(['sms.inbound', 'sms.outbound'], {})).toBe(one);
    expect(check(['sms.read'], {})).toBe('there is no event type "sms.read"');
    expect(check(['endpoint'], {})).toBe('service channels has no event type "endpoint"');
    expect(check(['endpoint'], { service: 'numbers' })).toBeUndefined();
    expect(check(['sms.inbound'], { service: 'payments' })).toBe('Bird documents no event type of service payments');
    expect(check(['voice.inbound'], { eventFilters: [{ key: 'status', value: 'busy' }] })).toBeUndefined();
    const checkFilters = (fields: Parameters<typeof keep>[0]) => subscriptions.checkOptions?.(keep(fields).options);
    expect(checkFilters({ service: 'numbers', eventFilters: byChannel })).toEqual({
      path: 'eventFilters[0].key',
      problem: 'events of service numbers cannot be filtered by channelId',
    });
    const conversations = { service: 'conversations' } as const;
    expect(checkFilters({ ...conversations, eventFilters: byChannel })).toBeUndefined();
    const byStatus = [...byChannel, { key: 'status', value: 'active' } as const];
    expect(checkFilters({ ...conversations, eventFilters: byStatus })?.path).toBe('eventFilters[1].key');
  });

  test.each([
    'https://example.com/webhook',
    'https://example.com',
    'https://a-b.example.co.uk/h?x=1#f',
    'https://1.example.museum/',
  ])('%s may be registered', (url) => {
    expect(subscriptions.checkUrl(url, subscribe().options)).toBeUndefined();
  });

  test.each([
    'http://example.com/webhook',
    'https://example.com:8443/h',
    'https://user:password@example.com/h',
    'https://127.0.0.1/h',
    'https://[::1]/h',
    'https://localhost/h',
    'https://example.com?x=1',
    'https://example.com/a b',
    'https://example.c/h',
    'https://example.com/h\n',
    ' https://example.com/h',
  ])('%j may not', (url) => {
    expect(subscriptions.checkUrl(url, subscribe().options)).toMatch('must match');
  });

  test('rotation replaces the key at once', () => {
    const input = { randomBytes: zeros, overlapEndsAt: later, now: first };
    expect(subscriptions.rotateSecret?.(subscribe({ signingKey: KEY }), input)).toEqual({
      signingKey: Buffer.alloc(32).toString('base64'),
    });
    expect(subscriptions.rotateSecret?.(subscribe(), { ...input, secret: 'mine' })).toEqual({ signingKey: 'mine' });
    expect(subscriptions.checkSecret?.('x')).toBeUndefined();
    expect(subscriptions.checkSecret?.('x'.repeat(1_024))).toBeUndefined();
    expect(subscriptions.checkSecret?.('')).toMatch('1 to 1024');
    expect(subscriptions.checkSecret?.('x'.repeat(1_025))).toMatch('1 to 1024');
  });

  test('references, API keys, scope and settings', () => {
    const { accounts } = contract;
    const ones = (size: number): Buffer => Buffer.alloc(size, 255);
    expect(subscriptions.newReference(1, zeros)).toBe('00000000-0000-4000-8000-000000000000');
    expect(subscriptions.newReference(1, ones)).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
    expect(accounts.newApiKey(zeros)).toBe('0'.repeat(40));
    expect(accounts.newApiKey(ones)).toMatch(/^[0-9A-Za-z]{40}$/);
    expect(accounts.newApiKey(randomBytes)).not.toBe(accounts.newApiKey(randomBytes));
    expect(accounts.newSecrets(zeros)).toEqual({});
    expect(accounts.scope.safeParse(accounts.newScope(randomBytes)).success).toBe(true);
    expect(
      accounts.scope.parse({
        organizationId: '823fbfaf-f14e-4693-b55a-8ec1c17d649e',
        workspaceId: 'a1405560-c8d3-4b1a-877d-3f449ad95352',
      }),
    ).toEqual({
      organizationId: '823fbfaf-f14e-4693-b55a-8ec1c17d649e',
      workspaceId: 'a1405560-c8d3-4b1a-877d-3f449ad95352',
    });
    expect(accounts.scope.safeParse({ organizationId: 'x', workspaceId: 'y' }).success).toBe(false);
    expect(accounts.settings.parse({})).toEqual({
      unfilteredTakesAll: false,
      restampRetries: false,
      showSigningKey: true,
    });
    expect(accounts.settings.safeParse({ other: true }).success).toBe(false);
  });
});
