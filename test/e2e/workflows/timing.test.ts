/** Events with times, attempt by attempt, in the test server's time. */
import type { WorkflowHandle } from '@temporalio/client';
import { eventually } from '../../support/eventually.js';
import { saveHistory } from '../../support/histories.js';
import { openTimeMachine, responded, type TimeSkippingEnv } from '../../support/time-skipping.js';

jest.setTimeout(120_000);

let machine: TimeSkippingEnv;
let accountId: string;
// A server for each test, as times are relative to the real time, and the server's runs ahead of it.
beforeEach(async () => {
  machine = await openTimeMachine();
  const { ask } = machine.api;
  accountId = (await ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body.id;
  await ask('POST', `/v1/accounts/${accountId}/subscriptions`, { url: 'https://example.com/in', eventTypes: [] });
});
afterEach(() => machine.close());

const HOUR = 3_600_000;

/** A time by the server's clock. */
const inHours = async (hours: number) => (await machine.environment.currentTimeMs()) + hours * HOUR;
const iso = (at: number) => new Date(at).toISOString();

/** Emits an event and starts its delivery's workflow. */
async function start(timing: object) {
  const { body } = await machine.api.ask('POST', `/v1/accounts/${accountId}/events`, {
    type: 'user.created',
    data: {},
    ...timing,
  });
  const deliveryId: string = body.deliveries[0].id;
  const deliveryStart = machine.deliveryStarts.find((candidate) => candidate.deliveryId === deliveryId)!;
  const handle = await machine.start(deliveryStart);
  const ended = () =>
    handle.result().then(
      () => undefined,
      (error: Error) => error,
    );
  return { deliveryId, handle, ended };
}

const deliveryOf = async (id: string) => (await machine.api.ask('GET', `/v1/deliveries/${id}`)).body;

test('waits until deliverAt, shows that time, and then keeps its schedule', async () => {
  machine.script(500, 200);
  const at = await inHours(48);
  const { deliveryId, ended } = await start({ deliverAt: iso(at) });
  expect(await deliveryOf(deliveryId)).toMatchObject({ state: 'pending', nextAttemptAt: iso(at), deliverAt: iso(at) });
  expect(await ended()).toBeUndefined();
  expect(machine.sent).toHaveLength(2);
  expect(Math.abs(machine.sent[0]!.at - at)).toBeLessThan(1_500);
  expect(Math.abs(machine.sent[1]!.at - at - 5_000)).toBeLessThan(1_500);
  expect(await deliveryOf(deliveryId)).toMatchObject({ state: 'delivered', attemptCount: 2 });
  await saveHistory(machine.environment.client, 'delivered-at-its-time', deliveryId);
});

test('is sent at once by retry now, and can be cancelled, while it waits for its time', async () => {
  machine.script(200);
  const deliverAt = iso(await inHours(48));
  const [sent, cancelled] = [await start({ deliverAt }), await start({ deliverAt })];
  await machine.api.ask('POST', `/v1/deliveries/${sent.deliveryId}/retry`);
  await machine.api.ask('POST', `/v1/deliveries/${cancelled.deliveryId}/cancel`, { reason: 'not wanted' });
  // Before the ends are awaited, as the server skips to the time of both then.
  await eventually(
    async () => [(await deliveryOf(sent.deliveryId)).state, (await deliveryOf(cancelled.deliveryId)).state],
    (states) => states.join() === 'delivered,cancelled',
  );
  expect(await sent.ended()).toBeUndefined();
  expect(machine.sent[0]!.at).toBeLessThan(Date.parse(deliverAt) - HOUR);
  await cancelled.ended();
  expect(await deliveryOf(cancelled.deliveryId)).toMatchObject({ state: 'cancelled', stateReason: 'not wanted' });
  expect(machine.sent).toHaveLength(1);
});

/** When the workflow wanted the timer that has fired: by its own clock, which stands still while it decides. */
async function firedTimerDueAt(handle: Pick<WorkflowHandle, 'fetchHistory'>): Promise<number> {
  const events = (await handle.fetchHistory()).events!;
  const { timerId } = events.find(
    ({ timerFiredEventAttributes }) => timerFiredEventAttributes,
  )!.timerFiredEventAttributes!;
  const index = events.findIndex(({ timerStartedEventAttributes: timer }) => timer?.timerId === timerId);
  const { startToFireTimeout } = events[index]!.timerStartedEventAttributes!;
  const decided = events.slice(0, index).findLast((event) => event.workflowTaskStartedEventAttributes)!;
  return msOf(decided.eventTime!) + msOf(startToFireTimeout!);
}

/** A time, or a duration, of Temporal in milliseconds. */
function msOf({ seconds, nanos }: { seconds?: unknown; nanos?: number | null }): number {
  return Number(seconds ?? 0) * 1_000 + (nanos ?? 0) / 1_000_000;
}

test('makes no attempt after expiresAt, wherever it is in its schedule', async () => {
  machine.script(500);
  const at = await inHours(1);
  const { deliveryId, handle, ended } = await start({ expiresAt: iso(at) });
  expect(await ended()).toMatchObject({ cause: { type: 'DeliveryExpired' } });
  // At once, and after 5 s, 5 min and 30 min; the next wait of 2 h would end after it.
  expect(machine.sent).toHaveLength(4);
  const { closeTime } = await handle.describe();
  // And not after the wait; on a slow machine its steps take seconds of real time.
  expect(Math.abs(closeTime!.getTime() - at)).toBeLessThan(60_000);
  expect(Math.abs((await firedTimerDueAt(handle)) - at)).toBeLessThan(1_500);
  expect(await deliveryOf(deliveryId)).toMatchObject({
    state: 'failed',
    stateReason: 'expired',
    attemptCount: 4,
    nextAttemptAt: null,
  });
  await saveHistory(machine.environment.client, 'expired-in-backoff', deliveryId);
});

test('expires while it is paused', async () => {
  machine.script(500);
  const { deliveryId, ended } = await start({ expiresAt: iso(await inHours(1)) });
  const inState = (wanted: string) =>
    eventually(
      () => deliveryOf(deliveryId),
      ({ state }) => state === wanted,
    );
  await inState('retrying');
  await machine.api.ask('POST', `/v1/deliveries/${deliveryId}/pause`);
  await inState('paused');
  expect(await ended()).toMatchObject({ cause: { type: 'DeliveryExpired' } });
  expect(await deliveryOf(deliveryId)).toMatchObject({ state: 'failed', stateReason: 'expired' });
  await saveHistory(machine.environment.client, 'expired-while-paused', deliveryId);
});

test('awaits the attempt in flight, and is delivered when that is accepted after expiresAt', async () => {
  let finish = (): void => undefined;
  machine.script(new Promise((resolve) => (finish = () => resolve(responded(200)))));
  const expiresAt = Date.now() + 6_000;
  const { deliveryId, handle } = await start({ expiresAt: iso(expiresAt) });
  await eventually(
    () => machine.environment.currentTimeMs(),
    (now) => machine.sent.length === 1 && now > expiresAt + 100,
  );
  finish();
  expect(await handle.result()).toMatchObject({ attempts: 1 });
  expect(await deliveryOf(deliveryId)).toMatchObject({ state: 'delivered' });
});
