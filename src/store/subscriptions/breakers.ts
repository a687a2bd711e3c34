/** Circuit breakers of subscriptions (src/contract/breaker.ts) as they are stored: counted, opened, advanced and closed. */
import {
  afterAttempts,
  isOpen,
  withTrial,
  type AttemptCount,
  type Breaker,
  type BreakerRules,
  type OpenBreaker,
} from '../../contract/breaker.js';
import { toAccount, type AccountRow, type StoredAccount } from '../accounts/accounts.js';
import { WAITS } from '../deliveries/breaker-waiting.js';
import { Operation } from '../events/operational-events.js';
import { fromJson, inTransaction, onlyRow, type Queryable, type Store } from '../store.js';
import { toSubscription, type StoredSubscription, type SubscriptionRow } from './subscriptions.js';

/** Attempts of a subscription that one process has made and not reported yet. */
export interface UnreportedAttempts {
  readonly subscriptionId: string;
  readonly rules: BreakerRules;
  readonly counts: readonly AttemptCount[];
}

/** What became of a report. */
export interface ReportedAttempts {
  readonly subscriptionId: string;
  readonly accountId: string;
  readonly breaker: Breaker;
  /** Whether these attempts opened it. */
  readonly opened: boolean;
}

/**
 * Adds attempts to the windows of their breakers, those of all processes together, and opens breakers. Nothing is written
 * for a subscription without a failure in its window. Returns the subscriptions whose attempts are counted.
 */
export async function reportAttempts(
  store: Store,
  reports: readonly UnreportedAttempts[],
  now: number,
): Promise<ReportedAttempts[]> {
  const byId = new Map(reports.map((report) => [report.subscriptionId, report]));
  const failed = reports
    .filter(({ counts }) => counts.some(({ failures }) => failures > 0))
    .map(({ subscriptionId }) => subscriptionId);
  const ids = failed.length === reports.length ? failed : await withFailures(store, [...byId.keys()], failed);
  if (ids.length === 0) return [];
  return inTransaction(store, async (client) => {
    const { rows } = await client.query<{ id: string; account_id: string; breaker: Breaker }>({
      name: 'lock-breakers',
      // Sorted, so that two processes with the same subscriptions do not deadlock.
      text: `SELECT id, account_id, breaker FROM subscriptions
             WHERE id = ANY($1) AND enabled AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE`,
      values: [ids],
    });
    const reported = rows.map(({ id, account_id: accountId, breaker: before }): ReportedAttempts => {
      const { rules, counts } = byId.get(id)!;
      const breaker = afterAttempts(before, rules, counts, now);
      return { subscriptionId: id, accountId, breaker, opened: isOpen(breaker) && !isOpen(before) };
    });
    await writeBreakers(
      client,
      reported.filter(({ breaker, opened }) => opened || !isOpen(breaker)),
    );
    return reported;
  });
}

/** The subscriptions whose breakers count, because an attempt in their window has failed; with those that failed now. */
async function withFailures(store: Store, ids: readonly string[], failed: readonly string[]): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>({
    name: 'counting-breakers',
    text: 'SELECT id FROM subscriptions WHERE id = ANY($1) AND breaker IS NOT NULL',
    values: [ids],
  });
  return [...new Set([...failed, ...rows.map(({ id }) => id)])];
}

async function writeBreakers(
  client: Queryable,
  changed: readonly Pick<ReportedAttempts, 'subscriptionId' | 'breaker' | 'opened'>[],
): Promise<void> {
  if (changed.length === 0) return;
  await client.query({
    name: 'write-breakers',
    text: `
      WITH changed AS (
        UPDATE subscriptions s
        SET breaker = i.breaker, breaker_opened_at = CASE WHEN i.opened THEN now() END
        FROM unnest($1::text[], $2::jsonb[], $3::boolean[]) AS i (id, breaker, opened)
        WHERE s.id = ANY($1) AND s.id = i.id AND (s.breaker IS NOT NULL OR i.breaker IS NOT NULL)
        RETURNING s.id, s.breaker, i.opened
      )
      INSERT INTO operational_events (type, subscription_id, facts)
      SELECT '${Operation.breakerOpened}', id,
             jsonb_build_object('attempts', breaker->'attempts', 'failures', breaker->'failures')
      FROM changed WHERE opened`,
    values: [
      changed.map(({ subscriptionId }) => subscriptionId),
      changed.map(({ breaker }) => breaker && JSON.stringify(breaker)),
      changed.map(({ opened }) => opened),
    ],
  });
}

/** A subscription whose breaker is locked, with its account. */
export interface LockedBreaker {
  readonly subscription: StoredSubscription;
  readonly account: StoredAccount;
}

