/** Tables as they are after a long time: full of finished deliveries. */
import { Client } from 'pg';

/** Writes so many finished deliveries, each with its event, body and attempt, as if they had been there for long. */
export async function fill(databaseUrl: string, deliveries: number): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement, [deliveries]);
    // What a long time would have done meanwhile; the loads that follow must not pay for it.
    await client.query('VACUUM ANALYZE');
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
}

const ID = `lpad(to_hex(n), 26, '0')`;
const PAST = `now() - interval '1 day'`;
const statements = [
  `INSERT INTO events (id, account_id, type, occurred_at, channels, data, created_at)
   SELECT 'evt_' || ${ID}, 'acc_' || lpad(to_hex(n % 1000), 26, '0'), 'bench.past', ${PAST}, '{}', repeat('x', 300), ${PAST}
   FROM generate_series(1, $1::int) AS n`,
  `INSERT INTO event_bodies (event_id, variant, body)
   SELECT 'evt_' || ${ID}, '', repeat('x', 400) FROM generate_series(1, $1::int) AS n`,
  `INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant, state, attempts,
                           owned, recorded_by, first_attempt_at, schedule_position, last_status, created_at, updated_at,
                           settled_at)
   SELECT 'dlv_' || ${ID}, 'evt_' || ${ID}, 'acc_' || lpad(to_hex(n % 1000), 26, '0'),
          'sub_' || lpad(to_hex(n % 5000), 26, '0'), 'standard', 'bench.past', '', 'delivered', 1, true,
          gen_random_uuid()::text, ${PAST}, 0, 200, ${PAST}, ${PAST}, ${PAST}
   FROM generate_series(1, $1::int) AS n`,
  `INSERT INTO attempts (delivery_id, number, run, started_at, duration_ms, outcome, status, url, request_headers,
                         response_headers, response_excerpt, response_truncated)
   SELECT 'dlv_' || ${ID}, 1, 0, ${PAST}, 12, 'accepted', 200, 'https://receiver.example/hooks',
          '[{"name": "Content-Type", "value": "application/json"}]', '{"content-length": "0"}', '', false
   FROM generate_series(1, $1::int) AS n`,
];
