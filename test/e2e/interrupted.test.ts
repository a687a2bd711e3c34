/** Attempts that are interrupted when a worker dies or the database is unavailable, in the test server's time. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { attempt } from '../../src/activities/attempt/attempt.js';
import { shareDependencies } from '../../src/activities/index.js';
import { rowOfUnrecorded } from '../../src/activities/attempt/save.js';
import { startOptions } from '../../src/dispatch/start.js';
import type { EgressClient, Exchange } from '../../src/egress/types.js';
import { recordAttempt } from '../../src/store/attempts/recording.js';
import { reopenDelivery } from '../../src/store/deliveries/state-changes.js';
import type { delivery } from '../../src/workflows/delivery/workflow.js';
import { FailureType } from '../../src/workflows/failure.js';
import { ATTEMPT_MARGIN_MS } from '../../src/workflows/limits.js';
import type { AttemptTask, DeliveryResult } from '../../src/workflows/types.js';
import { eventually } from '../support/eventually.js';
import { emitExample } from '../support/subscriptions.js';
import { responded, openTimeMachine, type TimeSkippingEnv } from '../support/time-skipping.js';
import { injectFaults, type Faults } from '../support/process-faults.js';

// One try of each write is enough when faults are numbered.
jest.mock('../../src/lib/retry.js', () => ({ retrying: (write: () => Promise<unknown>) => write() }));

const MINUTE = 60_000;

let machine: TimeSkippingEnv;
let faults: Faults;
beforeAll(async () => {
  machine = await openTimeMachine();
  faults = injectFaults(machine.database.store);
});
afterAll(() => machine.close());
afterEach(() => expect(faults.remaining).toBe(0));

const show = async (id: string) => (await machine.api.ask('GET', `/v1/deliveries/${id}`)).body;
const outcomes = (shown: { attempts: { number: number; outcome: string }[] }) =>
  shown.attempts.map(({ number, outcome }) => `${number} ${outcome}`);

/** A delivery that is committed; Postmark's Open has waits of 1, 5 and 15 minutes. */
async function accepted(provider = 'postmark', eventType = 'Open') {
  const { deliveryId } = await emitExample(machine.api.ask, provider, eventType);
  return machine.deliveryStarts.find((deliveryStart) => deliveryStart.deliveryId === deliveryId)!;
}

/** Runs a delivery to its end; returns its id and why it failed. */
async function run(provider?: string, eventType?: string): Promise<{ id: string; error?: Error }> {
  const deliveryStart = await accepted(provider, eventType);
  const handle = await machine.start(deliveryStart);
  const error = await handle.result().then(
    () => undefined,
    (reason: Error) => reason,
  );
  return { id: deliveryStart.deliveryId, error };
}

/** A response that arrives when `respond` is called. */
function delayed(): { response: Promise<Exchange>; respond: (exchange: Exchange) => void } {
  let respond: (exchange: Exchange) => void = () => undefined;
  const response = new Promise<Exchange>((resolve) => (respond = resolve));
  return { response, respond };
}

const failure: Exchange = { kind: 'failure', reason: 'reset', message: 'hung up', durationMs: 1 };

/** Starts a delivery whose attempts may take half a second, including the margin. */
async function startImpatient() {
  const deliveryStart = await accepted();
  const { args, ...options } = startOptions(deliveryStart);
  const handle = await machine.environment.client.workflow.start<typeof delivery>('delivery', {
    ...options,
    args: [{ ...args[0], timeLimitMs: 500 - ATTEMPT_MARGIN_MS }],
  });
  const result = (): Promise<DeliveryResult> => handle.result();
  return { id: deliveryStart.deliveryId, result, signal: (name: string) => handle.signal(name) };
}

interface Shown {
  state: string;
  attempts: { number: number; outcome: string }[];
}
const shownWhen = (id: string, is: (shown: Shown) => boolean): Promise<Shown> => eventually(() => show(id), is);

