/** Finding things by an id or a text, and lists by filters without an index, on a real PostgreSQL. */
import { idToUuid, newId } from '../../../src/contract/ids.js';
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { emitted, expectStatus, newAccount, paths, samples } from '../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const get = async (path: string, apiKey?: string) =>
  expectStatus(
    await api.ask('GET', path, undefined, apiKey === undefined ? undefined : { authorization: `Bearer ${apiKey}` }),
    200,
  ).body;
const search = (q: string, apiKey?: string) => get(`/v1/search?q=${encodeURIComponent(q)}`, apiKey);
const deliveries = (query: string, apiKey?: string) => get(`/v1/deliveries?${query}`, apiKey);
const ids = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id);

/** An account of Standard Webhooks with a subscription at a host, and a delivery with this payload. */
async function sent({
  name = 'Acme',
  host = `${newId('sub').slice(4)}.example.com`,
  type = 'invoice.paid',
  data = {},
} = {}) {
  const account = await newAccount(api.ask, 'standard', { name, externalId: `own-${newId('acc')}` });
  const fields = { url: `https://${host}/in`, eventTypes: [] };
  const { body: subscription } = expectStatus(
    await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, fields),
    201,
  );
  const { body: event } = expectStatus(await api.ask('POST', `/v1/accounts/${account.id}/events`, { type, data }), 202);
  return { account, subscription, event, deliveryId: event.deliveries[0].id as string, host };
}

const change = (id: string, set: string, ...values: unknown[]) =>
  api.database.store.pool.query(`UPDATE deliveries SET ${set} WHERE id = $1`, [id, ...values]);

const nothing = { accounts: [], subscriptions: [], hosts: [], eventTypes: [], events: [], deliveries: [] };

describe.each(samples)('of an account of $provider', ({ provider }) => {
  test('finds by every id', async () => {
    const { account, subscription, event, deliveryId } = await emitted(api.ask, provider);
    const key = account.apiKey as string;
    for (const apiKey of [undefined, key]) {
      expect(await search(deliveryId, apiKey)).toMatchObject({ ...nothing, deliveries: [{ id: deliveryId }] });
      expect(await search(event.id, apiKey)).toMatchObject({
        ...nothing,
        events: [{ id: event.id, accountName: account.name, provider, deliveries: { open: 1 } }],
        deliveries: [{ id: deliveryId, accountName: account.name }],
        searched: null,
      });
      expect(await search(subscription.id, apiKey)).toMatchObject({
        ...nothing,
        subscriptions: [{ id: subscription.id }],
      });
      expect(await search(account.id, apiKey)).toMatchObject({ ...nothing, accounts: [{ id: account.id }] });
      // Postmark's are numbers, which are short here.
      if (provider !== 'postmark')
        expect(ids((await search(subscription.reference, apiKey)).subscriptions)).toEqual([subscription.id]);
      for (const id of [deliveryId, event.id, subscription.id, account.id])
        expect(ids((await deliveries(`q=${id}`, apiKey)).data)).toEqual([deliveryId]);
    }
  });

  test('finds by the id that its receiver reads in a header', async () => {
    const { account, event, deliveryId } = await emitted(api.ask, provider);
    const request = await get(`/v1/deliveries/${deliveryId}/request`);
    const shown = await get(`/v1/events/${event.id}`);
    const header = request.headers.find(({ name }: { name: string }) => name === shown.messageIdHeader);
    expect(header?.value ?? null).toBe(shown.messageId);
    // Every header with an id of the event, whatever the contract calls it.
    const uuid = idToUuid(event.id);
    const parts = [uuid, event.id.slice('evt_'.length)];
    const withId = request.headers.filter(({ value }: { value: string }) => parts.some((part) => value.includes(part)));
    expect(withId).toEqual(header ? [header] : []);
    if (shown.messageId === null) return;
    for (const apiKey of [undefined, account.apiKey as string]) {
      const found = await search(shown.messageId, apiKey);
      expect([ids(found.events), ids(found.deliveries), found.searched]).toEqual([[event.id], [deliveryId], null]);
      expect(ids((await deliveries(`q=${shown.messageId}`, apiKey)).data)).toEqual([deliveryId]);
      expect(ids((await get(`/v1/events?q=${shown.messageId}`, apiKey)).data)).toEqual([event.id]);
    }
  });

  test('another account finds nothing of it', async () => {
    const { account, subscription, event, deliveryId } = await emitted(api.ask, provider);
    const { apiKey } = await newAccount(api.ask, provider, { name: 'Other' });
    const { messageId } = await get(`/v1/events/${event.id}`);
    const own = [account.id, account.name, subscription.id, subscription.url, event.id, deliveryId];
    for (const q of [...own, ...(messageId === null ? [] : [messageId])]) {
      expect(await search(q, apiKey as string)).toMatchObject(nothing);
      expect((await deliveries(`q=${encodeURIComponent(q)}`, apiKey as string)).data).toEqual([]);
      expect((await get(`/v1/subscriptions?q=${encodeURIComponent(q)}`, apiKey as string)).data).toEqual([]);
      if (q !== account.id)
        expect((await get(`/v1/events?q=${encodeURIComponent(q)}`, apiKey as string)).data).toEqual([]);
    }
    for (const path of ['deliveries', 'events', 'subscriptions'])
      for (const query of ['', `?accountId=${account.id}`])
        expect([path, query, (await get(`/v1/${path}${query}`, apiKey as string)).data]).toEqual([path, query, []]);
  });
});

