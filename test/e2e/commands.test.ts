/** Commands for deliveries on a real Temporal server, from the API and from Temporal's own interface. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { saveHistory } from '../support/histories.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { emitExample, type Emitted } from '../support/subscriptions.js';
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
beforeEach(() => {
  receiver.clear();
  receiver.reply(500);
});

/** A waiting delivery whose first attempt was refused: Postmark's Open waits a minute. */
async function waitingDelivery(): Promise<Emitted> {
  const emitted = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await system.settled(emitted.deliveryId, 'retrying');
  return emitted;
}

const command = (id: string, name: string, body?: unknown) => system.ask('POST', `/v1/deliveries/${id}/${name}`, body);
const handle = (id: string) => system.client.workflow.getHandle(`delivery-${id}`);
const statusOf = async (id: string) => {
  await handle(id)
    .result()
    .catch(() => undefined);
  return (await handle(id).describe()).status.name;
};

test('ends a wait with the reason and closes the workflow as cancelled on cancel', async () => {
  const { deliveryId } = await waitingDelivery();
  expect((await command(deliveryId, 'cancel', { reason: 'no longer wanted' })).status).toBe(202);
  const delivery = await system.settled(deliveryId, 'cancelled');
  expect(delivery).toMatchObject({ stateReason: 'no longer wanted', nextAttemptAt: null, attemptCount: 1 });
  expect(await statusOf(deliveryId)).toBe('CANCELLED');
  expect(await command(deliveryId, 'cancel')).toMatchObject({ status: 409, body: { code: 'delivery_closed' } });
  await saveHistory(system.client, 'cancelled-in-backoff', deliveryId);
});

test("ends in the same state on Temporal's own cancel", async () => {
  const { deliveryId } = await waitingDelivery();
  await handle(deliveryId).cancel();
  const delivery = await system.settled(deliveryId, 'cancelled');
  expect(delivery).toMatchObject({ stateReason: 'cancelled in Temporal' });
  expect(await statusOf(deliveryId)).toBe('CANCELLED');
  await saveHistory(system.client, 'cancelled-in-temporal', deliveryId);
});

test('delivers, and does not cancel, when the receiver accepts during a cancel', async () => {
  let finish = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    receiver.reply((response) => {
      finish = () => void response.writeHead(200).end();
      resolve();
    });
  });
  const { deliveryId } = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await asked;
  await command(deliveryId, 'cancel');
  finish();
  expect(await system.settled(deliveryId, 'delivered', 'cancelled')).toMatchObject({ state: 'delivered' });
  expect(await statusOf(deliveryId)).toBe('COMPLETED');
  await saveHistory(system.client, 'accepted-while-cancelling', deliveryId);
});

test('ends the delivery after a failing attempt that is in flight during a cancel', async () => {
  let finish = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    receiver.reply((response) => {
      finish = () => void response.writeHead(500).end();
      resolve();
    });
  });
  const { deliveryId } = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await asked;
  await command(deliveryId, 'cancel');
  finish();
  expect(await system.settled(deliveryId, 'cancelled')).toMatchObject({ attemptCount: 1, lastStatus: 500 });
  await saveHistory(system.client, 'cancelled-in-flight', deliveryId);
});

test('pauses a delivery, and resumes it at the same time of the schedule', async () => {
  const { deliveryId } = await waitingDelivery();
  const before = await system.settled(deliveryId, 'retrying');
  await command(deliveryId, 'pause', { reason: 'maintenance' });
  expect(await system.settled(deliveryId, 'paused')).toMatchObject({ stateReason: 'maintenance', nextAttemptAt: null });
  await command(deliveryId, 'resume');
  const after = await system.settled(deliveryId, 'retrying');
  const drift = Date.parse(after.nextAttemptAt as string) - Date.parse(before.nextAttemptAt as string);
  expect(Math.abs(drift)).toBeLessThan(1_500);
  expect(await command(deliveryId, 'resume')).toMatchObject({ status: 409, body: { code: 'conflict' } });
  await command(deliveryId, 'cancel');
  await system.settled(deliveryId, 'cancelled');
  await saveHistory(system.client, 'paused-and-resumed', deliveryId);
});

test('makes an attempt at once on retry now, without using an attempt of the schedule', async () => {
  const { deliveryId } = await waitingDelivery();
  await command(deliveryId, 'retry');
  const delivery = await eventually(
    async () => (await system.ask('GET', `/v1/deliveries/${deliveryId}`)).body,
    ({ attemptCount }) => attemptCount === 2,
  );
  const nextIn = Date.parse(delivery.nextAttemptAt) - Date.now();
  // The interrupted wait of one minute starts again.
  expect(nextIn).toBeGreaterThan(50_000);
  expect(nextIn).toBeLessThan(61_000);
  receiver.reply(200);
  await command(deliveryId, 'retry');
  expect(await system.settled(deliveryId, 'delivered')).toMatchObject({ attemptCount: 3, lastStatus: 200 });
  await saveHistory(system.client, 'retried-by-hand', deliveryId);
});

