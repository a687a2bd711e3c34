/** Telling deliveries what to do, on a real Temporal server, as the API and Temporal's own buttons do it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { keepHistory } from '../support/histories';
import { startReceiver, type Receiver } from '../support/receiver';
import { emitExample, type Emitted } from '../support/subscriptions';
import { startSystem, type TestSystem } from '../support/system';

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

/** A delivery whose first attempt was refused, so that it waits: postmark's Open waits a minute. */
async function waitingDelivery(): Promise<Emitted> {
  const emitted = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await system.settled(emitted.deliveryId, 'retrying');
  return emitted;
}

const order = (id: string, name: string, body?: unknown) => system.ask('POST', `/v1/deliveries/${id}/${name}`, body);
const handle = (id: string) => system.client.workflow.getHandle(`delivery-${id}`);
const statusOf = async (id: string) => {
  await handle(id)
    .result()
    .catch(() => undefined);
  return (await handle(id).describe()).status.name;
};

test('cancel ends a wait with its reason and closes the workflow as cancelled', async () => {
  const { deliveryId } = await waitingDelivery();
  expect((await order(deliveryId, 'cancel', { reason: 'no longer wanted' })).status).toBe(202);
  const delivery = await system.settled(deliveryId, 'cancelled');
  expect(delivery).toMatchObject({ stateReason: 'no longer wanted', nextAttemptAt: null, attemptCount: 1 });
  expect(await statusOf(deliveryId)).toBe('CANCELLED');
  expect(await order(deliveryId, 'cancel')).toMatchObject({ status: 409, body: { code: 'delivery_closed' } });
  await keepHistory(system.client, 'cancelled-in-backoff', deliveryId);
});

test("Temporal's own cancel ends in the same state", async () => {
  const { deliveryId } = await waitingDelivery();
  await handle(deliveryId).cancel();
  const delivery = await system.settled(deliveryId, 'cancelled');
  expect(delivery).toMatchObject({ stateReason: 'cancelled in Temporal' });
  expect(await statusOf(deliveryId)).toBe('CANCELLED');
  await keepHistory(system.client, 'cancelled-in-temporal', deliveryId);
});

test('what the receiver accepts while a cancel is under way is delivered, not cancelled', async () => {
  let finish = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    receiver.reply((response) => {
      finish = () => void response.writeHead(200).end();
      resolve();
    });
  });
  const { deliveryId } = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await asked;
  await order(deliveryId, 'cancel');
  finish();
  expect(await system.settled(deliveryId, 'delivered', 'cancelled')).toMatchObject({ state: 'delivered' });
  expect(await statusOf(deliveryId)).toBe('COMPLETED');
  await keepHistory(system.client, 'accepted-while-cancelling', deliveryId);
});

test('a cancel while an attempt is under way that fails ends the delivery after it', async () => {
  let finish = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    receiver.reply((response) => {
      finish = () => void response.writeHead(500).end();
      resolve();
    });
  });
  const { deliveryId } = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await asked;
  await order(deliveryId, 'cancel');
  finish();
  expect(await system.settled(deliveryId, 'cancelled')).toMatchObject({ attemptCount: 1, lastStatus: 500 });
  await keepHistory(system.client, 'cancelled-in-flight', deliveryId);
});

test('pause holds a delivery, resume goes on at the same time of the schedule', async () => {
  const { deliveryId } = await waitingDelivery();
  const before = await system.settled(deliveryId, 'retrying');
  await order(deliveryId, 'pause', { reason: 'maintenance' });
  expect(await system.settled(deliveryId, 'paused')).toMatchObject({ stateReason: 'maintenance', nextAttemptAt: null });
  await order(deliveryId, 'resume');
  const after = await system.settled(deliveryId, 'retrying');
  const drift = Date.parse(after.nextAttemptAt as string) - Date.parse(before.nextAttemptAt as string);
  expect(Math.abs(drift)).toBeLessThan(1_500);
  expect(await order(deliveryId, 'resume')).toMatchObject({ status: 409, body: { code: 'conflict' } });
  await order(deliveryId, 'cancel');
  await system.settled(deliveryId, 'cancelled');
  await keepHistory(system.client, 'paused-and-resumed', deliveryId);
});

