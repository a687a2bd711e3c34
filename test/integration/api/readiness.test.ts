/** When an API is ready: it can accept events. Whether they are delivered is what /v1/health says. */
import { Client, Connection } from '@temporalio/client';
import { openEmptyDatabase, openTestDatabase, type TestDatabase } from '../../support/database.js';
import { startApi, type TestApi } from '../../support/api.js';

let undo: (() => Promise<unknown>)[];
beforeEach(() => void (undo = []));
afterEach(async () => {
  for (const step of undo.reverse()) await step();
});

async function start(open: () => Promise<TestDatabase>): Promise<{ database: TestDatabase; api: TestApi }> {
  const database = await open();
  undo.push(() => database.close());
  const api = await startApi({ store: database.store });
  undo.push(() => api.close());
  return { database, api };
}

test('is ready when Temporal is unavailable, as every event is accepted', async () => {
  const { api } = await start(openTestDatabase);
  expect(await api.ask('GET', '/readyz')).toMatchObject({
    status: 200,
    body: { status: 'ok', database: 'ok', schema: 'ok' },
  });
  expect((await api.ask('GET', '/v1/health')).body).toEqual({
    database: 'ok',
    schema: 'ok',
    temporal: 'unavailable',
    workers: null,
    unreconciled: 0,
  });
});

test('is not ready when the database is empty', async () => {
  const { api } = await start(openEmptyDatabase);
  expect(await api.ask('GET', '/readyz')).toMatchObject({ status: 503, body: { database: 'ok', schema: 'outdated' } });
});

test('is not ready when a migration is missing', async () => {
  const { api, database } = await start(openTestDatabase);
  await database.store.pool.query('DELETE FROM migrations WHERE id = (SELECT max(id) FROM migrations)');
  expect(await api.ask('GET', '/readyz')).toMatchObject({ status: 503, body: { schema: 'outdated' } });
});

test('is not ready when the database is read-only', async () => {
  const { api, database } = await start(openTestDatabase);
  await database.store.pool.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`,
  );
  await database.disconnect();
  await database.reconnect();
  expect(await api.ask('GET', '/readyz')).toMatchObject({ status: 503, body: { database: 'not_writable' } });
});

test('is not ready while the disk is full, and ready again when there is space', async () => {
  const { api, database } = await start(openTestDatabase);
  const { pool } = database.store;
  const create = (name: string): Promise<unknown> =>
    api.ask('POST', '/v1/accounts', { provider: 'standard', name }).then(({ status }) => status);
  // PostgreSQL reports a full disk by this code, whatever it was that could not grow.
  await pool.query(`CREATE FUNCTION disk_is_full() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$`);
  await pool.query(`CREATE FUNCTION disk_is_full_for_rows() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$`);
  await pool.query('CREATE TRIGGER full_disk BEFORE INSERT ON accounts EXECUTE FUNCTION disk_is_full_for_rows()');
  await pool.query(`CREATE EVENT TRIGGER full_disk ON ddl_command_start WHEN TAG IN ('CREATE TABLE AS')
    EXECUTE FUNCTION disk_is_full()`);
  expect(await create('Acme')).toBe(503);
  expect(await api.ask('GET', '/readyz')).toMatchObject({ status: 503, body: { database: 'not_writable' } });
  expect((await api.ask('GET', '/v1/health')).body).toMatchObject({ database: 'not_writable' });

  await pool.query('DROP EVENT TRIGGER full_disk');
  await pool.query('DROP TRIGGER full_disk ON accounts');
  expect(await api.ask('GET', '/readyz')).toMatchObject({ status: 200, body: { database: 'ok' } });
  expect(await create('Acme')).toBe(201);
});

test('health says so when Temporal has no such namespace', async () => {
  const database = await openTestDatabase();
  undo.push(() => database.close());
  const refusing = Connection.lazy({
    address: '127.0.0.1:1',
    interceptors: [],
  });
  const client = new Client({ connection: refusing, namespace: 'nowhere' });
  undo.push(() => refusing.close());
  jest
    .spyOn(client.workflowService, 'describeNamespace')
    .mockRejectedValue(Object.assign(new Error('Namespace nowhere is not found.'), { code: 5 }));
  const api = await startApi({ store: database.store, client });
  undo.push(() => api.close());
  expect((await api.ask('GET', '/v1/health')).body).toMatchObject({ temporal: 'namespace_missing' });
  expect(await api.ask('GET', '/readyz')).toMatchObject({ status: 200 });
});
