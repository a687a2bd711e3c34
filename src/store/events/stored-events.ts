/** Reads events. */
import type { Event } from '../../contract/entities.js';
import { fromRest } from '../payloads.js';
import { onlyRow, type Store } from '../store.js';

/** A stored event; its payload is JSON text. */
export interface StoredEvent {
  readonly id: string;
  readonly accountId: string;
  readonly type: string;
  readonly occurredAt: Date;
  readonly channels: string[];
  readonly text: string;
  readonly createdAt: Date;
  /** When its payload was erased; null while it has one. */
  readonly erasedAt: Date | null;
}

export async function findEvent(store: Store, id: string): Promise<StoredEvent | undefined> {
  const result = await store.pool.query<{
    id: string;
    account_id: string;
    type: string;
    occurred_at: Date;
    channels: string[];
    data: string;
    sealed: Buffer | null;
    created_at: Date;
    erased_at: Date | null;
  }>('SELECT * FROM events WHERE id = $1', [id]);
  const row = onlyRow(result);
  return (
    row && {
      id: row.id,
      accountId: row.account_id,
      type: row.type,
      occurredAt: row.occurred_at,
      channels: row.channels,
      text: fromRest(store, { text: row.data, sealed: row.sealed }, row.id),
      createdAt: row.created_at,
      erasedAt: row.erased_at,
    }
  );
}

/** Events among which the last ones of a type are looked for. */
const MAX_SEARCHED = 10_000;
/** Maximum length of the payloads that are loaded at once, in bytes. */
const MAX_LOADED_BYTES = 1_048_576;

/**
 * The last events of an account, the newest first and at most `limit`, without those that were sent to chosen subscriptions.
 * Fewer when their payloads are large, or when few of the last 10,000 have the type.
 */
export async function lastEvents(
  store: Store,
  {
    accountId,
    type,
    limit,
  }: { readonly accountId: string; readonly type?: string | undefined; readonly limit: number },
): Promise<(Event & { readonly createdAt: Date })[]> {
  const { rows } = await store.pool.query<Event & { createdAt: Date; sealed: Buffer | null }>(
    `SELECT id, type, "occurredAt", channels, text, sealed, "createdAt" FROM (
       SELECT id, type, occurred_at AS "occurredAt", channels, data AS text, sealed, created_at AS "createdAt",
              sum(octet_length(data) + coalesce(octet_length(sealed), 0)) OVER (ORDER BY id DESC) AS bytes
       FROM (
         SELECT * FROM (
           SELECT * FROM events WHERE account_id = $1 AND NOT addressed AND erased_at IS NULL
           ORDER BY id DESC LIMIT ${MAX_SEARCHED}
         ) searched
         WHERE $2::text IS NULL OR type = $2 ORDER BY id DESC LIMIT $3
       ) last
     ) sized
     WHERE bytes <= ${MAX_LOADED_BYTES} ORDER BY id DESC`,
    [accountId, type ?? null, limit],
  );
  return rows.map(({ sealed, ...row }) => {
    const text = fromRest(store, { text: row.text, sealed }, row.id);
    return { ...row, text, data: JSON.parse(text) as unknown };
  });
}

/** SQL condition: the event of the delivery `d` exists and is not erased. Without it nothing can be sent. */
export const EVENT_EXISTS = 'EXISTS (SELECT FROM events e WHERE e.id = d.event_id AND e.erased_at IS NULL)';
