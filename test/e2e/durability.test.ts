/** Recovery after processes die, workflows are terminated and servers lose data. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { startDelivery } from '../../src/dispatch/start.js';
import { reopenDelivery } from '../../src/store/deliveries/state-changes.js';
import { loadDeliveryStarts } from '../../src/store/deliveries/delivery-starts.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { emitExample, type Emitted } from '../support/subscriptions.js';
import { startSystem, type TestSystem } from '../support/system.js';
import { age, commitOnly, injectFaults, sweepOnce, type Faults } from '../support/process-faults.js';

// One try of each write is enough when faults are numbered.
jest.mock('../../src/lib/retry.js', () => ({ retrying: (write: () => Promise<unknown>) => write() }));

let system: TestSystem;
let receiver: Receiver;
let faults: Faults;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
  faults = injectFaults(system.database.store);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

let paths = 0;
/** A URL that no other delivery has. */
const address = (): string => `${receiver.url}/${(paths += 1)}`;
/** Number of requests for a delivery. */
async function requestsOf(id: string): Promise<number> {
  const { subscriptionId } = (await system.ask('GET', `/v1/deliveries/${id}`)).body;
  const { rows } = await system.database.store.pool.query<{ url: string }>(
    'SELECT url FROM subscriptions WHERE id = $1',
    [subscriptionId],
  );
  return receiver.received.filter(({ path }) => rows[0]!.url.endsWith(path)).length;
}

const sweep = () => sweepOnce(system.database.store, system.client);
const handle = (id: string) => system.client.workflow.getHandle(`delivery-${id}`);
const command = (id: string, name: string, body?: unknown) => system.ask('POST', `/v1/deliveries/${id}/${name}`, body);
const setRow = (id: string, assignments: string) =>
  system.database.store.pool.query(`UPDATE deliveries SET ${assignments} WHERE id = $1`, [id]);
const closed = (id: string) =>
  handle(id)
    .result()
    .catch(() => undefined);

/** An account with a subscription to all events at the receiver. */
async function subscribe(): Promise<{ accountId: string; subscriptionId: string }> {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const body = { url: address(), eventTypes: [] };
  const subscription = (await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body)).body;
  return { accountId: account.id, subscriptionId: subscription.id };
}

/** A delivery that is committed and not started. */
async function unstarted(accountId?: string): Promise<string> {
  const { deliveryIds } = await commitOnly(
    system.database.store,
    accountId ?? (await subscribe()).accountId,
    'user.created',
    { n: 1 },
  );
  return deliveryIds[0]!;
}

/** A waiting delivery whose first attempt was refused: Postmark's Open waits a minute. */
async function waiting(): Promise<Emitted> {
  receiver.reply(500);
  const emitted = await emitExample(system.ask, 'postmark', 'Open', { url: address() });
  await system.settled(emitted.deliveryId, 'retrying');
  receiver.reply(200);
  return emitted;
}

/** A delivery whose first attempt is in flight; `reply` ends it. */
async function inFlight(): Promise<Emitted & { reply: (status: number) => void }> {
  let reply: (status: number) => void = () => undefined;
  const requested = new Promise<void>((resolve) => {
    receiver.reply((response) => {
      reply = (status) => void response.writeHead(status).end();
      resolve();
    });
  });
  const emitted = await emitExample(system.ask, 'postmark', 'Open', { url: address() });
  await requested;
  receiver.reply(200);
  return { ...emitted, reply };
}

