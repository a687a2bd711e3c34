/** The audit log: who changed or commanded what. It has no request bodies, so no secrets and no payloads. */
import { idTime, lowestIdAt, newId } from '../contract/ids.js';
import { conditions } from './conditions.js';
import type { Store } from './store.js';

/** How a request came. */
export const auditSources = ['api', 'cli', 'dashboard', 'portal', 'provider'] as const;
export type AuditSource = (typeof auditSources)[number];

export interface AuditStart {
  readonly role: 'operator' | 'account';
  readonly via: AuditSource;
  /** Null for the admin key of the settings, and for a session. */
  readonly keyId: string | null;
  readonly keyName: string | null;
  readonly sessionId: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
  /** Method and path with the names of its parameters, such as `POST /v1/deliveries/{id}/cancel`. */
  readonly action: string;
  readonly accountId: string | null;
  readonly objectId: string | null;
}

export interface AuditResult {
  /** HTTP status of the response. */
  readonly status: number;
  /** What the request turned out to be about; null where that is as at the start. */
  readonly accountId: string | null;
  readonly objectId: string | null;
}

export interface AuditEntry extends AuditStart {
  readonly id: string;
  readonly at: Date;
  /** Null when no result was recorded: the process died, or the request is being processed. */
  readonly status: number | null;
}

/** Records that something is about to be done; the id of the row. */
export async function startAudit(store: Store, entry: AuditStart): Promise<string> {
  const id = newId('aud');
  await store.pool.query(
    `INSERT INTO audit_log (id, role, via, key_id, key_name, session_id, address, request_id, action, account_id, object_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...[id, entry.role, entry.via, entry.keyId, entry.keyName, entry.sessionId, entry.address, entry.requestId],
      ...[entry.action, entry.accountId, entry.objectId],
    ],
  );
  return id;
}

/** Records how it ended. */
export async function finishAudit(
  store: Store,
  id: string,
  { status, accountId, objectId }: AuditResult,
): Promise<void> {
  await store.pool.query(
    `UPDATE audit_log SET status = $2, account_id = coalesce($3, account_id), object_id = coalesce($4, object_id)
     WHERE id = $1`,
    [id, status, accountId, objectId],
  );
}

/** Which entries to list; all conditions apply. */
export interface AuditFilter {
  readonly accountId?: string | undefined;
  readonly objectId?: string | undefined;
  readonly keyId?: string | undefined;
  /** A part of the action, in any case. */
  readonly action?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  /** Only entries before this one. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Entries, newest first. */
export async function listAudit(store: Store, filter: AuditFilter): Promise<AuditEntry[]> {
  const { where, values, sql } = conditions();
  where('account_id = ?', filter.accountId);
  where('object_id = ?', filter.objectId);
  where('key_id = ?', filter.keyId);
  where('strpos(lower(action), lower(?)) > 0', filter.action);
  where('id >= ?', filter.from && lowestIdAt('aud', filter.from));
  where('id < ?', filter.to && lowestIdAt('aud', filter.to));
  where('id < ?', filter.before);
  const { rows } = await store.pool.query<Omit<AuditEntry, 'at'>>(
    `SELECT id, role, via, key_id AS "keyId", key_name AS "keyName", session_id AS "sessionId", address,
            request_id AS "requestId", action, account_id AS "accountId", object_id AS "objectId", status
     FROM audit_log WHERE ${sql()} ORDER BY id DESC LIMIT $${values.push(filter.limit)}`,
    values,
  );
  return rows.map((row) => ({ ...row, at: idTime(row.id) }));
}

/** Deletes at most `limit` entries that are older than so many days; returns how many. */
export async function deleteExpiredAudit(store: Store, days: number, now: Date, limit: number): Promise<number> {
  const before = new Date(now.getTime() - days * 86_400_000);
  const { rowCount } = await store.pool.query(
    'DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT $2)',
    [lowestIdAt('aud', before), limit],
  );
  return rowCount ?? 0;
}