describe('a worker that dies during an attempt', () => {
  test('is detected, and the next attempt of the schedule has the next number', async () => {
    const { response, respond } = delayed();
    machine.script(response, 200);
    const { id, result } = await startImpatient();
    expect(await result()).toEqual({ attempts: 2, status: 200 });
    const shown = await show(id);
    expect(outcomes(shown)).toEqual(['1 interrupted', '2 accepted']);
    expect(shown).toMatchObject({ state: 'delivered', attemptCount: 2, lastStatus: 200 });
    const [first, second] = machine.sent;
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(MINUTE);
    expect(second!.body).toBe(first!.body);
    respond(failure);
    // It was only frozen: its late attempt is recorded, and undoes nothing.
    const late = await eventually(
      () => show(id),
      ({ attempts }) => attempts[0].outcome !== 'interrupted',
    );
    expect(late).toMatchObject({ state: 'delivered', attemptCount: 2, lastStatus: 200 });
    expect(outcomes(late)).toEqual(['1 failed', '2 accepted']);
  });

  test('several times uses one position of the schedule each time', async () => {
    const [one, two] = [delayed(), delayed()];
    machine.script(one.response, two.response, 500, 200);
    const { id, result } = await startImpatient();
    expect(await result()).toEqual({ attempts: 4, status: 200 });
    expect(outcomes(await show(id))).toEqual(['1 interrupted', '2 interrupted', '3 refused', '4 accepted']);
    one.respond(failure);
    two.respond(failure);
  });

  test('on the last attempt fails the delivery visibly', async () => {
    const { response, respond } = delayed();
    machine.script(500, 500, 500, response);
    const { id, result } = await startImpatient();
    await expect(result()).rejects.toThrow();
    const shown = await show(id);
    expect(shown).toMatchObject({
      state: 'failed',
      stateReason: expect.stringMatching('the worker stopped during the last attempt'),
      nextAttemptAt: null,
      attemptCount: 4,
      lastStatus: null,
      lastReason: 'interrupted',
    });
    expect(outcomes(shown)).toEqual(['1 refused', '2 refused', '3 refused', '4 interrupted']);
    respond(failure);
    // It was only frozen, and reports the end of its attempt.
    const late = await eventually(
      () => show(id),
      ({ attempts }) => attempts[3].outcome !== 'interrupted',
    );
    expect(late).toMatchObject({ state: 'failed', attemptCount: 4 });
    expect(outcomes(late)).toEqual(['1 refused', '2 refused', '3 refused', '4 failed']);
  });

  test('on every attempt fails a delivery that shows all of them', async () => {
    const lost = [delayed(), delayed(), delayed(), delayed()];
    machine.script(...lost.map(({ response }) => response));
    const { id, result } = await startImpatient();
    await expect(result()).rejects.toThrow();
    const shown = await show(id);
    expect(shown).toMatchObject({ state: 'failed', attemptCount: 4 });
    expect(outcomes(shown)).toEqual(['1 interrupted', '2 interrupted', '3 interrupted', '4 interrupted']);
    // The first of them was accepted.
    lost[0]!.respond(responded(200));
    const late = await eventually(
      () => show(id),
      ({ state }) => state === 'delivered',
    );
    expect(outcomes(late)).toEqual(['1 accepted', '2 interrupted', '3 interrupted', '4 interrupted']);
    for (const { respond } of lost.slice(1)) respond(failure);
  });
});

describe('a worker that dies during an extra attempt by hand', () => {
  test('shows the attempt with its own number when the next attempt of the schedule is made', async () => {
    const { response, respond } = delayed();
    machine.script(500, response, 200);
    const { id, result, signal } = await startImpatient();
    await shownWhen(id, ({ state }) => state === 'retrying');
    await signal('retryNow');
    expect(await result()).toEqual({ attempts: 3, status: 200 });
    expect(outcomes(await show(id))).toEqual(['1 refused', '2 interrupted', '3 accepted']);
    respond(failure);
    const late = await shownWhen(id, ({ attempts }) => attempts[1]!.outcome !== 'interrupted');
    expect(outcomes(late)).toEqual(['1 refused', '2 failed', '3 accepted']);
  });

  test('shows the attempt and all following ones when every later worker dies too', async () => {
    const lost = [delayed(), delayed(), delayed(), delayed()];
    machine.script(500, ...lost.map(({ response }) => response));
    const { id, result, signal } = await startImpatient();
    await shownWhen(id, ({ state }) => state === 'retrying');
    await signal('retryNow');
    await expect(result()).rejects.toThrow();
    const shown = await show(id);
    expect(shown).toMatchObject({ state: 'failed', attemptCount: 5 });
    expect(outcomes(shown).slice(1)).toEqual(['2 interrupted', '3 interrupted', '4 interrupted', '5 interrupted']);
    for (const { respond } of lost) respond(failure);
  });
});

