/** Accepting events over the API, on a real PostgreSQL. */
import { jsonMembers } from '../../../src/contract/json.js';
import type { DeliveryStart } from '../../../src/store/deliveries/delivery-starts.js';
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import {
  exampleOf,
  expectStatus,
  messages,
  newAccount,
  paths,
  plainSubscription,
  sampleOf,
  samples,
  unknownIds,
} from '../../support/samples.js';
import { stubDispatcher } from '../../support/dispatcher.js';

const dispatched: DeliveryStart[] = [];
let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase({
    dispatcher: stubDispatcher((deliveryStarts) => void dispatched.push(...deliveryStarts)),
  });
});
afterAll(() => api.close());
beforeEach(() => void dispatched.splice(0));

const emit = (accountId: string, body: unknown, headers?: Record<string, string>) =>
  api.ask('POST', `/v1/accounts/${accountId}/events`, body, headers);
const once = (key: string) => ({ 'idempotency-key': key });

/** An account with a subscription that takes the provider's sample event. */
async function ready(provider: string, fields: object = {}, accountFields: object = {}) {
  const account = await newAccount(api.ask, provider, accountFields);
  const reply = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    ...plainSubscription(provider),
    ...fields,
  });
  return { accountId: account.id as string, subscriptionId: expectStatus(reply, 201).body.id as string };
}

async function bodiesOf(eventId: string): Promise<string[]> {
  const { rows } = await api.database.store.pool.query<{ body: string }>(
    'SELECT body FROM event_bodies WHERE event_id = $1 ORDER BY variant',
    [eventId],
  );
  return rows.map(({ body }) => body);
}

async function countOf(table: 'events' | 'deliveries' | 'event_bodies', accountId: string): Promise<number> {
  const condition =
    table === 'event_bodies' ? 'event_id IN (SELECT id FROM events WHERE account_id = $1)' : 'account_id = $1';
  const { rows } = await api.database.store.pool.query<{ count: string }>(
    `SELECT count(*) FROM ${table} WHERE ${condition}`,
    [accountId],
  );
  return Number(rows[0]!.count);
}

