/** The client certificate of a subscription: checked, sealed, shown by its fingerprint only. */
import { X509Certificate } from 'node:crypto';
import { generate } from 'selfsigned';
import { startApiWithDatabase } from '../../../support/api.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

async function pair() {
  const { cert, private: privateKey } = await generate([{ name: 'commonName', value: 'us' }], { keyType: 'ec' });
  return { certificate: cert, privateKey };
}

async function create(fields: object) {
  const { id } = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  return api.ask('POST', `/v1/accounts/${id}/subscriptions`, {
    url: 'https://example.com/in',
    eventTypes: [],
    ...fields,
  });
}

test('it is never shown again and leaves no trace in clear', async () => {
  const tlsClient = await pair();
  const created = await create({ tlsClient });
  expect(created.status).toBe(201);
  const fingerprint = new X509Certificate(tlsClient.certificate).fingerprint256.replaceAll(':', '').toLowerCase();
  expect(created.body.tlsClient).toEqual({ fingerprint });
  const path = `/v1/subscriptions/${created.body.id}`;
  const edited = await api.ask('PATCH', path, { description: 'still there' });
  expect(edited.body.tlsClient).toEqual({ fingerprint });
  const { rows } = await api.database.store.pool.query('SELECT to_jsonb(s)::text AS text FROM subscriptions s');
  for (const text of [created.text, edited.text, ...rows.map((row) => row.text as string)]) {
    expect(text).not.toContain('-----BEGIN');
  }
  expect((await api.ask('PATCH', path, { tlsClient: null })).body.tlsClient).toBeNull();
});

test('certificate and key must be readable and belong together', async () => {
  const [one, two] = [await pair(), await pair()];
  for (const [tlsClient, path] of [
    [{ ...one, certificate: 'x' }, 'tlsClient.certificate'],
    [{ ...one, privateKey: 'x' }, 'tlsClient.privateKey'],
    [{ ...one, privateKey: two.privateKey }, 'tlsClient.privateKey'],
    [{ certificate: one.certificate }, 'tlsClient.privateKey'],
  ] as const) {
    const response = await create({ tlsClient });
    expect([response.status, response.body.errors[0].path]).toEqual([422, path]);
    expect(response.text).not.toContain('PRIVATE KEY');
  }
});
