/** For what the condition of an alert rule holds now. */
import { INSTALLATION, type AlertMatch, type AlertRule } from '../../contract/alerts.js';
import { receiverConditions } from '../reports/attention.js';
import { accountDueSince, loadBacklog } from '../reports/backlog.js';
import { longQuery, type Store } from '../store.js';

/** Matches of a rule, those since the longest time first. */
export interface AlertMatches {
  /** The first ones, and all with an open alert. */
  readonly matches: readonly AlertMatch[];
  /** How many there are in all. */
  readonly total: number;
}

/** Finds at most `limit` matches of a rule, and beside them those with these ids. */
export async function findMatches(
  store: Store,
  rule: AlertRule,
  known: readonly string[],
  limit: number,
): Promise<AlertMatches> {
  if (rule.condition !== 'backlog_older_than') return findReceivers(store, rule, rule.condition, known, limit);
  const match = rule.accountId === null ? await ofInstallation(store) : await ofAccount(store, rule.accountId);
  const isOld = match && Date.now() - match.since.getTime() >= rule.minutes * 60_000;
  return isOld ? { matches: [match], total: 1 } : { matches: [], total: 0 };
}

/** The reason of each condition in words. */
const DETAILS = {
  subscription_failing: `(s.failing ->> 'attempts') || ' failed attempts in a row'`,
  subscription_disabled: `s.disabled_reason`,
  breaker_open: `(s.breaker ->> 'failures') || ' of ' || (s.breaker ->> 'attempts') || ' attempts had failed'`,
} as const;

const CONDITIONS = {
  subscription_failing: receiverConditions.failing,
  subscription_disabled: receiverConditions.disabled,
  breaker_open: receiverConditions.breakerOpen,
} as const;

interface ReceiverRow {
  readonly objectId: string;
  readonly accountId: string;
  readonly accountName: string;
  readonly url: string;
  readonly detail: string | null;
  readonly since: Date;
  readonly total: number;
}

async function findReceivers(
  { pool }: Store,
  { accountId, minutes }: AlertRule,
  condition: keyof typeof CONDITIONS,
  known: readonly string[],
  limit: number,
): Promise<AlertMatches> {
  const { where, since } = CONDITIONS[condition];
  const { rows } = await pool.query<ReceiverRow>(
    longQuery(
      `WITH matching AS MATERIALIZED (
         SELECT s.id, ${since} AS since, row_number() OVER (ORDER BY ${since}, s.id) AS position,
                count(*) OVER ()::int AS total
         FROM subscriptions s
         WHERE ${where} AND s.deleted_at IS NULL AND ($1::text IS NULL OR s.account_id = $1)
           AND ${since} <= now() - make_interval(mins => $2)
       )
       SELECT m.id AS "objectId", m.since, m.total, s.account_id AS "accountId", a.name AS "accountName", s.url,
              ${DETAILS[condition]} AS detail
       FROM matching m JOIN subscriptions s ON s.id = m.id JOIN accounts a ON a.id = s.account_id
       WHERE m.position <= $3 OR m.id = ANY($4) ORDER BY m.position`,
      [accountId, minutes, limit, known],
    ),
  );
  const matches = rows.map(({ objectId, accountId, since, accountName, url, detail }) => ({
    ...{ objectId, accountId, since },
    facts: { accountName, url: url === '' ? null : url, detail: detail ?? '' },
  }));
  return { matches, total: rows[0]?.total ?? 0 };
}

async function ofInstallation(store: Store): Promise<AlertMatch | undefined> {
  const { overdueS, counts } = await loadBacklog(store);
  const dueS = Math.max(overdueS.waiting, overdueS.retrying);
  if (dueS === 0) return undefined;
  const detail = `${counts.waiting} pending and ${counts.retrying} retrying deliveries`;
  const since = new Date(Date.now() - dueS * 1_000);
  return { objectId: INSTALLATION, accountId: null, since, facts: { accountName: null, url: null, detail } };
}

async function ofAccount(store: Store, accountId: string): Promise<AlertMatch | undefined> {
  const due = await accountDueSince(store, accountId);
  return (
    due && {
      ...{ objectId: accountId, accountId, since: due.since },
      facts: { accountName: due.accountName, url: null, detail: '' },
    }
  );
}
