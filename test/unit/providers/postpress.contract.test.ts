import { z } from 'zod';
import { retryPolicy } from '../../../src/contract/schedule.js';
import type { Event, Subscription } from '../../../src/contract/entities.js';
import { contract } from '../../../src/providers/postpress/contract.js';
import { events, findEvent, sourceOf } from '../../../src/providers/postpress/events.js';

type Kept = Parameters<typeof contract.subscriptions.toPublic>[0];
type Fields = Parameters<typeof contract.subscriptions.toStored>[0]['fields'];

const account = { id: 'acc_1', name: 'Acme', scope: {}, settings: {}, secrets: {} };
const at = new Date('2026-03-02T10:11:12.345Z');
const zeros = (size: number): Buffer => Buffer.alloc(size);
const strict = z.strictObject(contract.subscriptions.fields.shape);

const catalogueBySource: Record<string, string[]> = {
  messaging: [
    'message_received',
    'message_read',
    'message_reaction',
    'message_edited',
    'message_deleted',
    'message_delivered',
  ],
  users: ['new_relation'],
  account_status: [
    'creation_success',
    'creation_fail',
    'deleted',
    'reconnected',
    'sync_success',
    'stopped',
    'ok',
    'connecting',
    'error',
    'credentials',
    'permissions',
  ],
  email: ['mail_received', 'mail_sent', 'mail_moved'],
  email_tracking: ['mail_opened', 'mail_link_clicked'],
  calendar_event: ['calendar_event_created', 'calendar_event_updated', 'calendar_event_deleted'],
};
const types = Object.values(catalogueBySource).flat();

function keep(fields: Partial<Fields>, url = 'https://hooks.example.com/in', previous?: Kept) {
  return contract.subscriptions.toStored({
    fields: { source: 'messaging', ...fields },
    eventTypes: [],
    url: new URL(url),
    randomBytes: zeros,
    previous,
  });
}

function subscribe(fields: Partial<Fields> = {}, rest: Partial<Kept> = {}): Kept {
  return {
    id: 'sub_1',
    reference: 'wh_1',
    url: 'https://hooks.example.com/in',
    eventTypes: [],
    description: null,
    enabled: true,
    headers: {},
    createdAt: at,
    ...keep(fields),
    ...rest,
  };
}

function happened(type: string, text: string): Event {
  return { id: 'evt_1', type, occurredAt: at, text, data: JSON.parse(text), channels: [] };
}

function body(type: string, text: string, fields: Partial<Fields> = {}): string {
  return contract.renderBody({ event: happened(type, text), account, subscription: subscribe(fields) });
}

function headersOf(subscription: Subscription<Kept['options'], Kept['secrets']>) {
  return contract.request({
    account,
    subscription,
    event: { id: 'evt_1', type: 'message_received', occurredAt: at },
    delivery: { id: 'dlv_1', createdAt: at },
    body: '{}',
    now: at,
    firstAttemptAt: at,
    retriesRemaining: 5,
  });
}

describe('events', () => {
  test('the catalogue is the documented one, in order', () => {
    expect(events.map(({ type }) => type)).toEqual(types);
    expect(contract.events).toBe(events);
    for (const [source, ofSource] of Object.entries(catalogueBySource)) {
      for (const type of ofSource) expect(sourceOf(type)).toBe(source);
    }
  });

  test.each(types)('%s has an example of its own shape and is found', (type) => {
    const definition = findEvent(type);
    expect(definition?.data.safeParse(definition.example).error).toBeUndefined();
  });

  test('there are no others', () => {
    for (const type of ['user.relation_added', 'message', 'Message_Received', '']) {
      expect(findEvent(type)).toBeUndefined();
      expect(sourceOf(type)).toBeUndefined();
    }
  });

  test('shapes accept documented strings for numbers and booleans, and the real types', () => {
    const message = findEvent('message_received')!;
    const base = { account_id: 'a', account_type: 'LINKEDIN', chat_id: 'c', timestamp: 't', message_id: 'm' };
    const stringly = { id: 'i', size: { height: '150', width: '150' }, sticker: 'false', unavailable: 'false' };
    expect(message.data.safeParse({ ...base, attachments: stringly }).success).toBe(true);
    expect(message.data.safeParse({ ...base, attachments: [{ size: { height: 1 }, sticker: true }] }).success).toBe(
      true,
    );
    expect(message.data.safeParse({ ...base, is_group: 0, extra: { anything: [1] } }).success).toBe(true);
    expect(message.data.safeParse({ ...base, is_group: 'perhaps' }).success).toBe(false);
    expect(message.data.safeParse({ ...base, chat_id: undefined }).success).toBe(false);
  });

  test('account_status data may be flat or wrapped', () => {
    const { data } = findEvent('ok')!;
    const status = { account_id: 'h_EK', account_type: 'LINKEDIN' };
    expect(data.safeParse(status).success).toBe(true);
    expect(data.safeParse({ AccountStatus: status }).success).toBe(true);
    expect(data.safeParse({ AccountStatus: {} }).success).toBe(false);
  });
});