describe('a delivery that was committed and never started', () => {
  test('is started once by the sweep when it is old enough', async () => {
    const id = await unstarted();
    await sweep();
    expect((await system.ask('GET', `/v1/deliveries/${id}`)).body).toMatchObject({ state: 'pending', attempts: [] });
    await expect(handle(id).describe()).rejects.toThrow(WorkflowNotFoundError);
    await age(system.database.store, [id], 11);
    expect(await sweep()).toMatchObject({ started: 1 });
    const delivery = await system.settled(id, 'delivered');
    expect(delivery).toMatchObject({ attemptCount: 1 });
    await age(system.database.store, [id], 1_000);
    expect(await sweep()).toMatchObject({ started: 0 });
    expect(await requestsOf(id)).toBe(1);
  });

  test('is started once by two concurrent sweeps', async () => {
    const { accountId } = await subscribe();
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.push(await unstarted(accountId));
    await age(system.database.store, ids, 11);
    const reports = await Promise.all([sweep(), sweep(), sweep()]);
    expect(reports.reduce((sum, { started }) => sum + started, 0)).toBe(5);
    for (const id of ids) expect(await system.settled(id, 'delivered')).toMatchObject({ attemptCount: 1 });
    expect(await requestsOf(ids[0]!)).toBe(5);
  });

  test('is skipped when it has a workflow already', async () => {
    const { deliveryId: id, reply } = await inFlight();
    await age(system.database.store, [id], 1_000);
    expect(await sweep()).toMatchObject({ started: 0 });
    reply(200);
    expect(await system.settled(id, 'delivered')).toMatchObject({ attemptCount: 1 });
    expect(await requestsOf(id)).toBe(1);
  });

  test('applies commands before it is started', async () => {
    const id = await unstarted();
    expect((await command(id, 'pause', { reason: 'not yet' })).status).toBe(202);
    expect(await system.settled(id, 'paused')).toMatchObject({ stateReason: 'not yet', attemptCount: 0 });
    expect((await command(id, 'resume')).status).toBe(202);
    expect(await system.settled(id, 'delivered')).toMatchObject({ attemptCount: 1 });
  });
});

describe('a worker that stops', () => {
  test('is followed by another one that continues the schedule', async () => {
    const { accountId } = await subscribe();
    receiver.reply(500, 200);
    const event = { type: 'user.created', data: 1 };
    const { body } = await system.ask('POST', `/v1/accounts/${accountId}/events`, event);
    const id = body.deliveries[0].id as string;
    await system.settled(id, 'retrying');
    await system.restartWorker();
    expect(await requestsOf(id)).toBe(1);
    const delivery = await system.settled(id, 'delivered');
    expect(delivery.attempts).toMatchObject([
      { number: 1, outcome: 'refused' },
      { number: 2, outcome: 'accepted' },
    ]);
  });

  test('waits for the response to its request', async () => {
    const { deliveryId: id, reply } = await inFlight();
    const restarting = system.restartWorker();
    reply(200);
    await restarting;
    const delivery = await system.settled(id, 'delivered');
    expect(delivery.attempts).toMatchObject([{ number: 1, outcome: 'accepted' }]);
    expect(await requestsOf(id)).toBe(1);
  });
});

