/** What a long time leaves behind besides finished deliveries: outages, pauses, disabled subscriptions and records. */
import { Client } from 'pg';
import { lowestIdAt } from '#src/contract/ids.js';
import type { Owner } from '../steps/fill.js';

const DAY_MS = 86_400_000;

/**
 * Writes all of it. The first account has what one account can have much of. An alert rule must exist, as its target is
 * encrypted.
 */
export async function makeStates(databaseUrl: string, first: Owner): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const since = lowestIdAt('dlv', new Date(Date.now() - 2 * DAY_MS));
    for (const statement of [
      ...openDeliveries(first.accountId, since),
      ...SUBSCRIPTIONS,
      ...orderingKeys(first),
      ...RECORDS,
      ...accessOf(first.accountId),
      'ANALYZE',
    ])
      await client.query(statement);
  } finally {
    await client.end();
  }
}

/** One in so many deliveries. */
const oneIn = (number: number): string => `abs(hashtext(d.id)::bigint) % ${number} = 0`;
/** An id made of that of a delivery, for rows that need ids of their own. */
const idOf = (prefix: string): string => `'${prefix}_' || substr(d.id, 5)`;

/**
 * Since a time the deliveries of an account wait for its receiver, and a few of the others are paused, cancelled or pending.
 * Nothing is due, as no worker runs. The ids are parts of the text, as they contain no characters to escape.
 */
const openDeliveries = (accountId: string, since: string): string[] => [
  `UPDATE deliveries SET state = 'retrying', settled_at = NULL, attempts = 3, last_status = 503, last_reason = 'status',
     next_attempt_at = now() + interval '6 hours' WHERE id >= '${since}' AND account_id = '${accountId}'`,
  `UPDATE deliveries d SET state = 'paused', settled_at = NULL, state_reason = 'the subscription is disabled'
   WHERE id >= '${since}' AND account_id <> '${accountId}' AND ${oneIn(20)}`,
  `UPDATE deliveries d SET state = 'cancelled', state_reason = 'cancelled by the API'
   WHERE id >= '${since}' AND account_id <> '${accountId}' AND state = 'delivered' AND ${oneIn(19)}`,
  `UPDATE deliveries d SET state = 'pending', settled_at = NULL, attempts = 0, last_status = NULL, owned = false
   WHERE id >= '${since}' AND account_id <> '${accountId}' AND state = 'delivered' AND ${oneIn(200)}`,
  `UPDATE deliveries d SET last_status = NULL, last_reason = 'timeout'
   WHERE id < '${since}' AND account_id <> '${accountId}' AND state = 'failed' AND ${oneIn(4)}`,
];

/** By their number, so that each condition is spread over the accounts; the first one fails. */
const SUBSCRIPTIONS: readonly string[] = [
  'CREATE TEMP TABLE numbered AS SELECT id, row_number() OVER (ORDER BY id) AS number FROM subscriptions',
  `UPDATE subscriptions s SET enabled = false, disabled_reason = 'every attempt has failed for 5 days'
   FROM numbered n WHERE n.id = s.id AND n.number % 100 = 7`,
  `UPDATE subscriptions s SET failing = jsonb_build_object('since', now() - interval '1 day', 'attempts', 12)
   FROM numbered n WHERE n.id = s.id AND (n.number % 50 = 3 OR n.number = 1)`,
  `UPDATE subscriptions s SET breaker_opened_at = now() - interval '1 hour',
     breaker = jsonb_build_object('attempts', 20, 'failures', 20)
   FROM numbered n WHERE n.id = s.id AND n.number % 200 = 3`,
];

/** Ten thousand keys with a head alone, and behind them five hundred whose head has others waiting for it. */
const orderingKeys = ({ accountId, subscriptionId }: Owner): string[] => [
  `CREATE TEMP TABLE ordered AS SELECT id, row_number() OVER (ORDER BY id)::int AS number
   FROM (SELECT id FROM deliveries WHERE account_id = '${accountId}' ORDER BY id DESC LIMIT 20000) newest`,
  `INSERT INTO ordering_keys (subscription_id, ordering_key, head, last_position)
   SELECT '${subscriptionId}', CASE WHEN number > 10000 THEN 'order_' ELSE 'zone_' END || number, id, 20 FROM ordered
   WHERE number > 10000 OR number % 20 = 1`,
  `INSERT INTO ordering_waiting (subscription_id, ordering_key, position, delivery_id)
   SELECT '${subscriptionId}', 'zone_' || (number - (number - 1) % 20), number, id FROM ordered
   WHERE number <= 10000 AND number % 20 <> 1`,
];

const RECORDS: readonly string[] = [
  `INSERT INTO audit_log (id, role, via, action, account_id, object_id, status)
   SELECT ${idOf('aud')}, 'operator', 'api', 'POST /v1/deliveries/{id}/retry', d.account_id, d.id, 202
   FROM deliveries d WHERE ${oneIn(5)}`,
  `INSERT INTO jobs (id, account_id, action, filter, reason, rate_per_second, state, total, ended_at)
   SELECT ${idOf('job')}, d.account_id, 'redeliver', jsonb_build_object('beforeId', d.id), 'bench', 10, 'completed', 100, now()
   FROM deliveries d WHERE ${oneIn(200)}`,
  `INSERT INTO erasures (id, account_id, reason, erased_by)
   SELECT ${idOf('era')}, d.account_id, 'bench', 'operator' FROM deliveries d WHERE ${oneIn(200)}`,
  `INSERT INTO broadcasts (id, provider, type, occurred_at, channels, rate, state, total)
   SELECT ${idOf('brc')}, 'standard', 'system.notice', now(), '{}', 100, 'completed', 10
   FROM deliveries d WHERE ${oneIn(1_000)}`,
  `INSERT INTO alert_messages (id, rule_id, is_mail, content, attempts, next_attempt_at, sent_at)
   SELECT ${idOf('alm')}, (SELECT id FROM alert_rules LIMIT 1), false, '{}', 1, NULL, now()
   FROM deliveries d WHERE ${oneIn(50)}`,
  `INSERT INTO alerts (id, rule_id, object_id, account_id, facts, since, ended_at, message_id)
   SELECT ${idOf('alt')}, (SELECT id FROM alert_rules LIMIT 1), d.subscription_id, d.account_id,
          '{"accountName":"Customer","url":"https://customer.example","detail":""}', now(), now(), ${idOf('alm')}
   FROM deliveries d WHERE ${oneIn(50)}`,
  "INSERT INTO event_types (name, version) SELECT 'bench.type_' || n, 1 FROM generate_series(1, 2000) n",
  'INSERT INTO event_type_versions (event_type, version) SELECT name, 1 FROM event_types',
];

/** Keys and portal links. */
const accessOf = (accountId: string): string[] => [
  `INSERT INTO sessions (id, hash, admin_proof, account_id, scopes, expires_at, kind)
   SELECT ${idOf('ses')}, sha256(d.id::bytea), '', '${accountId}', '{read}', now() + interval '1 day', 'portal'
   FROM deliveries d WHERE ${oneIn(200)}`,
];
