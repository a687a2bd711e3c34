/** Bulk commands on a real Temporal server. */
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { emitExample } from '../support/subscriptions.js';
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

test('cancels waiting deliveries with a reason, then redelivers them', async () => {
  receiver.reply(500);
  const ids: string[] = [];
  // Postmark's Open waits a minute.
  for (let count = 0; count < 3; count += 1) {
    ids.push((await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` })).deliveryId);
  }
  for (const id of ids) await system.settled(id, 'retrying');
  const filter = { provider: 'postmark', eventType: 'Open' };
  const cancelled = await system.ask('POST', '/v1/deliveries/bulk', {
    action: 'cancel',
    filter: { ...filter, states: ['retrying'] },
    reason: 'a mistake',
  });
  expect(cancelled).toMatchObject({ status: 200, body: { matched: 3, done: 3, refused: 0, more: false } });
  for (const id of ids) expect(await system.settled(id, 'cancelled')).toMatchObject({ stateReason: 'a mistake' });

  receiver.reply(200);
  const again = { action: 'redeliver', filter: { ...filter, states: ['cancelled'] } };
  expect((await system.ask('POST', '/v1/deliveries/bulk', again)).body).toMatchObject({ matched: 3, done: 3 });
  for (const id of ids) expect(await system.settled(id, 'delivered')).toMatchObject({ redeliveries: 1 });
});

test('retries waiting deliveries now without using a position of their schedule', async () => {
  receiver.reply(500);
  const { deliveryId, accountId } = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await system.settled(deliveryId, 'retrying');
  const command = { action: 'retry', filter: { accountId } };
  expect((await system.ask('POST', '/v1/deliveries/bulk', command)).body).toMatchObject({ matched: 1, done: 1 });
  const { schedule } = await eventually(
    async () => (await system.ask('GET', `/v1/deliveries/${deliveryId}`)).body,
    ({ attemptCount }) => attemptCount === 2,
  );
  expect(schedule[0]).toMatchObject({ position: 1 });
  receiver.reply(200);
  await system.ask('POST', '/v1/deliveries/bulk', command);
  expect(await system.settled(deliveryId, 'delivered')).toMatchObject({ attemptCount: 3 });
});
