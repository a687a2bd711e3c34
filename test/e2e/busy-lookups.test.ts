/** Attempts that are rejected because too many host names are being looked up are retried without using an attempt. */
import type { EgressClient } from '../../src/egress/types.js';
import { eventually } from '../support/eventually.js';
import { withoutTimeout } from '../support/without-timeout.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

jest.setTimeout(120_000);

let system: TestSystem;
let receiver: Receiver;
/** Requests that are rejected before the first one that is sent. */
let rejections = 0;

function rejecting(sender: EgressClient): EgressClient {
  const client = withoutTimeout(sender);
  return {
    ...client,
    async send(request) {
      if (rejections === 0) return client.send(request);
      rejections -= 1;
      return { kind: 'failure', reason: 'busy', message: 'The name was not looked up', durationMs: 2_000 };
    },
  };
}

beforeAll(async () => {
  [system, receiver] = await Promise.all([
    startSystem({}, undefined, { wrapEgress: rejecting, workflows: 'adaptive' }),
    startReceiver(),
  ]);
});
afterAll(async () => {
  await receiver.close();
  await system.stop();
});
beforeEach(() => receiver.clear());

async function emit(count: number): Promise<string[]> {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, { url: receiver.url, eventTypes: [] });
  const events = Array.from({ length: count }, () => ({ type: 'user.created', data: {} }));
  const { body } = await system.ask('POST', `/v1/accounts/${account.id}/events`, { events });
  return body.results.map(({ deliveries }: { deliveries: { id: string }[] }) => deliveries[0]!.id);
}

test.each([
  ['an attempt of a workflow', 1, 2],
  ['first attempts of a sender', 24, 8],
])('uses no position of the schedule when a lookup is rejected: %s', async (_which, count, rejected) => {
  rejections = rejected;
  const ids = await emit(count);
  const query = `
    SELECT state, attempts, schedule_position, count(*)::int
    FROM deliveries WHERE id = ANY($1) GROUP BY 1, 2, 3`;
  const rows = await eventually(
    async () => (await system.database.store.pool.query<Record<string, unknown>>(query, [ids])).rows,
    ([first, ...others]) => others.length === 0 && first?.state === 'delivered',
    100_000,
  );
  expect(rows).toEqual([{ state: 'delivered', attempts: 1, schedule_position: 0, count }]);
  expect(rejections).toBe(0);
  expect(receiver.received).toHaveLength(count);
  const failing = await system.database.store.pool.query('SELECT FROM subscriptions WHERE failing IS NOT NULL');
  expect(failing.rowCount).toBe(0);
});
