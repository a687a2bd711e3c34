/** Direct deliveries: first attempts without a workflow, and the workflows that follow, on a real Temporal server. */
import type { ServerResponse } from 'node:http';
import { commitDirect } from '../support/direct.js';
import { eventually } from '../support/eventually.js';
import { saveHistory } from '../support/histories.js';
import { startReceiver, type Reply, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem({}, undefined, { workflows: 'adaptive' }), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

const TYPE = 'user.created';

/** An account with one subscription for each path of the receiver. */
async function subscribed(paths: readonly string[] = ['/in'], fields: object = {}) {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const ids: string[] = [];
  for (const path of paths) {
    const body = { url: `${receiver.url}${path}`, eventTypes: [TYPE], ...fields };
    ids.push((await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body)).body.id);
  }
  return { accountId: String(account.id), subscriptionIds: ids };
}

/** Emits so many events at once that their deliveries are direct; returns the deliveries' ids. */
async function emitMany(accountId: string, count = 30): Promise<string[]> {
  const events = Array.from({ length: count }, () => ({ type: TYPE, data: { id: 'u-1' } }));
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/events`, { events });
  return body.results.flatMap(({ deliveries }: { deliveries: { id: string }[] }) => deliveries.map(({ id }) => id));
}

const deliveriesOf = (accountId: string, state: string) =>
  system.ask('GET', `/v1/deliveries?accountId=${accountId}&state=${state}&limit=250`).then(({ body }) => body.data);
const untilAll = (accountId: string, state: string, count: number) =>
  eventually(
    () => deliveriesOf(accountId, state),
    (rows) => rows.length === count,
  );
const statusOf = (id: string) =>
  system.client.workflow
    .getHandle(`delivery-${id}`)
    .describe()
    .then(({ status }) => status.name)
    .catch(() => 'none');
const started = (id: string) =>
  eventually(
    () => statusOf(id),
    (status) => status !== 'none',
  );
const ended = async (id: string) => {
  await system.client.workflow
    .getHandle(`delivery-${id}`)
    .result()
    .catch(() => undefined);
  return statusOf(id);
};
const command = (id: string, name: string, body?: unknown) => system.ask('POST', `/v1/deliveries/${id}/${name}`, body);
/** Waits until no sender has a delivery of the account that it has not finished. */
const unheld = (accountId: string) =>
  eventually(
    async () =>
      (
        await system.database.store.pool.query(
          'SELECT FROM deliveries WHERE account_id = $1 AND NOT owned AND sender_id IS NOT NULL',
          [accountId],
        )
      ).rowCount,
    (count) => count === 0,
  );

/** Requests to a path: other paths may get retries of earlier tests. */
const arrived = (at: string) => receiver.received.filter(({ path }) => path === at).length;

/** Delays the receiver's responses to one path until `respondToAll` is called. */
function delayResponses(path: string) {
  const waiting: ServerResponse[] = [];
  const reply: Reply = (response, request) => {
    if (request.path.startsWith(path)) waiting.push(response);
    else response.writeHead(200).end();
  };
  receiver.reply(reply);
  return {
    waiting,
    respondToAll: (status: number) => {
      receiver.reply(200);
      for (const response of waiting.splice(0)) response.writeHead(status).end();
    },
  };
}

// First, as the dispatcher uses no workflows for a while after many deliveries.
test('starts a workflow for each delivery when there are few', async () => {
  const { accountId } = await subscribed();
  const ids = await emitMany(accountId, 3);
  for (const id of ids) expect((await system.settled(id, 'delivered')).workflowId).toBe(`delivery-${id}`);
});

test('makes the first attempts of many deliveries without a workflow, and records each', async () => {
  const { accountId } = await subscribed(['/many']);
  const ids = await emitMany(accountId, 60);
  const delivered = await untilAll(accountId, 'delivered', 60);
  expect(new Set(delivered.map(({ workflowId }: { workflowId: null }) => workflowId))).toEqual(new Set([null]));
  expect(delivered[0]).toMatchObject({ temporalUrl: null });
  expect(await statusOf(ids[0]!)).toBe('none');
  const first = await system.settled(ids[7]!, 'delivered');
  expect(first).toMatchObject({ workflow: null, attempts: [{ number: 1, outcome: 'accepted' }] });
  expect(arrived('/many')).toBe(60);
  await unheld(accountId);
});

test('continues a refused delivery in its own workflow, at its position and time of the schedule', async () => {
  const { accountId } = await subscribed();
  receiver.reply(...Array<Reply>(29).fill(200), 503);
  await emitMany(accountId, 30);
  const [refused] = await untilAll(accountId, 'retrying', 1);
  expect(refused).toMatchObject({ workflowId: `delivery-${refused.id}`, attemptCount: 1, lastStatus: 503 });
  expect(await started(refused.id)).toBe('RUNNING');
  await unheld(accountId);
  // Standard Webhooks waits 5 s after the first attempt.
  const { attempts } = await system.settled(refused.id, 'retrying');
  const [{ startedAt }] = attempts as unknown as [{ startedAt: string }];
  expect(Date.parse(refused.nextAttemptAt) - Date.parse(startedAt)).toBeGreaterThanOrEqual(5_000);
  receiver.reply(200);
  await command(refused.id, 'retry');
  expect((await system.settled(refused.id, 'delivered')).attempts).toMatchObject([
    { number: 1, status: 503 },
    { number: 2, status: 200 },
  ]);
  await saveHistory(system.client, 'started-after-a-sender', refused.id);
});

test('fails a delivery that the contract stops in its own workflow', async () => {
  const { accountId } = await subscribed();
  receiver.reply(...Array<Reply>(29).fill(200), 410);
  await emitMany(accountId, 30);
  const [gone] = await untilAll(accountId, 'failed', 1);
  await started(gone.id);
  expect(await ended(gone.id)).toBe('FAILED');
  await saveHistory(system.client, 'ended-by-a-sender', gone.id);
});

test('delays no others when a receiver hangs, and starts workflows for what waits for it', async () => {
  const { accountId } = await subscribed(['/slow', '/fast']);
  const slow = delayResponses('/slow');
  await emitMany(accountId, 60);
  await untilAll(accountId, 'delivered', 60);
  await emitMany(accountId, 30);
  await untilAll(accountId, 'delivered', 90);
  // Fifty are in flight, so forty wait in vain.
  const waiting = await eventually(
    async () =>
      (await deliveriesOf(accountId, 'pending')).filter(({ workflowId }: { workflowId: string | null }) => workflowId),
    (rows) => rows.length === 40,
  );
  expect(await started(waiting[0].id)).toBe('RUNNING');
  slow.respondToAll(200);
  await untilAll(accountId, 'delivered', 180);
  await unheld(accountId);
});

describe('a command for a delivery that a sender has', () => {
  async function sentOne() {
    const { accountId } = await subscribed(['/slow']);
    const slow = delayResponses('/slow');
    const [id] = await emitMany(accountId, 30);
    await eventually(
      async () => slow.waiting.length,
      (count) => count === 30,
    );
    return { id: id!, slow };
  }

  test('cancel: the delivery is delivered when the receiver accepts it before', async () => {
    const { id, slow } = await sentOne();
    expect((await command(id, 'cancel', { reason: 'no longer wanted' })).status).toBe(202);
    slow.respondToAll(200);
    await system.settled(id, 'delivered');
    expect(await ended(id)).toBe('COMPLETED');
    expect((await system.settled(id, 'delivered')).attempts).toHaveLength(1);
    await saveHistory(system.client, 'cancelled-but-accepted-by-a-sender', id);
  });

  test('cancel: the delivery ends after the attempt in flight when it is refused', async () => {
    const { id, slow } = await sentOne();
    await command(id, 'cancel', { reason: 'no longer wanted' });
    slow.respondToAll(503);
    const delivery = await system.settled(id, 'cancelled');
    expect(delivery).toMatchObject({ stateReason: 'no longer wanted', attemptCount: 1 });
    expect(await ended(id)).toBe('CANCELLED');
    await saveHistory(system.client, 'cancelled-after-a-sender', id);
  });

  test('pause: makes no second attempt until it is resumed, then at its position', async () => {
    const { id, slow } = await sentOne();
    await command(id, 'pause', { reason: 'maintenance' });
    slow.respondToAll(503);
    expect(await system.settled(id, 'paused')).toMatchObject({ stateReason: 'maintenance', attemptCount: 1 });
    await command(id, 'resume');
    await command(id, 'retry');
    expect((await system.settled(id, 'delivered')).attempts).toHaveLength(2);
  });
});

test('starts a workflow for deliveries of subscriptions with limits, and of disabled ones', async () => {
  const limited = await subscribed(['/in'], { ratePerSecond: 50 });
  const ids = await emitMany(limited.accountId, 25);
  await untilAll(limited.accountId, 'delivered', 25);
  expect((await system.settled(ids[0]!, 'delivered')).workflowId).toBe(`delivery-${ids[0]}`);

  const { accountId, subscriptionIds } = await subscribed();
  await system.stopWorker();
  const [id] = await commitDirect(system.database.store, accountId, 1);
  await system.ask('PATCH', `/v1/subscriptions/${subscriptionIds[0]}`, { enabled: false });
  await system.restartWorker();
  await system.settled(id!, 'paused');
});

test('sends what another process has committed, and what the last worker left behind', async () => {
  const { accountId } = await subscribed(['/left']);
  await system.stopWorker();
  const ids = await commitDirect(system.database.store, accountId, 5);
  await system.restartWorker();
  for (const id of ids) await system.settled(id, 'delivered');
  expect(arrived('/left')).toBe(5);
});

test('redelivers a delivery that was accepted without a workflow in its own workflow', async () => {
  const { accountId } = await subscribed();
  const [id] = await emitMany(accountId, 25);
  await untilAll(accountId, 'delivered', 25);
  expect((await command(id!, 'redeliver', { allowDelivered: true })).status).toBe(202);
  const again = await eventually(
    async () => (await system.ask('GET', `/v1/deliveries/${id}`)).body,
    ({ state, redeliveries }) => state === 'delivered' && redeliveries === 1,
  );
  expect(again).toMatchObject({ workflowId: `delivery-${id}`, attemptCount: 2 });
});