describe('bodies', () => {
  test.each(catalogueBySource.messaging!)('%s', (type) => {
    expect(
      body(type, '{"account_id":"a","account_type":"LINKEDIN","account_info":{"type":"LINKEDIN"},"chat_id":"c"}'),
    ).toBe(
      `{"account_id":"a","account_type":"LINKEDIN","account_info":{"type":"LINKEDIN"},"event":"${type}","chat_id":"c"}`,
    );
  });

  test.each(catalogueBySource.messaging!)('%s with the name of the webhook', (type) => {
    const text = '{"account_id":"a","account_type":"X","chat_id":"c","timestamp":"t","message_id":"m","message":"Hi"}';
    expect(body(type, text, { name: 'Demo' })).toBe(
      `{"account_id":"a","account_type":"X","event":"${type}","chat_id":"c","timestamp":"t","webhook_name":"Demo","message_id":"m","message":"Hi"}`,
    );
  });

  test('new_relation', () => {
    const text = '{"account_id":"a","account_type":"LINKEDIN","timestamp":"t","user_provider_id":"u"}';
    expect(body('new_relation', text, { source: 'users', name: 'Demo' })).toBe(
      '{"account_id":"a","account_type":"LINKEDIN","event":"new_relation","webhook_name":"Demo","timestamp":"t","user_provider_id":"u"}',
    );
  });

  test.each(catalogueBySource.account_status!)('%s is wrapped, with its status in upper case', (type) => {
    const message = type.toUpperCase();
    expect(body(type, '{"account_id":"h","account_type":"LINKEDIN"}', { source: 'account_status', name: 'Demo' })).toBe(
      `{"AccountStatus":{"account_id":"h","account_type":"LINKEDIN","message":"${message}"}}`,
    );
  });

  test('account_status data that is wrapped already, or names a status of its own', () => {
    expect(body('credentials', '{"AccountStatus":{"account_id":"h","message":"?","account_type":"X"}}')).toBe(
      '{"AccountStatus":{"account_id":"h","message":"CREDENTIALS","account_type":"X"}}',
    );
    expect(body('ok', '{"account_id":"h","message":"x","message":"y"}')).toBe(
      '{"AccountStatus":{"account_id":"h","message":"OK"}}',
    );
    expect(body('ok', '{"at":1,"AccountStatus":{"account_id":"h"}}')).toBe(
      '{"at":1,"AccountStatus":{"account_id":"h","message":"OK"}}',
    );
  });

  test.each(catalogueBySource.email!)('%s', (type) => {
    const text = '{"email_id":"e","account_id":"a","date":"d","subject":"Hi"}';
    expect(body(type, text, { source: 'email', name: 'Demo' })).toBe(
      `{"email_id":"e","account_id":"a","event":"${type}","webhook_name":"Demo","date":"d","subject":"Hi"}`,
    );
    expect(body(type, '{"object":"Mail","id":"e","account_id":"a","date":"d"}', { source: 'email' })).toBe(
      `{"object":"Mail","id":"e","account_id":"a","event":"${type}","date":"d"}`,
    );
  });

  test.each(catalogueBySource.email_tracking!)('%s', (type) => {
    const text = '{"event_id":"v","tracking_id":"t","account_id":"a"}';
    expect(body(type, text, { source: 'email_tracking' })).toBe(
      `{"event_id":"v","event":"${type}","tracking_id":"t","account_id":"a"}`,
    );
  });

  test.each(catalogueBySource.calendar_event!)('%s', (type) => {
    const text = '{"account_id":"a","id":"i","calendar_id":"c"}';
    expect(body(type, text, { source: 'calendar_event', name: 'CAL' })).toBe(
      `{"event":"${type}","webhook_name":"CAL","account_id":"a","id":"i","calendar_id":"c"}`,
    );
  });

  test('what the contract fills in wins over the data, at its position and once', () => {
    const text = '{"webhook_name":"old","event":"x","account_id":"a","event":"y"}';
    expect(body('message_read', text, { name: 'new' })).toBe(
      '{"webhook_name":"new","event":"message_read","account_id":"a"}',
    );
    expect(body('message_read', text)).toBe('{"webhook_name":"old","event":"message_read","account_id":"a"}');
    expect(body('message_read', '{}', { name: 'n' })).toBe('{"event":"message_read","webhook_name":"n"}');
  });

  test('numbers, key order, duplicates and escapes survive', () => {
    const text =
      '{"z":90071992547409931234,"account_id":"a","\\u0062":1.0e+2,"a":{"y":-0,"x":[1.10]},"s":"\\u00e9\\/\\ud83d\\ude00\\n","d":1,"d":2}';
    expect(body('message_received', text)).toBe(
      '{"z":90071992547409931234,"account_id":"a","event":"message_received","\\u0062":1.0e+2,"a":{"y":-0,"x":[1.10]},"s":"\\u00e9\\/\\ud83d\\ude00\\n","d":1,"d":2}',
    );
  });

  test('field mapping trims, renames and orders', () => {
    const text =
      '{"account_id":"a","message":"Hello","sender":{"attendee_provider_id":9007199254740993},"chat_id":"c"}';
    const data = [
      { name: 'who', key: 'sender' },
      { name: 'sms_text', key: 'message' },
      { name: 'webhook', key: 'webhook_name' },
      { name: 'none', key: 'subject' },
    ];
    expect(body('message_received', text, { data, name: 'Demo' })).toBe(
      '{"who":{"attendee_provider_id":9007199254740993},"sms_text":"Hello","webhook":"Demo"}',
    );
    expect(body('message_received', text, { data: [{ name: 'none', key: 'subject' }] })).toBe('{}');
  });

  test('form: strings as they are, everything else as JSON text', () => {
    const text =
      '{"account_id":"a b&c=é","n":9007199254740993,"f":false,"z":null,"sender":{"attendee_name":"K\\u00f6"},"l":[1,2]}';
    expect(body('message_received', text, { format: 'form', name: 'D+' })).toBe(
      'account_id=a+b%26c%3D%C3%A9&event=message_received&webhook_name=D%2B&n=9007199254740993&f=false&z=null' +
        '&sender=%7B%22attendee_name%22%3A%22K%5Cu00f6%22%7D&l=%5B1%2C2%5D',
    );
    expect(body('ok', '{"account_id":"h"}', { source: 'account_status', format: 'form' })).toBe(
      `AccountStatus=${encodeURIComponent('{"account_id":"h","message":"OK"}')}`,
    );
  });

  test('subscriptions share a body exactly when it is equal', () => {
    const variant = (fields: Partial<Fields>): string => contract.bodyVariant(subscribe(fields));
    expect(variant({ origin: 'dashboard', accountIds: ['a'] })).toBe(variant({}));
    const variants = [
      variant({}),
      variant({ name: 'a' }),
      variant({ format: 'form' }),
      variant({ data: [{ name: 'a', key: 'message' }] }),
    ];
    expect(new Set(variants).size).toBe(variants.length);
  });

  test.each(types)('the body of %s is the same every time and holds its example', (type) => {
    const text = JSON.stringify(findEvent(type)!.example);
    const fields = { source: sourceOf(type) };
    expect(body(type, text, fields)).toBe(body(type, text, fields));
    expect(JSON.parse(body(type, text, fields))).toMatchObject(
      fields.source === 'account_status' ? { AccountStatus: JSON.parse(text) } : { ...JSON.parse(text), event: type },
    );
  });
});

