/** Tables as they are after a long time: full of finished deliveries, each with its event, body and attempt. */
import { Client, Pool } from 'pg';
import { idSuffix, newId } from '#src/contract/ids.js';
import { makePartitions } from '#src/store/partitions.js';

/** Rows written by one transaction. */
const CHUNK = 50_000;
const DAY_MS = 86_400_000;
/** Subscriptions that are made up, each of an account of its own. */
const STRANGERS = 100;

export interface FillOptions {
  /** Over how many days before now they are spread; 30 if absent. */
  readonly days?: number;
  /** Called with the number of rows written. */
  readonly progress?: (written: number) => void;
  /** Whose they are, in turn; those that are there when absent. */
  readonly owners?: readonly Owner[];
  /** How many in a hundred belong to the first owner besides its turns; none if absent. */
  readonly ofFirstPercent?: number;
}

/** Whose deliveries they are. */
export interface Owner {
  readonly accountId: string;
  readonly subscriptionId: string;
  readonly provider: string;
}

/**
 * Adds finished deliveries to a migrated database, one in fifty of them failed. They belong in turn to the subscriptions
 * that are there, at most a hundred, and to a hundred that are not. A million takes well under a minute on two cores.
 */
export async function fill(
  databaseUrl: string,
  deliveries: number,
  { days = 30, progress = () => undefined, owners: given, ofFirstPercent = 0 }: FillOptions = {},
): Promise<void> {
  const firstWeek = Date.now() - days * DAY_MS;
  await makePastPartitions(databaseUrl, firstWeek);
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('SET synchronous_commit = off');
    await client.query(`CREATE TEMP TABLE filling (ms bigint, event_id text, delivery_id text, failed boolean,
                                                   account_id text, subscription_id text, provider text)`);
    const owners = given ?? [...(await ownersThere(client)), ...strangers()];
    const stepMs = (days * DAY_MS) / deliveries;
    for (let written = 0; written < deliveries; written += CHUNK) {
      const count = Math.min(CHUNK, deliveries - written);
      const from = Math.floor(firstWeek + written * stepMs);
      await writeChunk(client, { from, stepMs, count, owners, ofFirstPercent });
      progress(written + count);
    }
    await settle(client);
  } finally {
    await client.end();
  }
}

async function makePastPartitions(databaseUrl: string, firstWeek: number): Promise<void> {
  const pool = new Pool({ connectionString: databaseUrl, max: 1 });
  for (let time = firstWeek; time < Date.now(); time += 7 * DAY_MS) await makePartitions({ pool }, new Date(time));
  await pool.end();
}

/**
 * What autovacuum would have done over a long time; the loads that follow must not pay for it. Partition by partition, as
 * autovacuum does it, so the partitioned tables themselves have no statistics.
 */
export async function settle(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class WHERE relispartition AND relkind = 'r'`,
  );
  for (const { name } of rows) await client.query(`VACUUM (ANALYZE) ${name}`);
  await client.query('CHECKPOINT');
}

async function ownersThere(client: Client): Promise<Owner[]> {
  const { rows } = await client.query<Owner>(
    `SELECT s.id AS "subscriptionId", a.id AS "accountId", a.provider
     FROM subscriptions s JOIN accounts a ON a.id = s.account_id WHERE s.deleted_at IS NULL ORDER BY s.id LIMIT 100`,
  );
  return rows;
}

function strangers(): Owner[] {
  return Array.from({ length: STRANGERS }, () => ({
    subscriptionId: newId('sub'),
    accountId: newId('acc'),
    provider: 'standard',
  }));
}

/** The base32 digits of a whole number, in SQL. */
function base32(number: string, digits: number): string {
  return Array.from({ length: digits }, (_, connection) => {
    const digit = `((${number} >> ${5 * (digits - 1 - connection)}) & 31)::int`;
    return `substr('0123456789abcdefghjkmnpqrstvwxyz', ${digit} + 1, 1)`;
  }).join(' || ');
}

/** A TypeID is 10 characters of milliseconds, 4 with version and variant, and 12 that make it unique. */
const UNIQUE = `(${base32('ms', 10)}) || 'e008' || (${base32('n::bigint', 5)}) || $4`;

interface Chunk extends Required<Pick<FillOptions, 'owners' | 'ofFirstPercent'>> {
  /** Unix time of its first row in milliseconds, and the time between two. */
  readonly from: number;
  readonly stepMs: number;
  readonly count: number;
}

async function writeChunk(client: Client, { from, stepMs, count, owners, ofFirstPercent }: Chunk): Promise<void> {
  // Every chunk has ids of its own.
  const own = idSuffix(newId('dlv')).slice(-7);
  await client.query('BEGIN');
  await client.query('TRUNCATE filling');
  await client.query(
    `INSERT INTO filling
     SELECT ms, 'evt_' || suffix, 'dlv_' || suffix, n % 50 = 0, owner[1], owner[2], owner[3]
     FROM generate_series(1, $1::int) AS n
     CROSS JOIN LATERAL (SELECT $2::bigint + floor(n * $3::float8)::bigint AS ms) AS made
     CROSS JOIN LATERAL (SELECT ${UNIQUE} AS suffix) AS named
     CROSS JOIN LATERAL (SELECT ARRAY[($5::text[])[position], ($6::text[])[position], ($7::text[])[position]] AS owner
                         FROM (SELECT CASE WHEN abs(hashint4(n::int) % 100) < $8 THEN 1
                                           ELSE 1 + n % cardinality($5::text[]) END AS position) AS picked) AS owned`,
    [
      count,
      from,
      stepMs,
      own,
      owners.map(({ accountId }) => accountId),
      owners.map(({ subscriptionId }) => subscriptionId),
      owners.map(({ provider }) => provider),
      ofFirstPercent,
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
          CASE WHEN failed THEN 'the receiver responded with 500' END, 'https://receiver.example.com/hooks',
          jsonb_build_array(
            jsonb_build_object('name', 'content-type', 'value', 'application/json'),
            jsonb_build_object('name', 'webhook-id', 'value', event_id),
            jsonb_build_object('name', 'webhook-timestamp', 'value', (ms / 1000)::text),
            jsonb_build_object('name', 'webhook-signature', 'value', 'v1,' || md5(event_id))),
          '{"content-type":"text/plain","date":"Thu, 01 Jan 2026 00:00:00 GMT","connection":"keep-alive"}', 'ok', false
   FROM filling`,
];
