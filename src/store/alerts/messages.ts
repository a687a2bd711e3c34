/** The queue of messages about alerts. A claim ends by itself, so that a message whose sender died is sent again. */
import type { AlertContent } from '../../contract/alert-texts.js';
import { inTransaction, type Queryable, type Store } from '../store.js';

/** Messages of a rule that wait; the oldest are given up when there are more. */
const MAX_WAITING = 1_000;
/** Time for one attempt, in seconds: longer than it may take. */
const CLAIM_S = 120;
/** Waits after failed attempts, in minutes; then a message is given up. */
const RETRY_MINUTES = [1, 2, 5, 15, 30, 60, 120, 240, 480] as const;
/** Messages of one rule that one claim takes, so that a slow target does not delay others. */
const MAX_OF_RULE = 5;
/** Mails of the installation in a minute. */
export const MAX_MAILS_PER_MINUTE = 60;

export interface NewMessage {
  readonly id: string;
  readonly ruleId: string;
  /** Whose contact gets it; null when the rule names the target. */
  readonly accountId: string | null;
  readonly isMail: boolean;
  readonly content: AlertContent;
}

/** Stores messages of a rule. */
export async function insertMessages(
  client: Queryable,
  ruleId: string,
  messages: readonly NewMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  await client.query(
    `INSERT INTO alert_messages (id, rule_id, account_id, is_mail, content)
     SELECT id, $1, account_id, is_mail, content
     FROM unnest($2::text[], $3::text[], $4::boolean[], $5::jsonb[]) AS made (id, account_id, is_mail, content)`,
    [
      ruleId,
      messages.map(({ id }) => id),
      messages.map(({ accountId }) => accountId),
      messages.map(({ isMail }) => isMail),
      messages.map(({ content }) => JSON.stringify(content)),
    ],
  );
  await client.query(
    `UPDATE alert_messages SET next_attempt_at = NULL, last_error = 'too many messages of this rule waited'
     WHERE id IN (
       SELECT id FROM alert_messages WHERE rule_id = $1 AND next_attempt_at IS NOT NULL ORDER BY id DESC OFFSET $2)`,
    [ruleId, MAX_WAITING],
  );
}

/** A message that is to be sent now. */
export interface ClaimedMessage extends NewMessage {
  /** Attempts, with the one that is made now. */
  readonly attempts: number;
}

/** Claims messages that are due, a few of each rule, and no more mails than a minute may have. */
export async function claimMessages(store: Store, limit: number): Promise<ClaimedMessage[]> {
  return inTransaction(store, async (client) => {
    // Two processes would both count the mails of the minute before either has claimed any.
    await client.query(`SELECT pg_advisory_xact_lock(hashtext('pigeonpost alert messages'))`);
    const { rows } = await client.query<ClaimedMessage>(
      `WITH due AS (
         SELECT id, is_mail, next_attempt_at, row_number() OVER (PARTITION BY rule_id ORDER BY next_attempt_at, id) AS of_rule
         FROM alert_messages WHERE next_attempt_at <= now()
       ), sendable AS (
         SELECT id, of_rule, is_mail, next_attempt_at,
                row_number() OVER (PARTITION BY is_mail ORDER BY of_rule, next_attempt_at, id) AS of_kind
         FROM due WHERE of_rule <= ${MAX_OF_RULE}
       ), chosen AS (
         SELECT id FROM sendable WHERE NOT is_mail OR of_kind <= ${MAX_MAILS_PER_MINUTE} - (
           SELECT count(*) FROM alert_messages WHERE is_mail AND attempted_at > now() - interval '1 minute')
         ORDER BY of_rule, next_attempt_at, id LIMIT $1
       )
       UPDATE alert_messages m SET attempts = attempts + 1, attempted_at = now(),
         next_attempt_at = now() + make_interval(secs => ${CLAIM_S})
       FROM chosen WHERE m.id = chosen.id
       RETURNING m.id, m.rule_id AS "ruleId", m.account_id AS "accountId", m.is_mail AS "isMail", m.content, m.attempts`,
      [limit],
    );
    return rows;
  });
}

/** Records that a message was sent. */
export async function recordSent(store: Store, id: string): Promise<void> {
  await store.pool.query(
    'UPDATE alert_messages SET sent_at = now(), next_attempt_at = NULL, last_error = NULL WHERE id = $1',
    [id],
  );
}

/** Records a failed attempt, after which the message is tried again later or given up. */
export async function recordUnsent(
  store: Store,
  { id, attempts }: Pick<ClaimedMessage, 'id' | 'attempts'>,
  error: string,
  isFinal = false,
): Promise<void> {
  const wait = isFinal ? null : (RETRY_MINUTES[attempts - 1] ?? null);
  await store.pool.query(
    `UPDATE alert_messages SET last_error = $2, next_attempt_at = now() + make_interval(mins => $3::int)
     WHERE id = $1 AND sent_at IS NULL`,
    [id, error, wait],
  );
}

/** The address of an account's contact; null without one, or when the account is deleted. */
export async function findContact(store: Store, accountId: string): Promise<string | null> {
  const { rows } = await store.pool.query<{ email: string | null }>(
    'SELECT contact_email AS email FROM accounts WHERE id = $1 AND deleted_at IS NULL',
    [accountId],
  );
  return rows[0]?.email ?? null;
}
