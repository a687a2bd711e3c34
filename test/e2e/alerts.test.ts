/** Alerts by the maintenance of a real system: also when the process that sends one is killed. */
import { TASK_QUEUE } from '../../src/workflows/names.js';
import { startProcess } from '../support/process.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { newAccount, plainSubscription } from '../support/samples.js';
import { startSystem, type TestSystem } from '../support/system.js';

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});

const maintain = (workflowId: string) =>
  system.client.workflow.start('maintenance', { taskQueue: TASK_QUEUE, workflowId });

test('a process killed between the row and the request loses no alert', async () => {
  const account = await newAccount(system.ask, 'standard');
  const path = `/v1/accounts/${account.id}/subscriptions`;
  const { body: subscription } = await system.ask('POST', path, plainSubscription('standard'));
  const { pool } = system.database.store;
  const since = new Date(Date.now() - 20 * 60_000).toISOString();
  await pool.query('UPDATE subscriptions SET failing = $2 WHERE id = $1', [
    subscription.id,
    JSON.stringify({ since, lastAt: since, attempts: 3, spanSince: since, clockSince: null }),
  ]);
  const target = { kind: 'webhook', url: `${receiver.url}/alerts` };
  await system.ask('POST', '/v1/alert-rules', { name: 'Receivers', condition: 'subscription_failing', target });

  await system.stopWorker();
  const mortal = await startProcess(system, 'worker', { point: 'request', when: 'before', matching: '/alerts' });
  const first = await maintain('maintenance-killed');
  expect(await mortal.ended).toBe('SIGKILL');
  await first.terminate();
  expect(receiver.received).toEqual([]);
  const { data } = (await system.ask('GET', '/v1/alerts')).body;
  expect(data).toMatchObject([{ subscriptionId: subscription.id, message: { attempts: 1, sentAt: null } }]);

  // The claim of the dead process would end after two minutes.
  await pool.query('UPDATE alert_messages SET next_attempt_at = now()');
  await system.restartWorker();
  await maintain('maintenance-after');
  const [{ body }] = (await receiver.waitFor(1)) as [Receiver['received'][number]];
  expect(JSON.parse(body)).toMatchObject({ type: 'alert.raised', data: { total: 1 } });
  const sent = await eventually(
    async () => (await system.ask('GET', '/v1/alerts')).body.data[0].message,
    ({ sentAt }) => sentAt !== null,
  );
  expect(sent).toMatchObject({ attempts: 2, lastError: null });
});
