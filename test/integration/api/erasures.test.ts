/** Erasures over the API and the command line, with events that have no open delivery. */
import { eraseLateAttempts } from '../../../src/store/erasures.js';
import { replaceFailedBody } from '../../../src/store/attempts/attempts.js';
import { findEvents, insertMissing } from '../../../src/store/recovery/missing.js';
import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';
import { newAccount, paths, plainSubscription, unknownIds } from '../../support/samples.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let cli: ReturnType<typeof against>;
beforeAll(async () => {
  api = await startApiWithDatabase();
  cli = against(api.url);
});
afterAll(() => api.close());

const reason = 'request of the customer';
const emit = async (accountId: string, count = 1) => {
  const events = Array.from({ length: count }, () => ({ type: 'user.created', data: { name: 'Kim' } }));
  const { body } = await api.ask('POST', `/v1/accounts/${accountId}/events`, { events });
  return (body.results as { id: string; deliveries: { id: string }[] }[]).map(({ id, deliveries }) => ({
    id,
    deliveryId: deliveries[0]?.id,
  }));
};
const account = async () => (await newAccount(api.ask, 'standard')).id as string;
const query = async <Row extends object>(text: string, values: unknown[]): Promise<Row[]> =>
  (await api.database.store.pool.query<Row>(text, values)).rows;

test('an account is erased page by page, and each page has a record', async () => {
  const id = await account();
  await emit(id, 620);
  const first = await api.ask('POST', `/v1/accounts/${id}/erase`, { reason });
  expect(first.body).toMatchObject({ events: 500, more: true, nextCursor: expect.any(String) });
  const second = await api.ask('POST', `/v1/accounts/${id}/erase`, { reason, cursor: first.body.nextCursor });
  expect(second.body).toMatchObject({ events: 120, more: false, nextCursor: null });
  expect(await query(`SELECT DISTINCT data FROM events WHERE account_id = $1`, [id])).toEqual([{ data: 'null' }]);
  const page = (await api.ask('GET', `/v1/erasures?accountId=${id}&limit=1`)).body;
  expect(page.data).toMatchObject([{ id: second.body.id, accountId: id, eventId: null, reason, events: 120 }]);
  const rest = (await api.ask('GET', `/v1/erasures?accountId=${id}&cursor=${page.nextCursor}`)).body;
  expect(rest).toMatchObject({ data: [{ id: first.body.id, events: 500, address: '127.0.0.1' }], nextCursor: null });
});

test('the events of a deleted account can be erased', async () => {
  const id = await account();
  await emit(id);
  await api.ask('DELETE', `/v1/accounts/${id}`);
  expect((await api.ask('POST', `/v1/accounts/${id}/erase`, { reason })).body).toMatchObject({ events: 1 });
});

test('a reason is needed, and what does not exist cannot be erased', async () => {
  const id = await account();
  for (const body of [{}, { reason: '' }, { reason: 'x'.repeat(501) }]) {
    const response = await api.ask('POST', `/v1/accounts/${id}/erase`, body);
    expect([response.status, paths(response)]).toEqual([422, ['reason']]);
  }
  const wrong = await api.ask('POST', `/v1/accounts/${id}/erase`, { reason, cursor: 'x' });
  expect(paths(wrong)).toEqual(['cursor']);
  expect((await api.ask('POST', `/v1/accounts/${unknownIds.account}/erase`, { reason })).status).toBe(404);
  expect((await api.ask('POST', `/v1/events/${unknownIds.event}/erase`, { reason })).status).toBe(404);
});

test('an open delivery that cannot be cancelled keeps its event, so that it is not sent half erased', async () => {
  const id = await account();
  await api.ask('POST', `/v1/accounts/${id}/subscriptions`, plainSubscription('standard'));
  const [event] = await emit(id);
  expect((await api.ask('POST', `/v1/events/${event!.id}/erase`, { reason })).status).toBe(503);
  expect((await api.ask('GET', `/v1/events/${event!.id}`)).body).toMatchObject({
    erasedAt: null,
    data: { name: 'Kim' },
  });
});

