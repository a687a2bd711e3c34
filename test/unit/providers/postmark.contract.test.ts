import { minifyJson } from '../../../src/contract/json.js';
import { minutes, retryPolicy } from '../../../src/contract/schedule.js';
import type { SubscriptionInput } from '../../../src/contract/rules.js';
import type { Account, Event, Subscription } from '../../../src/contract/entities.js';
import type { ResponseClass } from '../../../src/contract/types.js';
import type { Scope, Settings } from '../../../src/providers/postmark/contract.js';
import { contract } from '../../../src/providers/postmark/contract.js';
import { events, findEvent } from '../../../src/providers/postmark/events.js';
import type { Fields, Options, Secrets } from '../../../src/providers/postmark/subscription.js';

type Era = 'classic' | '2026';
type Kept = Subscription<Options, Secrets>;

const NOW = new Date('2026-03-02T10:11:12.345Z');
const EVENT_ID = 'evt_01h455vb4pex5vsknk084sn02q';
const TRACE_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

const randomBytes = (size: number): Buffer => Buffer.alloc(size, 0xab);

function account(era: Era = 'classic'): Account<Scope, Settings, Record<string, never>> {
  const settings = { contract: era, messageStreams: [], archivedStreams: [] };
  return { id: 'acc_1', name: 'Shop', scope: { serverId: 23 }, settings, secrets: {} };
}

function subscription({
  options,
  ...rest
}: Partial<Omit<Kept, 'options'>> & { options?: Partial<Options> } = {}): Kept {
  return {
    id: 'sub_1',
    reference: '1',
    url: 'https://hooks.example.com/postmark?token=1',
    eventTypes: ['Delivery'],
    description: null,
    enabled: true,
    headers: {},
    secrets: {},
    createdAt: NOW,
    ...rest,
    options: {
      messageStream: 'outbound',
      postFirstOpenOnly: false,
      includeContent: { bounce: false, spamComplaint: false },
      unverifiedTriggers: [],
      ...options,
    },
  };
}

function event(type: string, data: string | object): Event {
  const text = minifyJson(typeof data === 'string' ? data : JSON.stringify(data));
  return { id: EVENT_ID, type, occurredAt: NOW, text, data: JSON.parse(text), channels: [] };
}

function bodyOf(type: string, data: string | object, options?: Partial<Options>): string {
  return contract.renderBody({ event: event(type, data), account: account(), subscription: subscription({ options }) });
}

function example(type: string): Record<string, unknown> {
  return findEvent(type)?.example as Record<string, unknown>;
}

function requestOf(kept: Kept, retriesRemaining = 3, now = NOW) {
  return contract.request({
    account: account(),
    subscription: kept,
    event: { id: EVENT_ID, type: 'Delivery', occurredAt: NOW },
    delivery: { id: 'dlv_1', createdAt: NOW },
    body: '{}',
    now,
    firstAttemptAt: NOW,
    retriesRemaining,
  });
}

function classifyResponse(status: number, era: Era, eventType = 'Delivery'): ResponseClass {
  const context = { account: account(era), eventType, now: NOW, waitMs: minutes(1) };
  return contract.classifyResponse({ status, headers: {} }, context);
}

