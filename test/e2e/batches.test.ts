/** Batches: the first attempts of many deliveries, on a real Temporal server. */
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ServerResponse } from 'node:http';
import { processBatch } from '../../src/activities/batch/process-batch.js';
import { OutcomeWriter } from '../../src/activities/attempt/outcome-writer.js';
import { Semaphore } from '../../src/lib/semaphore.js';
import { ConcurrencyLimiter } from '../../src/activities/admission/concurrency-limiter.js';
import { batchInput, newBatchId, startBatch } from '../../src/dispatch/batches.js';
import type { EgressClient, Exchange, OutgoingRequest } from '../../src/egress/types.js';
import { claim } from '../../src/store/batches/claims.js';
import { eventually } from '../support/eventually.js';
import { saveHistory, saveWorkflowHistory } from '../support/histories.js';
import { startReceiver, type Reply, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';
import { commitOnly, sweepOnce } from '../support/process-faults.js';

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
afterEach(() => void jest.restoreAllMocks());
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

const TYPE = 'user.created';
const DATA = { id: 'u-1' };

/** An account with one subscription for each path of the receiver. */
async function subscribed(paths: readonly string[] = ['/in'], fields: object = {}) {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const ids: string[] = [];
  for (const path of paths) {
    const url = `${receiver.url}${path}`;
    const body = { url, eventTypes: [TYPE], ...fields };
    ids.push((await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body)).body.id);
  }
  return { accountId: String(account.id), subscriptionIds: ids };
}