describe('requests', () => {
  const agent = { name: 'User-Agent', value: 'Pigeonpost/1' };

  test('webhooks made by the API contain no Content-Type, those of the dashboard do', () => {
    expect(headersOf(subscribe({ origin: 'api' }))).toEqual({ url: 'https://hooks.example.com/in', headers: [agent] });
    expect(headersOf(subscribe()).headers).toEqual([{ name: 'Content-Type', value: 'application/json' }, agent]);
  });

  test.each(['api', 'dashboard'] as const)('forms say so (%s)', (origin) => {
    expect(headersOf(subscribe({ origin, format: 'form' })).headers).toEqual([
      { name: 'Content-Type', value: 'application/x-www-form-urlencoded' },
      agent,
    ]);
  });

  test("the subscription's own headers win and are secret", () => {
    const headers = { 'content-TYPE': 'application/json', 'Postpress-Auth': 'yoursecretkey' };
    const own = [
      { name: 'content-TYPE', value: 'application/json', secret: true },
      { name: 'Postpress-Auth', value: 'yoursecretkey', secret: true },
    ];
    expect(headersOf(subscribe({}, { headers })).headers).toEqual([agent, ...own]);
    expect(headersOf(subscribe({ format: 'form' }, { headers })).headers).toEqual([agent, ...own]);
    expect(headersOf(subscribe({ origin: 'api' }, { headers: { 'user-agent': 'x' } })).headers).toEqual([
      { name: 'user-agent', value: 'x', secret: true },
    ]);
    expect(contract.subscriptions.reservedHeaders).toEqual([]);
  });
});