describe('the catalogue', () => {
  test('holds the provider’s own names', () => {
    expect(events.map(({ type }) => type)).toEqual([
      'Delivery',
      'Open',
      'Click',
      'Bounce',
      'SpamComplaint',
      'SubscriptionChange',
      'Inbound',
    ]);
    expect(contract.findEvent('bounce')).toBeUndefined();
  });

  test.each(events)('the example of $type has its own documented shape', ({ data, example: own }) => {
    expect(data.safeParse(own).error).toBeUndefined();
  });

  test.each(events)('$type needs every field of its example but Tag, and takes unknown ones', ({ type, data }) => {
    for (const key of Object.keys(example(type)).filter((name) => name !== 'Tag' || ['Open', 'Click'].includes(type))) {
      const rest = Object.fromEntries(Object.entries(example(type)).filter(([name]) => name !== key));
      expect([key, data.safeParse(rest).success]).toEqual([key, false]);
    }
    expect(data.safeParse({ ...example(type), Unknown: 1 }).success).toBe(true);
  });

  test('takes integers beyond 2^53 as ids, and nothing else', () => {
    const bounce = findEvent('Bounce');
    const withId = (id: string): unknown => JSON.parse(`{"ID":${id}}`);
    const takes = (id: string) =>
      bounce?.data.safeParse({ ...example('Bounce'), ...(withId(id) as object) }).success ?? false;
    expect(['4323372036854775807', '42', '"42"', '4.2', 'null'].map(takes)).toEqual([true, true, false, false, false]);
  });

  test('takes null where it is documented', () => {
    const reactivated = {
      ...example('SubscriptionChange'),
      MessageID: null,
      SuppressSending: false,
      SuppressionReason: null,
      Tag: null,
      Metadata: {},
    };
    expect(findEvent('SubscriptionChange')?.data.safeParse(reactivated).success).toBe(true);
    expect(findEvent('Delivery')?.data.safeParse({ ...example('Delivery'), MessageID: null }).success).toBe(false);
  });
});