test('finds a value in the payload, with its deliveries, and says how far it has searched', async () => {
  const value = `INV-${newId('evt').slice(-8)}`;
  const { account, event, deliveryId } = await sent({ data: { invoice: { number: value }, note: 'a "quoted" ✓' } });
  const foreign = await sent({ data: { copyOf: value } });
  const found = await search(value);
  expect(ids(found.events)).toEqual([foreign.event.id, event.id]);
  expect(ids(found.deliveries)).toEqual([foreign.deliveryId, deliveryId]);
  expect(found.searched).toEqual({ events: expect.any(Number), since: null, complete: true });
  expect(ids((await deliveries(`q=${value}`)).data)).toEqual([foreign.deliveryId, deliveryId]);
  expect(ids((await deliveries(`q=${value}`, account.apiKey as string)).data)).toEqual([deliveryId]);
  expect(ids((await search(value, account.apiKey as string)).events)).toEqual([event.id]);
  const listed = await get(`/v1/events?q=${encodeURIComponent('a "quoted" ✓')}`);
  expect(listed).toMatchObject({ data: [{ id: event.id, accountName: 'Acme' }], searched: { complete: true } });
  // Another time.
  const before = encodeURIComponent(new Date(Date.now() - 86_400_000).toISOString());
  expect((await get(`/v1/search?q=${value}&to=${before}`)).events).toEqual([]);
  expect((await deliveries(`q=${value}&to=${before}`)).data).toEqual([]);
});

test('finds an event that nobody took', async () => {
  const account = await newAccount(api.ask, 'standard', {});
  const event = (
    await api.ask('POST', `/v1/accounts/${account.id}/events`, { type: 'a', data: { id: 'nobody-took-it' } })
  ).body;
  const none = { delivered: 0, failed: 0, cancelled: 0, open: 0 };
  expect(await search('nobody-took-it')).toMatchObject({
    events: [{ id: event.id, deliveries: none }],
    deliveries: [],
  });
});