test('retry now attempts at once, and costs no attempt of the schedule', async () => {
  const { deliveryId } = await waitingDelivery();
  await order(deliveryId, 'retry');
  const delivery = await eventually(
    async () => (await system.ask('GET', `/v1/deliveries/${deliveryId}`)).body,
    ({ attemptCount }) => attemptCount === 2,
  );
  const nextIn = Date.parse(delivery.nextAttemptAt) - Date.now();
  // The wait that was interrupted, one minute, is waited for again.
  expect(nextIn).toBeGreaterThan(50_000);
  expect(nextIn).toBeLessThan(61_000);
  receiver.reply(200);
  await order(deliveryId, 'retry');
  expect(await system.settled(deliveryId, 'delivered')).toMatchObject({ attemptCount: 3, lastStatus: 200 });
  await keepHistory(system.client, 'retried-by-hand', deliveryId);
});

test('a finished delivery is redelivered as a new run of the same workflow', async () => {
  receiver.reply(200);
  const { deliveryId } = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await system.settled(deliveryId, 'delivered');
  expect((await order(deliveryId, 'redeliver')).body).toMatchObject({ state: 'pending', redeliveries: 1 });
  await receiver.waitFor(2);
  const delivery = await system.settled(deliveryId, 'delivered');
  expect(delivery.attempts.map(({ number, outcome }) => [number, outcome])).toEqual([
    [1, 'accepted'],
    [2, 'accepted'],
  ]);
  expect(receiver.received[1]!.body).toBe(receiver.received[0]!.body);
  await keepHistory(system.client, 'redelivered', deliveryId);
});

test('an open delivery cannot be redelivered', async () => {
  const { deliveryId } = await waitingDelivery();
  expect(await order(deliveryId, 'redeliver')).toMatchObject({ status: 409, body: { code: 'conflict' } });
  await order(deliveryId, 'cancel');
});

test('a delivery of a subscription that is disabled waits, and goes out once it is enabled', async () => {
  const { deliveryId, subscriptionId } = await waitingDelivery();
  await system.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: false });
  await order(deliveryId, 'retry');
  expect(await system.settled(deliveryId, 'paused')).toMatchObject({ stateReason: 'the subscription is disabled' });
  receiver.reply(200);
  await system.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: true });
  expect(await system.settled(deliveryId, 'delivered')).toMatchObject({ attemptCount: 2 });
  await keepHistory(system.client, 'held-and-released', deliveryId);
});

test('a delivery of a deleted subscription is cancelled', async () => {
  const { deliveryId, subscriptionId } = await waitingDelivery();
  await system.ask('DELETE', `/v1/subscriptions/${subscriptionId}`);
  await order(deliveryId, 'retry');
  expect(await system.settled(deliveryId, 'cancelled')).toMatchObject({ stateReason: 'the subscription was deleted' });
  expect(await statusOf(deliveryId)).toBe('CANCELLED');
  await keepHistory(system.client, 'subscription-deleted', deliveryId);
});

test('an order reaches a delivery whose workflow has not been started', async () => {
  const { deliveryId } = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await order(deliveryId, 'cancel', { reason: 'at once' });
  expect(await system.settled(deliveryId, 'cancelled')).toMatchObject({ stateReason: 'at once' });
});

test('the list in Temporal can be searched and read', async () => {
  const { deliveryId, accountId, subscriptionId } = await waitingDelivery();
  const description = await handle(deliveryId).describe();
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
  await order(deliveryId, 'cancel');
});

test('the queries of docs/temporal-ui.md are understood', async () => {
  const page = readFileSync(join(__dirname, '../../docs/temporal-ui.md'), 'utf8');
  const table = page.slice(page.indexOf('### Queries worth saving'), page.indexOf('## A delivery'));
  const queries = [...table.matchAll(/^\|.+\| `(.+)`\s+\|$/gm)].map(([, query]) => query!);
  expect(queries.length).toBeGreaterThan(5);
  for (const query of queries) await system.client.workflow.count(query);
  await expect(system.client.workflow.count("NoSuchAttribute = 'x'")).rejects.toThrow();
});

test('an attempt that is paused in Temporal waits there, unknown to us, until it is told to be made', async () => {
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
  await order(deliveryId, 'retry');
  expect(await system.settled(deliveryId, 'delivered')).toMatchObject({ attemptCount: 2 });
});