describe('bodies', () => {
  const texts: Record<string, string> = {
    Delivery:
      '{"RecordType":"Delivery","MessageStream":"outbound","ServerID":23,"MessageID":"5b0f6f0e-2d3c-4f0a-9a55-6f1f0c9e7a21","Recipient":"kim@example.com","Tag":"welcome","DeliveredAt":"2026-03-02T10:11:12Z","Details":"smtp;250 2.0.0 OK","Metadata":{"customer":"4711"}}',
    Open: '{"RecordType":"Open","MessageStream":"outbound","FirstOpen":true,"ReadSeconds":5,"Client":{"Name":"Firefox 148.0","Company":"Mozilla","Family":"Firefox"},"OS":{"Name":"Linux","Company":"Linux","Family":"Linux"},"Platform":"Desktop","UserAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0","Geo":{"CountryISOCode":"NL","Country":"Netherlands","RegionISOCode":"NH","Region":"North Holland","City":"Amsterdam","Zip":"1012","Coords":"52.3740,4.8897","IP":"192.0.2.44"},"MessageID":"5b0f6f0e-2d3c-4f0a-9a55-6f1f0c9e7a21","Metadata":{"customer":"4711"},"ReceivedAt":"2026-03-02T10:15:00.1234567Z","Tag":"welcome","Recipient":"kim@example.com"}',
    Click:
      '{"RecordType":"Click","MessageStream":"outbound","ClickLocation":"HTML","OriginalLink":"https://example.org/confirm?id=7","Client":{"Name":"Firefox 148.0","Company":"Mozilla","Family":"Firefox"},"OS":{"Name":"Linux","Company":"Linux","Family":"Linux"},"Platform":"Desktop","UserAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0","Geo":{"CountryISOCode":"NL","Country":"Netherlands","RegionISOCode":"NH","Region":"North Holland","City":"Amsterdam","Zip":"1012","Coords":"52.3740,4.8897","IP":"192.0.2.44"},"MessageID":"5b0f6f0e-2d3c-4f0a-9a55-6f1f0c9e7a21","Metadata":{"customer":"4711"},"ReceivedAt":"2026-03-02T10:15:00.1234567Z","Tag":"welcome","Recipient":"kim@example.com"}',
    Bounce:
      '{"RecordType":"Bounce","MessageStream":"outbound","ServerID":23,"ID":4323372036,"Type":"HardBounce","TypeCode":1,"Name":"Hard bounce","Tag":"welcome","MessageID":"5b0f6f0e-2d3c-4f0a-9a55-6f1f0c9e7a21","Metadata":{"customer":"4711"},"Description":"The server was unable to deliver your message (ex: unknown user, mailbox not found).","Details":"smtp;550 5.1.1 unknown user","Email":"kim@example.com","From":"hello@example.org","BouncedAt":"2026-03-02T10:11:12.3456789Z","DumpAvailable":true,"Inactive":true,"CanActivate":true,"Subject":"Welcome"}',
    SpamComplaint:
      '{"RecordType":"SpamComplaint","MessageStream":"outbound","ServerID":23,"ID":4323372037,"Type":"SpamComplaint","TypeCode":100001,"Name":"Spam complaint","Tag":"welcome","MessageID":"5b0f6f0e-2d3c-4f0a-9a55-6f1f0c9e7a21","Metadata":{"customer":"4711"},"Description":"The subscriber explicitly marked this message as spam.","Details":"Abuse report of the mailbox provider","Email":"kim@example.com","From":"hello@example.org","BouncedAt":"2026-03-02T10:11:12.3456789Z","DumpAvailable":true,"Inactive":true,"CanActivate":false,"Subject":"Welcome"}',
    SubscriptionChange:
      '{"RecordType":"SubscriptionChange","MessageStream":"outbound","ServerID":23,"MessageID":"5b0f6f0e-2d3c-4f0a-9a55-6f1f0c9e7a21","ChangedAt":"2026-03-02T10:11:12.3456789Z","Recipient":"kim@example.com","Origin":"Recipient","SuppressSending":true,"SuppressionReason":"HardBounce","Tag":"welcome","Metadata":{"customer":"4711"}}',
    Inbound:
      '{"MessageStream":"inbound","From":"kim@example.com","FromName":"Kim","FromFull":{"Email":"kim@example.com","Name":"Kim","MailboxHash":""},"To":"\\"Help\\" <help+7@inbound.example.org>","ToFull":[{"Email":"help+7@inbound.example.org","Name":"Help","MailboxHash":"7"}],"Cc":"","CcFull":[],"Bcc":"","BccFull":[],"OriginalRecipient":"help+7@inbound.example.org","Subject":"Re: Welcome","MessageID":"5b0f6f0e-2d3c-4f0a-9a55-6f1f0c9e7a21","ReplyTo":"","MailboxHash":"7","Date":"Mon, 2 Mar 2026 11:11:12 +0100","TextBody":"Thank you!\\n\\nOn Monday hello@example.org wrote:\\n> Welcome","HtmlBody":"<p>Thank you!</p>","StrippedTextReply":"Thank you!","Tag":"","Headers":[{"Name":"X-Spam-Status","Value":"No"}],"Attachments":[{"Name":"note.txt","Content":"SGVsbG8=","ContentType":"text/plain","ContentLength":5,"ContentID":""}]}',
  };

  test.each(events)('$type has exactly these bytes', ({ type, example: data }) => {
    expect(bodyOf(type, data as object)).toBe(texts[type]);
  });

  test('numbers, key order, duplicate keys and escapes are those that were sent', () => {
    const data =
      '{"Z":1.50,"ID":4323372036854775807,"\\u0041":"\\u00e9\\/\\ud83d","Z":-0e5,"Metadata":{"\\u0061":"b","1":"2"}}';
    expect(bodyOf('Bounce', data)).toBe(
      `{"RecordType":"Bounce","MessageStream":"outbound","ServerID":23,${data.slice(1)}`,
    );
  });

  test('data may contain the stream and the server itself, at their own position', () => {
    expect(bodyOf('Delivery', '{"ServerID":9007199254740993,"Recipient":"a@b.c","MessageStream":"broadcast"}')).toBe(
      '{"RecordType":"Delivery","ServerID":9007199254740993,"Recipient":"a@b.c","MessageStream":"broadcast"}',
    );
    expect(bodyOf('Inbound', '{"From":"a@b.c","MessageStream":"mail"}')).toBe(
      '{"From":"a@b.c","MessageStream":"mail"}',
    );
  });

  test('RecordType is the event type, once and first, and never in incoming mail', () => {
    expect(bodyOf('Open', '{"FirstOpen":true,"RecordType":"Click","RecordType":"Open"}')).toBe(
      '{"RecordType":"Open","MessageStream":"outbound","FirstOpen":true}',
    );
    expect(bodyOf('Inbound', '{"RecordType":"Inbound","From":"a@b.c"}')).toBe(
      '{"MessageStream":"inbound","From":"a@b.c"}',
    );
  });

  test.each([
    ['Bounce', { bounce: false, spamComplaint: true }, false],
    ['Bounce', { bounce: true, spamComplaint: false }, true],
    ['SpamComplaint', { bounce: true, spamComplaint: false }, false],
    ['SpamComplaint', { bounce: false, spamComplaint: true }, true],
    ['Inbound', { bounce: false, spamComplaint: false }, true],
  ])('Content of %s with %p: %p', (type, includeContent, included) => {
    const body = bodyOf(type, '{"Subject":"x","Content":"Return-Path: <>\\r\\n","Content":"again"}', {
      includeContent,
    });
    expect(body.includes('"Content":"Return-Path: <>\\r\\n","Content":"again"')).toBe(included);
    expect(body.includes('Content')).toBe(included);
  });

  test('are shared by the subscriptions that want the same content', () => {
    const variant = (options: Partial<Options>) => contract.bodyVariant(subscription({ options }));
    const both = { includeContent: { bounce: true, spamComplaint: true } };
    expect(variant({ postFirstOpenOnly: true, messageStream: 'a' })).toBe(variant({}));
    expect(variant(both)).toBe(variant(both));
    expect(
      new Set([
        variant({}),
        variant(both),
        variant({ includeContent: { bounce: true, spamComplaint: false } }),
        variant({ includeContent: { bounce: false, spamComplaint: true } }),
      ]).size,
    ).toBe(4);
  });
});