/** Emits so many events at once that their deliveries use a batch; returns the deliveries' ids. */
async function emitMany(accountId: string, count = 30): Promise<string[]> {
  const events = Array.from({ length: count }, () => ({ type: TYPE, data: DATA }));
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
const statusOf = (workflowId: string) =>
  system.client.workflow
    .getHandle(workflowId)
    .describe()
    .then(({ status }) => status.name)
    .catch(() => 'none');
const ended = async (workflowId: string) => {
  await system.client.workflow
    .getHandle(workflowId)
    .result()
    .catch(() => undefined);
  return statusOf(workflowId);
};
const command = (id: string, name: string, body?: unknown) => system.ask('POST', `/v1/deliveries/${id}/${name}`, body);
const claims = async () =>
  Number((await system.database.store.pool.query('SELECT count(*) AS n FROM claims')).rows[0].n);
const openClaims = () => eventually(claims, (count) => count === 0);

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

// First, as a batch of another test would make the dispatcher wait for more deliveries.
test('starts a workflow for each delivery when there are few', async () => {
  const { accountId } = await subscribed();
  const ids = await emitMany(accountId, 3);
  for (const id of ids) expect((await system.settled(id, 'delivered')).workflowId).toBe(`delivery-${id}`);
});

test('makes the first attempts of many deliveries in one workflow, and records each', async () => {
  const { accountId } = await subscribed(['/many']);
  const ids = await emitMany(accountId, 60);
  const delivered = await untilAll(accountId, 'delivered', 60);
  const workflows = new Set<string>(delivered.map(({ workflowId }: { workflowId: string }) => workflowId));
  expect([...workflows]).toEqual([expect.stringMatching(/^batch-bat_/)]);
  expect(await statusOf(`delivery-${ids[0]}`)).toBe('none');
  expect(await ended([...workflows][0]!)).toBe('COMPLETED');
  expect(await system.client.workflow.getHandle([...workflows][0]!).result()).toEqual({
    accepted: 60,
    startedIndividually: 0,
    skipped: 0,
  });
  expect((await system.settled(ids[7]!, 'delivered')).attempts).toMatchObject([{ number: 1, outcome: 'accepted' }]);
  expect(arrived('/many')).toBe(60);
  await openClaims();
  await saveWorkflowHistory(system.client, 'batch', [...workflows][0]!);
});

test('waits for the end of a batch without polling repeatedly', async () => {
  const { accountId } = await subscribed(['/asked']);
  const { waiting, respondToAll } = delayResponses('/asked');
  const asked = jest.spyOn(system.client.workflowService, 'getWorkflowExecutionHistory');
  await emitMany(accountId, 30);
  await eventually(
    async () => waiting.length,
    (count) => count === 30,
  );
  // A second batch starts when the first has run for a second.
  await emitMany(accountId, 30);
  await eventually(
    async () => waiting.length,
    (count) => count === 50,
  );
  expect(asked.mock.calls.length).toBeGreaterThan(0);
  expect(asked.mock.calls.length).toBeLessThan(5);
  respondToAll(200);
  await untilAll(accountId, 'delivered', 60);
});

test('continues a refused delivery in its own workflow, at its position and time of the schedule', async () => {
  const { accountId } = await subscribed();
  receiver.reply(...Array<Reply>(29).fill(200), 503);
  await emitMany(accountId, 30);
  const [refused] = await untilAll(accountId, 'retrying', 1);
  expect(refused).toMatchObject({ workflowId: `delivery-${refused.id}`, attemptCount: 1, lastStatus: 503 });
  expect(
    await eventually(
      () => statusOf(`delivery-${refused.id}`),
      (status) => status !== 'none',
    ),
  ).toBe('RUNNING');
  await openClaims();
  // Standard Webhooks waits 5 s after the first attempt.
  const { attempts } = await system.settled(refused.id, 'retrying');
  const [{ startedAt }] = attempts as unknown as [{ startedAt: string }];
  const waitMs = Date.parse(refused.nextAttemptAt) - Date.parse(startedAt);
  expect(waitMs).toBeGreaterThanOrEqual(5_000);
  receiver.reply(200);
  await command(refused.id, 'retry');
  const delivered = await system.settled(refused.id, 'delivered');
  expect(delivered.attempts).toMatchObject([
    { number: 1, status: 503 },
    { number: 2, status: 200 },
  ]);
  await saveHistory(system.client, 'started-individually', refused.id);
});

test('fails a delivery that the contract stops in its own workflow', async () => {
  const { accountId } = await subscribed();
  receiver.reply(...Array<Reply>(29).fill(200), 410);
  await emitMany(accountId, 30);
  const [gone] = await untilAll(accountId, 'failed', 1);
  await eventually(
    () => statusOf(`delivery-${gone.id}`),
    (status) => status !== 'none',
  );
  expect(await ended(`delivery-${gone.id}`)).toBe('FAILED');
  await saveHistory(system.client, 'ended-in-a-batch', gone.id);
});

test('delays neither others nor the next batch when a receiver hangs', async () => {
  const { accountId } = await subscribed(['/slow', '/fast']);
  const slow = delayResponses('/slow');
  await emitMany(accountId, 30);
  await untilAll(accountId, 'delivered', 30);
  await emitMany(accountId, 30);
  await untilAll(accountId, 'delivered', 60);
  slow.respondToAll(200);
  await untilAll(accountId, 'delivered', 120);
  await openClaims();
});

describe('a command for a delivery that a batch processes', () => {
  async function batchedOne() {
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
    const { id, slow } = await batchedOne();
    expect((await command(id, 'cancel', { reason: 'no longer wanted' })).status).toBe(202);
    slow.respondToAll(200);
    await system.settled(id, 'delivered');
    expect(await ended(`delivery-${id}`)).toBe('COMPLETED');
    expect((await system.settled(id, 'delivered')).attempts).toHaveLength(1);
    await saveHistory(system.client, 'cancelled-in-a-batch-but-accepted', id);
  });

  test('cancel: the delivery ends after the attempt in flight when it is refused', async () => {
    const { id, slow } = await batchedOne();
    await command(id, 'cancel', { reason: 'no longer wanted' });
    slow.respondToAll(503);
    const delivery = await system.settled(id, 'cancelled');
    expect(delivery).toMatchObject({ stateReason: 'no longer wanted', attemptCount: 1 });
    expect(await ended(`delivery-${id}`)).toBe('CANCELLED');
    await saveHistory(system.client, 'cancelled-in-a-batch', id);
  });

  test('pause: makes no second attempt until it is resumed, then at its position', async () => {
    const { id, slow } = await batchedOne();
    await command(id, 'pause', { reason: 'maintenance' });
    slow.respondToAll(503);
    expect(await system.settled(id, 'paused')).toMatchObject({ stateReason: 'maintenance', attemptCount: 1 });
    await command(id, 'resume');
    await command(id, 'retry');
    expect((await system.settled(id, 'delivered')).attempts).toHaveLength(2);
  });

  test('starts a workflow for a delivery that waits for a batch, and no batch processes it', async () => {
    const { accountId } = await subscribed(['/alone']);
    const { deliveryStarts, deliveryIds } = await commitOnly(system.database.store, accountId, TYPE, DATA, 'batch');
    await command(deliveryIds[0]!, 'pause', { reason: 'not yet' });
    await system.settled(deliveryIds[0]!, 'paused');
    const batch = await startBatch({ client: system.client, eager: false }, deliveryStarts);
    expect(await batch.result()).toEqual({ accepted: 0, startedIndividually: 0, skipped: 1 });
    expect(arrived('/alone')).toBe(0);
    await command(deliveryIds[0]!, 'resume');
    await system.settled(deliveryIds[0]!, 'delivered');
    expect(arrived('/alone')).toBe(1);
  });
});

