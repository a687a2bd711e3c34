/** Paging of lists that are sorted by id, newest first. A cursor is the last id of a page in base64url. */
import { isId, type IdKind } from '../contract/ids.js';
import { invalidField } from './problem.js';

/** Decodes the id to continue from. Throws a problem for an invalid cursor. */
export function readCursor(kind: IdKind, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!isId(kind, id)) throw invalidField('cursor', 'must be the nextCursor of a previous page');
  return id;
}

/** The cursor that continues after an id. */
export function cursorOf(id: string): string {
  return Buffer.from(id).toString('base64url');
}

/** Makes a page of rows that were queried with `limit` + 1. */
export function page<Row extends { readonly id: string }, Shown>(
  rows: readonly Row[],
  limit: number,
  show: (row: Row) => Shown,
): { data: Shown[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = rows.length > limit && last ? cursorOf(last.id) : null;
  return { data: shown.map(show), nextCursor };
}
