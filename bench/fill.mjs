// node bench/fill.mjs <database URL> [rows] [days]: fills a migrated database with finished deliveries, so that what is
// measured is measured on tables of a size: each with its event, body and attempt, spread evenly over the days until now.
// They belong to the subscriptions that are there, and to a hundred that are not, so that a busy receiver's history is as
// long as a strange one's. What is there already stays; a second call adds to it.
import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';

/** Rows written by one transaction. */
const CHUNK = 50_000;
const DAY_MS = 86_400_000;
/** Subscriptions that are made up, each of an account of its own. */
const STRANGERS = 100;
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Adds finished deliveries, one in fifty of them failed. A million takes well under a minute on two cores.
 *
 * @param {string} databaseUrl
 * @param {number} rows how many
 * @param {{ days?: number, progress?: (written: number) => void }} [options] over how many days before now; 30 if absent
 * @returns {Promise<void>}
 */
export async function fill(databaseUrl, rows, { days = 30, progress = () => undefined } = {}) {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('SET synchronous_commit = off');
    await client.query(`CREATE TEMP TABLE filling (ms bigint, event_id text, delivery_id text, failed boolean,
                                                   account_id text, subscription_id text, provider text)`);
    const owners = [...(await subscriptions(client)), ...strangers()];
    const beginning = Date.now() - days * DAY_MS;
    for (let written = 0; written < rows; written += CHUNK) {
      const count = Math.min(CHUNK, rows - written);
      const from = beginning + Math.floor((written / rows) * days * DAY_MS);
      await writeChunk(client, { from, stepMs: (days * DAY_MS) / rows, count, owners });
      progress(written + count);
    }
    // As they are once autovacuum has been here.
    await client.query('VACUUM (ANALYZE) events, event_bodies, deliveries, attempts');
  } finally {
    await client.end();
  }
}

async function subscriptions(client) {
  const { rows } = await client.query(
    `SELECT s.id AS "subscriptionId", a.id AS "accountId", a.provider
     FROM subscriptions s JOIN accounts a ON a.id = s.account_id WHERE s.deleted_at IS NULL ORDER BY s.id LIMIT 100`,
  );
  return rows;
}

function strangers() {
  const at = Date.now();
  return Array.from({ length: STRANGERS }, () => ({
    subscriptionId: id('sub', at),
    accountId: id('acc', at),
    provider: 'standard',
  }));
}

/** A TypeID: 10 characters of milliseconds, then version, variant and what makes it unique. */
function id(prefix, ms) {
  const digits = Array.from({ length: 10 }, (_, place) => ALPHABET[Math.floor(ms / 32 ** (9 - place)) % 32]);
  const random = Array.from(randomBytes(12), (byte) => ALPHABET[byte % 32]);
  return `${prefix}_${digits.join('')}e008${random.join('')}`;
}

/** The same in SQL: base32 digits of a whole number. */
function base32(number, digits) {
  return Array.from(
    { length: digits },
    (_, place) => `substr('${ALPHABET}', ((${number} >> ${5 * (digits - 1 - place)}) & 31)::int + 1, 1)`,
  ).join(' || ');
}

async function writeChunk(client, { from, stepMs, count, owners }) {
  // Every chunk of every call has ids of its own.
  const own = id('x', from).slice(-7);
  await client.query('BEGIN');
  await client.query('TRUNCATE filling');
  await client.query(
    `INSERT INTO filling
     SELECT ms, 'evt_' || unique_part, 'dlv_' || unique_part, n % 50 = 0, owner[1], owner[2], owner[3]
     FROM generate_series(1, $1::int) AS n
     CROSS JOIN LATERAL (SELECT $2::bigint + floor(n * $3::float8)::bigint AS ms) AS made
     CROSS JOIN LATERAL (SELECT (${base32('ms', 10)}) || 'e008' || (${base32('n::bigint', 5)}) || $4 AS unique_part) AS named
     CROSS JOIN LATERAL (SELECT ARRAY[($5::text[])[place], ($6::text[])[place], ($7::text[])[place]] AS owner
                         FROM (SELECT 1 + n % cardinality($5::text[]) AS place) AS picked) AS owned`,
    [
      count,
      from,
      stepMs,
      own,
      owners.map(({ accountId }) => accountId),
      owners.map(({ subscriptionId }) => subscriptionId),
      owners.map(({ provider }) => provider),
    ],
  );
  for (const statement of STATEMENTS) await client.query(statement);
  await client.query('COMMIT');
}

const AT = 'to_timestamp(ms / 1000.0)';
const STATEMENTS = [
  `INSERT INTO events (id, account_id, type, occurred_at, channels, data, created_at)
   SELECT event_id, account_id, 'user.created', ${AT}, '{}',
          '{"id":"' || event_id || '","email":"someone@example.com","name":"Some One","plan":"free"}', ${AT}
   FROM filling`,
  `INSERT INTO event_bodies (event_id, variant, body)
   SELECT event_id, 'default', '{"type":"user.created","timestamp":"2026-01-01T00:00:00.000Z","data":{"id":"' || event_id
          || '","email":"someone@example.com","name":"Some One","plan":"free"}}'
   FROM filling`,
  `INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant, state, attempts,
                           owned, recorded_by, first_attempt_at, schedule_position, last_status, last_reason,
                           created_at, updated_at, settled_at)
   SELECT delivery_id, event_id, account_id, subscription_id, provider, 'user.created', 'default',
          CASE WHEN failed THEN 'failed' ELSE 'delivered' END, 1, true, md5(delivery_id), ${AT}, 0,
          CASE WHEN failed THEN 500 ELSE 200 END, CASE WHEN failed THEN 'status' END, ${AT}, ${AT}, ${AT}
   FROM filling`,
  `INSERT INTO attempts (delivery_id, number, run, started_at, duration_ms, outcome, status, reason, message, url,
                         request_headers, response_headers, response_excerpt, response_truncated)
   SELECT delivery_id, 1, 0, ${AT}, 12, CASE WHEN failed THEN 'refused' ELSE 'accepted' END,
          CASE WHEN failed THEN 500 ELSE 200 END, CASE WHEN failed THEN 'status' END,
          CASE WHEN failed THEN 'the receiver answered 500' END, 'https://receiver.example.com/hooks',
          jsonb_build_array(
            jsonb_build_object('name', 'content-type', 'value', 'application/json'),
            jsonb_build_object('name', 'webhook-id', 'value', event_id),
            jsonb_build_object('name', 'webhook-timestamp', 'value', (ms / 1000)::text),
            jsonb_build_object('name', 'webhook-signature', 'value', 'v1,' || md5(event_id))),
          '{"content-type":"text/plain","date":"Thu, 01 Jan 2026 00:00:00 GMT","connection":"keep-alive"}', 'ok', false
   FROM filling`,
];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [databaseUrl, rows = '1000000', days = '30'] = process.argv.slice(2);
  if (!databaseUrl) {
    console.error('usage: node bench/fill.mjs <database URL> [rows] [days]');
    process.exit(1);
  }
  const begun = Date.now();
  await fill(databaseUrl, Number(rows), {
    days: Number(days),
    progress: (written) => process.stderr.write(`\r${written} of ${rows}`),
  });
  console.error(`\nfilled in ${Math.round((Date.now() - begun) / 1000)} s`);
}
