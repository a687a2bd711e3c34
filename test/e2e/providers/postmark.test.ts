/** Webhooks registered by Postmark's own client, delivered by a real Temporal server and worker. */
import { ServerClient } from 'postmark';
import { contract as postmark } from '../../../src/providers/postmark/contract.js';
import { eventually } from '../../support/eventually.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';
import { startSystem, type TestSystem } from '../../support/system.js';

let system: TestSystem;
let receiver: Receiver;

beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
});

afterAll(async () => {
  await system.stop();
  await receiver.close();
});

beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

async function newServer(settings: Record<string, unknown> = {}) {
  const { body } = await system.ask('POST', '/v1/accounts', { provider: 'postmark', name: 'Shop', settings });
  const client = new ServerClient(body.apiKey, { useHttps: false, requestHost: system.url.slice('http://'.length) });
  const call = async (method: string, path: string) =>
    (await system.ask(method, path, undefined, { 'x-postmark-server-token': body.apiKey })).body;
  /** Emits an event; the ids of its deliveries. */
  const emit = async (type: string): Promise<string[]> => {
    const data = postmark.findEvent(type)!.example;
    const accepted = (await system.ask('POST', `/v1/accounts/${body.id}/events`, { type, data })).body;
    return accepted.deliveries.map(({ id }: { id: string }) => id);
  };
  return { client, call, emit, serverId: body.scope.serverId as number };
}

test('a webhook made by the vendor’s client gets a bounce with its credentials and headers', async () => {
  const { client, emit, serverId } = await newServer();
  await client.createWebhook({
    Url: `${receiver.url}/postmark?shop=1`,
    HttpAuth: { Username: 'kim', Password: 'se:cret' },
    HttpHeaders: [{ Name: 'X-Webhook-Secret', Value: 'shared' }],
    Triggers: { Bounce: { Enabled: true } },
  });
  expect(await emit('Delivery')).toEqual([]);
  const [deliveryId] = await emit('Bounce');
  const [request] = await receiver.waitFor(1);
  expect(request).toMatchObject({ method: 'POST', path: '/postmark?shop=1' });
  expect(request!.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': 'Postmark',
    authorization: `Basic ${Buffer.from('kim:se:cret').toString('base64')}`,
    'x-webhook-secret': 'shared',
    'x-pm-retries-remaining': '10',
  });
  expect(JSON.parse(request!.body)).toMatchObject({
    RecordType: 'Bounce',
    MessageStream: 'outbound',
    ServerID: serverId,
    Type: 'HardBounce',
  });
  expect(await system.settled(deliveryId!, 'delivered')).toMatchObject({ lastStatus: 200 });
});

test('since 2026, a trigger that keeps failing is paused alone until it is verified', async () => {
  const { client, call, emit } = await newServer({ contract: '2026' });
  const { ID } = await client.createWebhook({
    Url: receiver.url,
    Triggers: { Bounce: { Enabled: true }, Delivery: { Enabled: true } },
  });
  const status = async () => (await call('GET', `/webhooks/${ID}`)).Status as string;
  /** Emits bounces until so many have been refused for good (404) or accepted (200). */
  const bounces = async (responded: 200 | 404, times: number) => {
    receiver.reply(responded);
    for (let time = 0; time < times; time += 1) {
      const [id] = await emit('Bounce');
      await system.settled(id!, responded === 200 ? 'delivered' : 'failed');
    }
  };
  await bounces(404, 9);
  await bounces(200, 1);
  await bounces(404, 9);
  expect(await status()).toBe('verified');
  await bounces(404, 1);
  await eventually(status, (now) => now === 'unverified');
  expect((await call('GET', `/webhooks/${ID}/statistics`)).Statuses).toEqual({
    Delivery: 'verified',
    Bounce: 'unverified',
  });
  expect(await emit('Bounce')).toEqual([]);
  expect(await emit('Delivery')).toHaveLength(1);

  receiver.reply(200);
  expect(await call('POST', `/webhooks/${ID}/verify`)).toMatchObject({ Success: true });
  // What failed before is forgotten.
  await bounces(404, 2);
  expect(await status()).toBe('verified');
  const { MetricsByTrigger } = await call('GET', `/webhooks/${ID}/statistics`);
  expect(MetricsByTrigger.Bounce).toMatchObject({
    TotalRequests: 22,
    SuccessCount: 1,
    FailureCount: 21,
    RetryCount: 0,
  });
});

test('a classic trigger is never paused', async () => {
  const { client, emit } = await newServer();
  await client.createWebhook({ Url: receiver.url, Triggers: { Bounce: { Enabled: true } } });
  receiver.reply(403);
  for (let time = 0; time < 11; time += 1) {
    const [id] = await emit('Bounce');
    await system.settled(id!, 'failed');
  }
});