test('redelivers a finished delivery as a new run of the same workflow', async () => {
  receiver.reply(200);
  const { deliveryId } = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await system.settled(deliveryId, 'delivered');
  expect(await command(deliveryId, 'redeliver')).toMatchObject({
    status: 409,
    body: { code: 'conflict', detail: expect.stringMatching('allowDelivered') },
  });
  expect((await command(deliveryId, 'redeliver', { allowDelivered: true })).body).toMatchObject({
    state: 'pending',
    redeliveries: 1,
  });
  await receiver.waitFor(2);
  const delivery = await system.settled(deliveryId, 'delivered');
  expect(delivery.attempts.map(({ number, outcome }) => [number, outcome])).toEqual([
    [1, 'accepted'],
    [2, 'accepted'],
  ]);
  expect(receiver.received[1]!.body).toBe(receiver.received[0]!.body);
  await saveHistory(system.client, 'redelivered', deliveryId);
});

test('rejects the redelivery of an open delivery', async () => {
  const { deliveryId } = await waitingDelivery();
  expect(await command(deliveryId, 'redeliver')).toMatchObject({ status: 409, body: { code: 'conflict' } });
  await command(deliveryId, 'cancel');
});

test('pauses a delivery of a disabled subscription, and sends it when the subscription is enabled', async () => {
  const { deliveryId, subscriptionId } = await waitingDelivery();
  await system.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: false });
  await command(deliveryId, 'retry');
  expect(await system.settled(deliveryId, 'paused')).toMatchObject({ stateReason: 'the subscription is disabled' });
  receiver.reply(200);
  await system.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: true });
  expect(await system.settled(deliveryId, 'delivered')).toMatchObject({ attemptCount: 2 });
  await saveHistory(system.client, 'paused-and-released', deliveryId);
});

test('cancels a delivery of a deleted subscription', async () => {
  const { deliveryId, subscriptionId } = await waitingDelivery();
  await system.ask('DELETE', `/v1/subscriptions/${subscriptionId}`);
  await command(deliveryId, 'retry');
  expect(await system.settled(deliveryId, 'cancelled')).toMatchObject({ stateReason: 'the subscription was deleted' });
  expect(await statusOf(deliveryId)).toBe('CANCELLED');
  await saveHistory(system.client, 'subscription-deleted', deliveryId);
});

test('applies a command to a delivery whose workflow has not been started', async () => {
  const { deliveryId } = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await command(deliveryId, 'cancel', { reason: 'at once' });
  expect(await system.settled(deliveryId, 'cancelled')).toMatchObject({ stateReason: 'at once' });
});

test('lists and filters deliveries in Temporal', async () => {
  const { deliveryId, accountId, subscriptionId } = await waitingDelivery();
  // The outcome of an attempt is recorded shortly before Temporal gets it.
  const description = await eventually(
    () => handle(deliveryId).describe(),
    ({ raw }) => raw.pendingActivities?.[0]?.attempt === 2,
  );
  expect(await description.staticSummary()).toBe(`Open → 127.0.0.1:${receiver.port}`);
  const attributes = description.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]);
  expect(Object.fromEntries(attributes)).toMatchObject({
    PigeonpostProvider: 'postmark',
    PigeonpostAccount: accountId,
    PigeonpostSubscription: subscriptionId,
    PigeonpostEventType: 'Open',
  });
  const [pending] = description.raw.pendingActivities ?? [];
  expect(pending).toMatchObject({ activityId: 'attempt-0', attempt: 2 });
  await command(deliveryId, 'cancel');
});

test('supports the queries of docs/temporal-ui.md', async () => {
  const page = readFileSync(join(__dirname, '../../docs/temporal-ui.md'), 'utf8');
  const table = page.slice(page.indexOf('### Queries worth saving'), page.indexOf('## A delivery'));
  const queries = [...table.matchAll(/^\|.+\| `(.+)`\s+\|$/gm)].map(([, query]) => query!);
  expect(queries.length).toBeGreaterThan(5);
  for (const query of queries) await system.client.workflow.count(query);
  await expect(system.client.workflow.count("NoSuchAttribute = 'x'")).rejects.toThrow();
});

test('waits when an attempt is paused in Temporal, which Pigeonpost does not know, until it is unpaused', async () => {
  const { deliveryId } = await waitingDelivery();
  await system.client.workflowService.pauseActivity({
    namespace: system.client.options.namespace,
    execution: { workflowId: `delivery-${deliveryId}` },
    id: 'attempt-0',
  });
  const { raw } = await handle(deliveryId).describe();
  expect(raw.pendingActivities).toMatchObject([{ activityId: 'attempt-0', paused: true }]);
  expect(await system.settled(deliveryId, 'retrying')).toMatchObject({ attemptCount: 1 });
  receiver.reply(200);
  await command(deliveryId, 'retry');
  expect(await system.settled(deliveryId, 'delivered')).toMatchObject({ attemptCount: 2 });
});