test('finds by a part of a name, own id, URL, host and event type', async () => {
  const made = await sent({ name: 'Wölfe & Söhne', host: 'Hooks.Woelfe.example:8443', type: 'howl.heard_far' });
  const byName = await search('wölfe &');
  expect(byName).toMatchObject({ accounts: [{ id: made.account.id, name: 'Wölfe & Söhne' }], hosts: [] });
  expect(ids(byName.subscriptions)).toEqual([made.subscription.id]);
  expect(ids((await search(made.account.externalId.toUpperCase())).accounts)).toEqual([made.account.id]);
  const byHost = await search('woelfe.example');
  expect(byHost.hosts).toEqual([{ host: 'hooks.woelfe.example', subscriptions: 1 }]);
  for (const q of ['hooks.woelfe.example:8443', 'https://Hooks.Woelfe.example:8443/in'])
    expect([q, (await search(q)).hosts]).toEqual([q, byHost.hosts]);
  expect(byHost.subscriptions).toMatchObject([{ id: made.subscription.id, accountName: 'Wölfe & Söhne' }]);
  const byType = await search('HEARD_far');
  expect(ids(byType.events)).toEqual([made.event.id]);
  for (const q of ['wölfe', made.account.externalId, 'woelfe.example:8443/in', 'Heard_Far'])
    expect([q, ids((await deliveries(`q=${encodeURIComponent(q)}`)).data)]).toEqual([q, [made.deliveryId]]);
  await api.ask('PUT', '/v1/event-types/howl.answered_late', { description: 'x' });
  expect((await search('answered_l')).eventTypes).toEqual(['howl.answered_late']);
  // Where accounts of other contracts have their own catalogue.
  const { apiKey } = await newAccount(api.ask, 'bird', {});
  expect((await search('answered_l', apiKey as string)).eventTypes).toEqual([]);
  expect((await search('Bounc')).eventTypes).toContain('Bounce');
  expect(expectStatus(await api.ask('DELETE', '/v1/event-types/howl.answered_late'), 204).text).toBe('');
});

test('lists deliveries by host, status, reason and several at once', async () => {
  const host = 'filters.example.com';
  const [first, second, third] = [await sent({ host }), await sent({ host }), await sent()];
  await change(first.deliveryId, 'last_status = 503');
  await change(second.deliveryId, `last_status = NULL, last_reason = 'timeout'`);
  await change(third.deliveryId, 'last_status = 502');
  const list = async (query: string, apiKey?: string) => ids((await deliveries(query, apiKey)).data);
  expect(await list(`host=${host}`)).toEqual([second.deliveryId, first.deliveryId]);
  expect(await list(`host=${encodeURIComponent(`https://${host.toUpperCase()}:443/any`)}`)).toEqual([
    ...[second.deliveryId, first.deliveryId],
  ]);
  expect(await list(`host=${host}`, first.account.apiKey as string)).toEqual([first.deliveryId]);
  expect(await list(`host=${host}&accountId=${second.account.id}`)).toEqual([second.deliveryId]);
  expect(await list(`host=${host}`, third.account.apiKey as string)).toEqual([]);
  expect(await list('host=nowhere.example.com')).toEqual([]);
  expect(await list('status=503')).toEqual([first.deliveryId]);
  expect(await list('status=5xx')).toEqual([third.deliveryId, first.deliveryId]);
  expect(await list(`status=5xx&host=${host}`)).toEqual([first.deliveryId]);
  expect(await list('reason=timeout')).toEqual([second.deliveryId]);
  expect(await list('reason=timeout', first.account.apiKey as string)).toEqual([]);
  expect(await list(`host=${host}&subscriptionId=${first.subscription.id}&state=pending`)).toEqual([first.deliveryId]);
  expect(await list(`host=${host}&subscriptionId=${third.subscription.id}`)).toEqual([]);
  // Deliveries of a deleted subscription stay in the list.
  await api.ask('DELETE', `/v1/subscriptions/${first.subscription.id}`);
  expect(await list(`host=${host}`)).toEqual([second.deliveryId, first.deliveryId]);
});

