/** The public keys of ed25519 subscriptions, as a receiver gets and uses them. */
import { createPublicKey, verify } from 'node:crypto';
import { contractOf } from '../../../../src/providers/registry.js';
import { findAccount } from '../../../../src/store/accounts/accounts.js';
import { findSubscription } from '../../../../src/store/subscriptions/subscriptions.js';
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import { expectStatus, newAccount, newSubscription, samples, unknownIds } from '../../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

/** Without a key. */
async function getKeys(id: string): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(`${api.url}/.well-known/pigeonpost/${id}/jwks.json`);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function keysOf(id: string): Promise<Record<string, string>[]> {
  const response = await getKeys(id);
  expect(response.status).toBe(200);
  return (JSON.parse(response.text) as { keys: Record<string, string>[] }).keys;
}

async function asymmetric() {
  const account = await newAccount(api.ask, 'standard');
  return newSubscription(api.ask, account.id, 'standard', { secret: undefined, signature: 'v1a' });
}

/** The signed text of a request, and its signatures as bytes, the newest first. */
async function signedRequest(id: string): Promise<{ signed: Buffer; signatures: Buffer[] }> {
  const { store } = api.database;
  const subscription = (await findSubscription(store, id))!;
  const account = (await findAccount(store, subscription.accountId))!;
  const now = new Date();
  const { headers } = contractOf('standard').request({
    account,
    subscription,
    event: { id: unknownIds.event, type: 'user.created', occurredAt: now },
    delivery: { id: unknownIds.delivery, createdAt: now },
    body: '{"a":1}',
    now,
    firstAttemptAt: now,
    retriesRemaining: 0,
  });
  const valueOf = (name: string): string => headers.find((header) => header.name === name)!.value;
  return {
    signed: Buffer.from(`${valueOf('webhook-id')}.${valueOf('webhook-timestamp')}.{"a":1}`),
    signatures: valueOf('webhook-signature')
      .split(' ')
      .map((each) => Buffer.from(each.slice('v1a,'.length), 'base64')),
  };
}

const verifies = (jwk: Record<string, string>, signed: Buffer, signature: Buffer): boolean =>
  verify(null, signed, createPublicKey({ key: jwk, format: 'jwk' }), signature);

test('verify a request, and during the overlap of a rotation the former key too', async () => {
  const { id } = await asymmetric();
  const [first] = await keysOf(id);
  const before = await signedRequest(id);
  expect(verifies(first!, before.signed, before.signatures[0]!)).toBe(true);
  expect(verifies(first!, Buffer.from('other'), before.signatures[0]!)).toBe(false);

  expectStatus(await api.ask('POST', `/v1/subscriptions/${id}/rotate-secret`, { overlapHours: 1 }), 200);
  const keys = await keysOf(id);
  const { signed, signatures } = await signedRequest(id);
  expect(keys).toHaveLength(2);
  expect(keys[1]).toEqual(first);
  expect(keys.map((key, index) => verifies(key, signed, signatures[index]!))).toEqual([true, true]);
  expect(verifies(keys[0]!, signed, signatures[1]!)).toBe(false);

  expectStatus(await api.ask('POST', `/v1/subscriptions/${id}/rotate-secret`, { overlapHours: 0 }), 200);
  expect((await keysOf(id)).map(({ kid }) => kid)).not.toContain(keys[0]!.kid);
});

test('may be cached and contain nothing else', async () => {
  const { id, secret } = await asymmetric();
  const response = await getKeys(id);
  expect(response.headers.get('cache-control')).toBe('public, max-age=300');
  expect(response.headers.get('content-type')).toContain('application/jwk-set+json');
  const [key] = JSON.parse(response.text).keys;
  expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  expect(`whpk_${Buffer.from(key.x, 'base64url').toString('base64')}`).toBe(secret);
});

test('do not exist for other subscriptions, whatever they are', async () => {
  const unknown = (await getKeys(unknownIds.subscription)).text;
  for (const { provider } of samples) {
    const account = await newAccount(api.ask, provider);
    const { id } = await newSubscription(api.ask, account.id, provider);
    const response = await getKeys(id);
    expect([provider, response.status, response.text]).toEqual([provider, 404, unknown]);
  }
  const { id } = await asymmetric();
  await api.ask('DELETE', `/v1/subscriptions/${id}`);
  expect((await getKeys(id)).status).toBe(404);
  expect((await getKeys('%00')).status).toBe(404);
});

test('are limited per address', async () => {
  const statuses = new Set<number>();
  for (let round = 0; round < 7; round += 1) {
    const responses = await Promise.all(Array.from({ length: 100 }, () => getKeys('none')));
    for (const { status } of responses) statuses.add(status);
  }
  expect([...statuses].sort()).toEqual([404, 429]);
});