describe('a workflow that was terminated', () => {
  const swept = (id: string, state: string) =>
    eventually(
      // Temporal lists a closed workflow shortly after it has closed.
      async () => {
        await sweep();
        return (await system.ask('GET', `/v1/deliveries/${id}`)).body;
      },
      (delivery) => delivery.state === state,
    );

  test('during a wait makes the sweep cancel the delivery', async () => {
    const { deliveryId: id } = await waiting();
    await handle(id).terminate('by hand');
    expect(await swept(id, 'cancelled')).toMatchObject({
      stateReason: 'terminated in Temporal',
      nextAttemptAt: null,
      attemptCount: 1,
      settledAt: expect.any(String),
    });
    await command(id, 'redeliver');
    expect(await system.settled(id, 'delivered')).toMatchObject({ attemptCount: 2, redeliveries: 1 });
    // The first run is still in the list of terminated workflows.
    await sweep();
    expect((await system.ask('GET', `/v1/deliveries/${id}`)).body.state).toBe('delivered');
  });

  test('during a pause makes the sweep cancel the delivery', async () => {
    const { deliveryId: id } = await waiting();
    await command(id, 'pause');
    await system.settled(id, 'paused');
    await handle(id).terminate('by hand');
    expect(await swept(id, 'cancelled')).toMatchObject({ stateReason: 'terminated in Temporal' });
  });

  test('during an attempt does not hide that the receiver accepted', async () => {
    const { deliveryId: id, reply } = await inFlight();
    await handle(id).terminate('by hand');
    reply(200);
    expect(await system.settled(id, 'delivered')).toMatchObject({ attemptCount: 1 });
    await sweep();
    expect((await system.ask('GET', `/v1/deliveries/${id}`)).body.state).toBe('delivered');
  });

  test.each(['retry', 'pause'])('responds with 409 to %s', async (name) => {
    const pending = await unstarted();
    const [deliveryStart] = await loadDeliveryStarts(system.database.store, [pending]);
    receiver.reply(() => undefined);
    await startDelivery({ client: system.client, eager: false }, deliveryStart!);
    await handle(pending).terminate('by hand');
    expect(await command(pending, name)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    const { deliveryId: waited } = await waiting();
    await handle(waited).terminate('by hand');
    expect(await command(waited, name)).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });

  test('does not prevent its delivery from being cancelled', async () => {
    for (const state of ['paused', 'retrying', 'pending']) {
      const { deliveryId: id } = await waiting();
      await handle(id).terminate('by hand');
      await setRow(id, `state = '${state}'`);
      expect((await command(id, 'cancel', { reason: 'enough' })).status).toBe(202);
      expect((await system.ask('GET', `/v1/deliveries/${id}`)).body).toMatchObject({
        state: 'cancelled',
        stateReason: 'enough',
      });
    }
  });

  test('does not stop the sweep from cancelling deliveries of deleted subscriptions', async () => {
    for (const state of ['pending', 'paused']) {
      const { deliveryId: id, subscriptionId } = await waiting();
      await handle(id).terminate('by hand');
      await setRow(id, `state = '${state}'`);
      await system.ask('DELETE', `/v1/subscriptions/${subscriptionId}`);
      await sweep();
      const { body } = await system.ask('GET', `/v1/deliveries/${id}`);
      expect(body).toMatchObject({ state: 'cancelled', stateReason: 'the subscription was deleted' });
    }
  });
});

describe('a workflow that Temporal has lost', () => {
  /** A delivery after the loss of Temporal's database: its row has a workflow. */
  async function lost(assignments: string): Promise<string> {
    const id = await unstarted();
    await setRow(id, `owned = true, ${assignments}`);
    return id;
  }

  test.each([
    ['waited for its next attempt', "state = 'retrying', next_attempt_at = now() - interval '301 s', attempts = 1"],
    ['was about to make its first attempt', "state = 'pending', updated_at = now() - interval '301 s'"],
  ])('while it %s is started again by the sweep', async (_where, assignments) => {
    const id = await lost(assignments);
    expect(await sweep()).toMatchObject({ started: 1 });
    expect(await system.settled(id, 'delivered')).toMatchObject({ lastStatus: 200 });
    expect(await requestsOf(id)).toBe(1);
  });

  test.each([
    ['retrying', "state = 'retrying', next_attempt_at = now() - interval '299 s'"],
    ['pending', "state = 'pending', updated_at = now() - interval '299 s'"],
  ])('is not looked up before %s it is five minutes late', async (_state, assignments) => {
    const id = await lost(assignments);
    expect(await sweep()).toMatchObject({ started: 0 });
    await command(id, 'cancel');
  });

  test.each(['resume', 'retry'])('while it was paused is started again by %s', async (name) => {
    const id = await lost("state = 'paused', state_reason = 'by hand'");
    expect((await command(id, name)).status).toBe(202);
    expect(await system.settled(id, 'delivered')).toMatchObject({ attemptCount: 1, stateReason: null });
  });

  test.each(['paused', 'retrying'])('while it was %s is started again to be cancelled', async (state) => {
    const id = await lost(`state = '${state}'`);
    expect((await command(id, 'cancel', { reason: 'enough' })).status).toBe(202);
    expect(await system.settled(id, 'cancelled')).toMatchObject({ stateReason: 'enough', attemptCount: 0 });
    await closed(id);
    expect((await handle(id).describe()).status.name).toBe('CANCELLED');
    expect(await requestsOf(id)).toBe(0);
  });

  test('is not assumed while the workflow is running, however late it is', async () => {
    const { deliveryId: id } = await waiting();
    await age(system.database.store, [id], 1_000);
    expect(await sweep()).toMatchObject({ started: 0 });
    expect((await system.ask('GET', `/v1/deliveries/${id}`)).body.state).toBe('retrying');
    await command(id, 'cancel');
  });
});

describe('a subscription', () => {
  test('whose deliveries were not resumed when it was enabled has them resumed by the sweep', async () => {
    const { deliveryId: id, subscriptionId } = await waiting();
    await system.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: false });
    await command(id, 'retry');
    await system.settled(id, 'paused');
    await sweep();
    expect((await system.ask('GET', `/v1/deliveries/${id}`)).body.state).toBe('paused');
    // As when the process dies between saving the subscription and resuming the deliveries.
    await system.database.store.pool.query('UPDATE subscriptions SET enabled = true WHERE id = $1', [subscriptionId]);
    await sweep();
    expect(await system.settled(id, 'delivered')).toMatchObject({ attemptCount: 2 });
  });

  test('that is enabled does not resume deliveries that its owner paused', async () => {
    const { deliveryId: id } = await waiting();
    await command(id, 'pause', { reason: 'by hand' });
    await system.settled(id, 'paused');
    await sweep();
    expect((await system.ask('GET', `/v1/deliveries/${id}`)).body).toMatchObject({
      state: 'paused',
      stateReason: 'by hand',
    });
  });

  test('that was deleted has its open deliveries cancelled, started or not', async () => {
    const { accountId, subscriptionId } = await subscribe();
    const id = await unstarted(accountId);
    await system.ask('DELETE', `/v1/subscriptions/${subscriptionId}`);
    expect((await sweep()).cancelled).toBeGreaterThanOrEqual(1);
    expect(await system.settled(id, 'cancelled')).toMatchObject({
      stateReason: 'the subscription was deleted',
      attemptCount: 0,
    });
    expect(await requestsOf(id)).toBe(0);
  });
});

