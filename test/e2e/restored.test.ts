/** PostgreSQL is restored to an older point, and Temporal has what happened since. */
import type { DispatchMode } from '../../src/store/events/events.js';
import { newId } from '../../src/contract/ids.js';
import { deliveryWorkflowId } from '../../src/workflows/names.js';
import { deliverySignals } from '../../src/workflows/signals.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';
import { age, commitOnly, sweepOnce } from '../support/process-faults.js';

jest.setTimeout(120_000);

/** Number of deliveries of each kind. */
const COUNT = 10;
const TYPE = 'user.created';

let system: TestSystem;
let receiver: Receiver;
let accountId: string;
/** Deliveries by their state at the time of the copy, and what happened to them after it. */
let ids: Record<'unstarted' | 'retrying' | 'paused' | 'direct' | 'failed' | 'cancelled' | 'redelivered', string[]>;
/** Requests that the receiver had got when the copy was restored. */
let sentBefore: number;
let received: Map<string, number>;

const store = () => system.database.store;
const show = async (id: string) => (await system.ask('GET', `/v1/deliveries/${id}`)).body;
const command = (id: string, name: string, body?: unknown) => system.ask('POST', `/v1/deliveries/${id}/${name}`, body);
const sweep = () => sweepOnce(store(), system.client);
const all = (of: string[], state: string) => Promise.all(of.map((id) => system.settled(id, state)));
const closed = (of: string[]) =>
  Promise.all(
    of.map((id) =>
      system.client.workflow
        .getHandle(`delivery-${id}`)
        .result()
        .catch(() => undefined),
    ),
  );
const commit = async (count: number, mode?: DispatchMode): Promise<string[]> => {
  const made: string[] = [];
  for (let n = 0; n < count; n += 1)
    made.push(...(await commitOnly(store(), accountId, TYPE, { n }, mode)).deliveryIds);
  return made;
};
/** The number of deliveries in each state. */
async function statesOf(of: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const id of of) {
    const { state } = await show(id);
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
  accountId = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body.id;
  await system.ask('POST', `/v1/accounts/${accountId}/subscriptions`, { url: receiver.url, eventTypes: [] });

  // The first attempt of these is refused, and the next one is due within seconds: they are paused until the copy is made.
  receiver.reply(503);
  const started = await commit(COUNT + 4);
  await age(store(), started, 11);
  await sweep();
  await all(started, 'retrying');
  for (const id of started) await command(id, 'pause', { reason: 'by hand' });
  await all(started, 'paused');
  const [failed, cancelled, redelivered, paused] = started.slice(COUNT).map((id) => [id]);
  const retrying = started.slice(0, COUNT);
  await store().pool.query(
    `UPDATE deliveries SET state = 'retrying', state_reason = NULL, next_attempt_at = now() WHERE id = ANY($1) AND id <> $2`,
    [started, paused![0]],
  );
  // Without a worker, as its sender would send them before the copy is made.
  await system.stopWorker();
  ids = {
    unstarted: await commit(COUNT),
    direct: await commit(COUNT, { direct: true, senderId: undefined }),
    retrying,
    failed: failed!,
    cancelled: cancelled!,
    redelivered: redelivered!,
    paused: paused!,
  };
  await system.database.backUp();
  await system.restartWorker();

  receiver.reply(200);
  await age(store(), ids.unstarted, 11);
  await sweep();
  for (const id of [...retrying, ...ids.paused, ...ids.redelivered]) await command(id, 'retry');
  const delivered = [...ids.unstarted, ...ids.direct, ...retrying, ...ids.paused, ...ids.redelivered];
  await all(delivered, 'delivered');
  await command(ids.redelivered[0]!, 'redeliver', { allowDelivered: true });
  await receiver.waitFor(started.length + delivered.length + 1);
  await all(ids.redelivered, 'delivered');
  receiver.reply(410);
  await command(ids.failed[0]!, 'retry');
  await all(ids.failed, 'failed');
  await command(ids.cancelled[0]!, 'cancel', { reason: 'enough' });
  await all(ids.cancelled, 'cancelled');
  await closed([...ids.unstarted, ...started]);

  receiver.reply(200);
  sentBefore = receiver.received.length;
  await system.database.restore();
  const { rows } = await eventually(
    () =>
      store()
        .pool.query('SELECT id FROM deliveries')
        .catch(() => ({ rows: [] })),
    (found) => found.rows.length > 0,
  );
  await age(
    store(),
    rows.map(({ id }) => id as string),
    1_000,
  );
  await sweep();
  await all(ids.direct, 'delivered');
  received = new Map();
  for (const { headers } of receiver.received.slice(sentBefore)) {
    const id = headers['webhook-id']!;
    received.set(id, (received.get(id) ?? 0) + 1);
  }
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});

test('marks deliveries as delivered that their own workflow had delivered', async () => {
  expect(await statesOf([...ids.unstarted, ...ids.retrying])).toEqual({ delivered: 2 * COUNT });
  expect(await show(ids.retrying[0]!)).toMatchObject({
    lastStatus: 200,
    nextAttemptAt: null,
    attemptCount: 2,
    attempts: [
      { number: 1, outcome: 'refused' },
      { number: 2, outcome: 'accepted', status: 200, message: 'known from the result of its workflow only' },
    ],
  });
});

test('repeats first attempts that were made without a workflow once, as nothing else knows of them', async () => {
  expect(await statesOf(ids.direct)).toEqual({ delivered: COUNT });
  expect([...received.values()]).toEqual(Array.from({ length: COUNT }, () => 1));
});

test('marks deliveries as failed and cancelled that had ended so', async () => {
  expect(await show(ids.failed[0]!)).toMatchObject({
    state: 'failed',
    stateReason: 'the receiver responded with 410 Gone',
  });
  expect(await show(ids.cancelled[0]!)).toMatchObject({ state: 'cancelled', stateReason: 'cancelled in Temporal' });
});

test('marks deliveries as delivered that had been redelivered since', async () => {
  expect(await show(ids.redelivered[0]!)).toMatchObject({ state: 'delivered', redeliveries: 1, lastStatus: 200 });
});

test('ends a paused delivery when it is resumed', async () => {
  const [id] = ids.paused as [string];
  expect(await show(id)).toMatchObject({ state: 'paused' });
  expect((await command(id, 'resume')).status).toBe(409);
  expect(await show(id)).toMatchObject({ state: 'delivered', lastStatus: 200 });
});

test('has no open deliveries, and sends nothing again in the next sweep', async () => {
  const before = receiver.received.length;
  const open = Object.values(ids).flat();
  await age(store(), open, 1_000);
  expect(await sweep()).toMatchObject({ started: 0 });
  expect(receiver.received).toHaveLength(before);
});

test('a delivery that a sender has ended is not sent again by its workflow', async () => {
  receiver.reply(503);
  const [id] = (await commit(1)) as [string];
  await age(store(), [id], 11);
  await sweep();
  await system.settled(id, 'retrying');
  receiver.reply(200);
  const before = receiver.received.length;
  await store().pool.query(
    `UPDATE deliveries SET state = 'delivered', next_attempt_at = NULL, recorded_by = $2 WHERE id = $1`,
    [id, newId('snd')],
  );
  const workflow = system.client.workflow.getHandle(deliveryWorkflowId(id));
  await workflow.signal(deliverySignals.retryNow);
  expect(await workflow.result()).toMatchObject({ attempts: 1 });
  expect(receiver.received).toHaveLength(before);
});
