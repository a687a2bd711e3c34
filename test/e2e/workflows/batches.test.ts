/** A batch attempt by attempt, in the test server's time. */
import { collectNext } from '../../../src/dispatch/batches.js';
import { loadDeliveryStarts } from '../../../src/store/deliveries/delivery-starts.js';
import { openTimeMachine, type TimeSkippingEnv } from '../../support/time-skipping.js';

jest.setTimeout(120_000);

let machine: TimeSkippingEnv;
beforeAll(async () => {
  machine = await openTimeMachine();
});
afterAll(() => machine.close());

const S = 1_000;
const M = 60 * S;
const H = 60 * M;
const WAITS = [5 * S, 5 * M, 30 * M, 2 * H, 5 * H, 10 * H, 14 * H, 20 * H, 24 * H];

/** A batch of three events; its workflow and the ids of its members. */
async function startBatch() {
  const { api, database } = machine;
  const account = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const batch = { maxEvents: 3, maxWaitMs: 3_600_000 };
  const body = { url: 'https://hooks.example.com/in', eventTypes: [], batch };
  await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body);
  const events = [1, 2, 3].map((n) => ({ type: 'user.created', data: { n } }));
  const emitted = await api.ask('POST', `/v1/accounts/${account.id}/events`, { events });
  const members = (emitted.body.results as { deliveries: [{ id: string }] }[]).map(
    ({ deliveries }) => deliveries[0].id,
  );
  const collected = await collectNext(database.store);
  const [start] = await loadDeliveryStarts(
    database.store,
    collected!.deliveryStarts.map(({ deliveryId }) => deliveryId),
  );
  return { workflow: await machine.start(start!), members };
}

const stateOf = async (id: string): Promise<string> =>
  (await machine.api.ask('GET', `/v1/deliveries/${id}`)).body.state;
const idsOf = (): (string | undefined)[] =>
  machine.sent.map(({ headers }) => headers.find(({ name }) => name === 'webhook-id')?.value);

test('has the whole schedule with the same id and the same body, and fails with its members', async () => {
  machine.script(500);
  const { workflow, members } = await startBatch();
  await expect(workflow.result()).rejects.toThrow();
  const gaps = machine.sent.slice(1).map(({ at }, index) => at - machine.sent[index]!.at);
  expect(gaps).toHaveLength(WAITS.length);
  gaps.forEach((gap, index) => expect(Math.abs(gap - WAITS[index]!)).toBeLessThan(1_500));
  expect(new Set(idsOf()).size).toBe(1);
  expect(new Set(machine.sent.map(({ body }) => body)).size).toBe(1);
  expect(JSON.parse(String(machine.sent[0]!.body)).data).toHaveLength(3);
  expect(await Promise.all(members.map(stateOf))).toEqual(['failed', 'failed', 'failed']);
});

test('its members end with the attempt that is accepted', async () => {
  machine.script(500, 500, 200);
  const { workflow, members } = await startBatch();
  expect(await workflow.result()).toMatchObject({ attempts: 3, status: 200 });
  expect(machine.sent).toHaveLength(3);
  expect(await Promise.all(members.map(stateOf))).toEqual(['delivered', 'delivered', 'delivered']);
});
