/** Pages of a broadcast without Temporal. */
import { emitPage } from '../../../src/dispatch/broadcasts.js';
import { startApiWithDatabase } from '../../support/api.js';
import { stubDispatcher } from '../../support/dispatcher.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

test('pages are sealed where payloads are; concurrent and repeated ones write nothing twice', async () => {
  const store = { ...api.database.store, sealsPayloads: true };
  for (let count = 0; count < 5; count += 1) {
    const { id } = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
    const body = { url: 'https://hooks.example.com/in', eventTypes: [] };
    await api.ask('POST', `/v1/accounts/${id}/subscriptions`, body);
  }
  const request = { provider: 'standard', type: 'terms.changed', data: { version: 2 }, ratePerSecond: 2 };
  const { id } = (await api.ask('POST', '/v1/broadcasts', request)).body;
  const context = { store, dispatcher: stubDispatcher(), heartbeat: () => undefined, warn: () => undefined };
  const pages = await Promise.all([1, 2, 3].map(() => emitPage(context, id)));
  for (let { state } = pages[0]!; state === 'running';) ({ state } = await emitPage(context, id));
  expect((await api.ask('GET', `/v1/broadcasts/${id}`)).body).toMatchObject({ state: 'completed', emitted: 5 });
  const { rows } = await store.pool.query(
    `SELECT e.data, e.sealed IS NOT NULL AS sealed, b.body FROM events e JOIN event_bodies b ON b.event_id = e.id
     WHERE e.type = 'terms.changed'`,
  );
  expect(rows).toEqual(Array.from({ length: 5 }, () => ({ data: '', sealed: true, body: '' })));
  expect(await emitPage(context, id)).toMatchObject({ state: 'completed', accounts: 0 });
});