describe.each(samples)('an event of $provider', ({ provider, eventType }) => {
  test('is accepted, committed with its delivery and handed to the dispatcher', async () => {
    const { accountId, subscriptionId } = await ready(provider);
    const { body } = expectStatus(await emit(accountId, { type: eventType, data: exampleOf(provider) }), 202);
    expect(body).toEqual({
      id: expect.stringMatching(/^evt_[0-9a-z]{26}$/),
      type: eventType,
      deliveries: [{ id: expect.stringMatching(/^dlv_/), subscriptionId, workflowId: expect.any(String) }],
    });
    const [delivery] = body.deliveries;
    expect(delivery.workflowId).toBe(`delivery-${delivery.id}`);
    expect(dispatched).toMatchObject([{ deliveryId: delivery.id, run: 0, subscriptionId, eventType }]);
    expect(expectStatus(await api.ask('GET', `/v1/deliveries/${delivery.id}`), 200).body).toMatchObject({
      accountId,
      eventId: body.id,
      state: 'pending',
      attempts: [],
    });
    const shown = expectStatus(await api.ask('GET', `/v1/events/${body.id}`), 200).body;
    expect(shown).toMatchObject({ id: body.id, accountId, type: eventType, data: exampleOf(provider) });
  });

  test('goes to no one else', async () => {
    const { accountId } = await ready(provider, { enabled: false });
    await ready(provider);
    const { body } = expectStatus(await emit(accountId, { type: eventType, data: exampleOf(provider) }), 202);
    expect(body.deliveries).toEqual([]);
    expect(dispatched).toEqual([]);
    expect(await countOf('events', accountId)).toBe(1);
  });

  test('that lacks a documented field is refused by that field’s path, unless the account says otherwise', async () => {
    const broken = { note: 'nothing that is documented' };
    const { accountId } = await ready(provider);
    const reply = await emit(accountId, { type: eventType, data: broken });
    if (provider === 'standard' || provider === 'postack') expect(reply.status).toBe(202);
    else {
      expect(reply.status).toBe(422);
      for (const path of paths(reply)) expect(path).toMatch(/^data\.\w+/);
      expect(messages(reply)).toMatch('is missing');
    }
    const lenient = await ready(provider, {}, { validatePayloads: false });
    expectStatus(await emit(lenient.accountId, { type: eventType, data: broken }), 202);
  });

  test('must be an object unless the provider has no shape for it', async () => {
    const { accountId } = await ready(provider, {}, { validatePayloads: false });
    for (const data of [[], 'text', 7, null, true]) {
      const reply = await emit(accountId, { type: eventType, data });
      if (provider === 'standard') expectStatus(reply, 202);
      else expect([data, reply.status, paths(reply)]).toEqual([data, 422, ['data']]);
    }
  });

  test('has its payload in the body exactly as it was sent, white space between tokens aside', async () => {
    const { accountId } = await ready(provider, {}, { validatePayloads: false });
    const members = [
      '"big":12345678901234567890123',
      '"precise":0.1000000000000000055511151231257827',
      '"tiny":1E-400',
      '"huge":1e+400',
      '"minus":-0',
      '"trailing":1.50',
      '"z":1',
      '"a":2',
      '"10":"ten"',
      '"9":"nine"',
      '"escapes":"\\u0041\\/\\u00e9\\n\\u0000\\ud83d\\ude00 \\ud800"',
      '"plain":"é😀\u2028\u2029\ufeff<&>"',
      '"nested":{"b":1,"a":[1,2.0,{"x":null,"x":true}],"b":2}',
      '"twice":1',
      '"twice":{"second":2}',
      '"\\u0065scaped key":""',
      '"__proto__":{"polluted":true}',
      '"constructor":1',
      '"":"empty key"',
    ];
    const sent = `{"type":${JSON.stringify(eventType)},\n "data" :\t{ ${members.map((m) => m.replace(':', ' : ')).join(' ,\r\n')} } }`;
    const { body } = expectStatus(await emit(accountId, sent), 202);
    const [rendered] = await bodiesOf(body.id);
    for (const member of members) expect(rendered).toContain(member);
    // All of it in one piece, in the order it came.
    expect(rendered).toContain(members.join(','));
    const shown = await api.ask('GET', `/v1/events/${body.id}`);
    expect(shown.text).toContain(`"data":{${members.join(',')}}`);
  });

  test('has the same body for its subscriptions unless the contract makes them differ', async () => {
    const { accountId } = await ready(provider);
    const second = await api.ask('POST', `/v1/accounts/${accountId}/subscriptions`, {
      ...plainSubscription(provider),
      url: 'https://second.example.com/in',
    });
    expectStatus(second, 201);
    const { body } = expectStatus(await emit(accountId, { type: eventType, data: exampleOf(provider) }), 202);
    expect(body.deliveries).toHaveLength(2);
    const bodies = await bodiesOf(body.id);
    // Postscript's bodies name the subscription.
    expect(bodies).toHaveLength(provider === 'postscript' ? 2 : 1);
  });
});

