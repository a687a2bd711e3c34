/**
 * Deliveries that wait for a circuit breaker. Those of senders and of events that are accepted while it is open have no
 * workflow: they are claimed by 'breaker' (`deliveries.sender_id`), and senders send them when they are released. The
 * others wait in their workflow and are resumed.
 */
import type { TrialDelivery, TrialOutcome } from '../../contract/breaker.js';
import type { ReleasedRange } from '../../workflows/breaker-types.js';
import { BREAKER_OPEN } from '../../workflows/types.js';
import type { Queryable, Store } from '../store.js';

/** The claim of deliveries that wait without a workflow. */
export const BREAKER_CLAIM = 'breaker';

/** SQL condition: a delivery waits for a breaker. The partial index of 0011_breakers.sql has it. */
export const WAITS = `state = 'paused' AND state_reason = '${BREAKER_OPEN}'`;

/** SQL condition: the delivery `d` waits for a breaker and has no workflow. */
export const IS_HELD = `(d.state = 'paused' AND d.sender_id IS NOT DISTINCT FROM '${BREAKER_CLAIM}')`;

/** A delivery that a sender has claimed, of a subscription whose breaker seems to be open. */
export interface HeldDelivery {
  readonly id: string;
  readonly subscriptionId: string;
  readonly senderId: string;
}

/**
 * Makes deliveries of senders wait where the breaker is open, without a workflow and at their position of the schedule.
 * Returns their ids; the others stay claimed. The subscriptions are locked, so that none starts to wait while its breaker is
 * being closed.
 */
export async function holdForBreaker(store: Store, deliveries: readonly HeldDelivery[]): Promise<ReadonlySet<string>> {
  const { rows } = await store.pool.query<{ id: string }>({
    name: 'hold-for-breaker',
    text: `
      WITH opened AS MATERIALIZED (
        SELECT id FROM subscriptions WHERE id = ANY($2) AND breaker_opened_at IS NOT NULL ORDER BY id FOR SHARE
      )
      UPDATE deliveries d
      SET state = 'paused', state_reason = '${BREAKER_OPEN}', next_attempt_at = NULL, owned = true,
          sender_id = '${BREAKER_CLAIM}', updated_at = now()
      FROM unnest($1::text[], $2::text[], $3::text[]) AS held (id, subscription_id, sender_id)
      WHERE d.id = ANY($1) AND d.id = held.id AND d.sender_id = held.sender_id AND NOT d.owned
        AND d.state IN ('pending', 'retrying') AND held.subscription_id IN (SELECT id FROM opened)
      RETURNING d.id`,
    values: [
      deliveries.map(({ id }) => id),
      deliveries.map(({ subscriptionId }) => subscriptionId),
      deliveries.map(({ senderId }) => senderId),
    ],
  });
  return new Set(rows.map(({ id }) => id));
}

/**
 * The deliveries of a subscription that wait for its breaker, after an id and the oldest first; `attempts` is how many each
 * has.
 */
export async function oldestWaiting(
  client: Queryable,
  subscriptionId: string,
  { after = '', limit }: { readonly after?: string; readonly limit: number },
): Promise<TrialDelivery[]> {
  const { rows } = await client.query<TrialDelivery>(
    `SELECT id, attempts FROM deliveries WHERE subscription_id = $1 AND ${WAITS} AND id > $2 ORDER BY id LIMIT $3`,
    [subscriptionId, after, limit],
  );
  return rows;
}

/**
 * Releases deliveries that wait, with the notification of senders (src/store/direct/notifications.ts). Returns those that
 * wait in a workflow, which must be resumed, and the time of the query. Repeating it changes nothing.
 */
export async function releaseWaiting(
  store: Store,
  ids: readonly string[],
): Promise<{ readonly inWorkflows: string[]; readonly asOf: Date }> {
  const { rows } = await store.pool.query<{ ids: string[]; as_of: Date }>(
    `WITH released AS (
       UPDATE deliveries d SET state = 'pending', state_reason = NULL, owned = false, sender_id = NULL, updated_at = now()
       WHERE d.id = ANY($1) AND ${IS_HELD} AND d.state_reason = '${BREAKER_OPEN}' RETURNING id
     ), notified AS (
       SELECT pg_notify('pigeonpost_direct', '') FROM (SELECT FROM released LIMIT 1) AS one
     )
     SELECT ARRAY(SELECT d.id FROM deliveries d WHERE d.id = ANY($1) AND ${WAITS} AND NOT ${IS_HELD}) AS ids,
            now() AS as_of, (SELECT count(*) FROM notified) AS notified`,
    [ids],
  );
  const { ids: inWorkflows, as_of: asOf } = rows[0]!;
  return { inWorkflows, asOf };
}

/** How many of the released deliveries no sender has attempted yet. */
export async function countUnsent(store: Store, subscriptionId: string, { from, to }: ReleasedRange): Promise<number> {
  const { rows } = await store.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM deliveries
     WHERE subscription_id = $1 AND id BETWEEN $2 AND $3 AND state = 'pending' AND NOT owned`,
    [subscriptionId, from, to],
  );
  return rows[0]!.count;
}

/** Beyond this number the waiting deliveries of a subscription are not counted. */
export const MAX_WAITING_COUNTED = 10_000;

/** How many deliveries of a subscription wait for its breaker, at most {@link MAX_WAITING_COUNTED}. */
export async function countWaitingForBreaker(store: Store, subscriptionId: string): Promise<number> {
  const { rows } = await store.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM (
       SELECT FROM deliveries WHERE subscription_id = $1 AND ${WAITS} LIMIT ${MAX_WAITING_COUNTED}) AS limited`,
    [subscriptionId],
  );
  return rows[0]!.count;
}

/**
 * What became of the deliveries of a trial. The first attempt since it started decides, wherever it was made; one that was
 * interrupted is made again, and one without a request says nothing of the receiver.
 */
export async function trialOutcomes(client: Queryable, trial: readonly TrialDelivery[]): Promise<TrialOutcome[]> {
  const { rows } = await client.query<{ id: string; outcome: TrialOutcome }>(
    `SELECT t.id, CASE
         WHEN made.outcome = 'accepted' THEN 'accepted'
         WHEN made.url IS NOT NULL THEN 'failed'
         WHEN made.outcome IS NULL AND (d.state IN ('pending', 'retrying') OR (d.state = 'paused' AND d.state_reason = '${BREAKER_OPEN}'))
           THEN 'undecided'
         ELSE 'void' END AS outcome
     FROM unnest($1::text[], $2::integer[]) AS t (id, attempts)
     LEFT JOIN deliveries d ON d.id = t.id
     LEFT JOIN LATERAL (
       SELECT outcome, url FROM attempts a
       WHERE a.delivery_id = t.id AND a.number > t.attempts AND a.outcome <> 'interrupted' ORDER BY number LIMIT 1
     ) made ON true`,
    [trial.map(({ id }) => id), trial.map(({ attempts }) => attempts)],
  );
  const byId = new Map(rows.map(({ id, outcome }) => [id, outcome]));
  return trial.map(({ id }) => byId.get(id) ?? 'void');
}

/** Takes a delivery that waits without a workflow, so that it can get one; false when it no longer waits like that. */
export async function takeHeld(store: Store, deliveryId: string): Promise<boolean> {
  const { rowCount } = await store.pool.query(
    `UPDATE deliveries d SET sender_id = NULL, updated_at = now() WHERE d.id = $1 AND ${IS_HELD}`,
    [deliveryId],
  );
  return rowCount === 1;
}
