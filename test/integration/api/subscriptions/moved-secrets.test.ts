/** Secrets that are kept by an edit are not sent to another origin than they were given for. */
import { findSubscription } from '../../../../src/store/subscriptions/subscriptions.js';
import { startApiWithDatabase, type ApiResponse } from '../../../support/api.js';
import { overlap } from '../../../support/overlap.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

/** Edits a new subscription of an address at hooks.example.com. */
async function edited(provider: string, fields: Record<string, unknown>, edit: Record<string, unknown>) {
  const { id } = (await api.ask('POST', '/v1/accounts', { provider, name: 'Acme' })).body;
  const created = await api.ask('POST', `/v1/accounts/${id}/subscriptions`, {
    url: 'https://hooks.example.com/in',
    eventTypes: [],
    ...fields,
  });
  expect(created).toMatchObject({ status: 201 });
  const response = await api.ask('PATCH', `/v1/subscriptions/${created.body.id}`, edit);
  const { body } = await api.ask('GET', `/v1/subscriptions/${created.body.id}`);
  return { status: response.status, errors: response.body.errors, url: body.url, headers: body.headers };
}

const ELSEWHERE = 'https://elsewhere.example.com/in';
const headers = { 'X-Token': 'secret' };
const httpAuth = { username: 'kim', password: 'secret' };
const again = (path: string, none: string) => ({
  path,
  message: `must be sent again, or as ${none}: the url has another origin, which would receive its values`,
});

test.each([
  ['headers', 'standard', { headers }, {}, [again('headers', '{}')]],
  ['credentials', 'postmark', { httpAuth }, {}, [again('httpAuth', 'null')]],
  ['both', 'postmark', { headers, httpAuth }, {}, [again('headers', '{}'), again('httpAuth', 'null')]],
  [
    'credentials of the former address',
    'postmark',
    { url: 'https://kim:secret@hooks.example.com/' },
    { headers: {} },
    [again('httpAuth', 'null')],
  ],
  ['masked headers', 'standard', { headers }, { headers: { 'X-Token': '***' } }, [again('headers', '{}')]],
  [
    'masked credentials',
    'postmark',
    { httpAuth },
    { httpAuth: { username: 'kim', password: '***' } },
    [again('httpAuth', 'null')],
  ],
])('are refused with another host: %s', async (_what, provider, fields, edit, errors) => {
  const response = await edited(provider, fields, { url: ELSEWHERE, ...edit });
  expect(response).toMatchObject({ status: 422, errors, url: expect.stringContaining('hooks.example.com') });
});

test.each(['http://hooks.example.com/in', 'https://hooks.example.com:8443/in', 'https://hooks.example.com.evil.test/'])(
  'are refused with %s',
  async (url) => {
    expect(await edited('standard', { headers }, { url })).toMatchObject({ status: 422 });
  },
);

test.each([
  ['the same origin', 'standard', { headers }, { url: 'https://HOOKS.example.com:443/other' }],
  ['headers given again', 'standard', { headers }, { url: ELSEWHERE, headers }],
  ['no headers any more', 'standard', { headers }, { url: ELSEWHERE, headers: {} }],
  ['nothing to send', 'standard', {}, { url: ELSEWHERE }],
  ['credentials given again', 'postmark', { httpAuth }, { url: ELSEWHERE, httpAuth }],
  ['no credentials any more', 'postmark', { httpAuth }, { url: ELSEWHERE, httpAuth: null }],
  ['credentials in the address', 'postmark', { httpAuth }, { url: 'https://kim:other@elsewhere.example.com/in' }],
  [
    'credentials that go with their address',
    'postack',
    { url: 'https://kim:secret@hooks.example.com/' },
    { url: ELSEWHERE },
  ],
])('may be edited with %s', async (_what, provider, fields, edit) => {
  const { status, url } = await edited(provider, fields, edit);
  expect({ status, url }).toEqual({ status: 200, url: edit.url.replace('kim:other@', '') });
});

test('what is no address is refused as such', async () => {
  const { status, errors } = await edited('standard', { headers }, { url: 'elsewhere' });
  expect({ status, path: errors[0].path }).toEqual({ status: 422, path: 'url' });
});