describe('what an event’s request may hold', () => {
  test.each<[unknown, string[], RegExp]>([
    [{ data: {} }, ['type'], /is missing/],
    [{ type: 'user.created' }, ['data'], /missing/],
    [{ type: 7, data: {} }, ['type'], /string/],
    [{ type: '', data: {} }, ['type'], /1/],
    [{ type: 'no such event!', data: {} }, ['type'], /no event "no such event!"/],
    [{ type: 'x'.repeat(256), data: {} }, ['type'], /255/],
    [{ type: 'user\0', data: {} }, ['type'], /control/],
    [{ type: 'user\ud800', data: {} }, ['type'], /surrogate/],
    [{ type: '__proto__', data: {} }, [], /./],
    [{ type: 'user.created', data: {}, occurredAt: 'yesterday' }, ['occurredAt'], /ISO/],
    [{ type: 'user.created', data: {}, occurredAt: '2026-02-30T00:00:00Z' }, ['occurredAt'], /ISO/],
    [{ type: 'user.created', data: {}, occurredAt: '2026-03-02T10:11:12' }, ['occurredAt'], /ISO/],
    [{ type: 'user.created', data: {}, occurredAt: 1772446272 }, ['occurredAt'], /string/],
    [{ type: 'user.created', data: {}, channels: 'c' }, ['channels'], /array/],
    [{ type: 'user.created', data: {}, channels: [''] }, ['channels[0]'], /1/],
    [{ type: 'user.created', data: {}, channels: ['a', 'b\ud83d'] }, ['channels[1]'], /surrogate/],
    [{ type: 'user.created', data: {}, channels: ['b\0'] }, ['channels[0]'], /control/],
    [{ type: 'user.created', data: {}, channels: Array.from({ length: 11 }, () => 'c') }, ['channels'], /10/],
    [{ type: 'user.created', data: {}, id: 'evt_1' }, ['id'], /not a known field/],
    ['{"type":"user.created","data":{},"__proto__":{}}', ['__proto__'], /not a known field/],
    [[], [''], /object/],
    ['"text"', [''], /object/],
    ['7', [''], /object/],
    [{ events: [] }, ['events'], /1/],
    [{ events: {} }, ['events'], /array/],
    [{ events: [{}], type: 'user.created' }, ['type'], /not a known field/],
    [{ events: Array.from({ length: 1_001 }, () => ({})) }, ['events'], /1000/],
  ])('%j is refused by its path', async (body, expected, message) => {
    const { accountId } = await ready('standard');
    const reply = await emit(accountId, body);
    if (expected.length === 0) return expect(reply.status).toBe(202);
    expect([reply.status, paths(reply)]).toEqual([422, expected]);
    expect(messages(reply)).toMatch(message);
    expect(await countOf('events', accountId)).toBe(0);
  });

  test('channels are for providers that have them', async () => {
    const { accountId } = await ready('bird');
    const reply = await emit(accountId, { type: 'sms.inbound', data: exampleOf('bird'), channels: ['a'] });
    expect([reply.status, paths(reply)]).toEqual([422, ['channels']]);
  });

  test('channels choose among subscriptions', async () => {
    const { accountId, subscriptionId } = await ready('standard', { channels: ['red', 'blue'] });
    const send = async (channels?: string[]) =>
      (await emit(accountId, { type: 'user.created', data: 1, channels })).body.deliveries.length;
    expect([await send(['blue']), await send(['green']), await send()]).toEqual([1, 0, 0]);
    expect(dispatched.map((deliveryStart) => deliveryStart.subscriptionId)).toEqual([subscriptionId]);
  });

  test('the time an event occurred is kept to the millisecond, whatever its zone', async () => {
    const { accountId } = await ready('standard');
    const occurredAt = '2026-03-02T12:11:12.345678+02:00';
    const { body } = await emit(accountId, { type: 'user.created', data: null, occurredAt });
    expect((await api.ask('GET', `/v1/events/${body.id}`)).body.occurredAt).toBe('2026-03-02T10:11:12.345Z');
    expect(await bodiesOf(body.id)).toEqual([
      '{"type":"user.created","timestamp":"2026-03-02T10:11:12.345Z","data":null}',
    ]);
  });

  test.each(['0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '1969-12-31T23:59:59Z'])(
    'an event may have occurred at %s',
    async (occurredAt) => {
      const { accountId } = await ready('standard');
      const { body } = expectStatus(await emit(accountId, { type: 'user.created', data: 1, occurredAt }), 202);
      const shown = (await api.ask('GET', `/v1/events/${body.id}`)).body.occurredAt;
      expect(Date.parse(shown)).toBe(Date.parse(occurredAt));
    },
  );

  test('events of an account that is not there are refused', async () => {
    for (const id of [unknownIds.account, 'none', '%00']) {
      const reply = await emit(id, { type: 'user.created', data: {} });
      expect([id, reply.status]).toEqual([id, 404]);
    }
    for (const id of [unknownIds.event, 'none', '%00']) {
      expect([id, (await api.ask('GET', `/v1/events/${id}`)).status]).toEqual([id, 404]);
    }
  });
});

describe('batches', () => {
  test('get their responses in order, each event by itself, and what is refused keeps nothing else back', async () => {
    const { accountId, subscriptionId } = await ready('postmark');
    const good = { type: 'Bounce', data: exampleOf('postmark') };
    const body = {
      events: [good, { type: 'Bounced', data: {} }, { ...good, colour: 'red' }, { type: 'Bounce', data: {} }, 7, good],
    };
    const { results } = expectStatus(await emit(accountId, body), 202).body;
    expect(results).toHaveLength(6);
    for (const index of [0, 5]) {
      expect(results[index]).toMatchObject({ type: 'Bounce', deliveries: [{ subscriptionId }] });
    }
    expect(results[1]).toMatchObject({ status: 422, code: 'invalid_request', errors: [{ path: 'type' }] });
    expect(results[2]).toMatchObject({ status: 422, errors: [{ path: 'colour' }] });
    expect(results[3].errors[0].path).toMatch(/^data\./);
    expect(results[4]).toMatchObject({ status: 422, errors: [{ path: '' }] });
    expect(await countOf('events', accountId)).toBe(2);
    expect(dispatched).toHaveLength(2);
  });

  test('may hold a thousand events, which are committed together', async () => {
    const { accountId } = await ready('standard');
    const events = Array.from({ length: 1_000 }, (_, number) => ({ type: 'user.created', data: { number } }));
    const { results } = expectStatus(await emit(accountId, { events }), 202).body;
    expect(new Set(results.map(({ id }: { id: string }) => id)).size).toBe(1_000);
    expect(await countOf('deliveries', accountId)).toBe(1_000);
    expect(dispatched).toHaveLength(1_000);
    const [body] = await bodiesOf(results[617].id);
    expect(body).toContain('"data":{"number":617}');
  });

  test('keep each payload as it was sent', async () => {
    const { accountId } = await ready('standard');
    const one = '{"b":1.0,"a":12345678901234567890,"2":0,"1":0,"a":"\\u0000"}';
    const sent = `{"events":[{"type":"a","data":${one}},\n{"data":[1,${one}],"type":"b"}]}`;
    const { results } = expectStatus(await emit(accountId, sent), 202).body;
    expect(results.map(({ type }: { type: string }) => type)).toEqual(['a', 'b']);
    const datas = await Promise.all(
      results.map(async ({ id }: { id: string }) => {
        const [body] = await bodiesOf(id);
        return jsonMembers(body ?? '{}').find(({ key }) => key === 'data')?.value;
      }),
    );
    // The sample subscription takes user.created only.
    expect(datas).toEqual([undefined, undefined]);
    const texts = await Promise.all(
      results.map(async ({ id }: { id: string }) => (await api.ask('GET', `/v1/events/${id}`)).text),
    );
    expect(texts[0]).toContain(`"data":${one}}`);
    expect(texts[1]).toContain(`"data":[1,${one}]}`);
  });

  test('refuse an event that names a field twice, as a request for one event does', async () => {
    const { accountId } = await ready('standard');
    const twice = '{"type":"user.created","data":1,"data":2}';
    const single = await emit(accountId, twice);
    expect([single.status, single.body.code]).toEqual([400, 'malformed_request']);
    const { results } = expectStatus(await emit(accountId, `{"events":[${twice}]}`), 202).body;
    expect(results).toMatchObject([{ status: 400, code: 'malformed_request' }]);
    expect(await countOf('events', accountId)).toBe(0);
  });

  test('of which every event is refused get their responses all the same', async () => {
    const { accountId } = await ready('standard');
    const { results } = expectStatus(await emit(accountId, { events: [{}, {}] }, once('none')), 202).body;
    expect(results).toMatchObject([{ status: 422 }, { status: 422 }]);
    expect(dispatched).toEqual([]);
  });
});

describe('idempotency keys', () => {
  const event = { type: 'user.created', data: { n: 1 } };

  test('the same request gets the same response, byte for byte, and is one event', async () => {
    const { accountId } = await ready('standard');
    const first = expectStatus(await emit(accountId, event, once('k-1')), 202);
    const second = expectStatus(await emit(accountId, event, once('k-1')), 202);
    expect(second.text).toBe(first.text);
    expect(await countOf('events', accountId)).toBe(1);
    expect(await countOf('deliveries', accountId)).toBe(1);
    expect(await countOf('event_bodies', accountId)).toBe(1);
    expect(dispatched).toHaveLength(1);
  });

  test('another request under the same key is refused', async () => {
    const { accountId } = await ready('standard');
    expectStatus(await emit(accountId, event, once('k-1')), 202);
    const other = await emit(accountId, { ...event, data: { n: 2 } }, once('k-1'));
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(await countOf('events', accountId)).toBe(1);
  });

  test('a key belongs to its account', async () => {
    const [one, two] = [await ready('standard'), await ready('standard')];
    const first = expectStatus(await emit(one.accountId, event, once('k-1')), 202);
    const second = expectStatus(await emit(two.accountId, event, once('k-1')), 202);
    expect(second.body.id).not.toBe(first.body.id);
  });

  test('requests without a key are events of their own', async () => {
    const { accountId } = await ready('standard');
    await emit(accountId, event);
    await emit(accountId, event);
    expect(await countOf('events', accountId)).toBe(2);
  });

  test('twenty requests at once with one key are one event', async () => {
    const { accountId } = await ready('standard');
    const responses = await Promise.all(Array.from({ length: 20 }, () => emit(accountId, event, once('k-1'))));
    expect(new Set(responses.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(responses[0]!.status).toBe(202);
    expect(await countOf('events', accountId)).toBe(1);
    expect(dispatched).toHaveLength(1);
  });

  test('commits each key once when repetitions outnumber the connections', async () => {
    const { store } = api.database;
    const { accountId } = await ready('standard');
    const callers = 3 * store.pool.options.max;
    const responses = await Promise.all(
      Array.from({ length: callers }, (_, n) => emit(accountId, event, once(`k-${n % 30}`))),
    );
    for (const response of responses) expectStatus(response, 202);
    expect(new Set(responses.map(({ body }) => body.id as string)).size).toBe(30);
    expect(await countOf('events', accountId)).toBe(30);
  });

  test('a refused request does not use up its key', async () => {
    const { accountId } = await ready('standard');
    expect((await emit(accountId, { type: 'user.created' }, once('k-1'))).status).toBe(422);
    expectStatus(await emit(accountId, event, once('k-1')), 202);
  });

  test('a batch is repeated as a whole, with what was refused of it', async () => {
    const { accountId } = await ready('standard');
    const batch = { events: [event, { type: 'bad type\0', data: 1 }, { ...event, 'strange\0\ud800key': 1 }, event] };
    const first = expectStatus(await emit(accountId, batch, once('b-1')), 202);
    expect(first.body.results.map(({ status }: { status?: number }) => status ?? 202)).toEqual([202, 422, 422, 202]);
    const second = expectStatus(await emit(accountId, batch, once('b-1')), 202);
    expect(second.text).toBe(first.text);
    expect(await countOf('events', accountId)).toBe(2);
    const responses = await Promise.all(Array.from({ length: 20 }, () => emit(accountId, batch, once('b-2'))));
    expect(new Set(responses.map(({ text }) => text)).size).toBe(1);
    expect(await countOf('events', accountId)).toBe(4);
  });

  test.each(['', ' ', 'x'.repeat(256), 'a\tb', 'größe'])('%j is no key', async (key) => {
    const { accountId } = await ready('standard');
    const reply = await emit(accountId, event, once(Buffer.from(key).toString('latin1')));
    expect([reply.status, paths(reply)]).toEqual([422, ['Idempotency-Key']]);
    expect(await countOf('events', accountId)).toBe(0);
  });

  test('a key may have 255 characters', async () => {
    const { accountId } = await ready('standard');
    expectStatus(await emit(accountId, event, once('x'.repeat(255))), 202);
  });
});

test('an event’s type goes back as the catalogue spells it', async () => {
  const { accountId } = await ready('postscript', { eventTypes: ['shop.email_collected'] });
  const data = exampleOf('postscript', 'shop.email_collected');
  const { body } = expectStatus(await emit(accountId, { type: 'shop.shop.email_collected', data }), 202);
  expect(body.type).toBe('shop.email_collected');
  expect(body.deliveries).toHaveLength(1);
});

test('an event emitted to many subscriptions has a delivery for each', async () => {
  const { accountId } = await ready('standard');
  for (let index = 0; index < 4; index += 1) {
    const url = `https://hooks-${index}.example.com`;
    await api.ask('POST', `/v1/accounts/${accountId}/subscriptions`, { url, eventTypes: [] });
  }
  const { body } = expectStatus(await emit(accountId, { type: sampleOf('standard').eventType, data: 1 }), 202);
  const ids = body.deliveries.map(({ subscriptionId }: { subscriptionId: string }) => subscriptionId);
  expect(new Set(ids).size).toBe(5);
});
