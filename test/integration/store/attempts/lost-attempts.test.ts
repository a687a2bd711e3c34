/** Lost attempts are recorded as interrupted, once. */
import { findDelivery } from '../../../../src/store/deliveries/deliveries.js';
import { listAttempts } from '../../../../src/store/attempts/attempts.js';
import { recordInterrupted } from '../../../../src/store/attempts/recording.js';
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import { emitExample } from '../../../support/subscriptions.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

/** A delivery with this many recorded attempts, each at its position. */
async function withAttempts(attempts: number, state = 'retrying'): Promise<string> {
  const { deliveryId } = await emitExample(api.ask, 'postmark', 'Open');
  await api.database.store.pool.query(
    'UPDATE deliveries SET attempts = $2, schedule_position = $3, state = $4 WHERE id = $1',
    [deliveryId, attempts, attempts === 0 ? null : attempts - 1, state],
  );
  return deliveryId;
}

test.each([
  [0, 3, [1, 2, 3, 4]],
  [0, 0, [1]],
  [3, 3, [4]],
  [4, 3, []],
])('records after %i attempts, up to position %i, the attempts %j', async (attempts, lostUpTo, numbers) => {
  const { store } = api.database;
  const deliveryId = await withAttempts(attempts);
  for (let time = 0; time < 3; time += 1) await recordInterrupted(store, { deliveryId, run: 0, lostUpTo });
  const shown = await listAttempts(store, deliveryId);
  expect(shown.map(({ number }) => number)).toEqual(numbers);
  for (const attempt of shown) expect(attempt).toMatchObject({ run: 0, outcome: 'interrupted', status: null });
  expect(await findDelivery(store, deliveryId)).toMatchObject({ attempts: Math.max(attempts, lostUpTo + 1) });
});

test.each([
  ['has ended', 'failed', 0],
  ['is of another run', 'retrying', 1],
])('does not change a delivery that %s', async (_what, state, run) => {
  const { store } = api.database;
  const deliveryId = await withAttempts(1, state);
  const before = await findDelivery(store, deliveryId);
  await recordInterrupted(store, { deliveryId, run, lostUpTo: 3 });
  expect(await findDelivery(store, deliveryId)).toEqual(before);
  expect(await listAttempts(store, deliveryId)).toEqual([]);
});