describe('a redelivery', () => {
  test('whose former run is still open ends it, and delays nothing else', async () => {
    const { deliveryId: id } = await waiting();
    // As when a worker dies after recording the end and before reporting it.
    await setRow(id, "state = 'delivered'");
    await reopenDelivery(system.database.store, id);
    const other = await unstarted();
    await age(system.database.store, [id, other], 11);
    await sweep();
    expect(await system.settled(other, 'delivered')).toMatchObject({ attemptCount: 1 });
    // Where the former run took too long to close, the next sweep starts the redelivery.
    await eventually(
      async () => {
        await sweep();
        return (await system.ask('GET', `/v1/deliveries/${id}`)).body as { state: string };
      },
      ({ state }) => state === 'delivered',
    );
    expect(await system.settled(id, 'delivered')).toMatchObject({ redeliveries: 1, attemptCount: 2 });
    expect(await requestsOf(id)).toBe(2);
  });

  test('to a deleted subscription is cancelled', async () => {
    const { deliveryId: id, subscriptionId } = await emitExample(system.ask, 'postmark', 'Open', { url: address() });
    await system.settled(id, 'delivered');
    await system.ask('DELETE', `/v1/subscriptions/${subscriptionId}`);
    expect((await command(id, 'redeliver', { allowDelivered: true })).status).toBe(202);
    const delivery = await system.settled(id, 'cancelled');
    expect(delivery).toMatchObject({ stateReason: 'the subscription was deleted', attemptCount: 1, redeliveries: 1 });
  });
});

test('records an outcome later that could not be recorded, and continues the schedule from there', async () => {
  receiver.reply(500, 200);
  // The attempt itself, and the workflow's first try to record it.
  faults.fail('record-attempts', 2);
  const { deliveryId: id } = await emitExample(system.ask, 'postmark', 'Open', { url: address() });
  const delivery = await system.settled(id, 'retrying');
  expect(delivery.attempts).toMatchObject([{ number: 1, outcome: 'refused', status: 500 }]);
  expect(faults.remaining).toBe(0);
  const nextIn = Date.parse(delivery.nextAttemptAt as string) - Date.now();
  expect(nextIn).toBeGreaterThan(50_000);
  expect(nextIn).toBeLessThan(61_000);
  expect(await requestsOf(id)).toBe(1);
  await command(id, 'retry');
  expect((await system.settled(id, 'delivered')).attempts).toMatchObject([
    { number: 1, outcome: 'refused' },
    { number: 2, outcome: 'accepted' },
  ]);
});

test('is ready when a process has its database', async () => {
  expect(await system.ask('GET', '/readyz')).toMatchObject({
    status: 200,
    body: { status: 'ok', database: 'ok', schema: 'ok' },
  });
  // The operators' response also contains whether a worker makes attempts.
  expect((await system.ask('GET', '/v1/health')).body).toEqual({
    database: 'ok',
    schema: 'ok',
    temporal: 'ok',
    workers: 1,
    unreconciled: 0,
  });
});

