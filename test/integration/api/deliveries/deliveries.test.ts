/** Finding and reading deliveries over the API, on a real PostgreSQL; commands that need Temporal are in test/e2e. */
import { newId } from '../../../../src/contract/ids.js';
import { recordAttempt, type AttemptRow } from '../../../../src/store/attempts/recording.js';
import { startApiWithDatabase, type ApiResponse, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import {
  emitted,
  exampleOf,
  expectStatus,
  newAccount,
  paths,
  plainSubscription,
  samples,
  unknownIds,
} from '../../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const list = (query: string) => api.ask('GET', `/v1/deliveries?${query}`);
const idsOf = ({ body }: ApiResponse): string[] => body.data.map(({ id }: { id: string }) => id);
const setState = (id: string, state: string) =>
  api.database.store.pool.query('UPDATE deliveries SET state = $2 WHERE id = $1', [id, state]);

/** Everything that a list gives, page by page. */
async function all(query: string, limit = 2): Promise<string[]> {
  const seen: string[] = [];
  let cursor = '';
  do {
    const response = expectStatus(await list(`${query}&limit=${limit}${cursor}`), 200);
    expect(idsOf(response).length).toBeLessThanOrEqual(limit);
    seen.push(...idsOf(response));
    cursor = response.body.nextCursor === null ? '' : `&cursor=${response.body.nextCursor}`;
  } while (cursor !== '');
  return seen;
}

/** An account with a subscription to all events and so many deliveries, each of another millisecond, the oldest first. */
async function accountWith(count: number) {
  const account = await newAccount(api.ask, 'standard');
  const body = { url: 'https://hooks.example.com', eventTypes: [] };
  const subscription = (await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body)).body;
  const deliveries: { id: string; eventId: string; createdAt: string }[] = [];
  for (let index = 0; index < count; index += 1) {
    const event = { type: index % 2 === 0 ? 'even.one' : 'odd.one', data: index };
    const accepted = expectStatus(await api.ask('POST', `/v1/accounts/${account.id}/events`, event), 202).body;
    deliveries.push((await api.ask('GET', `/v1/deliveries/${accepted.deliveries[0].id}`)).body);
    const now = Date.now();
    while (Date.now() === now);
  }
  return { accountId: account.id as string, subscriptionId: subscription.id as string, deliveries };
}

test.each(samples)('a delivery of $provider is shown whole', async ({ provider, eventType }) => {
  const { account, subscription, event, deliveryId } = await emitted(api.ask, provider);
  const shown = {
    id: deliveryId,
    eventId: event.id,
    accountId: account.id,
    subscriptionId: subscription.id,
    url: subscription.url,
    provider,
    type: eventType,
    state: 'pending',
    stateReason: null,
    attemptCount: 0,
    redeliveries: 0,
    lastStatus: null,
    lastReason: null,
    nextAttemptAt: null,
    ...{ deliverAt: null, expiresAt: null, supersedes: null, priority: 'normal' },
    ...{ orderingKey: null, blocked: false, waitsForBatch: false, batchId: null, batchEvents: null },
    workflowId: `delivery-${deliveryId}`,
    temporalUrl: `http://localhost:8233/namespaces/default/workflows/delivery-${deliveryId}`,
    createdAt: expect.stringMatching(/Z$/),
    updatedAt: expect.stringMatching(/Z$/),
    settledAt: null,
  };
  expect(expectStatus(await api.ask('GET', `/v1/deliveries/${deliveryId}`), 200).body).toEqual({
    ...shown,
    attempts: [],
    schedule: expect.any(Array),
    blockedBy: null,
    workflow: { id: shown.workflowId, url: shown.temporalUrl },
  });
  expect((await list(`eventId=${event.id}`)).body).toEqual({ data: [shown], nextCursor: null });
});

