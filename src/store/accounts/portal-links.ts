/** The links of the customer portal of an account: valid ones as a list, and their end. */
import { conditions } from '../conditions.js';
import type { Store } from '../store.js';
import { IS_VALID, type PortalCapability } from './sessions.js';

export interface PortalLink {
  readonly id: string;
  readonly capabilities: readonly PortalCapability[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** A page of the valid links of an account, newest first. */
export async function listPortalLinks(
  store: Store,
  { accountId, before, limit }: { accountId: string; before?: string | undefined; limit: number },
): Promise<PortalLink[]> {
  const { where, values, sql } = conditions();
  where('s.account_id = ?', accountId);
  where('s.id < ?', before);
  const { rows } = await store.pool.query<PortalLink>(
    `SELECT s.id, s.capabilities, s.created_at AS "createdAt", s.expires_at AS "expiresAt"
     FROM sessions s LEFT JOIN api_keys k ON k.id = s.key_id
     WHERE ${sql()} AND s.kind = 'portal' AND ${IS_VALID}
     ORDER BY s.id DESC LIMIT $${values.push(limit)}`,
    values,
  );
  return rows;
}

/** How many links of an account have not ended, counted up to `max`. */
export async function countPortalLinks(store: Store, accountId: string, max: number): Promise<number> {
  const { rows } = await store.pool.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM (
       SELECT FROM sessions
       WHERE account_id = $1 AND kind = 'portal' AND revoked_at IS NULL AND expires_at > now() LIMIT $2
     ) AS valid`,
    [accountId, max],
  );
  return rows[0]!.count;
}

/** Which links to end. */
export interface LinksToEnd {
  /** One link; all when absent. */
  readonly id?: string | undefined;
  /** Only links that were made with one of these group names. */
  readonly groups?: readonly string[] | undefined;
  /** In how many seconds they end; links that end sooner anyway stay as they are. */
  readonly seconds?: number;
}

/** Ends links of an account; returns how many. */
export async function endPortalLinks(
  store: Store,
  accountId: string,
  { id, groups, seconds = 0 }: LinksToEnd = {},
): Promise<number> {
  const { where, values, sql } = conditions();
  where('account_id = ?', accountId);
  where('id = ?', id);
  where('group_name = ANY(?)', groups);
  const { rowCount } = await store.pool.query(
    `UPDATE sessions SET expires_at = least(expires_at, now() + make_interval(secs => $${values.push(seconds)}))
     WHERE ${sql()} AND kind = 'portal' AND revoked_at IS NULL AND expires_at > now()`,
    values,
  );
  return rowCount ?? 0;
}