describe('a database that becomes unavailable before anything is sent', () => {
  test('uses no attempt of the delivery', async () => {
    machine.script(500);
    faults.fail('load-attempt-material', 3);
    const { id, error } = await run();
    expect(error).toMatchObject({ cause: { type: FailureType.exhausted } });
    const shown = await show(id);
    expect(outcomes(shown)).toEqual(['1 refused', '2 refused', '3 refused', '4 refused']);
    expect(machine.sent).toHaveLength(4);
  });

  test('uses no attempt between other attempts either', async () => {
    const { response, respond } = delayed();
    machine.script(500, response, 500);
    const running = run();
    await eventually(
      async () => machine.sent.length,
      (count) => count === 2,
    );
    faults.fail('load-attempt-material', 2);
    respond(failure);
    const { id } = await running;
    expect(outcomes(await show(id))).toEqual(['1 refused', '2 failed', '3 refused', '4 refused']);
    expect(machine.sent).toHaveLength(4);
  });
});

describe('a database that becomes unavailable after something was sent', () => {
  test('gets the acceptance later, and nothing is sent again', async () => {
    machine.script(200);
    faults.fail('record-accepted-at-once', 3);
    const { id, error } = await run();
    expect(error).toBeUndefined();
    const shown = await show(id);
    expect(shown).toMatchObject({ state: 'delivered', attemptCount: 1, lastStatus: 200 });
    expect(outcomes(shown)).toEqual(['1 accepted']);
    expect(machine.sent).toHaveLength(1);
  });

  test('gets the refusal later, and the schedule continues from there', async () => {
    machine.script(500, 200);
    faults.fail('record-attempts', 2);
    const { id, error } = await run();
    expect(error).toBeUndefined();
    expect(outcomes(await show(id))).toEqual(['1 refused', '2 accepted']);
    expect(machine.sent).toHaveLength(2);
  });

  test('gets the outcome of the last attempt later', async () => {
    const { response, respond } = delayed();
    machine.script(500, 500, 500, response);
    const running = run();
    await eventually(
      async () => machine.sent.length,
      (count) => count === 4,
    );
    faults.fail('record-attempts', 2);
    respond(responded(500));
    const { id, error } = await running;
    expect(error).toBeDefined();
    expect(await show(id)).toMatchObject({ state: 'failed', attemptCount: 4, lastStatus: 500, nextAttemptAt: null });
    expect(machine.sent).toHaveLength(4);
  });

  test.each([0, 1, 2])('disables the subscription later after a 410, after %i failures', async (times) => {
    machine.script(410);
    faults.fail('record-attempts', times);
    const { id, error } = await run('standard', 'user.created');
    expect(error).toBeDefined();
    const shown = await show(id);
    expect(shown).toMatchObject({ state: 'failed', attemptCount: 1, lastStatus: 410 });
    const { body } = await machine.api.ask('GET', `/v1/subscriptions/${shown.subscriptionId}`);
    expect(body).toMatchObject({ enabled: false, disabledReason: 'the receiver responded with 410 Gone' });
  });
});