describe('attempts', () => {
  const attempt = (deliveryId: string, number: number, more: Partial<AttemptRow> = {}): AttemptRow => ({
    deliveryId,
    run: 0,
    number,
    startedAt: new Date('2026-03-02T10:11:12.345Z'),
    durationMs: 17,
    timings: { dnsMs: 1, connectMs: 2.5, firstByteMs: 12, totalMs: 17.2 },
    outcome: 'refused',
    status: 500,
    reason: 'status',
    message: 'the receiver responded with 500',
    url: 'https://hooks.example.com/in',
    requestHeaders: [{ name: 'X-A', value: '1' }],
    responseHeaders: { server: 'x' },
    responseExcerpt: 'oops',
    responseTruncated: false,
    state: 'retrying',
    stateReason: null,
    disable: false,
    nextAttemptAt: new Date('2030-01-01T00:00:00Z'),
    schedulePosition: number - 1,
    recordedBy: 'run-1',
    ...more,
  });

  test('are shown in order, with what was sent and what came back', async () => {
    const { deliveryId } = await emitted(api.ask, 'standard');
    await recordAttempt(api.database.store, attempt(deliveryId, 1));
    const retrying = (await api.ask('GET', `/v1/deliveries/${deliveryId}`)).body;
    expect(retrying).toMatchObject({
      state: 'retrying',
      attemptCount: 1,
      lastStatus: 500,
      lastReason: 'status',
      nextAttemptAt: '2030-01-01T00:00:00.000Z',
      settledAt: null,
    });
    const accepted = { outcome: 'accepted', status: 204, reason: null, message: null } as const;
    await recordAttempt(
      api.database.store,
      attempt(deliveryId, 2, { ...accepted, state: 'delivered', nextAttemptAt: null }),
    );
    const { body } = await api.ask('GET', `/v1/deliveries/${deliveryId}`);
    expect(body).toMatchObject({ state: 'delivered', attemptCount: 2, lastStatus: 204, nextAttemptAt: null });
    expect(body.settledAt).not.toBeNull();
    expect(body.attempts).toEqual([
      {
        number: 1,
        run: 0,
        startedAt: '2026-03-02T10:11:12.345Z',
        durationMs: 17,
        timings: { dnsMs: 1, connectMs: 2.5, firstByteMs: 12, totalMs: 17.2 },
        outcome: 'refused',
        status: 500,
        reason: 'status',
        message: 'the receiver responded with 500',
        url: 'https://hooks.example.com/in',
        requestHeaders: [{ name: 'X-A', value: '1' }],
        responseHeaders: { server: 'x' },
        responseExcerpt: 'oops',
        responseTruncated: false,
      },
      expect.objectContaining({ number: 2, outcome: 'accepted', status: 204, reason: null }),
    ]);
  });
});

