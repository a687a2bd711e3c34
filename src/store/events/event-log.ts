/** The log of an account's events with what their senders said of them. */
import { lowestIdAt } from '../../contract/ids.js';
import { conditions, type Conditions } from '../conditions.js';
import { fromRest } from '../payloads.js';
import type { Store } from '../store.js';

/** An event as its sender sees it. */
export interface LoggedEvent {
  readonly id: string;
  readonly type: string;
  readonly occurredAt: Date;
  readonly channels: readonly string[];
  /** The payload as JSON text; `null` when it was erased. */
  readonly text: string;
  readonly verbatim: boolean;
  readonly uid: string | null;
  readonly tags: readonly string[] | null;
  readonly deliverAt: Date | null;
  readonly erasedAt: Date | null;
}

/** Conditions on an event; absent ones hold for all. */
export interface EventConditions {
  readonly types?: readonly string[];
  readonly channel?: string;
  readonly tag?: string;
}

/** Which events to list: those of an account, in the sequence of their ids. */
export interface EventLogFilter extends EventConditions {
  readonly accountId: string;
  /** Only events accepted before this time. */
  readonly before?: Date;
  /** Only events accepted at this time or later. */
  readonly after?: Date;
  /** Only events beyond this id. */
  readonly from?: string;
  readonly ascending: boolean;
  readonly limit: number;
}

/** Columns of the event `e`. */
export const LOGGED_EVENT = `
  e.id, e.type, e.occurred_at AS "occurredAt", e.channels, e.data AS text, coalesce(e.verbatim, false) AS verbatim, e.uid,
  e.tags, e.deliver_at AS "deliverAt", e.erased_at AS "erasedAt", e.sealed`;

/** An event as it is stored. */
export type LoggedEventRow = LoggedEvent & { readonly sealed: Buffer | null };

/** A row with its payload opened. */
export function openLogged<Row extends LoggedEventRow>(store: Store, row: Row): Row {
  return { ...row, text: fromRest(store, row, row.id), sealed: null };
}

/** Adds conditions on the event `e` to a query. */
export function addEventConditions(where: Conditions['where'], { types, channel, tag }: EventConditions): void {
  where('e.type = ANY(?)', types);
  where('e.channels @> ARRAY[?::text]', channel);
  where('e.tags @> ARRAY[?::text]', tag);
}

/** Events of an account. */
export async function listLoggedEvents(store: Store, filter: EventLogFilter): Promise<LoggedEvent[]> {
  const { where, values, sql } = conditions();
  const { accountId, before, after, from, ascending, limit } = filter;
  where('e.account_id = ?', accountId);
  where('e.id < ?', before && lowestIdAt('evt', before));
  where('e.id >= ?', after && lowestIdAt('evt', after));
  where(`e.id ${ascending ? '>' : '<'} ?`, from);
  addEventConditions(where, filter);
  const { rows } = await store.pool.query<LoggedEventRow>(
    `SELECT ${LOGGED_EVENT} FROM events e WHERE ${sql()}
     ORDER BY e.id ${ascending ? 'ASC' : 'DESC'} LIMIT $${values.push(limit)}`,
    values,
  );
  return rows.map((row) => openLogged(store, row));
}

/** An event of an account by its id, or the last one with a uid. */
export async function findLoggedEvent(
  store: Store,
  accountId: string,
  by: { readonly id: string } | { readonly uid: string },
): Promise<LoggedEvent | undefined> {
  const [condition, value] = 'id' in by ? ['e.id = $2', by.id] : ['e.uid = $2', by.uid];
  const { rows } = await store.pool.query<LoggedEventRow>(
    `SELECT ${LOGGED_EVENT} FROM events e WHERE e.account_id = $1 AND ${condition} ORDER BY e.id DESC LIMIT 1`,
    [accountId, value],
  );
  return rows[0] && openLogged(store, rows[0]);
}