test('no body is written for an erased event by a recovery or a redelivery that has read it before', async () => {
  const { store } = api.database;
  const id = await account();
  const { body: subscription } = await api.ask(
    'POST',
    `/v1/accounts/${id}/subscriptions`,
    plainSubscription('standard'),
  );
  const [event] = await emit(id);
  const { id: eventId, deliveryId = '' } = event!;
  await query(`UPDATE deliveries SET state = 'failed' WHERE id = $1`, [deliveryId]);
  const [read] = await findEvents(store, [eventId]);
  await api.ask('POST', `/v1/events/${eventId}/erase`, { reason });
  const row = { event: read!, accountId: id, provider: 'standard', addressed: false };
  const planned = {
    ...row,
    bodies: new Map([['', 'Kim']]),
    deliveries: [{ id: 'dlv_x', subscriptionId: subscription.id, bodyVariant: '' }],
  };
  await insertMissing(store, subscription.id, [planned]);
  const delivery = { id: deliveryId, createdAt: new Date() };
  expect(await replaceFailedBody(store, { delivery, event: read! }, { bodyVariant: '', body: 'Kim' })).toBeUndefined();
  expect(await query('SELECT body, error FROM event_bodies WHERE event_id = $1', [eventId])).toEqual([
    { body: '', error: 'erased' },
  ]);
  expect(await findEvents(store, [eventId])).toEqual([]);
});

test('late attempts are looked for until ten minutes after the erasure, longer while the delivery is open', async () => {
  const { store } = api.database;
  const id = await account();
  await api.ask('POST', `/v1/accounts/${id}/subscriptions`, plainSubscription('standard'));
  const [open, ended, recent] = (await emit(id, 3)).map(({ deliveryId }) => deliveryId);
  await query(`UPDATE deliveries SET state = 'cancelled' WHERE id = ANY($1)`, [[ended, recent]]);
  await query(
    `INSERT INTO erased_open_deliveries (delivery_id, erased_at)
     SELECT unnest($1::text[]), now() - unnest($2::interval[])`,
    [
      [open, ended, recent],
      ['1 hour', '11 minutes', '1 minute'],
    ],
  );
  await eraseLateAttempts(store);
  const rows = await query<{ delivery_id: string }>('SELECT delivery_id FROM erased_open_deliveries', []);
  expect(rows.map(({ delivery_id }) => delivery_id).sort()).toEqual([open, recent].sort());
});

describe('on the command line', () => {
  test('events erase and accounts erase ask, and need --yes without a terminal', async () => {
    const id = await account();
    const [event] = await emit(id);
    for (const args of [
      ['events', 'erase', event!.id],
      ['accounts', 'erase', id],
    ]) {
      const withReason = [...args, '--reason', reason];
      expect(await cli.pigeonpost(withReason, 'y\n')).toMatchObject({
        exitCode: 1,
        err: expect.stringContaining('--yes'),
      });
      expect(await cli.typing('n\n', withReason)).toMatchObject({
        exitCode: 1,
        err: expect.stringContaining(args[2]!),
      });
      expect((await cli.pigeonpost(args)).err).toContain('--reason');
    }
    expect((await api.ask('GET', `/v1/events/${event!.id}`)).body.erasedAt).toBeNull();
    expect(await cli.json('events', 'erase', event!.id, '--yes', '--reason', reason)).toMatchObject({ events: 1 });
  });

  test('accounts erase goes on until nothing remains, and erasures lists it', async () => {
    const id = await account();
    await emit(id, 620);
    expect(await cli.json('accounts', 'erase', id, '--yes', '--reason', reason)).toMatchObject({ events: 620 });
    const { out } = await cli.pigeonpost(['erasures', '--account', id]);
    expect(out).toContain(reason);
    expect(out.match(new RegExp(id, 'g'))).toHaveLength(2);
  });
});