describe('requests', () => {
  const common = [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'Accept', value: 'application/json' },
    { name: 'User-Agent', value: 'Postmark' },
  ];
  const tracing = [
    { name: 'X-PM-Webhook-Trace-Id', value: TRACE_ID },
    { name: 'X-PM-Webhook-Event-Id', value: '4381636308810498135' },
    { name: 'X-PM-Retries-Remaining', value: '3' },
  ];

  test('have these headers without credentials, and the address as it was given', () => {
    expect(requestOf(subscription())).toEqual({
      url: 'https://hooks.example.com/postmark?token=1',
      headers: [...common, ...tracing],
    });
  });

  test('have Basic credentials and custom headers, both secret', () => {
    const kept = subscription({
      secrets: { httpAuth: { username: 'kim', password: 'pässword:1' } },
      headers: { 'X-Webhook-Secret': 's3cret' },
    });
    expect(requestOf(kept).headers).toEqual([
      ...common,
      { name: 'Authorization', value: 'Basic a2ltOnDDpHNzd29yZDox', secret: true },
      ...tracing,
      { name: 'X-Webhook-Secret', value: 's3cret', secret: true },
    ]);
  });

  test('may have a custom Authorization, which yields to Basic credentials', () => {
    const headers = { authorization: 'Bearer t', 'X-Other': 'o' };
    const names = (kept: Kept) => requestOf(kept).headers.map(({ name, value }) => `${name}: ${value}`);
    expect(names(subscription({ headers }))).toContain('authorization: Bearer t');
    const authorized = names(subscription({ headers, secrets: { httpAuth: { username: 'a', password: '' } } }));
    expect(authorized.filter((header) => /^authorization/i.test(header))).toEqual(['Authorization: Basic YTo=']);
    expect(authorized).toContain('X-Other: o');
  });

  test('stay the same over all attempts but for the retries that remain', () => {
    const attempts = [3, 2, 1, 0].map((left) =>
      requestOf(subscription(), left, new Date(NOW.getTime() + (3 - left) * minutes(5))),
    );
    const [first] = attempts;
    attempts.forEach(({ url, headers }, index) => {
      expect(url).toBe(first?.url);
      expect(headers.slice(0, -1)).toEqual(first?.headers.slice(0, -1));
      expect(headers.at(-1)).toEqual({ name: 'X-PM-Retries-Remaining', value: String(3 - index) });
    });
  });

  test('keep the names of their own headers from custom ones', () => {
    const own = requestOf(subscription()).headers.map(({ name }) => name.toLowerCase());
    expect([...contract.subscriptions.reservedHeaders].sort()).toEqual(own.sort());
  });
});

