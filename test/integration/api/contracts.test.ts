/** Contracts as they are described, and requests verified as their receivers would. */
import crypto from 'node:crypto';
import { contracts, contractOf } from '../../../src/providers/registry.js';
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { newAccount, OWN_SECRET, samples } from '../../support/samples.js';

interface Described {
  provider: string;
  events: { type: string; schedule: number[]; retries: number; timeLimitMs: number; schema: { $schema: string } }[];
  subscriptionSchema: { properties: object; additionalProperties: boolean; required: string[] };
  accountSchema: { properties: { provider: { const: string }; settings: { properties: object } } };
  signature: { headers: string[] };
}

let api: TestApi & { readonly database: TestDatabase };
let described: Described[];
beforeAll(async () => {
  api = await startApiWithDatabase();
  described = (await api.ask('GET', '/v1/contracts')).body.data;
});
afterAll(() => api.close());

const of = (provider: string): Described => described.find((each) => each.provider === provider)!;

test('each is described, with all its events', () => {
  expect(described.map(({ provider }) => provider)).toEqual(contracts.map(({ provider }) => provider));
  for (const { provider, events } of described) {
    expect(events.map(({ type }) => type)).toEqual(contractOf(provider).events.map(({ type }) => type));
    for (const { schedule, retries, timeLimitMs, schema } of events) {
      expect(schedule).toHaveLength(retries);
      expect(timeLimitMs).toBeGreaterThan(0);
      expect(schema.$schema).toContain('2020-12');
    }
  }
});

test.each(samples)('forms for $provider have every field that is taken', ({ provider, subscription, settings }) => {
  const { subscriptionSchema, accountSchema } = of(provider);
  expect(Object.keys(subscriptionSchema.properties)).toEqual(expect.arrayContaining(Object.keys(subscription)));
  expect(subscriptionSchema).toMatchObject({
    // A subscription that is polled has no URL.
    required: expect.arrayContaining(contractOf(provider).polling ? ['eventTypes'] : ['url', 'eventTypes']),
    additionalProperties: false,
  });
  expect(accountSchema.properties.provider.const).toBe(provider);
  expect(Object.keys(accountSchema.properties.settings.properties)).toEqual(
    expect.arrayContaining(Object.keys(settings)),
  );
});

test('an account is notified of the schedule that its settings choose', async () => {
  const { apiKey } = await newAccount(api.ask, 'postmark', { settings: { contract: '2026' } });
  const response = await api.ask('GET', '/v1/contracts', undefined, { authorization: `Bearer ${apiKey}` });
  const open = (events: Described['events']) => events.find(({ type }) => type === 'Open')!.schedule;
  expect(open(response.body.data[0].events)).toEqual([1, 5, 10, 10, 10, 15].map((minutes) => minutes * 60_000));
  expect(open(of('postmark').events)).toEqual([1, 5, 15].map((minutes) => minutes * 60_000));
});

describe('verifying', () => {
  const verify = (provider: string, body: object) => api.ask('POST', `/v1/contracts/${provider}/verify`, body);
  // The example of docs/contracts/standard.md.
  const request = {
    secret: OWN_SECRET,
    headers: {
      'Webhook-Id': 'msg_1',
      'webhook-timestamp': '1790000000',
      'webhook-signature': 'v1,fsTtWzt/V9h14RVhumC7qYBCaaFkZATYbcv7Pv+rG0o=',
    },
    body: '{"type":"x"}',
  };

  test('a genuine request is valid whatever its age, which is reported', async () => {
    expect((await verify('standard', request)).body).toEqual({
      valid: true,
      reason: expect.stringMatching(/may reject it: the request is (older|more) than 300 s/),
    });
  });

  test('a request that was tampered with is not, and the reason is reported', async () => {
    const { body } = await verify('standard', { ...request, body: '{"type":"y"}' });
    expect(body).toEqual({ valid: false, reason: expect.stringContaining('webhook-signature') });
    expect((await verify('standard', { ...request, headers: {} })).body).toMatchObject({ valid: false });
  });

  test.each([
    ['outside the tolerance', '1790000000'],
    ['now', String(Math.floor(Date.now() / 1_000))],
  ])('computes one HMAC for many signatures when the timestamp is %s', async (_what, timestamp) => {
    const hmac = jest.spyOn(crypto, 'createHmac');
    const signatures = Array.from({ length: 32 }, () => `v1,${'A'.repeat(43)}=`).join(' ');
    const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': timestamp, 'webhook-signature': signatures };
    const { body } = await verify('standard', { ...request, headers });
    const count = hmac.mock.calls.length;
    hmac.mockRestore();
    expect(body).toEqual({ valid: false, reason: expect.stringContaining('no signature') });
    expect(count).toBe(1);
  });

  test('rejects a request of more than 256 KiB', async () => {
    expect((await verify('standard', { ...request, body: 'x'.repeat(262_144) })).status).toBe(413);
  });

  test('what is of no use for verifying is named', async () => {
    const secret = await verify('standard', { ...request, secret: 'nothing of the kind' });
    expect([secret.status, secret.body.errors[0].path]).toEqual([422, 'secret']);
    const url = await verify('bird', { secret: 'key', headers: {}, body: '' });
    expect([url.status, url.body.errors[0].path]).toEqual([422, 'url']);
    expect((await verify('nobody', request)).status).toBe(404);
  });
});