test('deletes an idempotency key after a day', async () => {
  const { accountId } = await subscribe();
  const emit = (data: number) =>
    system.ask('POST', `/v1/accounts/${accountId}/events`, { type: 'a', data }, { 'idempotency-key': 'k' });
  const keepFor = (hours: number) =>
    system.database.store.pool.query(
      'UPDATE idempotency_keys SET created_at = now() - make_interval(hours => $2) WHERE account_id = $1',
      [accountId, hours],
    );
  expect((await emit(1)).status).toBe(202);
  await keepFor(23);
  await sweep();
  expect((await emit(2)).status).toBe(422);
  await keepFor(25);
  await sweep();
  expect((await emit(2)).status).toBe(202);
});

describe('Reset in Temporal', () => {
  /** Resets the newest run of a delivery's workflow, or the run with this id, to its start. */
  async function reset(id: string, runId?: string): Promise<void> {
    const workflow = system.client.workflow.getHandle(`delivery-${id}`, runId);
    const description = (await workflow.describe()) as { runId: string };
    const { events } = await workflow.fetchHistory();
    const firstTask = events!.find(({ workflowTaskCompletedEventAttributes: completed }) => completed)!;
    await system.client.workflowService.resetWorkflowExecution({
      namespace: system.client.options.namespace,
      workflowExecution: { workflowId: `delivery-${id}`, runId: description.runId },
      workflowTaskFinishEventId: firstTask.eventId,
      requestId: `reset-${(resets += 1)}`,
      reason: 'by hand',
    });
  }
  let resets = 0;

  /** A delivery that was accepted; the run of its workflow has ended. */
  async function delivered(): Promise<{ id: string; runId: string }> {
    const { deliveryId: id } = await emitExample(system.ask, 'postmark', 'Open', { url: address() });
    await system.settled(id, 'delivered');
    await closed(id);
    return { id, runId: ((await handle(id).describe()) as { runId: string }).runId };
  }

  test('of a finished delivery sends again', async () => {
    const { id } = await delivered();
    await reset(id);
    await eventually(
      () => requestsOf(id),
      (count) => count === 2,
    );
    await closed(id);
    const delivery = await system.settled(id, 'delivered');
    expect(delivery.attempts).toMatchObject([
      { number: 1, run: 0, outcome: 'accepted' },
      { number: 2, run: 0, outcome: 'accepted' },
    ]);
    await sweep();
    expect((await system.ask('GET', `/v1/deliveries/${id}`)).body.state).toBe('delivered');
  });

  test('of a run that was followed by a redelivery sends nothing, and reports why', async () => {
    const { id, runId } = await delivered();
    await command(id, 'redeliver', { allowDelivered: true });
    await system.settled(id, 'delivered');
    await closed(id);
    await reset(id, runId);
    await expect(handle(id).result()).rejects.toMatchObject({
      cause: { type: 'DeliverySuperseded', message: expect.stringMatching('only redelivery 1 sends') },
    });
    await sweep();
    const { body } = await system.ask('GET', `/v1/deliveries/${id}`);
    expect(body).toMatchObject({ state: 'delivered', redeliveries: 1, attemptCount: 2 });
    expect(await requestsOf(id)).toBe(2);
  });

  test('of a former run ends the redelivery in flight, as Temporal terminates it, and it can be redelivered', async () => {
    const { id, runId } = await delivered();
    receiver.reply(500);
    await command(id, 'redeliver', { allowDelivered: true });
    await system.settled(id, 'retrying');
    receiver.reply(200);
    await reset(id, runId);
    await expect(handle(id).result()).rejects.toMatchObject({ cause: { type: 'DeliverySuperseded' } });
    const ended = await eventually(
      async () => {
        await sweep();
        return (await system.ask('GET', `/v1/deliveries/${id}`)).body;
      },
      ({ state }) => state !== 'retrying',
    );
    expect(ended).toMatchObject({ state: 'cancelled', stateReason: 'terminated in Temporal', redeliveries: 1 });
    await command(id, 'redeliver');
    expect(await system.settled(id, 'delivered')).toMatchObject({ redeliveries: 2, attemptCount: 3 });
    expect(await requestsOf(id)).toBe(3);
  });
});