describe('responses', () => {
  const classic = { accepted: [200], stopped: [403] };
  const since2026 = {
    accepted: [200, 201, 204, 299],
    stopped: [400, 401, 402, 403, 404, 405, 407, 409, 410, 422, 428, 430, 499],
  };
  const retried = [199, 300, 301, 302, 307, 308, 399, 408, 429, 500, 501, 502, 503, 504, 599];
  const statuses = [...retried, ...since2026.accepted, ...since2026.stopped];
  const kindBy = ({ accepted, stopped }: typeof classic, status: number): ResponseClass['kind'] =>
    accepted.includes(status) ? 'accepted' : stopped.includes(status) ? 'stop' : 'retry';

  test.each(statuses)('%p', (status) => {
    for (const { type } of events) {
      expect([type, classifyResponse(status, 'classic', type).kind]).toEqual([type, kindBy(classic, status)]);
      const rules = type === 'Inbound' ? classic : since2026;
      expect([type, classifyResponse(status, '2026', type).kind]).toEqual([type, kindBy(rules, status)]);
    }
  });

  test('say why they stop, and disable nothing', () => {
    expect(classifyResponse(403, 'classic')).toEqual({
      kind: 'stop',
      reason: 'the receiver responded with 403, which Postmark does not retry',
    });
    expect(classifyResponse(410, '2026')).toEqual({
      kind: 'stop',
      reason: 'the receiver responded with 410, which Postmark does not retry',
    });
  });

  test('cannot ask for a longer wait', () => {
    const response = { status: 429, headers: { 'retry-after': '3600' } };
    const context = { account: account('2026'), eventType: 'Delivery', now: NOW, waitMs: minutes(1) };
    expect(contract.classifyResponse(response, context)).toEqual({ kind: 'retry' });
  });

  test.each(events)('to $type may redirect since 2026 and take 30 s, to Inbound not at all and 2 min', ({ type }) => {
    const isInbound = type === 'Inbound';
    expect(contract.maxRedirects(type, account('classic'))).toBe(0);
    expect(contract.maxRedirects(type, account('2026'))).toBe(isInbound ? 0 : 10);
    expect(contract.timeLimitMs(type, account('classic'))).toBe(isInbound ? 120_000 : 30_000);
    expect(contract.timeLimitMs(type, account('2026'))).toBe(isInbound ? 120_000 : 30_000);
  });
});

describe('schedules', () => {
  const long = [1, 5, 10, 10, 10, 15, 30, 60, 120, 360];
  const single = [1, 5, 10, 10, 10, 15];
  const short = [1, 5, 15];
  const inMinutes = (type: string, era: Era) => contract.schedule(type, account(era)).map((wait) => wait / 60_000);

  test.each([
    ['Bounce', long, single],
    ['SpamComplaint', long, single],
    ['Inbound', long, long],
    ['Delivery', short, single],
    ['Open', short, single],
    ['Click', short, single],
    ['SubscriptionChange', short, single],
  ])('of %s', (type, classic, since2026) => {
    expect(inMinutes(type, 'classic')).toEqual(classic);
    expect(inMinutes(type, '2026')).toEqual(since2026);
  });

  test('as retry policies', () => {
    const policy = (type: string, era: Era) => retryPolicy(contract.schedule(type, account(era)));
    const irregular = { initialInterval: 60_000, backoffCoefficient: 1, maximumInterval: 60_000 };
    expect(policy('Bounce', 'classic')).toEqual({ ...irregular, maximumAttempts: 11 });
    expect(policy('Bounce', '2026')).toEqual({ ...irregular, maximumAttempts: 7 });
    // 1, 5, 15 min is exponential with a ceiling, so the policy alone gives it.
    expect(policy('Open', 'classic')).toEqual({
      initialInterval: 60_000,
      backoffCoefficient: 5,
      maximumInterval: 900_000,
      maximumAttempts: 4,
    });
  });
});