describe('lists', () => {
  test('are narrowed by account, subscription, event, type and state, and by several together', async () => {
    const { accountId, subscriptionId, deliveries } = await accountWith(4);
    const ids = deliveries.map(({ id }) => id).reverse();
    await setState(ids[0]!, 'failed');
    await setState(ids[1]!, 'paused');
    expect(idsOf(await list(`accountId=${accountId}`))).toEqual(ids);
    expect(idsOf(await list(`subscriptionId=${subscriptionId}`))).toEqual(ids);
    expect(idsOf(await list(`eventId=${deliveries[1]!.eventId}`))).toEqual([deliveries[1]!.id]);
    expect(idsOf(await list(`accountId=${accountId}&type=even.one`))).toEqual([ids[1], ids[3]]);
    expect(idsOf(await list(`accountId=${accountId}&state=failed`))).toEqual([ids[0]]);
    expect(idsOf(await list(`accountId=${accountId}&state=pending&type=odd.one`))).toEqual([ids[2]]);
    expect(idsOf(await list(`accountId=${accountId}&subscriptionId=${unknownIds.subscription}`))).toEqual([]);
    expect(idsOf(await list(`accountId=${unknownIds.account}`))).toEqual([]);
  });

  test('are narrowed by provider', async () => {
    const [one, other] = [await emitted(api.ask, 'standard'), await emitted(api.ask, 'bird')];
    const newest = (await list('provider=bird&limit=1')).body.data;
    expect(newest).toMatchObject([{ id: other.deliveryId, provider: 'bird' }]);
    expect((await list(`provider=bird&accountId=${one.account.id}`)).body.data).toEqual([]);
  });

  test('give each delivery exactly once over their pages, even while more arrive', async () => {
    const { accountId, deliveries } = await accountWith(7);
    const ids = deliveries.map(({ id }) => id).reverse();
    for (const limit of [1, 2, 3, 7, 250]) expect(await all(`accountId=${accountId}`, limit)).toEqual(ids);
    const first = await list(`accountId=${accountId}&limit=3`);
    await api.ask('POST', `/v1/accounts/${accountId}/events`, { type: 'late.one', data: 1 });
    const rest = await list(`accountId=${accountId}&limit=250&cursor=${first.body.nextCursor}`);
    expect([...idsOf(first), ...idsOf(rest)]).toEqual(ids);
  });

  test('have an end that is named by no cursor', async () => {
    const { accountId } = await accountWith(2);
    expect((await list(`accountId=${accountId}&limit=2`)).body.nextCursor).toBeNull();
    expect((await list(`accountId=${accountId}&limit=1`)).body.nextCursor).toEqual(expect.any(String));
  });

  test('begin with the time a delivery was created at and end before it', async () => {
    const { accountId, deliveries } = await accountWith(4);
    const [one, two, three, four] = deliveries.map(({ id }) => id);
    const [, second, third] = deliveries.map(({ createdAt }) => createdAt);
    const within = (query: string) => all(`accountId=${accountId}&${query}`);
    expect(await within(`from=${second}`)).toEqual([four, three, two]);
    expect(await within(`to=${third}`)).toEqual([two, one]);
    expect(await within(`from=${second}&to=${third}`)).toEqual([two]);
    expect(await within(`from=${third}&to=${second}`)).toEqual([]);
    expect(await within(`from=${second}&to=${second}`)).toEqual([]);
    const inZone = encodeURIComponent(new Date(Date.parse(second!) + 7_200_000).toISOString().replace('Z', '+02:00'));
    expect(await within(`from=${inZone}`)).toEqual([four, three, two]);
  });

  test.each(['0000-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '1970-01-01T00:00:00Z'])(
    'from %s on hold everything, and nothing up to then',
    async (time) => {
      const { accountId, deliveries } = await accountWith(1);
      expect(await all(`accountId=${accountId}&from=${time}`)).toEqual([deliveries[0]!.id]);
      expect(await all(`accountId=${accountId}&to=${time}`)).toEqual([]);
    },
  );

  test('up to the last time that can be written hold everything', async () => {
    const { accountId, deliveries } = await accountWith(1);
    for (const time of ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59-23:59']) {
      expect(await all(`accountId=${accountId}&to=${time}`)).toEqual([deliveries[0]!.id]);
      expect(await all(`accountId=${accountId}&from=${time}`)).toEqual([]);
    }
  });

  test.each([
    ['state=lost', 'state'],
    ['state=', 'state'],
    ['from=yesterday', 'from'],
    ['to=2026-03-02', 'to'],
    ['from=2026-03-02T10:11:12', 'from'],
    ['account=acc_1', 'account'],
    ['accountId=%00', 'accountId'],
    ['subscriptionId=a%00', 'subscriptionId'],
    ['eventId=%00', 'eventId'],
    ['type=%00', 'type'],
    ['accountId=a&accountId=b', 'accountId'],
  ])('by %s are refused by the path', async (query, path) => {
    const response = await list(query);
    expect([response.status, paths(response)]).toEqual([422, [path]]);
  });
});

describe.each([
  ['/v1/deliveries', 'dlv'],
  ['/v1/accounts', 'acc'],
  ['/v1/accounts/:id/subscriptions', 'sub'],
] as const)('pages of %s', (path, kind) => {
  let asked: string;
  beforeAll(async () => {
    asked = path.replace(':id', (await newAccount(api.ask, 'standard')).id);
  });
  const cursor = (text: string) => Buffer.from(text).toString('base64url');

  test.each(['0', '-1', '251', '1.5', 'many', '', '1e3', 'Infinity', '1&limit=2'])(
    'of limit %j are refused',
    async (limit) => {
      const response = await api.ask('GET', `${asked}?limit=${limit}`);
      expect([response.status, paths(response)]).toEqual([422, ['limit']]);
    },
  );

  test.each(['1', '250'])('of limit %s are given', async (limit) => {
    expectStatus(await api.ask('GET', `${asked}?limit=${limit}`), 200);
  });

  test.each([
    ['no text', ''],
    ['text of another kind', 'next'],
    ['characters that are not base64', '%00%ff'],
    ['too much text', 'x'.repeat(300)],
    ['an id without its wrapping', newId(kind)],
    ['an id of something else', cursor(newId(kind === 'dlv' ? 'acc' : 'dlv'))],
    ['an id that is cut off', cursor(newId(kind).slice(0, -1))],
    ['an id with a NUL', cursor(`${newId(kind)}\0`)],
    ['an id in upper case', cursor(newId(kind).toUpperCase())],
    ['an id beyond the last', cursor(`${kind}_zzzzzzzzzzzzzzzzzzzzzzzzzz`)],
    ['a cursor twice', `${cursor(newId(kind))}&cursor=${cursor(newId(kind))}`],
  ])('from a cursor that is %s are refused', async (_what, text) => {
    const response = await api.ask('GET', `${asked}?cursor=${text}`);
    expect([response.status, paths(response)]).toEqual([422, ['cursor']]);
  });

  test('with a parameter that is unknown are refused', async () => {
    const response = await api.ask('GET', `${asked}?page=2`);
    expect([response.status, paths(response)]).toEqual([422, ['page']]);
  });
});

describe('commands', () => {
  const command = (id: string, name: string, body?: unknown) => api.ask('POST', `/v1/deliveries/${id}/${name}`, body);
  const names = ['cancel', 'pause', 'resume', 'retry', 'redeliver'];

  test.each(names)('%s of what is not there gets a 404', async (name) => {
    for (const id of [unknownIds.delivery, 'none', '%00'])
      expect([id, (await command(id, name)).status]).toEqual([id, 404]);
  });

  test.each(names)('%s takes no fields that it does not know', async (name) => {
    const { deliveryId } = await emitted(api.ask, 'standard');
    const response = await command(deliveryId, name, { colour: 'red' });
    expect([response.status, paths(response)]).toEqual([422, ['colour']]);
  });

  test.each(['cancel', 'pause', 'resume', 'retry'])('%s wants a reason that is a line of text', async (name) => {
    const { deliveryId } = await emitted(api.ask, 'standard');
    for (const reason of [7, 'a\nb', 'a\0', '\ud800', 'x'.repeat(501)]) {
      const response = await command(deliveryId, name, { reason });
      expect([reason, response.status, paths(response)]).toEqual([reason, 422, ['reason']]);
    }
  });

  test.each(['delivered', 'failed', 'cancelled'])('a delivery that is %s accepts no commands', async (state) => {
    const { deliveryId } = await emitted(api.ask, 'standard');
    await setState(deliveryId, state);
    for (const name of ['cancel', 'pause', 'resume', 'retry']) {
      const response = await command(deliveryId, name);
      expect([name, response.status, response.body.code]).toEqual([name, 409, 'delivery_closed']);
      expect(response.body.detail).toMatch(state);
    }
  });

  test.each(['pending', 'retrying', 'paused'])('a delivery that is %s is not redelivered', async (state) => {
    const { deliveryId } = await emitted(api.ask, 'standard');
    await setState(deliveryId, state);
    const response = await command(deliveryId, 'redeliver');
    expect([response.status, response.body.code]).toEqual([409, 'conflict']);
  });

  test('a delivered delivery is redelivered only when the request allows it', async () => {
    const { deliveryId } = await emitted(api.ask, 'standard');
    await setState(deliveryId, 'delivered');
    const response = await command(deliveryId, 'redeliver');
    expect([response.status, response.body.code]).toEqual([409, 'conflict']);
    expect(response.body.detail).toMatch('allowDelivered: true');
    expect((await command(deliveryId, 'redeliver', { allowDelivered: true })).status).toBe(202);
  });

  test.each(['pending', 'retrying'])('a delivery that is %s is not resumed', async (state) => {
    const { deliveryId } = await emitted(api.ask, 'standard');
    await setState(deliveryId, state);
    const response = await command(deliveryId, 'resume');
    expect([response.status, response.body.code]).toEqual([409, 'conflict']);
  });

  test.each(['delivered', 'failed', 'cancelled'])('a delivery that is %s is redelivered once', async (state) => {
    const { deliveryId } = await emitted(api.ask, 'standard');
    await setState(deliveryId, state);
    const responses = await Promise.all(
      Array.from({ length: 5 }, () => command(deliveryId, 'redeliver', { allowDelivered: true })),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409, 409]);
    const { body } = await api.ask('GET', `/v1/deliveries/${deliveryId}`);
    expect(body).toMatchObject({ state: 'pending', redeliveries: 1, stateReason: null, settledAt: null });
  });

  test('get a response with Retry-After while Temporal is unavailable', async () => {
    const { deliveryId } = await emitted(api.ask, 'standard');
    const other = await emitted(api.ask, 'standard');
    await setState(other.deliveryId, 'paused');
    const responses = await Promise.all([
      ...['cancel', 'pause', 'retry'].map((name) => command(deliveryId, name)),
      command(other.deliveryId, 'resume'),
    ]);
    for (const { status, body, headers } of responses) {
      expect([status, body.code]).toEqual([503, 'unavailable']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });
});

test('deliveries stay readable when their subscription and account are deleted', async () => {
  const { account, deliveryId } = await emitted(api.ask, 'bird');
  expectStatus(await api.ask('DELETE', `/v1/accounts/${account.id}`), 204);
  expectStatus(await api.ask('GET', `/v1/deliveries/${deliveryId}`), 200);
  expect(idsOf(await list(`accountId=${account.id}`))).toEqual([deliveryId]);
});

test('what is not there gets a 404', async () => {
  for (const id of [unknownIds.delivery, unknownIds.event, 'none', '%00', '%F0%9F%92%A9']) {
    const response = await api.ask('GET', `/v1/deliveries/${id}`);
    expect([id, response.status, response.body.code]).toEqual([id, 404, 'not_found']);
  }
});

test('an event to no one has no deliveries', async () => {
  const account = await newAccount(api.ask, 'standard');
  const body = { ...plainSubscription('standard'), eventTypes: ['other.type'] };
  await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body);
  const event = { type: 'user.created', data: exampleOf('standard') };
  expect((await api.ask('POST', `/v1/accounts/${account.id}/events`, event)).body.deliveries).toEqual([]);
  expect((await list(`accountId=${account.id}`)).body).toEqual({ data: [], nextCursor: null });
});
