/** Events of defined event types arrive at the receiver, by name and by group, and test events with the defined example. */
import { startReceiver, type Receiver } from '../support/receiver.js';
import { expectStatus, newAccount } from '../support/samples.js';
import { startSystem, type TestSystem } from '../support/system.js';

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
  system = await startSystem();
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});

test('a subscription to a group gets its event types, and nothing that was refused', async () => {
  const { ask } = system;
  const schema = { type: 'object', required: ['total'] };
  const definition = { schema, enforce: true, examples: [{ total: 7 }] };
  for (const name of ['invoice.paid', 'invoice.item.added'])
    expectStatus(await ask('PUT', `/v1/event-types/${name}`, definition), 200);
  const account = await newAccount(ask, 'standard');
  const body = { url: `${receiver.url}/in`, eventTypes: ['invoice.*'] };
  const subscription = expectStatus(await ask('POST', `/v1/accounts/${account.id}/subscriptions`, body), 201).body;
  const emit = (type: string, data: unknown) => ask('POST', `/v1/accounts/${account.id}/events`, { type, data });

  expectStatus(await emit('invoice.paid', { sum: 1 }), 422);
  expectStatus(await emit('invoice.lost', { total: 1 }), 422);
  const [delivery] = expectStatus(await emit('invoice.item.added', { total: 2 }), 202).body.deliveries;
  await system.settled(delivery.id, 'delivered');
  const test = expectStatus(await ask('POST', `/v1/subscriptions/${subscription.id}/test`, {}), 202).body;
  await system.settled(test.deliveries[0].id, 'delivered');

  const received = (await receiver.waitFor(2)).map(({ body }) => JSON.parse(String(body)));
  expect(received).toMatchObject([
    { type: 'invoice.item.added', data: { total: 2 } },
    { type: 'invoice.item.added', data: { total: 7 } },
  ]);
});