describe('matching', () => {
  const select = (type: string, data: object, kept: Kept) =>
    contract.select(event(type, data), [kept], account()).length === 1;

  test('is by trigger, and no trigger means no event', () => {
    const kept = subscription({ eventTypes: ['Bounce', 'Click'] });
    expect(['Bounce', 'Click', 'Open', 'Delivery'].map((type) => select(type, {}, kept))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(events.some(({ type }) => select(type, {}, subscription({ eventTypes: [] })))).toBe(false);
  });

  test('is by message stream, which is outbound for events that name none', () => {
    const outbound = subscription();
    const broadcast = subscription({ options: { messageStream: 'broadcast' } });
    expect(select('Delivery', {}, outbound)).toBe(true);
    expect(select('Delivery', { MessageStream: 'outbound' }, outbound)).toBe(true);
    expect(select('Delivery', { MessageStream: 'broadcast' }, outbound)).toBe(false);
    expect(select('Delivery', {}, broadcast)).toBe(false);
    expect(select('Delivery', { MessageStream: 'broadcast' }, broadcast)).toBe(true);
  });

  test('finds incoming mail by its own stream', () => {
    const kept = (messageStream: string) => subscription({ eventTypes: ['Inbound'], options: { messageStream } });
    expect(select('Inbound', {}, kept('inbound'))).toBe(true);
    expect(select('Inbound', {}, kept('outbound'))).toBe(false);
  });

  test('leaves repeated opens out where only first ones are wanted', () => {
    const all = subscription({ eventTypes: ['Open', 'Click'] });
    const first = subscription({ eventTypes: ['Open', 'Click'], options: { postFirstOpenOnly: true } });
    expect([all, first].map((kept) => select('Open', { FirstOpen: true }, kept))).toEqual([true, true]);
    expect([all, first].map((kept) => select('Open', { FirstOpen: false }, kept))).toEqual([true, false]);
    expect(select('Click', {}, first)).toBe(true);
  });

  test('omits triggers that are not verified', () => {
    const kept = subscription({ eventTypes: ['Open', 'Click'], options: { unverifiedTriggers: ['Click', 'Bounce'] } });
    expect(select('Open', { FirstOpen: true }, kept)).toBe(true);
    expect(select('Click', {}, kept)).toBe(false);
  });

  test('keeps the order of several subscriptions', () => {
    const kept = ['sub_1', 'sub_2', 'sub_3'].map((id) =>
      subscription({ id, eventTypes: id === 'sub_2' ? [] : ['Delivery'] }),
    );
    expect(contract.select(event('Delivery', {}), kept, account()).map(({ id }) => id)).toEqual(['sub_1', 'sub_3']);
  });
});

describe('lasting failure', () => {
  const { lastingFailure } = contract;
  const after = (type: string, era: Era, unverifiedTriggers: string[] = []) =>
    lastingFailure!.optionsAfter(type, subscription({ options: { unverifiedTriggers } }), account(era));

  test('is ten deliveries within a day', () => {
    expect([lastingFailure!.deliveries, lastingFailure!.withinMs]).toEqual([10, 86_400_000]);
  });

  test('pauses one trigger under the contract of 2026', () => {
    expect(after('Bounce', '2026', ['Open'])).toEqual({
      ...subscription().options,
      unverifiedTriggers: ['Open', 'Bounce'],
    });
    expect(after('Bounce', '2026', ['Bounce'])).toBeUndefined();
    expect(after('Inbound', '2026')).toBeUndefined();
    expect(after('Bounce', 'classic')).toBeUndefined();
  });
});

describe('subscription fields', () => {
  type Given = Partial<SubscriptionInput<Fields, Options, Secrets>>;
  const keep = (fields: Fields, rest: Given = {}) =>
    contract.subscriptions.toStored({ fields, eventTypes: ['Bounce'], randomBytes, ...rest });
  const httpAuth = { username: 'kim', password: 'secret' };

  test('have defaults', () => {
    expect(keep({})).toEqual({
      options: {
        messageStream: 'outbound',
        postFirstOpenOnly: false,
        includeContent: { bounce: false, spamComplaint: false },
        unverifiedTriggers: [],
      },
      secrets: {},
    });
    expect(keep({}, { eventTypes: ['Inbound'] }).options.messageStream).toBe('inbound');
    expect(keep({}, { eventTypes: [] }).options.messageStream).toBe('outbound');
  });

  test('take content for both triggers or for each', () => {
    expect(keep({ includeContent: true }).options.includeContent).toEqual({ bounce: true, spamComplaint: true });
    expect(keep({ includeContent: { spamComplaint: true } }).options.includeContent).toEqual({
      bounce: false,
      spamComplaint: true,
    });
  });

  test('keep in an edit what it does not name', () => {
    const previous = subscription({
      eventTypes: ['Bounce'],
      options: {
        messageStream: 'broadcast',
        postFirstOpenOnly: true,
        includeContent: { bounce: true, spamComplaint: false },
        unverifiedTriggers: ['Bounce'],
      },
      secrets: { httpAuth },
    });
    expect(keep({}, { previous })).toEqual({ options: previous.options, secrets: previous.secrets });
    expect(keep({ includeContent: { spamComplaint: true } }, { previous }).options).toEqual({
      ...previous.options,
      includeContent: { bounce: true, spamComplaint: true },
    });
    expect(keep({ postFirstOpenOnly: false, messageStream: 'x' }, { previous }).options).toEqual({
      ...previous.options,
      postFirstOpenOnly: false,
      messageStream: 'x',
    });
    expect(keep({ httpAuth: null }, { previous }).secrets).toEqual({});
    expect(keep({}, { previous, url: new URL('https://other.example.com') }).secrets).toEqual({ httpAuth });
  });

  test('change the stream with an edit between triggers and incoming mail', () => {
    const previous = subscription({ eventTypes: ['Bounce'], options: { messageStream: 'broadcast' } });
    expect(keep({}, { previous, eventTypes: ['Open'] }).options.messageStream).toBe('broadcast');
    expect(keep({}, { previous, eventTypes: ['Inbound'] }).options.messageStream).toBe('inbound');
  });

  test.each([
    ['https://kim:secret@example.com/', httpAuth],
    ['https://kim@example.com/', { username: 'kim', password: '' }],
    ['https://k%40m:p%C3%A4ss%2Fw%3Ard@example.com/', { username: 'k@m', password: 'päss/w:rd' }],
    ['https://kim:100%25%zz%@example.com/', { username: 'kim', password: '100%%zz%' }],
    ['https://example.com/', undefined],
  ])('take credentials from %s', (url, expected) => {
    expect(keep({}, { url: new URL(url) }).secrets.httpAuth).toEqual(expected);
  });

  test('prefer the credentials of the field to those of the address', () => {
    const url = new URL('https://a:b@example.com/');
    expect(keep({ httpAuth }, { url }).secrets).toEqual({ httpAuth });
    expect(keep({ httpAuth: null }, { url }).secrets).toEqual({});
    expect(keep({}, { url, previous: subscription({ secrets: { httpAuth } }) }).secrets.httpAuth).toEqual({
      username: 'a',
      password: 'b',
    });
  });

  test('remember credentials of the address as they were written, until the address or they change', () => {
    const { secrets } = keep({}, { url: new URL('https://k%40m:p$ss@example.com/') });
    expect(secrets).toEqual({ httpAuth: { username: 'k@m', password: 'p$ss' }, userinfo: 'k%40m:p$ss' });
    expect(keep({}, { url: new URL('https://kim@example.com/') }).secrets.userinfo).toBe('kim');
    const previous = subscription({ secrets });
    expect(keep({}, { previous }).secrets).toEqual(secrets);
    expect(keep({ httpAuth }, { previous }).secrets).toEqual({ httpAuth });
    expect(keep({}, { previous, url: new URL('https://example.com/') }).secrets).toEqual({
      httpAuth: secrets.httpAuth,
    });
  });

  test('show everything but the password', () => {
    const options = { messageStream: 'outbound', postFirstOpenOnly: false, unverifiedTriggers: [] };
    const includeContent = { bounce: false, spamComplaint: false };
    expect(contract.subscriptions.toPublic(subscription({ secrets: { httpAuth } }))).toEqual({
      ...options,
      includeContent,
      httpAuth: { username: 'kim', password: '***' },
    });
    expect(contract.subscriptions.toPublic(subscription())).toEqual({ ...options, includeContent, httpAuth: null });
  });

  test.each([
    [{}, true],
    [{ httpAuth: null }, true],
    [{ httpAuth: { username: 'kim', password: '' } }, true],
    [{ httpAuth: { username: '', password: 'x' } }, false],
    [{ httpAuth: { username: 'k:m', password: 'x' } }, false],
    [{ httpAuth: { username: 'kim', password: 'a\nb' } }, false],
    [{ httpAuth: { username: 'kim' } }, false],
    [{ messageStream: '' }, false],
    [{ includeContent: { open: true } }, false],
    [{ unverifiedTriggers: ['Open'] }, true],
    [{ unverifiedTriggers: ['Inbound'] }, false],
  ])('%j is well formed: %p', (given, expected) => {
    expect(contract.subscriptions.fields.strict().safeParse(given).success).toBe(expected);
  });

  test('allow no trigger at all, and Inbound alone', () => {
    const { options } = subscription();
    const check = (...types: string[]) => contract.subscriptions.checkEventTypes(types, options);
    expect(check()).toBeUndefined();
    expect(check('Bounce', 'Open', 'SubscriptionChange')).toBeUndefined();
    expect(check('Inbound')).toBeUndefined();
    expect(check('Inbound', 'Open')).toMatch(/^Inbound needs a subscription of its own/);
    expect(check('bounce')).toBe('there is no event type "bounce"');
  });

  test('come with a decimal reference, any address and no signing secret', () => {
    expect(contract.subscriptions.newReference(1234567, randomBytes)).toBe('1234567');
    expect(contract.subscriptions.checkUrl('http://example.com/', subscription().options)).toBeUndefined();
    expect(contract.subscriptions).not.toHaveProperty('signingSecret');
  });
});

describe('accounts', () => {
  test('are one server under one of two contracts', () => {
    const { scope, settings } = contract.accounts;
    expect(scope.safeParse({ serverId: 1 }).success).toBe(true);
    for (const wrong of [{}, { serverId: 0 }, { serverId: 1.5 }, { serverId: '1' }, { serverId: 1, id: 1 }]) {
      expect(scope.safeParse(wrong).success).toBe(false);
    }
    expect(settings.parse({})).toEqual({ contract: 'classic', messageStreams: [], archivedStreams: [] });
    expect(settings.parse({ contract: '2026' })).toMatchObject({ contract: '2026' });
    expect(settings.parse({ messageStreams: ['news.v2-b_1'] })).toMatchObject({ messageStreams: ['news.v2-b_1'] });
    for (const id of ['', '1news', 'pm-news', `n${'x'.repeat(30)}`, 'a b']) {
      expect(settings.safeParse({ messageStreams: [id] }).success).toBe(false);
    }
    expect(settings.safeParse({ contract: '2025' }).success).toBe(false);
    expect(settings.safeParse({ era: 'classic' }).success).toBe(false);
  });

  test('get a server id of 1 to 2^31 - 1', () => {
    const made = (...bytes: number[]) => contract.accounts.newScope(() => Buffer.from(bytes)).serverId;
    expect(made(0, 0, 0, 0)).toBe(1);
    expect(made(0x7f, 0xff, 0xff, 0xfe)).toBe(2 ** 31 - 1);
    expect(made(0x7f, 0xff, 0xff, 0xff)).toBe(1);
    expect(contract.accounts.scope.safeParse(contract.accounts.newScope(randomBytes)).success).toBe(true);
  });

  test('get a server token, a random uuid, and no secrets', () => {
    expect(contract.accounts.newApiKey(randomBytes)).toBe('abababab-abab-4bab-abab-abababababab');
    expect(contract.accounts.newSecrets(randomBytes)).toEqual({});
  });
});