describe('responses', () => {
  const classifyResponse = (status: number, headers = {}) =>
    contract.classifyResponse({ status, headers }, { account, eventType: 'message_received', now: at, waitMs: 60_000 });

  test('exactly 200 accepts', () => {
    expect(classifyResponse(200)).toEqual({ kind: 'accepted' });
  });

  test.each([100, 199, 201, 202, 204, 299, 300, 301, 307, 400, 401, 403, 404, 410, 429, 500, 503])(
    '%i asks for another attempt',
    (status) => {
      expect(classifyResponse(status, { 'retry-after': '9' })).toEqual({ kind: 'retry' });
    },
  );

  test('five growing waits, 30 s, no redirects', () => {
    const schedule = contract.schedule('message_received', account);
    expect(schedule).toEqual([60_000, 300_000, 900_000, 1_800_000, 3_600_000]);
    expect(retryPolicy(schedule)).toEqual({
      initialInterval: 60_000,
      backoffCoefficient: 1,
      maximumInterval: 60_000,
      maximumAttempts: 6,
    });
    expect(contract.timeLimitMs('message_received', account)).toBe(30_000);
    expect(contract.maxRedirects('message_received', account)).toBe(0);
  });
});

describe('matching', () => {
  const selects = (event: Event, ...subscriptions: Kept[]): string[] =>
    contract.select(event, subscriptions, account).map(({ id }) => id);
  const message = happened('message_received', '{"account_id":"a1"}');

  test('by source and event types', () => {
    expect(
      selects(
        message,
        subscribe({}, { id: 'default' }),
        subscribe({}, { id: 'named', eventTypes: ['message_read', 'message_received'] }),
        subscribe({}, { id: 'other type', eventTypes: ['message_read'] }),
        subscribe({ source: 'email' }, { id: 'other source' }),
      ),
    ).toEqual(['default', 'named']);
  });

  test.each(types)('%s goes to a subscription without event types when its source does so by default', (type) => {
    const defaults = ['message_received', 'new_relation', 'mail_received', 'mail_opened'];
    const source = sourceOf(type)!;
    const isDefault = defaults.includes(type) || source === 'account_status' || source === 'calendar_event';
    expect(selects(happened(type, '{}'), subscribe({ source }))).toHaveLength(isDefault ? 1 : 0);
    expect(selects(happened(type, '{}'), subscribe({ source }, { eventTypes: [type] }))).toHaveLength(1);
  });

  test('by connected account', () => {
    const ofAccount = subscribe({ accountIds: ['a1', 'a2'] });
    expect(selects(message, ofAccount)).toHaveLength(1);
    expect(selects(happened('message_received', '{"account_id":"a3"}'), ofAccount)).toHaveLength(0);
    expect(selects(happened('message_received', '{}'), ofAccount)).toHaveLength(0);
  });

  test('account_status matches accounts flat and wrapped', () => {
    const status = subscribe({ source: 'account_status', accountIds: ['a1'] });
    expect(selects(happened('ok', '{"account_id":"a1"}'), status)).toHaveLength(1);
    expect(selects(happened('ok', '{"AccountStatus":{"account_id":"a1"}}'), status)).toHaveLength(1);
    expect(selects(happened('ok', '{"AccountStatus":{"account_id":"a2"}}'), status)).toHaveLength(0);
  });
});

