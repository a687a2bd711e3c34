/** What a broadcast may be, and what it is refused for. */
import { contracts } from '../../../src/providers/registry.js';
import { startApiWithDatabase } from '../../support/api.js';
import { exampleOf, newAccount, sampleOf } from '../../support/samples.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const count = (fields: object) =>
  api.ask('POST', '/v1/broadcasts', {
    ...{ provider: 'standard', type: 'user.created', data: {}, dryRun: true },
    ...fields,
  });

test.each(contracts.filter(({ hasBroadcasts }) => !hasBroadcasts).map(({ provider }) => provider))(
  '%s has none',
  async (provider) => {
    const { status, body } = await count({ provider, type: sampleOf(provider).eventType, data: exampleOf(provider) });
    expect([status, body.errors]).toEqual([
      422,
      [{ path: 'provider', message: expect.stringMatching(/no broadcasts/) }],
    ]);
  },
);

test.each([
  [{ provider: 'svix' }, 'provider', /must be one of standard/],
  [{ type: 'no spaces' }, 'type', /no event/],
  [{ ratePerSecond: 0 }, 'ratePerSecond', />=1/],
  [{ environment: 'prod' }, 'environment', /live/],
  [{ metadata: { plan: 1 } }, 'metadata.plan', /string/],
  [{ deliverAt: '2030-01-01T00:00:00Z' }, 'deliverAt', /./],
  [{ data: 'x'.repeat(300_000) }, 'data', /must not be longer/],
])('%j is refused', async (fields, path, message) => {
  const { status, body } = await count(fields);
  expect([status, body.errors[0]]).toEqual([422, { path, message: expect.stringMatching(message) }]);
});

test('an enforced schema applies to it', async () => {
  const schema = { type: 'object', required: ['id'] };
  await api.ask('PUT', '/v1/event-types/terms.changed', { schema, enforce: true });
  const { status, body } = await count({ type: 'terms.changed' });
  expect([status, body.errors[0].path]).toEqual([422, 'data.id']);
  expect((await count({ type: 'terms.changed', data: { id: 1 } })).status).toBe(200);
  await api.ask('DELETE', '/v1/event-types/terms.changed');
});

test('counts by environment and metadata', async () => {
  const metadata = { plan: 'pro', region: 'eu' };
  await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'A', metadata });
  await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'B', metadata, environment: 'test' });
  await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'C', metadata: { plan: 'pro' } });
  const accounts = async (fields: object) => (await count(fields)).body.accounts;
  expect(await accounts({ metadata: { plan: 'pro' } })).toBe(3);
  expect(await accounts({ metadata: { plan: 'pro' }, environment: 'live' })).toBe(2);
  expect(await accounts({ metadata })).toBe(2);
  expect(await accounts({ metadata: { plan: 'free' } })).toBe(0);
});

test('is for operators only', async () => {
  const { apiKey } = await newAccount(api.ask, 'standard');
  const headers = { authorization: `Bearer ${apiKey}` };
  for (const [method, path] of [
    ['POST', '/v1/broadcasts'],
    ['GET', '/v1/broadcasts'],
    ['GET', '/v1/broadcasts/brc_x'],
    ['POST', '/v1/broadcasts/brc_x/cancel'],
  ] as const)
    expect((await api.ask(method, path, method === 'POST' ? {} : undefined, headers)).status).toBe(403);
  expect((await api.ask('GET', '/v1/broadcasts/brc_x')).status).toBe(404);
});
