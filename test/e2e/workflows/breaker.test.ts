/** Circuit breakers, attempt by attempt, in the test server's time. */
import { wakeBreaker } from '../../../src/dispatch/commands/breakers.js';
import { eventually } from '../../support/eventually.js';
import { responded, openTimeMachine, type TimeSkippingEnv } from '../../support/time-skipping.js';

jest.setTimeout(240_000);

let machine: TimeSkippingEnv;
beforeAll(async () => {
  machine = await openTimeMachine();
});
afterAll(() => machine.close());

const S = 1_000;
/** The deliveries of a run; each has a workflow from the start, as its event expires, so that time passes by its timers only. */
const DELIVERIES = 24;

interface Rules {
  readonly probeAfterS: number;
  readonly maxProbeAfterS: number;
  readonly stages: number;
}

/**
 * Opens a breaker with two failures and lets all deliveries end. `passes` is whether each trial is accepted; after the
 * script all are. Returns the deliveries.
 */
async function run(rules: Rules, passes: readonly boolean[]) {
  const { ask } = machine.api;
  const { id: accountId } = (await ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const created = await ask('POST', `/v1/accounts/${accountId}/subscriptions`, {
    url: 'https://hooks.example.com/in',
    eventTypes: [],
    // One wait: a delivery that had to use a position for a trial would fail.
    policy: { schedule: { waits: [5] }, breaker: { failureRate: 1, minAttempts: 2, ...rules } },
  });
  if (created.status !== 201) throw new Error(created.text);
  const subscriptionId: string = created.body.id;
  const emit = async () => {
    const expiresAt = new Date(Date.now() + 50 * 24 * 3_600 * S).toISOString();
    const event = { type: 'user.created', data: {}, expiresAt };
    const { id } = (await ask('POST', `/v1/accounts/${accountId}/events`, event)).body.deliveries[0];
    return {
      id: id as string,
      handle: await machine.start(machine.deliveryStarts.find((start) => start.deliveryId === id)!),
    };
  };
  const delivery = async (id: string) => (await ask('GET', `/v1/deliveries/${id}`)).body;
  const breaker = async () => (await ask('GET', `/v1/subscriptions/${subscriptionId}`)).body.breaker;

  machine.script(503);
  const deliveries = [await emit(), await emit()];
  await eventually(breaker, (shown) => shown?.state === 'open');
  // Nobody waits for a result until all others wait, so that no time passes.
  while (deliveries.length < DELIVERIES) deliveries.push(await emit());
  await eventually(breaker, ({ waiting }) => waiting >= DELIVERIES - 2);
  const openedAt = machine.sent[1]!.at;
  machine.script(
    ...passes.flatMap((passed, index) =>
      Array.from({ length: sizeOf(passes, index) }, () => responded(passed ? 200 : 503)),
    ),
    200,
  );
  await machine.environment.client.workflow.getHandle(`breaker-${subscriptionId}`).result();
  // What was made to wait while the breaker closed is found by the sweep, which does not run here.
  for (let open = 1; open > 0;) {
    await machine.environment.sleep(60 * S);
    await wakeBreaker(machine.environment.client, { accountId, subscriptionId });
    const states = await Promise.all(deliveries.map(({ id }) => delivery(id)));
    open = states.filter(({ state }) => !['delivered', 'failed'].includes(state)).length;
  }
  await Promise.all(deliveries.map(({ handle }) => handle.result().catch(() => undefined)));
  return { openedAt, rows: await Promise.all(deliveries.map(({ id }) => delivery(id))), breaker: await breaker() };
}

/** How many deliveries a trial has: twice as many as the former one if that has passed. */
function sizeOf(passes: readonly boolean[], index: number): number {
  return index > 0 && passes[index - 1] ? 2 * sizeOf(passes, index - 1) : 1;
}

/** When the trials are made after the breaker has opened, and how many deliveries each has; written as simply as possible. */
function model({ probeAfterS, maxProbeAfterS, stages }: Rules, passes: readonly boolean[]) {
  const trials: { at: number; size: number }[] = [];
  let [at, wait, size, stage] = [probeAfterS, probeAfterS, 1, 0];
  for (let number = 0; stage < stages; number += 1) {
    trials.push({ at, size });
    if (passes[number] ?? true) [stage, size] = [stage + 1, size * 2];
    else {
      wait = Math.min(wait * 2, maxProbeAfterS);
      [stage, size, at] = [0, 1, at + wait];
    }
  }
  return trials;
}

/** Compares the requests since the breaker opened with the model's trials. */
function expectTrials(rules: Rules, passes: readonly boolean[], openedAt: number): void {
  let index = 0;
  for (const { at, size } of model(rules, passes)) {
    for (let request = 0; request < size; request += 1, index += 1) {
      const lateS = (machine.sent[index]!.at - openedAt) / S - at;
      // Each step and each failure takes a moment, so distances add up to a little more.
      expect({ index, lateS, isInTime: lateS > -1 && lateS < 60 }).toEqual({ index, lateS, isInTime: true });
    }
  }
}

test('probes after 5, 10, 20 and 20 minutes, then tries two at once, and sends the others', async () => {
  const rules = { probeAfterS: 300, maxProbeAfterS: 1_200, stages: 2 };
  const passes = [false, false, false, false, true, true];
  const { openedAt, rows, breaker } = await run(rules, passes);
  expectTrials(rules, passes, openedAt);
  expect(breaker).toBeNull();
  // Two attempts are all that the schedule has. The first two deliveries have made one of them and a probe before.
  expect(rows.map(({ state, attemptCount }) => `${state} ${attemptCount}`)).toEqual([
    ...['delivered 3', 'delivered 3', 'delivered 2', 'delivered 2'],
    ...Array.from({ length: DELIVERIES - 4 }, () => 'delivered 1'),
  ]);
});
