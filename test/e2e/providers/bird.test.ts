/** From a registration by Bird's own API to what arrives, verified as Bird publishes it, and back into Bird's logs. */
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { idToUuid, lowestIdAt } from '../../../src/contract/ids.js';
import { inboundExample } from '../../../src/providers/bird/examples.js';
import { eventually } from '../../support/eventually.js';
import { startReceiver, type Received, type Receiver } from '../../support/receiver.js';
import { startSystem, type TestSystem } from '../../support/system.js';

const HOST = 'hooks.example.test';
const SIGNING_KEY = 'KeV+/HGoIQrxuE5YPCRR6AuQOJveldYNNhbVi1i22qk=';
const certificate = (name: string): string => readFileSync(join(__dirname, '../../support/certs', name), 'utf8');

let system: TestSystem;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver({ tls: { key: certificate('server.key'), cert: certificate('server.pem') } });
  system = await startSystem({
    resolve: [{ host: HOST, port: 443, address: '127.0.0.1', targetPort: receiver.port }],
    extraCa: certificate('ca.pem'),
  });
});

afterAll(async () => {
  await system.stop();
  await receiver.close();
});

beforeEach(() => receiver.clear());

/** https://docs.bird.com/api/notifications-api/api-reference/verifying-a-webhook-subscription */
function isSigned({ headers, body }: Received, url: string, signingKey: string): boolean {
  const digest = createHash('sha256').update(body).digest();
  const expected = createHmac('sha256', signingKey)
    .update(`${headers['messagebird-request-timestamp']}\n${url}\n`)
    .update(digest)
    .digest('base64');
  return headers['messagebird-signature'] === expected;
}

async function newAccount() {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'bird', name: 'Acme' })).body;
  const { organizationId, workspaceId } = account.scope;
  const base = `/organizations/${organizationId}/workspaces/${workspaceId}/webhook-subscriptions`;
  const bird = (method: string, rest: string, body?: unknown) =>
    system.ask(method, `${base}${rest}`, body, { authorization: `AccessKey ${account.apiKey}` });
  const emit = async () => {
    const event = { type: 'sms.inbound', data: inboundExample };
    const { body } = await system.ask('POST', `/v1/accounts/${account.id}/events`, event);
    return body.deliveries.map(({ id }: { id: string }) => id)[0] as string;
  };
  return { account, bird, emit };
}

test('a retry has the first timestamp and signature, and logs say of both attempts', async () => {
  const { bird, emit } = await newAccount();
  const url = `https://${HOST}/bird?b=2&a=1`;
  const subscription = { service: 'channels', event: 'sms.inbound', url, signingKey: SIGNING_KEY };
  const created = await bird('POST', '', subscription);
  expect(created).toMatchObject({ status: 201, body: subscription });
  const own = `/${created.body.id}`;

  receiver.reply((response) => void response.writeHead(500).end('not now'), 200);
  const deliveryId = await emit();
  const [first] = await receiver.waitFor(1);
  expect(first).toMatchObject({ method: 'POST', path: '/bird?b=2&a=1' });
  expect(first!.headers['content-type']).toBe('application/json');
  expect(JSON.parse(first!.body)).toEqual({ service: 'channels', event: 'sms.inbound', payload: inboundExample });
  expect(isSigned(first!, url, SIGNING_KEY)).toBe(true);
  expect(isSigned(first!, url, `${SIGNING_KEY}x`)).toBe(false);

  await system.settled(deliveryId, 'retrying');
  const requestId = first!.headers['messagebird-request-id'];
  const entry = { requestId, attemptCount: 1, httpStatusCode: 500, executionStatus: 'pending' };
  expect((await bird('GET', `${own}/logs`)).body).toEqual({ results: [{ ...entry, createdAt: expect.any(String) }] });

  // The clock must have moved on for the timestamp to prove anything.
  const stamped = Number(first!.headers['messagebird-request-timestamp']);
  await eventually(
    async () => Math.floor(Date.now() / 1_000),
    (now) => now > stamped,
  );
  expect((await system.ask('POST', `/v1/deliveries/${deliveryId}/retry`)).status).toBe(202);
  const [, second] = await receiver.waitFor(2);
  expect(second!.at).toBeGreaterThanOrEqual((stamped + 1) * 1_000);
  expect(second!.body).toBe(first!.body);
  expect(second!.headers).toEqual(first!.headers);
  expect(isSigned(second!, url, SIGNING_KEY)).toBe(true);

  await system.settled(deliveryId, 'delivered');
  const settled = { requestId, attemptCount: 2, httpStatusCode: 200, executionStatus: 'succeeded' };
  const log = await bird('GET', `${own}/logs`);
  expect(log.body).toEqual({ results: [{ ...settled, createdAt: expect.any(String) }] });

  const details = await bird('GET', `${own}/logs/details?requestId=${requestId!.toUpperCase()}`);
  const attempt = { url, requestBody: first!.body, createdAt: expect.any(String) };
  expect(details).toMatchObject({ status: 200 });
  expect(details.body).toEqual({
    ...log.body.results[0],
    results: [
      {
        ...attempt,
        attempt: 1,
        httpStatusCode: 500,
        responseBody: 'not now',
        executionStatus: 'failed',
        error: expect.any(String),
      },
      { ...attempt, attempt: 2, httpStatusCode: 200, responseBody: '', executionStatus: 'succeeded' },
    ],
  });
});

