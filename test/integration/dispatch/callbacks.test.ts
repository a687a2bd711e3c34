/** Emitting callbacks when those of one account cannot be. */
import pino from 'pino';
import { emitCallbacks, startCallbacks } from '../../../src/dispatch/callbacks.js';
import { startApiWithDatabase } from '../../support/api.js';
import { stubDispatcher } from '../../support/dispatcher.js';
import { eventually } from '../../support/eventually.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

/** An account whose one delivery has ended, with a callback that waits. */
async function ended(): Promise<string> {
  const { id } = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const subscribe = async (fields: object) => {
    const body = { url: 'https://hooks.example.com/in', ...fields };
    return (await api.ask('POST', `/v1/accounts/${id}/subscriptions`, body)).body.id as string;
  };
  const onDelivered = await subscribe({ eventTypes: ['pigeonpost.delivery.delivered'] });
  await subscribe({ eventTypes: ['user.created'], onDelivered });
  await api.ask('POST', `/v1/accounts/${id}/events`, { type: 'user.created', data: {} });
  await api.database.store.pool.query(`UPDATE deliveries SET state = 'delivered' WHERE account_id = $1`, [id]);
  return id as string;
}

const callbacksOf = async (accountId: string) =>
  (await api.ask('GET', `/v1/deliveries?accountId=${accountId}&type=pigeonpost.delivery.delivered`)).body.data.length;

test('an account that prevents it does not hold the others up, and loses nothing', async () => {
  const { store } = api.database;
  const accountIds = [await ended(), await ended(), await ended()];
  const [broken, ...others] = accountIds as [string, ...string[]];
  const { rows } = await store.pool.query<{ secrets: Buffer }>('SELECT secrets FROM accounts WHERE id = $1', [broken]);
  await store.pool.query(`UPDATE accounts SET secrets = '\\x00' WHERE id = $1`, [broken]);
  const callbacks = startCallbacks(store, stubDispatcher(), pino({ level: 'silent' }));
  try {
    for (const id of others)
      await eventually(
        () => callbacksOf(id),
        (count) => count === 1,
      );
    expect(await callbacksOf(broken)).toBe(0);
    await store.pool.query('UPDATE accounts SET secrets = $2 WHERE id = $1', [broken, rows[0]!.secrets]);
    await eventually(
      () => callbacksOf(broken),
      (count) => count === 1,
    );
    for (const id of others) expect(await callbacksOf(id)).toBe(1);
  } finally {
    await callbacks.stop();
  }
});

test('its payload is sealed where payloads are', async () => {
  const accountId = await ended();
  const store = { ...api.database.store, sealsPayloads: true };
  expect(await emitCallbacks(store, stubDispatcher(), '')).toMatchObject({ claimed: 1 });
  const { rows } = await store.pool.query(
    `SELECT e.data, e.sealed IS NOT NULL AS sealed, b.body, b.sealed IS NOT NULL AS "bodySealed"
     FROM events e JOIN event_bodies b ON b.event_id = e.id
     WHERE e.account_id = $1 AND e.type = 'pigeonpost.delivery.delivered'`,
    [accountId],
  );
  expect(rows).toEqual([{ data: '', sealed: true, body: '', bodySealed: true }]);
});
