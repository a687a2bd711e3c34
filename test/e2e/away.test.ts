/** PostgreSQL and Temporal are unavailable: at the start of a process, and while it runs. */
import { Client, Connection } from '@temporalio/client';
import pino from 'pino';
import { createDispatcher, remoteSender } from '../../src/dispatch/dispatcher.js';
import { FailureType } from '../../src/workflows/failure.js';
import { startApi } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { environmentOf, runCommand } from '../support/process.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';
import { age, sweepOnce } from '../support/process-faults.js';

jest.setTimeout(120_000);

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

async function subscribe(): Promise<string> {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const body = { url: `${receiver.url}/in`, eventTypes: [] };
  await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body);
  return account.id as string;
}

const EVENT = { type: 'user.created', data: {} };

// Nothing listens at port 1. An API starts without Temporal, as test/integration/cli shows.
test.each([
  ['api', 'PostgreSQL', { DATABASE_URL: 'postgres://pigeonpost@127.0.0.1:1/pigeonpost' }, 'DATABASE_URL'],
  ['worker', 'PostgreSQL', { DATABASE_URL: 'postgres://pigeonpost@127.0.0.1:1/pigeonpost' }, 'DATABASE_URL'],
  ['worker', 'Temporal', { TEMPORAL_ADDRESS: '127.0.0.1:1' }, 'TEMPORAL_ADDRESS'],
])('pigeonpost %s exits with an error when %s is unavailable at its start', async (command, name, env, variable) => {
  const started = runCommand(command, { ...environmentOf(system), ...env });
  expect(await started.ended).toBe(1);
  expect(started.printed()).toMatch(`${name} at 127.0.0.1:1 cannot be reached`);
  expect(started.printed()).toMatch(`Check that it is running and that ${variable} is correct.`);
});

test('accepts events while Temporal is unavailable, and the sweep starts their deliveries later', async () => {
  const { store } = system.database;
  const client = new Client({ connection: Connection.lazy({ address: '127.0.0.1:1', connectTimeout: 100 }) });
  const dispatcher = createDispatcher({ client, eager: false }, pino({ level: 'silent' }), {
    workflows: 'always',
    sender: remoteSender(() => undefined),
  });
  const api = await startApi({ store, client, dispatcher });
  const accountId = await subscribe();
  const accepted = await api.ask('POST', `/v1/accounts/${accountId}/events`, EVENT);
  expect(accepted.status).toBe(202);
  const [{ id }] = accepted.body.deliveries;
  expect(await api.ask('GET', '/readyz')).toMatchObject({ status: 200 });
  expect((await api.ask('GET', `/v1/deliveries/${id}`)).body).toMatchObject({ state: 'pending', attempts: [] });
  expect(await api.ask('POST', `/v1/deliveries/${id}/retry`)).toMatchObject({ status: 503 });
  await dispatcher.stop();
  await api.close();
  await client.connection.close();

  await age(store, [id], 11);
  expect(await sweepOnce(store, system.client)).toMatchObject({ started: 1 });
  expect(await system.settled(id, 'delivered')).toMatchObject({ attemptCount: 1 });
  expect(receiver.received).toHaveLength(1);
});

test('accepts and sends nothing while PostgreSQL is unavailable, and continues when it is back', async () => {
  const accountId = await subscribe();
  const emit = () => system.ask('POST', `/v1/accounts/${accountId}/events`, EVENT);
  receiver.reply(500, 200);
  const [{ id }] = (await emit()).body.deliveries;
  await system.settled(id, 'retrying');

  await system.database.disconnect();
  const refused = await emit();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await system.ask('GET', '/readyz')).toMatchObject({ status: 503, body: { database: 'unavailable' } });
  // The next attempt is due after five seconds, without a database.
  const stalls = async (): Promise<number> => {
    const { events } = await system.client.workflow.getHandle(`delivery-${id}`).fetchHistory();
    const types = events!.map(
      (event) => event.activityTaskFailedEventAttributes?.failure?.applicationFailureInfo?.type,
    );
    return types.filter((type) => type === FailureType.storeUnavailable).length;
  };
  await eventually(stalls, (count) => count === 1, 60_000);
  expect(receiver.received).toHaveLength(1);

  await system.database.reconnect();
  const delivery = await eventually(
    async () => (await system.ask('GET', `/v1/deliveries/${id}`)).body,
    ({ state }) => state === 'delivered',
    60_000,
  );
  expect(delivery.attempts).toMatchObject([
    { number: 1, outcome: 'refused' },
    { number: 2, outcome: 'accepted' },
  ]);
  expect(receiver.received).toHaveLength(2);
  expect((await emit()).status).toBe(202);
});