test('no signature without a key, a new one after a change, and nothing while inactive', async () => {
  const { bird, emit } = await newAccount();
  const url = `https://${HOST}/plain`;
  const { id } = (await bird('POST', '', { service: 'channels', event: 'sms.inbound', url })).body;
  receiver.reply(200);
  await emit();
  const [unsigned] = await receiver.waitFor(1);
  expect(unsigned!.headers).toHaveProperty('messagebird-request-id');
  expect(unsigned!.headers).not.toHaveProperty('messagebird-signature');

  const moved = `https://${HOST}/moved`;
  await bird('PATCH', `/${id}`, { signingKey: 'another', url: moved });
  await emit();
  const [, signed] = await receiver.waitFor(2);
  expect(signed!.path).toBe('/moved');
  expect(isSigned(signed!, moved, 'another')).toBe(true);

  await bird('PATCH', `/${id}`, { status: 'inactive' });
  expect(await emit()).toBeUndefined();
});

test('an attempt without a response has no status', async () => {
  const { bird, emit } = await newAccount();
  const { id } = (await bird('POST', '', { service: 'channels', event: 'sms.inbound', url: `https://${HOST}/` })).body;
  receiver.reply((response) => void response.destroy());
  const deliveryId = await emit();
  await system.settled(deliveryId, 'retrying');
  const { body } = await bird('GET', `/${id}/logs?executionStatus=pending`);
  expect(body.results).toEqual([
    { requestId: expect.any(String), attemptCount: 1, executionStatus: 'pending', createdAt: expect.any(String) },
  ]);
  const details = await bird('GET', `/${id}/logs/details?requestId=${body.results[0].requestId}`);
  expect(details.body.results).toEqual([expect.objectContaining({ executionStatus: 'failed', responseBody: null })]);
  expect(details.body.results[0]).not.toHaveProperty('httpStatusCode');
});

describe('logs', () => {
  test('pages of the last seven days, by execution status', async () => {
    const { bird, emit } = await newAccount();
    const { id } = (await bird('POST', '', { service: 'channels', event: 'sms.inbound', url: `https://${HOST}/` }))
      .body;
    receiver.reply(200);
    const deliveries: string[] = [];
    for (let n = 0; n < 12; n += 1) deliveries.push(await emit());
    await Promise.all(deliveries.map((delivery) => system.settled(delivery, 'delivered')));
    const { pool } = system.database.store;
    const states = { failed: deliveries[3], cancelled: deliveries[4], paused: deliveries[5] };
    for (const [state, delivery] of Object.entries(states))
      await pool.query('UPDATE deliveries SET state = $1 WHERE id = $2', [state, delivery]);
    // Ids hold the time.
    const old = lowestIdAt('dlv', new Date(Date.now() - 7 * 24 * 3_600_000 - 60_000));
    await pool.query('UPDATE deliveries SET id = $1 WHERE id = $2', [old, deliveries[0]]);

    const requestsOf = async (query: string) => {
      const { body } = await bird('GET', `/${id}/logs${query}`);
      return { ids: body.results.map(({ requestId }: { requestId: string }) => requestId), next: body.nextPageToken };
    };
    const first = await requestsOf('');
    expect(first.ids).toHaveLength(10);
    const second = await requestsOf(`?pageToken=${first.next}`);
    expect(second).toEqual({ ids: [expect.any(String)], next: undefined });
    expect(new Set([...first.ids, ...second.ids]).size).toBe(11);
    expect((await requestsOf('?limit=100')).ids).toEqual([...first.ids, ...second.ids]);
    expect((await requestsOf('?executionStatus=succeeded')).ids).toHaveLength(8);
    expect((await requestsOf('?executionStatus=failed')).ids).toHaveLength(2);
    expect((await requestsOf('?executionStatus=pending&limit=1')).ids).toHaveLength(1);

    const { rows } = await pool.query<{ event_id: string }>('SELECT event_id FROM deliveries WHERE id = $1', [old]);
    const forgotten = await bird('GET', `/${id}/logs/details?requestId=${idToUuid(rows[0]!.event_id)}`);
    expect(forgotten).toMatchObject({ status: 404, body: { code: 'NotFound' } });
  });

  test.each([
    ['logs?executionStatus=done', 422, '.executionStatus'],
    ['logs?limit=0', 422, '.limit'],
    ['logs?pageToken=abc', 422, '.pageToken'],
    ['logs/details', 422, '.requestId'],
    ['logs/details?requestId=1', 422, '.requestId'],
    ['logs/details?requestId=2f0e8a66-6f8a-4a0b-8f0e-6d3f6a2f1c11', 404, undefined],
  ])('%s', async (rest, status, field) => {
    const { bird } = await newAccount();
    const { id } = (await bird('POST', '', { service: 'channels', event: 'sms.inbound', url: `https://${HOST}/` }))
      .body;
    const reply = await bird('GET', `/${id}/${rest}`);
    expect(reply.status).toBe(status);
    expect(Object.keys(reply.body.details ?? {})).toEqual(field === undefined ? [] : [field]);
  });
});
