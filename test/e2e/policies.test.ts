/** Delivery policies of deliveries whose first attempts are made without a workflow, on a real Temporal server. */
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem({}, undefined, { workflows: 'on_retry' }), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});

/** Emits an event to a new subscription; returns the delivery's id. */
async function emit(policy: object | null): Promise<string> {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const body = { url: `${receiver.url}/in`, eventTypes: ['invoice.paid'], policy };
  await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body);
  const event = await system.ask('POST', `/v1/accounts/${account.id}/events`, { type: 'invoice.paid', data: {} });
  return event.body.deliveries[0].id;
}

test('decide whether a first attempt without a workflow is accepted', async () => {
  receiver.reply(418);
  const delivery = await system.settled(await emit({ acceptedStatuses: [418] }), 'delivered', 'retrying', 'failed');
  expect(delivery).toMatchObject({ state: 'delivered', attemptCount: 1, workflowId: null });
});

test('are those of the workflow that continues after it', async () => {
  receiver.reply(418);
  await system.ask('PUT', '/v1/event-types/invoice.paid', { policy: { schedule: { waits: [1, 1] } } });
  const delivery = await system.settled(await emit({ stopStatuses: [404] }), 'failed');
  expect(delivery).toMatchObject({ state: 'failed', attemptCount: 3 });
  receiver.reply(404);
  const stopped = await system.settled(await emit({ stopStatuses: [404] }), 'failed');
  expect(stopped).toMatchObject({ attemptCount: 1, stateReason: expect.stringMatching('404') });
});
