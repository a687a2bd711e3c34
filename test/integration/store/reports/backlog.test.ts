/** The size and delay of the backlog. */
import { loadBacklog } from '../../../../src/store/reports/backlog.js';
import { recordSweep } from '../../../../src/store/deliveries/sweep.js';
import { emitted } from '../../../support/samples.js';
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

/** A delivery whose row is changed by this assignment. */
async function delivery(changes: string): Promise<void> {
  const { deliveryId } = await emitted(api.ask, 'standard');
  await api.database.store.pool.query(`UPDATE deliveries SET ${changes} WHERE id = $1`, [deliveryId]);
}

const seconds = (count: number): string => `now() + make_interval(secs => ${count})`;
const backlog = () => loadBacklog(api.database.store);

test('reports an empty backlog', async () => {
  expect(await backlog()).toEqual({
    counts: { waiting: 0, retrying: 0, paused: 0 },
    overdueS: { waiting: 0, retrying: 0 },
    sweepAgeS: expect.any(Number),
    unreconciled: 0,
    openBreakers: 0,
  });
});

test('counts open deliveries by state, and reports the delay of the most overdue attempt', async () => {
  await delivery(`updated_at = ${seconds(-100)}`);
  await delivery(`updated_at = ${seconds(-500)}, owned = true, next_attempt_at = ${seconds(60)}`);
  await delivery(`updated_at = ${seconds(-50)}, direct = true`);
  await delivery(`state = 'retrying', next_attempt_at = ${seconds(60)}`);
  const { counts, overdueS } = await backlog();
  expect(counts).toEqual({ waiting: 3, retrying: 1, paused: 0 });
  expect(Math.floor(overdueS.waiting / 50)).toBe(2);
  expect(overdueS.retrying).toBe(0);

  await delivery(`updated_at = ${seconds(-1_000)}, owned = true`);
  await delivery(`state = 'retrying', next_attempt_at = ${seconds(-2_000)}`);
  await delivery(`state = 'paused'`);
  for (const ended of ['delivered', 'failed', 'cancelled']) await delivery(`state = '${ended}'`);
  const later = await backlog();
  expect(later.counts).toEqual({ waiting: 4, retrying: 2, paused: 1 });
  expect(Math.floor(later.overdueS.waiting / 500)).toBe(2);
  expect(Math.floor(later.overdueS.retrying / 500)).toBe(4);
});

test('reports how long ago the last sweep was completed, or the migration before the first one', async () => {
  await api.database.store.pool.query(`UPDATE last_sweep SET completed_at = ${seconds(-1_000)}`);
  expect(Math.floor((await backlog()).sweepAgeS / 500)).toBe(2);
  await recordSweep(api.database.store, 0);
  expect((await backlog()).sweepAgeS).toBeLessThan(500);
});

test('reads an index in every part of the statement', async () => {
  const { pool } = api.database.store;
  const client = await pool.connect();
  try {
    // With few rows any plan is equally good; this shows the plan for many.
    await client.query('SET enable_seqscan = off');
    const query = jest.spyOn(pool, 'query');
    await backlog();
    const [{ text, values }] = query.mock.calls[0] as unknown as [{ text: string; values: number[] }];
    query.mockRestore();
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN ${text.replaceAll('$1', String(values[0]))}`,
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).not.toContain('Seq Scan');
    // The index of a partition has its own name.
    const { rows: indexes } = await client.query<{ index: string }>(
      'SELECT DISTINCT inhparent::regclass::text AS index FROM pg_inherits WHERE inhrelid::regclass::text = ANY($1)',
      [plan.match(/\w+_idx\w*/g)],
    );
    expect(indexes.map(({ index }) => index)).toEqual(
      expect.arrayContaining([
        'deliveries_ownerless',
        'deliveries_started',
        'deliveries_due',
        // Two partial indexes hold just the paused ones.
        expect.stringMatching(/^deliveries_paused(_by_account)?$/),
      ]),
    );
  } finally {
    client.release(true);
  }
});