describe('subscriptions', () => {
  const { subscriptions } = contract;

  test('fields have the documented defaults', () => {
    expect(subscriptions.toPublic(subscribe())).toEqual({
      source: 'messaging',
      accountIds: [],
      format: 'json',
      data: [],
      origin: 'dashboard',
      name: null,
    });
  });

  test('an edit keeps what it does not name', () => {
    const fields: Fields = {
      source: 'email',
      accountIds: ['a'],
      format: 'form',
      data: [{ name: 's', key: 'subject' }],
      origin: 'dashboard',
      name: 'Demo',
    };
    const previous = subscribe(fields);
    const edit = (given: Partial<Fields>) =>
      contract.subscriptions.toStored({
        fields: given as Fields,
        eventTypes: [],
        randomBytes: zeros,
        previous,
      });
    expect(edit({})).toEqual({ options: previous.options, secrets: {} });
    expect(edit({ name: '', accountIds: [], data: [], format: 'json' }).options).toMatchObject({
      source: 'email',
      name: null,
      accountIds: [],
      data: [],
      format: 'json',
      origin: 'dashboard',
    });
  });

  test('fields are checked', () => {
    expect(strict.safeParse({ source: 'messaging' }).success).toBe(true);
    for (const wrong of [
      {},
      { source: 'sms' },
      { source: 'users', format: 'xml' },
      { source: 'users', origin: 'app' },
      { source: 'users', data: [{ name: 'a' }] },
      {
        source: 'users',
        data: [
          { name: 'a', key: 'account_id' },
          { name: 'a', key: 'account_type' },
        ],
      },
      { source: 'users', unknown: 1 },
    ]) {
      expect(strict.safeParse(wrong).success).toBe(false);
    }
  });

  test('event types must belong to the source', () => {
    const { options } = keep({ source: 'email' });
    expect(subscriptions.checkEventTypes([], options)).toBeUndefined();
    expect(subscriptions.checkEventTypes(['mail_sent', 'mail_moved'], options)).toBeUndefined();
    expect(subscriptions.checkEventTypes(['mail_sent', 'message_read'], options)).toBe(
      'source email has no event type "message_read"',
    );
    expect(subscriptions.checkEventTypes(['mail'], options)).toBe('there is no event type "mail"');
  });

  test('mapped fields must belong to the source', () => {
    const problem = (source: Fields['source'], key: string) =>
      subscriptions.checkOptions?.(keep({ source, data: [{ name: 'x', key }] }).options);
    expect(problem('messaging', 'message')).toBeUndefined();
    expect(problem('email', 'message')).toEqual({
      path: 'data[0].key',
      problem: 'source email has no field "message" that data could map',
    });
    expect(problem('account_status', 'account_id')?.problem).toMatch('account_status');
    expect(problem('calendar_event', 'anything')).toBeUndefined();
  });

  test('only calendar_event insists on https', () => {
    const calendar = keep({ source: 'calendar_event' }).options;
    expect(subscriptions.checkUrl('http://localhost:8080/in', keep({}).options)).toBeUndefined();
    expect(subscriptions.checkUrl('http://localhost/in', calendar)).toMatch('https://');
    expect(subscriptions.checkUrl('https://localhost/in', calendar)).toBeUndefined();
  });

  test('references, API keys and scope', () => {
    const reference = (randomBytes: (size: number) => Buffer) => contract.subscriptions.newReference(7, randomBytes);
    expect(reference(zeros)).toBe('wh_00000000000000000000000000');
    expect(reference((size) => Buffer.alloc(size, 255))).toBe('wh_7ZZZZZZZZZZZZZZZZZZZZZZZZZ');
    const counted = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex');
    expect(reference(() => counted)).toBe('wh_01081G81860W40J2GB1G6GW3RG');
    expect(contract.accounts.newApiKey((size) => Buffer.alloc(size, 171))).toBe(`pp_live_${'ab'.repeat(24)}`);
    expect(contract.accounts.newScope(zeros)).toEqual({});
    expect(contract.accounts.newSecrets(zeros)).toEqual({});
    expect(contract.accounts.scope.safeParse({ id: 1 }).success).toBe(false);
    expect(contract.accounts.settings.safeParse({ id: 1 }).success).toBe(false);
    expect(contract.accounts.settings.parse({})).toEqual({});
  });
});
