/**
 * Senders: the processes that make first attempts without a workflow. Each has a lease, and claims a delivery before it
 * sends. All times are those of the database.
 */
import { SENDER_LEASE_MS } from '../../workflows/limits.js';
import type { Store } from '../store.js';

const LEASE_END = `now() + make_interval(secs => ${SENDER_LEASE_MS / 1_000})`;

export async function registerSender(store: Store, senderId: string): Promise<void> {
  await store.pool.query(`INSERT INTO senders (id, expires_at) VALUES ($1, ${LEASE_END})`, [senderId]);
}

/** Renews a lease; false when it has expired and others have taken over the deliveries. */
export async function renewSender(store: Store, senderId: string): Promise<boolean> {
  const { rowCount } = await store.pool.query({
    name: 'renew-sender',
    text: `UPDATE senders SET expires_at = ${LEASE_END} WHERE id = $1`,
    values: [senderId],
  });
  return rowCount === 1;
}

/** Ends a lease. The deliveries that the sender still holds, which it has not sent, are free for other senders. */
export async function removeSender(store: Store, senderId: string): Promise<void> {
  await store.pool.query(
    `WITH removed AS (DELETE FROM senders WHERE id = $1)
     UPDATE deliveries SET sender_id = NULL WHERE NOT owned AND sender_id = $1`,
    [senderId],
  );
}

/** Leases that have expired; their deliveries are to be released. */
export async function expiredSenders(store: Store): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>({
    name: 'expired-senders',
    text: 'SELECT id FROM senders WHERE expires_at < now()',
  });
  return rows.map(({ id }) => id);
}

/**
 * Releases the deliveries of expired senders, once. An attempt may have been in flight for each that is pending, so it
 * gets an `interrupted` attempt; when that process was only frozen, its late attempt replaces it. Returns how many.
 */
export async function releaseExpired(store: Store, senderIds: readonly string[]): Promise<number> {
  const { rowCount } = await store.pool.query(
    `WITH expired AS MATERIALIZED (
       DELETE FROM senders WHERE id = ANY($1) AND expires_at < now() RETURNING id
     ), held AS MATERIALIZED (
       SELECT id, run, attempts, state FROM deliveries WHERE NOT owned AND sender_id IN (SELECT id FROM expired) FOR UPDATE
     ), interrupted AS (
       INSERT INTO attempts (delivery_id, number, run, started_at, outcome, reason, message)
       SELECT id, attempts + 1, run, now(), 'interrupted', 'interrupted',
              'the worker stopped before it could record this attempt'
       FROM held WHERE state = 'pending'
       ON CONFLICT DO NOTHING
     ), pending AS (
       UPDATE deliveries d SET sender_id = NULL, attempts = d.attempts + 1, last_status = NULL, last_reason = 'interrupted',
         first_attempt_at = coalesce(d.first_attempt_at, now()), updated_at = now()
       FROM held WHERE d.id = held.id AND held.state = 'pending'
     ), attempted AS (
       UPDATE deliveries d SET sender_id = NULL FROM held WHERE d.id = held.id AND held.state <> 'pending'
     )
     SELECT FROM held`,
    [senderIds],
  );
  return rowCount ?? 0;
}

/** Claims deliveries that no sender and no workflow has. Returns their ids. */
export async function claim(store: Store, senderId: string, ids: readonly string[]): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>({
    name: 'claim',
    // Locked rows are being claimed by others; waiting for them could deadlock.
    text: `
      WITH free AS MATERIALIZED (
        SELECT id FROM deliveries WHERE id = ANY($2) AND NOT owned AND direct AND sender_id IS NULL FOR UPDATE SKIP LOCKED
      )
      UPDATE deliveries d SET sender_id = $1 FROM free WHERE d.id = ANY($2) AND d.id = free.id RETURNING d.id`,
    values: [senderId, ids],
  });
  return rows.map(({ id }) => id);
}

/** Deliveries that are read for one claim; of these, each account gets its turn, its high priority first. */
const SCANNED = 5_000;
/** Seconds after which a delivery whose workflow could not be started is claimed again. */
const RESTART_AFTER_S = 10;

/**
 * Claims up to `limit` free deliveries, whichever process committed them: those without an attempt, and those that were
 * attempted but have no workflow yet. Returns their ids.
 */
export async function claimAny(store: Store, senderId: string, limit: number): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>({
    name: 'claim-any',
    text: `
      WITH oldest AS (
        (SELECT id, account_id, updated_at, priority FROM deliveries
         WHERE NOT owned AND state = 'pending' AND sender_id IS NULL AND direct ORDER BY updated_at LIMIT ${SCANNED})
        UNION ALL
        (SELECT id, account_id, updated_at, priority FROM deliveries
         WHERE NOT owned AND state <> 'pending' AND sender_id IS NULL AND direct
           AND updated_at < now() - make_interval(secs => ${RESTART_AFTER_S}) ORDER BY updated_at LIMIT ${SCANNED / 10})
      ), selected AS MATERIALIZED (
        SELECT id FROM (
          SELECT id, row_number() OVER (PARTITION BY account_id ORDER BY priority, updated_at) AS turn FROM oldest
        ) ranked
        ORDER BY turn LIMIT $2
      ), free AS MATERIALIZED (
        SELECT id FROM deliveries
        WHERE id = ANY(ARRAY(SELECT id FROM selected)) AND NOT owned AND sender_id IS NULL FOR UPDATE SKIP LOCKED
      )
      UPDATE deliveries d SET sender_id = $1 FROM free
      WHERE d.id = ANY(ARRAY(SELECT id FROM selected)) AND d.id = free.id RETURNING d.id`,
    values: [senderId, limit],
  });
  return rows.map(({ id }) => id);
}

/** Releases deliveries that the sender has claimed and not sent, or whose workflow it could not start. */
export async function unclaim(store: Store, senderId: string, ids: readonly string[]): Promise<void> {
  await store.pool.query(
    'UPDATE deliveries SET sender_id = NULL, updated_at = now() WHERE id = ANY($1) AND sender_id = $2 AND NOT owned',
    [ids, senderId],
  );
}

/** Records that direct deliveries have a workflow now. */
export async function markStarted(store: Store, ids: readonly string[]): Promise<void> {
  await store.pool.query('UPDATE deliveries SET owned = true, sender_id = NULL WHERE id = ANY($1) AND NOT owned', [
    ids,
  ]);
}

/** Makes its workflow the owner of a direct delivery that no sender has. Returns whether a workflow owns it now. */
export async function takeFromSenders(store: Store, deliveryId: string): Promise<boolean> {
  await store.pool.query('UPDATE deliveries SET owned = true WHERE id = $1 AND NOT owned AND sender_id IS NULL', [
    deliveryId,
  ]);
  const { rows } = await store.pool.query<{ owned: boolean }>('SELECT owned FROM deliveries WHERE id = $1', [
    deliveryId,
  ]);
  return rows[0]?.owned ?? true;
}

/** Deliveries that a sender has claimed for longer than `olderThan` seconds and has not finished. */
export async function heldBy(store: Store, senderId: string, olderThan: number): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>({
    name: 'held-by-sender',
    text: `SELECT id FROM deliveries WHERE NOT owned AND sender_id = $1 AND updated_at < now() - make_interval(secs => $2)`,
    values: [senderId, olderThan],
  });
  return rows.map(({ id }) => id);
}