test('pages have every delivery of a host once, of few and of many subscriptions', async () => {
  const host = 'many.example.com';
  const made: string[] = [];
  for (let count = 0; count < 10; count += 1) {
    made.unshift((await sent({ host })).deliveryId);
    const seen: string[] = [];
    let cursor: string | null = '';
    do {
      const page: { data: { id: string }[]; nextCursor: string | null; searchedSince: string | null } =
        await deliveries(`host=${host}&limit=3${cursor && `&cursor=${cursor}`}`);
      seen.push(...ids(page.data));
      expect(page.searchedSince).toBeNull();
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(made);
  }
});

test('lists subscriptions of all accounts with their health and by condition', async () => {
  const host = 'conditions.example.com';
  const [well, failing, disabled] = [await sent({ host }), await sent({ host }), await sent({ host })];
  const since = new Date().toISOString();
  await api.database.store.pool.query('UPDATE subscriptions SET failing = $2 WHERE id = $1', [
    failing.subscription.id,
    JSON.stringify({ since, lastAt: since, attempts: 3, spanSince: since, clockSince: since }),
  ]);
  await api.ask('PATCH', `/v1/subscriptions/${disabled.subscription.id}`, { enabled: false });
  await api.ask('POST', `/v1/subscriptions/${well.subscription.id}/pause`, {});
  const list = async (query = '', apiKey?: string) =>
    (await get(`/v1/subscriptions?host=${host}${query}`, apiKey)).data;
  const all = await list();
  expect(ids(all)).toEqual([disabled, failing, well].map(({ subscription }) => subscription.id));
  expect(all[1]).toMatchObject({ accountName: 'Acme', health: { consecutiveFailures: 3, failingSince: since } });
  expect(ids(await list('&condition=failing'))).toEqual([failing.subscription.id]);
  expect(ids(await list('&condition=disabled'))).toEqual([disabled.subscription.id]);
  expect(ids(await list('&condition=paused'))).toEqual([well.subscription.id]);
  expect(ids(await list('&condition=enabled'))).toEqual([failing.subscription.id, well.subscription.id]);
  expect(ids(await list('', well.account.apiKey as string))).toEqual([well.subscription.id]);
  expect(ids(await list(`&accountId=${failing.account.id}`, well.account.apiKey as string))).toEqual([]);
  expect(await list('&provider=bird')).toEqual([]);
  const first = await get(`/v1/subscriptions?host=${host}&limit=2`);
  expect(ids((await get(`/v1/subscriptions?host=${host}&cursor=${first.nextCursor}`)).data)).toEqual([
    well.subscription.id,
  ]);
  expect(JSON.stringify(all)).not.toContain('whsec_');
});

test('lists accounts by a part of their name or own id', async () => {
  const { account } = await sent({ name: 'Zebra Crossing' });
  const list = async (q: string) => ids((await get(`/v1/accounts?q=${encodeURIComponent(q)}`)).data);
  for (const q of ['zebra c', account.externalId, account.id]) expect([q, await list(q)]).toEqual([q, [account.id]]);
  expect(await list('zebra%')).toEqual([]);
});

test('lists events of all accounts, the newest first', async () => {
  const [one, other] = [await sent(), await sent()];
  const { data } = await get('/v1/events?limit=2');
  expect(ids(data)).toEqual([other.event.id, one.event.id]);
  expect(ids((await get('/v1/events', one.account.apiKey as string)).data)).toEqual([one.event.id]);
  expect(ids((await get(`/v1/events?accountId=${one.account.id}&undelivered=true`)).data)).toEqual([one.event.id]);
});

test('says what is wrong with a search', async () => {
  for (const q of ['', 'ab', ' a ', 'x'.repeat(201), 'a\u0007bc']) {
    const response = await api.ask('GET', `/v1/search?q=${encodeURIComponent(q)}`);
    expect([q, response.status, paths(response)]).toEqual([q, 422, ['q']]);
  }
  expect(paths(await api.ask('GET', '/v1/search'))).toEqual(['q']);
  expect(paths(await api.ask('GET', '/v1/deliveries?status=60'))).toEqual(['status']);
  expect(paths(await api.ask('GET', '/v1/deliveries?host=a%20b'))).toEqual(['host']);
  expect(paths(await api.ask('GET', '/v1/deliveries?q=ab'))).toEqual(['q']);
  expect(paths(await api.ask('GET', '/v1/subscriptions?condition=ill'))).toEqual(['condition']);
});
