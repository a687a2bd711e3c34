/** Alerts: for which objects a rule was raised, and until when. */
import type { AlertCondition, AlertFacts, AlertMatch, RaisedAlert } from '../../contract/alerts.js';
import { idTime } from '../../contract/ids.js';
import { conditions } from '../conditions.js';
import type { Queryable, Store } from '../store.js';

/** Days for which alerts that have ended, and messages, are kept. */
const KEPT_DAYS = 90;
/** Rows that are deleted at once. */
const MAX_DELETED = 2_000;

/** The alerts of a rule that last. */
export async function openAlerts(client: Queryable, ruleId: string): Promise<RaisedAlert[]> {
  const { rows } = await client.query<RaisedAlert>(
    `SELECT id, object_id AS "objectId", account_id AS "accountId", since, facts, last_message_at AS "lastMessageAt"
     FROM alerts WHERE rule_id = $1 AND ended_at IS NULL ORDER BY id`,
    [ruleId],
  );
  return rows;
}

/** An alert with the message that says so. */
export interface AlertToRaise extends AlertMatch {
  readonly id: string;
  readonly messageId: string;
}

/** Stores new alerts. */
export async function insertAlerts(client: Queryable, ruleId: string, alerts: readonly AlertToRaise[]): Promise<void> {
  if (alerts.length === 0) return;
  await client.query(
    `INSERT INTO alerts (id, rule_id, object_id, account_id, facts, since, message_id)
     SELECT id, $1, object_id, account_id, facts, since, message_id
     FROM unnest($2::text[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[], $7::text[])
       AS raised (id, object_id, account_id, facts, since, message_id)`,
    [
      ruleId,
      alerts.map(({ id }) => id),
      alerts.map(({ objectId }) => objectId),
      alerts.map(({ accountId }) => accountId),
      alerts.map(({ facts }) => JSON.stringify(facts)),
      alerts.map(({ since }) => since),
      alerts.map(({ messageId }) => messageId),
    ],
  );
}

/** An alert, and the message that says something new of it. */
export interface AlertMention {
  readonly id: string;
  readonly messageId: string;
}

/** Records in which message alerts were repeated. */
export async function recordRepeats(client: Queryable, repeated: readonly AlertMention[]): Promise<void> {
  await mention(client, 'message_id = mentioned.message_id, last_message_at = now()', repeated);
}

/** Ends alerts. */
export async function endAlerts(client: Queryable, ended: readonly AlertMention[]): Promise<void> {
  await mention(client, 'end_message_id = mentioned.message_id, ended_at = now()', ended);
}

async function mention(client: Queryable, changes: string, mentions: readonly AlertMention[]): Promise<void> {
  if (mentions.length === 0) return;
  await client.query(
    `UPDATE alerts SET ${changes} FROM unnest($1::text[], $2::text[]) AS mentioned (id, message_id)
     WHERE alerts.id = mentioned.id`,
    [mentions.map(({ id }) => id), mentions.map(({ messageId }) => messageId)],
  );
}

/** How far a message has come. */
export interface MessageProgress {
  readonly attempts: number;
  readonly sentAt: Date | null;
  /** Null once it was sent or given up. */
  readonly nextAttemptAt: Date | null;
  readonly lastError: string | null;
}

export interface ListedAlert {
  readonly id: string;
  readonly ruleId: string;
  readonly ruleName: string;
  readonly condition: AlertCondition;
  readonly objectId: string;
  readonly accountId: string | null;
  readonly facts: AlertFacts;
  readonly since: Date;
  readonly raisedAt: Date;
  readonly endedAt: Date | null;
  readonly message: MessageProgress | null;
  readonly endMessage: MessageProgress | null;
}

/** Which alerts to list; all conditions apply. */
export interface AlertFilter {
  readonly ruleId?: string | undefined;
  readonly accountId?: string | undefined;
  /** Only those that last, or only those that have ended. */
  readonly open?: boolean | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
}

const progressOf = (message: string): string =>
  `CASE WHEN ${message}.id IS NOT NULL THEN jsonb_build_object('attempts', ${message}.attempts, 'sentAt', ${message}.sent_at,
     'nextAttemptAt', ${message}.next_attempt_at, 'lastError', ${message}.last_error) END`;

/** Alerts, newest first. */
export async function listAlerts(store: Store, { open, ...filter }: AlertFilter): Promise<ListedAlert[]> {
  const { where, values, sql } = conditions();
  where('l.rule_id = ?', filter.ruleId);
  where('l.account_id = ?', filter.accountId);
  where('(l.ended_at IS NULL) = ?', open);
  where('l.id < ?', filter.before);
  const { rows } = await store.pool.query<Omit<ListedAlert, 'raisedAt'>>(
    `SELECT l.id, l.rule_id AS "ruleId", r.name AS "ruleName", r.condition, l.object_id AS "objectId",
            l.account_id AS "accountId", l.facts, l.since, l.ended_at AS "endedAt",
            ${progressOf('m')} AS message, ${progressOf('e')} AS "endMessage"
     FROM alerts l JOIN alert_rules r ON r.id = l.rule_id
     LEFT JOIN alert_messages m ON m.id = l.message_id LEFT JOIN alert_messages e ON e.id = l.end_message_id
     WHERE ${sql()} ORDER BY l.id DESC LIMIT $${values.push(filter.limit)}`,
    values,
  );
  return rows.map((row) => ({
    ...row,
    raisedAt: idTime(row.id),
    message: withTimes(row.message),
    endMessage: withTimes(row.endMessage),
  }));
}

/** Times are text where they were read as JSON. */
function withTimes(progress: MessageProgress | null): MessageProgress | null {
  if (!progress) return null;
  const { sentAt, nextAttemptAt } = progress;
  const time = (text: Date | null): Date | null => text && new Date(text);
  return { ...progress, sentAt: time(sentAt), nextAttemptAt: time(nextAttemptAt) };
}

/** Deletes some of the alerts that have ended, and of the messages that were finished, longer ago than they are kept. */
export async function deleteOldAlerts({ pool }: Store): Promise<void> {
  const limits = [KEPT_DAYS, MAX_DELETED];
  await pool.query(
    `DELETE FROM alerts WHERE id IN (
       SELECT id FROM alerts WHERE ended_at < now() - make_interval(days => $1) LIMIT $2)`,
    limits,
  );
  await pool.query(
    `DELETE FROM alert_messages WHERE id IN (
       SELECT id FROM alert_messages
       WHERE created_at < now() - make_interval(days => $1) AND next_attempt_at IS NULL LIMIT $2)`,
    limits,
  );
}
