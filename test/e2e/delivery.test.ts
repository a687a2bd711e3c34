import { Webhook } from 'standardwebhooks';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

let system: TestSystem;
let receiver: Receiver;

beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
});

afterAll(async () => {
  await system.stop();
  await receiver.close();
});

/** An account with one subscription to all events at a path of the receiver, and the event that is emitted to it. */
async function deliver(path: string, data: unknown = { hello: 'world' }) {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const subscription = (
    await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
      url: path.startsWith('http') ? path : `${receiver.url}${path}`,
      eventTypes: [],
    })
  ).body;
  const event = (await system.ask('POST', `/v1/accounts/${account.id}/events`, { type: 'user.created', data })).body;
  return { account, subscription, event, deliveryId: event.deliveries[0].id as string };
}

beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

test('verifies an accepted delivery with the public library and records it', async () => {
  const { subscription, deliveryId } = await deliver('/ok');
  const [request] = await receiver.waitFor(1);
  expect(new Webhook(subscription.secret).verify(request!.body, request!.headers)).toMatchObject({
    type: 'user.created',
    data: { hello: 'world' },
  });
  const delivery = await system.settled(deliveryId, 'delivered');
  expect(delivery).toMatchObject({ attemptCount: 1, lastStatus: 200, nextAttemptAt: null });
  const handle = system.client.workflow.getHandle(`delivery-${deliveryId}`);
  expect(await handle.result()).toEqual({ attempts: 1, status: 200 });
});