test('sends each delivery once when two batches have the same ones', async () => {
  const { accountId } = await subscribed(['/twice']);
  const planned = await Promise.all(
    Array.from({ length: 20 }, () => commitOnly(system.database.store, accountId, TYPE, DATA, 'batch')),
  );
  const deliveryStarts = planned.flatMap((each) => each.deliveryStarts);
  const starter = { client: system.client, eager: false };
  const batches = await Promise.all([startBatch(starter, deliveryStarts), startBatch(starter, deliveryStarts)]);
  const reports = await Promise.all(batches.map((batch) => batch.result()));
  expect(reports.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(20);
  expect(arrived('/twice')).toBe(20);
});

test('starts workflows for deliveries that a batch cannot process', async () => {
  const limited = await subscribed(['/in'], { ratePerSecond: 50 });
  const ids = await emitMany(limited.accountId, 25);
  await untilAll(limited.accountId, 'delivered', 25);
  expect((await system.settled(ids[0]!, 'delivered')).workflowId).toBe(`delivery-${ids[0]}`);

  const { accountId, subscriptionIds } = await subscribed();
  const { deliveryStarts, deliveryIds } = await commitOnly(system.database.store, accountId, TYPE, DATA, 'batch');
  await system.ask('PATCH', `/v1/subscriptions/${subscriptionIds[0]}`, { enabled: false });
  const batch = await startBatch({ client: system.client, eager: false }, deliveryStarts);
  expect(await batch.result()).toEqual({ accepted: 0, startedIndividually: 1, skipped: 0 });
  await system.settled(deliveryIds[0]!, 'paused');
});

describe('the sweep', () => {
  async function notStarted() {
    const { accountId } = await subscribed();
    const committed = await commitOnly(system.database.store, accountId, TYPE, DATA, 'batch');
    return { ...committed, id: committed.deliveryIds[0]! };
  }
  const older = (seconds: number, ids: readonly string[]) =>
    Promise.all([
      system.database.store.pool.query(
        'UPDATE deliveries SET updated_at = updated_at - make_interval(secs => $2) WHERE id = ANY($1)',
        [ids, seconds],
      ),
      system.database.store.pool.query(
        'UPDATE claims SET claimed_at = claimed_at - make_interval(secs => $2) WHERE delivery_id = ANY($1)',
        [ids, seconds],
      ),
    ]);

  test('starts batches for deliveries that were never started', async () => {
    const { id, deliveryIds } = await notStarted();
    await older(11, deliveryIds);
    expect(await sweepOnce(system.database.store, system.client)).toMatchObject({ started: 0, batched: 1 });
    expect((await system.settled(id, 'delivered')).workflowId).toMatch(/^batch-/);
  });

  test('starts workflows for deliveries of a batch that has ended', async () => {
    const { id, deliveryIds } = await notStarted();
    await claim(system.database.store, newBatchId(), deliveryIds);
    await older(61, deliveryIds);
    expect(await sweepOnce(system.database.store, system.client)).toMatchObject({ batched: 1 });
    expect((await system.settled(id, 'delivered')).workflowId).toBe(`delivery-${id}`);
    await openClaims();
  });

  test('skips deliveries of a running batch', async () => {
    const { deliveryStarts, deliveryIds } = await notStarted();
    const slow = delayResponses('/in');
    const batch = await startBatch({ client: system.client, eager: false }, deliveryStarts);
    // Not all requests: deliveries of earlier tests are retried.
    await eventually(
      async () => slow.waiting.length,
      (count) => count === 1,
    );
    await older(120, deliveryIds);
    expect(await sweepOnce(system.database.store, system.client)).toMatchObject({ batched: 0, started: 0 });
    slow.respondToAll(200);
    expect(await batch.result()).toMatchObject({ accepted: 1 });
  });
});

describe('processing a batch', () => {
  /** Processes a batch as a worker does; with the activity's attempt, the heartbeat details of the last one, and a client. */
  async function processOnce(
    deliveryStarts: Parameters<typeof batchInput>[0],
    {
      attempt,
      lostAttempts,
      atOnce = 100,
      maxConcurrentAttempts = 50,
      memory = new Semaphore(100),
      send,
    }: {
      attempt: number;
      lostAttempts?: number;
      atOnce?: number;
      maxConcurrentAttempts?: number;
      memory?: Semaphore;
      send: EgressClient['send'];
    },
  ) {
    const { store } = system.database;
    const environment = new MockActivityEnvironment({
      attempt,
      heartbeatDetails: lostAttempts,
      workflowExecution: { workflowId: 'batch-of-the-test', runId: 'run-1' },
    });
    const dependencies = {
      store,
      egress: { send, close: async () => undefined },
      limiter: new ConcurrencyLimiter(),
      maxConcurrentAttempts,
      outcomes: new OutcomeWriter(store),
      memory,
      requestSemaphore: new Semaphore(atOnce),
      starter: { client: system.client, eager: false },
    };
    return environment.run(() => processBatch(dependencies, batchInput(deliveryStarts)));
  }
  const accepted = {
    kind: 'response',
    status: 200,
    headers: {},
    excerpt: '',
    truncated: false,
    durationMs: 1,
  } as const;

  test('sends what an earlier try had not recorded, and shows that it may have been sent before', async () => {
    const { accountId } = await subscribed();
    const planned = [];
    for (let count = 0; count < 3; count += 1) {
      planned.push(await commitOnly(system.database.store, accountId, TYPE, DATA, 'batch'));
    }
    const deliveryStarts = planned.flatMap((each) => each.deliveryStarts);
    const [first, second, third] = deliveryStarts.map(({ deliveryId }) => deliveryId) as [string, string, string];
    // The first is recorded, the second is in flight indefinitely, the third fails as only a killed worker's code can.
    let sent = 0;
    void processOnce(deliveryStarts, {
      attempt: 1,
      send: () => (++sent === 1 ? Promise.resolve({ ...accepted, url: 'x' }) : new Promise(() => undefined)),
    });
    await eventually(
      async () => (await system.ask('GET', `/v1/deliveries?accountId=${accountId}&state=delivered`)).body.data.length,
      (count) => count === 1,
    );
    const again: OutgoingRequest[] = [];
    const report = await processOnce(deliveryStarts, {
      attempt: 2,
      lostAttempts: 1,
      send: async (request) => {
        again.push(request);
        return { ...accepted, url: request.url };
      },
    });
    expect(again).toHaveLength(2);
    // The recorded one is claimed again, but it already has its own workflow.
    expect(report).toEqual({ accepted: 2, startedIndividually: 0, skipped: 1 });
    const attempts = await Promise.all(
      [first, second, third].map(async (id) =>
        (await system.settled(id, 'delivered')).attempts.map(({ outcome }) => outcome).join(' '),
      ),
    );
    expect(attempts.sort()).toEqual(['accepted', 'interrupted accepted', 'interrupted accepted']);
  });

  test('gives each try another attempt number when several workers died', async () => {
    const { accountId } = await subscribed();
    const { deliveryStarts, deliveryIds } = await commitOnly(system.database.store, accountId, TYPE, DATA, 'batch');
    const send = async ({ url }: OutgoingRequest): Promise<Exchange> => ({ ...accepted, url });
    await processOnce(deliveryStarts, { attempt: 3, lostAttempts: 2, send });
    const { attempts } = await system.settled(deliveryIds[0]!, 'delivered');
    expect(attempts.map(({ number, outcome }) => `${number} ${outcome}`)).toEqual([
      '1 interrupted',
      '2 interrupted',
      '3 accepted',
    ]);
  });

  test('rotates over receivers from the start', async () => {
    const { accountId } = await subscribed(['/round-a', '/round-b']);
    const planned = [];
    for (let count = 0; count < 3; count += 1) {
      planned.push(await commitOnly(system.database.store, accountId, TYPE, DATA, 'batch'));
    }
    const urls: string[] = [];
    await processOnce(
      planned.flatMap(({ deliveryStarts }) => deliveryStarts),
      {
        attempt: 1,
        atOnce: 2,
        send: async ({ url }) => {
          urls.push(url.slice(-1));
          return { ...accepted, url };
        },
      },
    );
    const rounds = [0, 1, 2].map((round) => urls.slice(2 * round, 2 * round + 2).sort());
    expect(rounds).toEqual(Array(3).fill(['a', 'b']));
  });

  test.each([
    ['waits for a permit', { atOnce: 1 }, 11_000],
    ['is too slow by then for a batch', { maxConcurrentAttempts: 1 }, 31_000],
  ])('starts nothing more when it sent no heartbeat for too long and the next %s', async (_, limits, stoodStillMs) => {
    const { accountId } = await subscribed();
    const planned = await Promise.all(
      [1, 2].map(() => commitOnly(system.database.store, accountId, TYPE, DATA, 'batch')),
    );
    const deliveryStarts = planned.flatMap((each) => each.deliveryStarts);
    let reply = (): void => undefined;
    const send = jest.fn(
      (request: OutgoingRequest) =>
        new Promise<Exchange>((resolve) => (reply = () => resolve({ ...accepted, url: request.url }))),
    );
    const memory = new Semaphore(100);
    const release = jest.spyOn(memory, 'release');
    const batched = processOnce(deliveryStarts, { attempt: 1, ...limits, memory, send });
    await eventually(
      async () => send.mock.calls.length,
      (calls) => calls === 1,
    );
    const [steadyLater, later] = [performance.now() + stoodStillMs, Date.now() + stoodStillMs];
    jest.spyOn(performance, 'now').mockImplementation(() => steadyLater);
    jest.spyOn(Date, 'now').mockImplementation(() => later);
    reply();
    await expect(batched).rejects.toThrow('sent no heartbeat for too long');
    expect(send).toHaveBeenCalledTimes(1);
    expect(release.mock.calls.reduce((sum, [permits]) => sum + permits, 0)).toBe(deliveryStarts.length);
    jest.restoreAllMocks();
    for (const { deliveryId } of deliveryStarts) expect(await statusOf(`delivery-${deliveryId}`)).toBe('none');
  });

  test('releases memory with each finished delivery while another one hangs', async () => {
    const { accountId } = await subscribed(['/hangs', '/well']);
    const memory = new Semaphore(2);
    let reply = (): void => undefined;
    const send = ({ url }: OutgoingRequest): Promise<Exchange> =>
      url.endsWith('/well')
        ? Promise.resolve({ ...accepted, url })
        : new Promise((resolve) => (reply = () => resolve({ ...accepted, url })));
    const { deliveryStarts } = await commitOnly(system.database.store, accountId, TYPE, DATA, 'batch');
    const hanging = processOnce(deliveryStarts, { attempt: 1, memory, send });
    const { accountId: other } = await subscribed(['/well']);
    const next = await commitOnly(system.database.store, other, TYPE, DATA, 'batch');
    expect(await processOnce(next.deliveryStarts, { attempt: 1, memory, send })).toMatchObject({ accepted: 1 });
    reply();
    expect(await hanging).toMatchObject({ accepted: 2 });
  });

  test('starts workflows that an earlier try could not start', async () => {
    const { accountId } = await subscribed();
    const { deliveryStarts, deliveryIds } = await commitOnly(system.database.store, accountId, TYPE, DATA, 'batch');
    const refused = async (request: OutgoingRequest) => ({ ...accepted, status: 503, url: request.url });
    const start = jest.spyOn(system.client.workflow, 'start').mockRejectedValue(new Error('Temporal is unavailable'));
    await expect(processOnce(deliveryStarts, { attempt: 1, send: refused })).rejects.toThrow('Temporal is unavailable');
    start.mockRestore();
    const send = jest.fn(refused);
    expect(await processOnce(deliveryStarts, { attempt: 2, lostAttempts: 1, send })).toMatchObject({
      startedIndividually: 1,
    });
    expect(send).not.toHaveBeenCalled();
    receiver.reply(200);
    await command(deliveryIds[0]!, 'retry');
    expect((await system.settled(deliveryIds[0]!, 'delivered')).attempts).toMatchObject([
      { number: 1, status: 503 },
      { number: 2, status: 200 },
    ]);
  });
});

test('redelivers a delivery that was accepted in a batch in its own workflow', async () => {
  const { accountId } = await subscribed();
  const [id] = await emitMany(accountId, 25);
  await untilAll(accountId, 'delivered', 25);
  expect((await command(id!, 'redeliver')).status).toBe(202);
  const again = await eventually(
    async () => (await system.ask('GET', `/v1/deliveries/${id}`)).body,
    ({ state, redeliveries }) => state === 'delivered' && redeliveries === 1,
  );
  expect(again).toMatchObject({ workflowId: `delivery-${id}`, attemptCount: 2 });
});
