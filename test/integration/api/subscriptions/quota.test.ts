/** How many subscriptions an account may have, and how much one request may store. */
import { contractOf } from '../../../../src/providers/registry.js';
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import { exampleOf, expectStatus, newAccount, plainSubscription } from '../../../support/samples.js';

const MAX = 3;

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase({ maxSubscriptions: MAX, maxCommitBytes: 200_000, maxBodyBytes: 400_000 });
});
afterAll(() => api.close());
afterEach(() => jest.restoreAllMocks());

const subscribe = (accountId: string, fields: object = {}, provider = 'standard') =>
  api.ask('POST', `/v1/accounts/${accountId}/subscriptions`, { ...plainSubscription(provider), ...fields });

describe('subscriptions of an account', () => {
  test('are refused beyond the setting, however many are created at once, until one is deleted', async () => {
    const { id } = await newAccount(api.ask, 'standard');
    const responses = await Promise.all(Array.from({ length: 2 * MAX }, () => subscribe(id)));
    expect(responses.filter(({ status }) => status === 201)).toHaveLength(MAX);
    const refused = responses.find(({ status }) => status !== 201)!;
    expect([refused.status, refused.body.code]).toEqual([409, 'quota_exceeded']);
    expect(refused.body.detail).toMatch('may have 3 subscriptions');
    const [created] = responses.filter(({ status }) => status === 201);
    expectStatus(await api.ask('DELETE', `/v1/subscriptions/${created!.body.id}`), 204);
    expectStatus(await subscribe(id), 201);
    expect((await subscribe(id)).status).toBe(409);
  });

  test('are as many as the account says where it says so; those that it has can be edited', async () => {
    const { id } = await newAccount(api.ask, 'standard', { maxSubscriptions: 1 });
    const { body } = expectStatus(await subscribe(id), 201);
    expect((await subscribe(id)).body.code).toBe('quota_exceeded');
    const edited = await api.ask('PATCH', `/v1/accounts/${id}`, { maxSubscriptions: 5 });
    expect(edited.body.maxSubscriptions).toBe(5);
    for (let count = 1; count < 5; count += 1) expectStatus(await subscribe(id), 201);
    expect((await subscribe(id)).status).toBe(409);
    await api.ask('PATCH', `/v1/accounts/${id}`, { maxSubscriptions: 0 });
    expectStatus(await api.ask('PATCH', `/v1/subscriptions/${body.id}`, { description: 'edited' }), 200);
    await api.ask('PATCH', `/v1/accounts/${id}`, { maxSubscriptions: null });
    expect((await subscribe(id)).body.detail).toMatch('may have 3 subscriptions');
  });

  test('are refused by a provider’s own route in the provider’s form', async () => {
    const full = async (provider: string) => newAccount(api.ask, provider, { maxSubscriptions: 0 });
    const post = (path: string, body: object, headers: Record<string, string>) => api.ask('POST', path, body, headers);
    const [postack, postpress, postmark, bird] = await Promise.all(
      ['postack', 'postpress', 'postmark', 'bird'].map(full),
    );
    expect(
      await post(
        `/api/v1/app/${postack.scope.appId}/endpoint/`,
        { url: 'https://hooks.example.com/in' },
        { authorization: `Bearer ${postack.apiKey}` },
      ),
    ).toMatchObject({ status: 400, body: { code: 'limit_reached', detail: expect.stringMatching('may have 0') } });
    expect(
      await post(
        '/api/v1/webhooks',
        { source: 'messaging', request_url: 'https://hooks.example.com/in', events: ['message_received'] },
        { 'x-api-key': postpress.apiKey },
      ),
    ).toMatchObject({
      status: 400,
      body: { type: 'errors/invalid_parameters', detail: expect.stringMatching('may have 0') },
    });
    expect(
      await post(
        '/webhooks',
        { Url: 'https://hooks.example.com/in', MessageStream: 'outbound', Triggers: { Open: { Enabled: true } } },
        { 'x-postmark-server-token': postmark.apiKey, authorization: '' },
      ),
    ).toMatchObject({ status: 422, body: { ErrorCode: 1359 } });
    expect(
      await post(
        `/organizations/${bird.scope.organizationId}/workspaces/${bird.scope.workspaceId}/webhook-subscriptions`,
        { service: 'channels', event: 'sms.inbound', url: 'https://hooks.example.com/in', signingKey: 'key-4711' },
        { authorization: `AccessKey ${bird.apiKey}` },
      ),
    ).toMatchObject({ status: 409, body: { code: 'QuotaExceeded' } });
  });
});

describe('what one request stores', () => {
  const emit = (accountId: string, body: unknown) => api.ask('POST', `/v1/accounts/${accountId}/events`, body);
  const storedOf = async (accountId: string): Promise<number> => {
    const { rows } = await api.database.store.pool.query<{ count: number }>(
      'SELECT count(*)::integer AS count FROM events WHERE account_id = $1',
      [accountId],
    );
    return rows[0]!.count;
  };

  /** An account whose subscriptions all get bodies of their own. */
  async function withSubscriptions(count: number): Promise<string> {
    const { id } = await newAccount(api.ask, 'postscript', { validatePayloads: false, maxSubscriptions: count });
    for (let at = 0; at < count; at += 1) expectStatus(await subscribe(id, {}, 'postscript'), 201);
    return id;
  }
  const event = (size: number) => ({
    type: 'shop.incoming_message',
    data: { ...(exampleOf('postscript') as object), text: 'x'.repeat(size) },
  });

  test('is bounded with the bodies that differ: more is refused as a whole, saying what to change', async () => {
    const accountId = await withSubscriptions(8);
    const refused = await emit(accountId, event(30_000));
    expect([refused.status, refused.body.code]).toEqual([413, 'body_too_large']);
    expect(refused.body.detail).toMatch('send fewer events per request or smaller payloads');
    const small = event(5_000);
    expect((await emit(accountId, { events: [small, small, small, small, small] })).status).toBe(413);
    expect(await storedOf(accountId)).toBe(0);
    expectStatus(await emit(accountId, { events: [small, small] }), 202);
    expect(await storedOf(accountId)).toBe(2);
  });

  test('renders no more bodies than may be stored', async () => {
    const accountId = await withSubscriptions(20);
    const rendered = jest.spyOn(contractOf('postscript'), 'renderBody');
    expect((await emit(accountId, event(100_000))).status).toBe(413);
    // The event's own text and a body are too much already.
    expect(rendered).toHaveBeenCalledTimes(1);
  });
});
