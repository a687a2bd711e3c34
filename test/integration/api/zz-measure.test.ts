import { lowestIdAt } from '../../../src/contract/ids.js';
import { startApiWithDatabase } from '../../support/api.js';
import { emitted } from '../../support/samples.js';

jest.setTimeout(500_000);
test('measures', async () => {
  const api = await startApiWithDatabase();
  const { pool } = api.database.store;
  const one = await emitted(api.ask, 'standard');
  await pool.query(`INSERT INTO accounts SELECT (jsonb_populate_record(a, jsonb_build_object('id', 'acc_x' || n, 'name', 'Account ' || n, 'external_id', null))).* FROM accounts a, generate_series(1, 10000) n WHERE a.id = $1`, [one.account.id]);
  await pool.query(`INSERT INTO subscriptions SELECT (jsonb_populate_record(s, jsonb_build_object('id', 'sub_x' || n, 'account_id', 'acc_x' || n, 'reference', 'r' || n, 'failing', CASE WHEN n % 20 = 0 THEN jsonb_build_object('since', now(), 'lastAt', now(), 'attempts', 66) END))).* FROM subscriptions s, generate_series(1, 10000) n WHERE s.id = $1`, [one.subscription.id]);
  const now = Date.now();
  const per = 20_000;
  for (let chunk = 0; chunk < 50; chunk += 1) {
    const at = now - (50 - chunk) * ((7 * 86_400_000) / 50);
    const prefix = lowestIdAt('dlv', new Date(at)).slice(0, -14);
    const values = [prefix, chunk * per];
    await pool.query({
      text: `INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant, state, attempts, last_reason, last_status, owned, updated_at, created_at)
       SELECT $1 || lpad((n + $2)::text, 14, '0'), 'evt_' || (n + $2), 'acc_x' || (1 + n % 10000), 'sub_x' || (1 + n % 10000), CASE n % 3 WHEN 0 THEN 'bird' WHEN 1 THEN 'postmark' ELSE 'standard' END, 'x', 'default',
         CASE WHEN n % 50 = 0 THEN 'failed' WHEN n % 97 = 0 THEN 'retrying' ELSE 'delivered' END, 1 + n % 2, CASE WHEN n % 50 = 0 OR n % 97 = 0 THEN 'status' END, 200, true, now(), now() FROM generate_series(1, ${per}) n`,
      values,
      query_timeout: 300_000,
    } as never);
    await pool.query({
      text: `INSERT INTO attempts (delivery_id, number, run, started_at, duration_ms, outcome, status)
       SELECT $1 || lpad((n + $2)::text, 14, '0'), 1, 0, now(), n % 900, CASE WHEN n % 50 = 0 THEN 'refused' ELSE 'accepted' END, 200 FROM generate_series(1, ${per}) n`,
      values,
      query_timeout: 300_000,
    } as never);
  }
  await pool.query({ text: 'VACUUM ANALYZE', query_timeout: 300_000 } as never);
  const queries = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>;
  const times: string[] = [];
  pool.query = (async (...args: unknown[]) => {
    const began = performance.now();
    const result = await queries(...args);
    const text = typeof args[0] === 'string' ? args[0] : (args[0] as { text: string }).text;
    times.push(`   ${(performance.now() - began).toFixed(0)} ms ${text.replace(/\s+/g, ' ').slice(0, 90)}`);
    return result;
  }) as never;
  const lines: string[] = [];
  for (const path of ['/v1/overview?window=1h', '/v1/overview?window=24h', '/v1/overview?window=7d', '/v1/overview?window=30d', '/v1/overview?window=7d&provider=bird', '/v1/overview?window=7d&accountId=acc_x7', '/v1/overview?window=7d&subscriptionId=sub_x7', '/v1/attention', '/v1/attention?accountId=acc_x20', '/v1/jobs']) {
    for (let round = 0; round < 3; round += 1) {
      times.length = 0;
      const began = performance.now();
      const { status } = await api.ask('GET', path);
      if (round === 2) lines.push(`${path} ${status} ${(performance.now() - began).toFixed(0)} ms`, ...times);
    }
  }
  console.log(lines.join('\n'));
  await api.close();
});