/** Locks the breaker of a subscription until the transaction ends; undefined when the subscription is deleted. */
export async function lockBreaker(
  store: Store,
  client: Queryable,
  subscriptionId: string,
): Promise<LockedBreaker | undefined> {
  const row = onlyRow(
    await client.query<SubscriptionRow & { account: AccountRow }>(
      `SELECT s.*, to_jsonb(a) AS account FROM subscriptions s JOIN accounts a ON a.id = s.account_id
       WHERE s.id = $1 AND s.deleted_at IS NULL FOR NO KEY UPDATE OF s`,
      [subscriptionId],
    ),
  );
  return row && { subscription: toSubscription(store, row), account: toAccount(store, fromJson(row.account)) };
}

/** Stores a locked breaker; null closes it. */
export async function saveBreaker(
  client: Queryable,
  subscriptionId: string,
  breaker: OpenBreaker | null,
): Promise<void> {
  if (breaker) {
    await client.query('UPDATE subscriptions SET breaker = $2 WHERE id = $1', [
      subscriptionId,
      JSON.stringify(breaker),
    ]);
    return;
  }
  await client.query(
    `WITH closed AS (
       UPDATE subscriptions SET breaker = NULL, breaker_opened_at = NULL
       WHERE id = $1 AND breaker_opened_at IS NOT NULL RETURNING id
     )
     INSERT INTO operational_events (type, subscription_id, facts)
     SELECT '${Operation.breakerClosed}', id, '{}' FROM closed`,
    [subscriptionId],
  );
}

/** Closes a breaker by hand; undefined when it is not open. */
export async function closeBreaker(store: Store, subscriptionId: string): Promise<StoredSubscription | undefined> {
  return inTransaction(store, async (client) => {
    const locked = await lockBreaker(store, client, subscriptionId);
    if (!locked || !isOpen(locked.subscription.breaker)) return undefined;
    await saveBreaker(client, subscriptionId, null);
    return { ...locked.subscription, breaker: null };
  });
}

/** Retries by hand that may be part of one trial. */
const MAX_BY_HAND = 10;

/**
 * Makes a delivery part of the trial, so that it is sent although the breaker is open: one that is retried by hand, and
 * otherwise the first that is due when a probe is and none is being made. False when it must wait.
 */
export async function joinTrial(
  store: Store,
  subscriptionId: string,
  { id, attempts, byHand }: { readonly id: string; readonly attempts: number; readonly byHand: boolean },
): Promise<boolean> {
  return inTransaction(store, async (client) => {
    const breaker = (await lockBreaker(store, client, subscriptionId))?.subscription.breaker ?? null;
    if (!isOpen(breaker)) return true;
    const { trial, stage, nextProbeAt } = breaker;
    if (trial.some((delivery) => delivery.id === id)) return true;
    const isProbe = trial.length === 0 && stage === 0 && nextProbeAt <= Date.now();
    if (!isProbe && !(byHand && trial.length < MAX_BY_HAND)) return false;
    await saveBreaker(client, subscriptionId, withTrial(breaker, [{ id, attempts }], Date.now()));
    return true;
  });
}

/** A subscription and its account. */
export interface BreakerScope {
  readonly accountId: string;
  readonly subscriptionId: string;
}

/** Seconds after which a probe that is due should have been made. */
const OVERDUE_AFTER_S = 10;

/**
 * Subscriptions, after an id, whose breaker must be advanced although its workflow has not done it: those with a probe that
 * is overdue and something to send, and those that are closed while deliveries still wait.
 */
export async function overdueBreakers(
  store: Store,
  { after, limit }: { after: string; limit: number },
): Promise<BreakerScope[]> {
  const { rows } = await store.pool.query<BreakerScope>(
    // Subscription by subscription, as many deliveries of one may wait.
    `WITH RECURSIVE waiting AS (
       SELECT (SELECT min(subscription_id) FROM deliveries WHERE ${WAITS} AND subscription_id > $1) AS id
       UNION ALL
       SELECT (SELECT min(subscription_id) FROM deliveries WHERE ${WAITS} AND subscription_id > waiting.id)
       FROM waiting WHERE id IS NOT NULL
     )
     SELECT s.account_id AS "accountId", s.id AS "subscriptionId"
     FROM subscriptions s JOIN accounts a ON a.id = s.account_id
     WHERE s.id > $1 AND s.enabled AND s.deleted_at IS NULL AND s.paused_at IS NULL AND a.paused_at IS NULL
       AND s.id IN (
         SELECT id FROM waiting WHERE id IS NOT NULL
         UNION SELECT id FROM subscriptions
         WHERE breaker_opened_at IS NOT NULL AND jsonb_array_length(breaker->'trial') > 0
       )
       AND (s.breaker_opened_at IS NULL OR (s.breaker->>'nextProbeAt')::float8 / 1000
            < extract(epoch FROM now()) - ${OVERDUE_AFTER_S})
     ORDER BY s.id LIMIT $2`,
    [after, limit],
  );
  return rows;
}
