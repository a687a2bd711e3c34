/** Alert rules. The target of each is sealed, as its URL or secret lets anyone write to it. */
import type { AlertRule, AlertTarget } from '../../contract/alerts.js';
import { newId } from '../../contract/ids.js';
import { inTransaction, onlyRow, type Queryable, type Store } from '../store.js';

/** Each is evaluated every half minute. */
export const MAX_RULES = 50;

/** What is chosen for a rule. */
export type AlertRuleChoices = Omit<AlertRule, 'id' | 'createdAt'>;

type RuleRow = Omit<AlertRule, 'target'> & { readonly target: Buffer };

const COLUMNS = `id, name, condition, minutes, account_id AS "accountId", repeat_after_minutes AS "repeatAfterMinutes",
  target, enabled, created_at AS "createdAt"`;

function toRule({ box }: Store, { target, ...row }: RuleRow): AlertRule {
  return { ...row, target: box.open(target, row.id) as AlertTarget };
}

function valuesOf({ box }: Store, id: string, rule: AlertRuleChoices): unknown[] {
  const { name, condition, minutes, accountId, repeatAfterMinutes, target, enabled } = rule;
  return [id, name, condition, minutes, accountId, repeatAfterMinutes, box.seal(target, id), enabled];
}

/** Stores a new rule; undefined when there are {@link MAX_RULES} already. */
export async function insertRule(store: Store, rule: AlertRuleChoices): Promise<AlertRule | undefined> {
  return inTransaction(store, async (client) => {
    await client.query('LOCK TABLE alert_rules IN SHARE ROW EXCLUSIVE MODE');
    const { rows } = await client.query<RuleRow>(
      `INSERT INTO alert_rules (id, name, condition, minutes, account_id, repeat_after_minutes, target, enabled)
       SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE (SELECT count(*) FROM alert_rules) < ${MAX_RULES}
       RETURNING ${COLUMNS}`,
      valuesOf(store, newId('alr'), rule),
    );
    return rows[0] && toRule(store, rows[0]);
  });
}

/** Edits a rule under a lock; undefined when it does not exist. Disabling it ends its alerts without a message. */
export async function editRule(
  store: Store,
  id: string,
  edit: (former: AlertRule) => AlertRuleChoices,
): Promise<AlertRule | undefined> {
  return inTransaction(store, async (client) => {
    const former = await lockRule(store, client, id);
    if (!former) return undefined;
    const rule = edit(former);
    await client.query(
      `UPDATE alert_rules SET name = $2, condition = $3, minutes = $4, account_id = $5, repeat_after_minutes = $6,
         target = $7, enabled = $8 WHERE id = $1`,
      valuesOf(store, id, rule),
    );
    if (!rule.enabled || rule.condition !== former.condition) await endSilently(client, id);
    return { ...former, ...rule };
  });
}

async function endSilently(client: Queryable, ruleId: string): Promise<void> {
  await client.query('UPDATE alerts SET ended_at = now() WHERE rule_id = $1 AND ended_at IS NULL', [ruleId]);
  await client.query(
    `UPDATE alert_messages SET next_attempt_at = NULL, last_error = coalesce(last_error, 'the rule was changed')
     WHERE rule_id = $1 AND next_attempt_at IS NOT NULL`,
    [ruleId],
  );
}

/** Locks a rule until the transaction ends. */
export async function lockRule(store: Store, client: Queryable, id: string): Promise<AlertRule | undefined> {
  const row = onlyRow(
    await client.query<RuleRow>(`SELECT ${COLUMNS} FROM alert_rules WHERE id = $1 FOR NO KEY UPDATE`, [id]),
  );
  return row && toRule(store, row);
}

export async function findRule(store: Store, id: string): Promise<AlertRule | undefined> {
  const row = onlyRow(await store.pool.query<RuleRow>(`SELECT ${COLUMNS} FROM alert_rules WHERE id = $1`, [id]));
  return row && toRule(store, row);
}

/** All rules, oldest first. */
export async function listRules(store: Store): Promise<AlertRule[]> {
  const { rows } = await store.pool.query<RuleRow>(`SELECT ${COLUMNS} FROM alert_rules ORDER BY id`);
  return rows.map((row) => toRule(store, row));
}

/** Deletes a rule with its alerts and messages; false when it does not exist. */
export async function deleteRule(store: Store, id: string): Promise<boolean> {
  const { rowCount } = await store.pool.query('DELETE FROM alert_rules WHERE id = $1', [id]);
  return rowCount === 1;
}

/** The ids of the rules that are evaluated. */
export async function enabledRuleIds(store: Store): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>('SELECT id FROM alert_rules WHERE enabled ORDER BY id');
  return rows.map(({ id }) => id);
}