describe('an attempt whose report is lost', () => {
  /** Makes an attempt as an activity of this workflow run; returns its result or error. */
  async function make(task: AttemptTask, { runId = 'run-1', number = 1 } = {}): Promise<unknown> {
    const { store } = machine.database;
    const egress: EgressClient = {
      send: async (request) => {
        machine.sent.push({ ...request, at: 0 });
        return statuses.length > 1 ? responded(statuses.shift()!) : responded(statuses[0]!);
      },
      close: async () => undefined,
    };
    const environment = new MockActivityEnvironment(
      { attempt: number, workflowExecution: { workflowId: `delivery-${task.deliveryId}`, runId } },
      { logger: quiet },
    );
    return environment.run(() => attempt(shareDependencies({ store, egress }), task)).catch((error: unknown) => error);
  }
  const nothing = (): void => undefined;
  const quiet = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
  let statuses: number[];

  async function task(schedule: readonly number[] = [1_000]): Promise<AttemptTask> {
    const { deliveryId, run: number } = await accepted('standard', 'user.created');
    machine.script();
    return { deliveryId, run: number, schedule, position: 0, timeLimitMs: 1_000 };
  }

  test('is not made again when it was accepted', async () => {
    statuses = [200];
    const it = await task();
    expect(await make(it)).toEqual({ attempts: 1, status: 200 });
    expect(await make(it, { number: 2 })).toEqual({ attempts: 1, status: 200 });
    expect(machine.sent).toHaveLength(1);
    expect(outcomes(await show(it.deliveryId))).toEqual(['1 accepted']);
  });

  test('is not made again when it was the last', async () => {
    statuses = [500];
    const it = await task([]);
    expect(await make(it)).toMatchObject({ type: FailureType.exhausted, nonRetryable: true });
    expect(await make(it)).toMatchObject({ type: FailureType.exhausted, nonRetryable: true });
    expect(machine.sent).toHaveLength(1);
    expect(await show(it.deliveryId)).toMatchObject({ state: 'failed', attemptCount: 1 });
  });

  test('is followed by the next one when it was refused', async () => {
    statuses = [500, 200];
    const it = await task();
    expect(await make(it)).toMatchObject({ type: FailureType.notAccepted, nonRetryable: false });
    expect(await make(it, { number: 2 })).toEqual({ attempts: 2, status: 200 });
    expect(outcomes(await show(it.deliveryId))).toEqual(['1 refused', '2 accepted']);
  });

  test('is followed by no other when an attempt that was thought lost was accepted in the meantime', async () => {
    statuses = [500];
    const it = await task();
    // The first one hangs; the second is refused; then the first one is recorded as accepted.
    expect(await make(it, { number: 2 })).toMatchObject({ type: FailureType.exhausted });
    const { store } = machine.database;
    const [row] = (await store.pool.query('SELECT * FROM deliveries WHERE id = $1', [it.deliveryId])).rows;
    expect(row).toMatchObject({ attempts: 2, state: 'failed' });
    await recordAttempt(store, {
      ...rowOfUnrecorded(
        {
          deliveryId: it.deliveryId,
          run: 0,
          number: 1,
          startedAt: Date.now(),
          durationMs: 1,
          outcome: 'accepted',
          status: 200,
          reason: null,
          message: null,
          state: 'delivered',
          stateReason: null,
          disable: false,
          nextAttemptAt: null,
          schedulePosition: 0,
        },
        'run-1',
      ),
    });
    expect(await make(it, { number: 3 })).toEqual({ attempts: 2, status: 200 });
    expect(machine.sent).toHaveLength(1);
    expect(outcomes(await show(it.deliveryId))).toEqual(['1 accepted', '2 refused']);
  });

  test('is made again by another run of the workflow, as after Reset', async () => {
    statuses = [200];
    const it = await task();
    await make(it);
    expect(await make(it, { runId: 'run-2' })).toEqual({ attempts: 2, status: 200 });
    expect(machine.sent).toHaveLength(2);
  });

  test('is not made for a run that was followed by a redelivery', async () => {
    statuses = [200];
    const it = await task();
    await make(it);
    await reopenDelivery(machine.database.store, it.deliveryId);
    expect(await make(it, { number: 2 })).toMatchObject({ type: FailureType.superseded, nonRetryable: true });
    expect(machine.sent).toHaveLength(1);
    expect(await show(it.deliveryId)).toMatchObject({ state: 'pending', redeliveries: 1, attemptCount: 1 });
    expect(await make({ ...it, run: 1 }, { runId: 'run-2' })).toEqual({ attempts: 2, status: 200 });
    expect(outcomes(await show(it.deliveryId))).toEqual(['1 accepted', '2 accepted']);
  });

  test('sends nothing when its worker or the database was blocked for too long before', async () => {
    statuses = [200];
    const it = await task();
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 20_000));
    expect(await make(it)).toMatchObject({
      type: FailureType.storeUnavailable,
      nonRetryable: true,
      details: [{ attemptsMade: 0 }],
    });
    clock.mockRestore();
    expect(machine.sent).toHaveLength(0);
    expect(await show(it.deliveryId)).toMatchObject({ state: 'pending', attemptCount: 0 });
    expect(await make(it)).toEqual({ attempts: 1, status: 200 });
  });

  test("contains nothing of the receiver's response in its failure", async () => {
    statuses = [500];
    const it = await task();
    const error = await make(it);
    expect(error).toMatchObject({
      message: 'the receiver responded with 500; next attempt in 1 s',
      category: 'BENIGN',
    });
  });
});
