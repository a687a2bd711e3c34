/**
 * Changes of deliveries that wait for their next attempt. Each test has its own server, whose time is the real one until a
 * delivery's end is awaited: the database has real times.
 */
import { Webhook } from 'standardwebhooks';
import type { DeliveryPolicy } from '../../../src/contract/delivery-policy.js';
import { eventually } from '../../support/eventually.js';
import { saveHistory } from '../../support/histories.js';
import { emitExample } from '../../support/subscriptions.js';
import { openTimeMachine, type TimeSkippingEnv } from '../../support/time-skipping.js';

jest.setTimeout(120_000);

let machine: TimeSkippingEnv;
beforeEach(async () => {
  machine = await openTimeMachine();
});
afterEach(() => machine.close());

const S = 1_000;

function expectGaps(waits: readonly number[]): void {
  const gaps = machine.sent.slice(1).map(({ at }, index) => at - machine.sent[index]!.at);
  expect(gaps).toHaveLength(waits.length);
  // A wait is counted from the failure, which is a moment later than the start of the attempt.
  gaps.forEach((gap, index) => expect(Math.abs(gap - waits[index]!)).toBeLessThan(1_500));
}

/** A delivery whose first attempt was refused; the server's time stands still until its end is awaited. */
async function waiting(policy: DeliveryPolicy) {
  const { ask } = machine.api;
  const account = (await ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const body = { url: 'https://hooks.example.com/in', eventTypes: ['invoice.paid'], policy };
  const subscription = (await ask('POST', `/v1/accounts/${account.id}/subscriptions`, body)).body;
  const emitted = await ask('POST', `/v1/accounts/${account.id}/events`, { type: 'invoice.paid', data: {} });
  const { id } = emitted.body.deliveries[0];
  const handle = await machine.start(machine.deliveryStarts.find(({ deliveryId }) => deliveryId === id)!);
  const read = async () => (await ask('GET', `/v1/deliveries/${id}`)).body;
  await eventually(read, ({ state }) => state === 'retrying');
  return {
    id,
    subscription,
    read,
    end: async () => {
      await handle.result().catch(() => undefined);
      return read();
    },
  };
}

test('a changed policy applies to a delivery under retry from its next step, after a count', async () => {
  const { ask } = machine.api;
  machine.script(500, 500, 500, 404);
  const { subscription, end, id } = await waiting({ schedule: { waits: [100, 100, 100, 100] } });
  const path = `/v1/subscriptions/${subscription.id}`;
  await ask('PATCH', path, { policy: { schedule: { waits: [1, 20, 30, 40] }, timeLimitS: 33, stopStatuses: [404] } });
  const counted = await ask('POST', `${path}/policy/apply`, { dryRun: true });
  expect(counted.body).toEqual({ matched: 1, done: 0, more: false, nextCursor: null });
  expect((await ask('POST', `${path}/policy/apply`)).body).toEqual({
    matched: 1,
    done: 1,
    more: false,
    nextCursor: null,
  });
  expect(await end()).toMatchObject({ state: 'failed', attemptCount: 4 });
  // The wait in progress stays.
  expectGaps([100, 20, 30].map((wait) => wait * S));
  expect(machine.sent.map(({ timeLimitMs }) => timeLimitMs)).toEqual([15_000, 33_000, 33_000, 33_000]);
  await saveHistory(machine.environment.client, 'policy-applied', id);
});

test('a shorter schedule still makes the attempt that is planned, as the last one', async () => {
  const { ask } = machine.api;
  machine.script(500);
  const { subscription, end } = await waiting({ schedule: { waits: [100, 100, 100] } });
  const path = `/v1/subscriptions/${subscription.id}`;
  await ask('PATCH', path, { policy: { schedule: { waits: [] } } });
  await ask('POST', `${path}/policy/apply`);
  expect(await end()).toMatchObject({ state: 'failed', attemptCount: 2 });
  expectGaps([100 * S]);
});

test('an edited policy does not change open deliveries by itself; url, headers and secret do at the next attempt', async () => {
  const { ask } = machine.api;
  machine.script(500, 500, 200);
  const { subscription, end } = await waiting({ schedule: { waits: [50, 60] } });
  const path = `/v1/subscriptions/${subscription.id}`;
  await ask('PATCH', path, {
    url: 'https://hooks.example.com/moved',
    headers: { 'X-Team': 'billing' },
    policy: { schedule: { waits: [1, 1] } },
  });
  const { secret } = (await ask('POST', `${path}/rotate-secret`, { overlapHours: 0 })).body;
  expect(await end()).toMatchObject({ state: 'delivered', attemptCount: 3 });
  expectGaps([50 * S, 60 * S]);
  const [first, second] = machine.sent;
  expect([first!.url, second!.url]).toEqual(['https://hooks.example.com/in', 'https://hooks.example.com/moved']);
  const headers = Object.fromEntries(second!.headers.map(({ name, value }) => [name.toLowerCase(), value]));
  expect(headers['x-team']).toBe('billing');
  expect(new Webhook(secret).verify(second!.body, headers)).toMatchObject({ type: 'invoice.paid' });
});

test('is refused for contracts without policies, and for subscriptions of others', async () => {
  const { ask } = machine.api;
  const { subscriptionId } = await emitExample(ask, 'postmark', 'Open');
  expect(await ask('POST', `/v1/subscriptions/${subscriptionId}/policy/apply`)).toMatchObject({ status: 422 });
  expect(await ask('GET', `/v1/subscriptions/${subscriptionId}/policy`)).toMatchObject({ status: 422 });
});

describe('updates', () => {
  const send = (id: string, name: string, body?: unknown) =>
    machine.api.ask('POST', `/v1/deliveries/${id}/${name}`, body);
  const soon = (at: string, seconds: number) =>
    expect(Math.abs(Date.parse(at) - Date.now() - seconds * S)).toBeLessThan(5_000);

  test('skip moves to the next step of the schedule without an attempt', async () => {
    machine.script(500, 500, 200);
    const { id, end, read } = await waiting({ schedule: { waits: [100, 200, 300] } });
    const skipped = await send(id, 'skip');
    expect(skipped).toMatchObject({ status: 200, body: { position: 2 } });
    soon(skipped.body.nextAttemptAt, 300);
    const shown = await read();
    expect(shown).toMatchObject({ state: 'retrying', attemptCount: 1, nextAttemptAt: skipped.body.nextAttemptAt });
    expect(machine.sent).toHaveLength(1);
    // The position is kept when another command interrupts the wait.
    await send(id, 'pause');
    await eventually(read, ({ state }) => state === 'paused');
    expect(await send(id, 'skip')).toMatchObject({ status: 409, body: { detail: expect.stringMatching('paused') } });
    await send(id, 'resume');
    await eventually(read, ({ state }) => state === 'retrying');
    expect(await end()).toMatchObject({ state: 'delivered', attemptCount: 3 });
    // After attempt 1: 100 + 200 s; after the attempt that follows: the last wait.
    expect(machine.sent[2]!.at - machine.sent[1]!.at).toBeGreaterThan(298 * S);
    await saveHistory(machine.environment.client, 'skipped', id);
  });

  test('skip is refused when the schedule has no further step', async () => {
    machine.script(500);
    const { id, end } = await waiting({ schedule: { waits: [100] } });
    expect(await send(id, 'skip')).toMatchObject({
      status: 409,
      body: { detail: expect.stringMatching('no further step') },
    });
    expect(await end()).toMatchObject({ state: 'failed', attemptCount: 2 });
    expectGaps([100 * S]);
    expect(await send(id, 'skip')).toMatchObject({ status: 409, body: { code: 'delivery_closed' } });
  });

  test('extend moves the planned attempt later, and the rest of the schedule stays', async () => {
    machine.script(500);
    const { id, end } = await waiting({ schedule: { waits: [100, 50] } });
    const extended = await send(id, 'extend', { seconds: 1_000 });
    expect(extended).toMatchObject({ status: 200, body: { position: 1 } });
    soon(extended.body.nextAttemptAt, 1_100);
    for (const seconds of [0, 604_801, 'x'])
      expect(await send(id, 'extend', { seconds })).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'seconds' }] },
      });
    expect(await end()).toMatchObject({ state: 'failed', attemptCount: 3 });
    expectGaps([1_100 * S, 50 * S]);
    await saveHistory(machine.environment.client, 'extended', id);
  });

  test('attempt makes an attempt at once and responds with its outcome', async () => {
    machine.script(500, 503, 200);
    const { id, end } = await waiting({ schedule: { waits: [100] } });
    const refused = await send(id, 'attempt');
    expect(refused).toMatchObject({
      status: 200,
      body: { attempts: 2, state: 'retrying', status: 503, reason: 'status' },
    });
    soon(refused.body.nextAttemptAt, 100);
    const accepted = await send(id, 'attempt');
    expect(accepted.body).toEqual({ attempts: 3, state: 'delivered', status: 200, reason: null, nextAttemptAt: null });
    expect(await end()).toMatchObject({ state: 'delivered', attemptCount: 3 });
    await saveHistory(machine.environment.client, 'attempted-by-update', id);
  });

  test('are refused by a delivery that has no workflow, and for deliveries of others', async () => {
    const { ask } = machine.api;
    const { deliveryId } = await emitExample(ask, 'standard', 'user.created');
    const other = (await ask('POST', '/v1/accounts', { provider: 'standard', name: 'Other' })).body;
    for (const [name, body] of [['skip'], ['extend', { seconds: 5 }], ['attempt']] as [string, unknown?][]) {
      expect(await send(deliveryId, name, body)).toMatchObject({
        status: 409,
        body: { detail: expect.stringMatching('its workflow is not running') },
      });
      const authorization = `Bearer ${other.apiKey}`;
      expect(await ask('POST', `/v1/deliveries/${deliveryId}/${name}`, body, { authorization })).toMatchObject({
        status: 404,
      });
    }
  });

  test('reject arguments that the UI of Temporal may send', async () => {
    machine.script(500);
    const { id } = await waiting({ schedule: { waits: [100] } });
    const handle = machine.environment.client.workflow.getHandle(`delivery-${id}`);
    await expect(handle.executeUpdate('extend', { args: ['soon'] })).rejects.toMatchObject({
      cause: { message: expect.stringMatching('a number of seconds') },
    });
    await handle.signal('applyPolicy', { schedule: 'none' });
    expect(await handle.executeUpdate('extend', { args: [5] })).toMatchObject({ position: 1 });
  });
});