describe('when two edits overlap', () => {
  const URL = 'https://hooks.example.com/in';
  type Edit = () => Promise<ApiResponse>;

  async function subscribe(provider: string, fields: Record<string, unknown> = {}) {
    const account = (await api.ask('POST', '/v1/accounts', { provider, name: 'Acme' })).body;
    const created = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
      url: URL,
      eventTypes: provider === 'standard' ? [] : ['message.sent'],
      ...fields,
    });
    expect(created).toMatchObject({ status: 201 });
    return { account, subscription: created.body };
  }

  async function stored(id: string): Promise<{ url: string; headers: Record<string, string> }> {
    const subscription = await findSubscription(api.database.store, id);
    return { url: subscription!.url, headers: { ...subscription!.headers } };
  }

  test('refuses the other address when headers were set since it was read', async () => {
    const { subscription } = await subscribe('standard');
    const path = `/v1/subscriptions/${subscription.id}`;
    const responses = await overlap(api.database.store, subscription.id, [
      () => api.ask('PATCH', path, { headers }),
      () => api.ask('PATCH', path, { url: ELSEWHERE }),
    ]);
    expect(responses.map(({ status }) => status)).toEqual([200, 422]);
    expect(await stored(subscription.id)).toEqual({ url: URL, headers });
  });

  test('refuses headers when the address was moved since it was read', async () => {
    const { subscription } = await subscribe('standard');
    const path = `/v1/subscriptions/${subscription.id}`;
    const responses = await overlap(api.database.store, subscription.id, [
      () => api.ask('PATCH', path, { url: ELSEWHERE }),
      () => api.ask('PATCH', path, { headers }),
    ]);
    expect(responses.map(({ status }) => status)).toEqual([200, 409]);
    expect(await stored(subscription.id)).toEqual({ url: ELSEWHERE, headers: {} });
  });

  test('refuses credentials when the address was moved since it was read', async () => {
    const { subscription } = await subscribe('postmark', { eventTypes: ['Bounce'] });
    const path = `/v1/subscriptions/${subscription.id}`;
    const responses = await overlap(api.database.store, subscription.id, [
      () => api.ask('PATCH', path, { url: ELSEWHERE }),
      () => api.ask('PATCH', path, { httpAuth }),
    ]);
    expect(responses.map(({ status }) => status)).toEqual([200, 409]);
  });

  test('does not bring back headers that were removed before the address was moved', async () => {
    const { account, subscription } = await subscribe('postack', { headers: { Authorization: 'secret' } });
    const path = `/v1/subscriptions/${subscription.id}`;
    const responses = await overlap(api.database.store, subscription.id, [
      () => api.ask('PATCH', path, { url: ELSEWHERE, headers: {} }),
      () =>
        api.ask(
          'PATCH',
          `/api/v1/app/${account.scope.appId}/endpoint/${subscription.reference}/headers`,
          { headers: { 'X-Team': 'a' } },
          { authorization: `Bearer ${account.apiKey}` },
        ),
    ]);
    expect(responses.map(({ status }) => status)).toEqual([200, 409]);
    expect(await stored(subscription.id)).toEqual({ url: ELSEWHERE, headers: {} });
  });

  test('never sends the secret of an edit to another origin than the one it names, in 150 races', async () => {
    const { subscription } = await subscribe('standard');
    const path = `/v1/subscriptions/${subscription.id}`;
    let wrong = 0;
    for (let race = 0; race < 150; race += 1) {
      await api.ask('PATCH', path, { url: 'https://former.example.com/', headers: {} });
      const edits: Edit[] = [
        () => api.ask('PATCH', path, { url: URL, headers }),
        () => api.ask('PATCH', path, { url: ELSEWHERE }),
      ];
      await Promise.all((race % 2 === 0 ? edits : edits.toReversed()).map((edit) => edit()));
      const { url, headers: kept } = await stored(subscription.id);
      if (url !== URL && Object.keys(kept).length > 0) wrong += 1;
    }
    expect(wrong).toBe(0);
  }, 180_000);
});

describe("through a provider's own API", () => {
  test('are refused with another host when the API does not show them', async () => {
    const account = (await api.ask('POST', '/v1/accounts', { provider: 'postack', name: 'Acme' })).body;
    const endpoints = `/api/v1/app/${account.scope.appId}/endpoint`;
    const authorization = `Bearer ${account.apiKey}`;
    const ask = (method: string, path: string, body: unknown) =>
      api.ask(method, `${endpoints}${path}`, body, { authorization });
    const { id } = (await ask('POST', '', { url: 'https://hooks.example.com/', headers: { 'X-Team': 'a' } })).body;
    expect((await ask('PATCH', `/${id}`, { url: 'https://hooks2.example.com/' })).status).toBe(200);
    await ask('PATCH', `/${id}/headers`, { headers: { Authorization: 'secret' } });
    for (const method of ['PUT', 'PATCH']) {
      const { status, body } = await ask(method, `/${id}`, { url: ELSEWHERE });
      expect({ status, loc: body.detail[0].loc }).toEqual({ status: 422, loc: ['body', 'headers'] });
    }
    await ask('PUT', `/${id}/headers`, { headers: {} });
    expect((await ask('PATCH', `/${id}`, { url: ELSEWHERE })).status).toBe(200);
  });
});
