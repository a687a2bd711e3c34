/**
 * Queries and pages of lists: `limit`, `order`, `iterator` and filters, and the response `{data, iterator, prevIterator,
 * done}`. Source: svix-server, src/v1/utils/mod.rs.
 */
import type { Request } from 'express';
import { idSuffix, isId, type IdKind } from '../../../contract/ids.js';
import { EVENT_TYPE } from '../events.js';
import { svixError, validationError } from './errors.js';

type Query = Request['query'];

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 250;

/** Which page is asked for. An iterator names an entry, which is not part of the page; a hyphen before it means backwards. */
export interface PageQuery {
  readonly limit: number;
  /** The sequence in which entries are to be read, which is reversed for the page when it leads back. */
  readonly ascending: boolean;
  readonly isBack: boolean;
  readonly iterator?: string;
}

/** Reads the query of a list. `pattern` is what an iterator without its hyphen must match. */
export function readPageQuery(
  query: Query,
  pattern: RegExp,
  defaultOrder: 'ascending' | 'descending' = 'descending',
): PageQuery {
  const limit = readLimit(query.limit);
  const isAscending = readOrder(query.order, defaultOrder) === 'ascending';
  if (query.iterator === undefined) return { limit, ascending: isAscending, isBack: false };
  const [, back, iterator] = /^(-?)(.+)$/s.exec(typeof query.iterator === 'string' ? query.iterator : '') ?? [];
  if (iterator === undefined || !pattern.test(iterator)) throw invalidIterator();
  const isBack = back === '-';
  return { limit, ascending: isAscending !== isBack, isBack, iterator };
}

export const invalidIterator = () => validationError(['query', 'iterator'], 'Invalid iterator');

/** The page of up to `limit + 1` entries, which were read in the sequence of the query. */
export function toPage<Entry>(
  entries: readonly Entry[],
  { limit, isBack }: PageQuery,
  iteratorOf: (entry: Entry) => string,
) {
  const page = entries.slice(0, limit);
  if (isBack) page.reverse();
  const [first, last] = [page[0], page.at(-1)];
  return {
    page,
    ends: {
      iterator: last === undefined ? null : iteratorOf(last),
      ...(first === undefined ? {} : { prevIterator: `-${iteratorOf(first)}` }),
      done: entries.length <= limit,
    },
  };
}

/** Our id in place of the prefix of Svix's; undefined for what is no id of this form. */
export function fromSvixId(prefix: string, kind: IdKind, text: string): string | undefined {
  if (!text.startsWith(prefix)) return undefined;
  const id = `${kind}_${text.slice(prefix.length)}`;
  return isId(kind, id) ? id : undefined;
}

/** Svix's prefix in place of ours. */
export const toSvixId = (prefix: string, id: string): string => `${prefix}${idSuffix(id)}`;

function readLimit(input: unknown): number {
  if (input === undefined) return DEFAULT_LIMIT;
  if (typeof input !== 'string' || !/^\d{1,15}$/.test(input)) throw badQuery('limit: expected a whole number');
  const limit = Number(input);
  if (limit > MAX_LIMIT) throw validationError(['query', 'limit'], `Given limit must not exceed ${MAX_LIMIT}`);
  if (limit < 1) throw validationError(['query', 'limit'], 'Given limit must be at least 1');
  return limit;
}

function readOrder(input: unknown, byDefault: 'ascending' | 'descending'): 'ascending' | 'descending' {
  if (input === undefined) return byDefault;
  if (input === 'ascending' || input === 'descending') return input;
  throw badQuery('order: expected `ascending` or `descending`');
}

/** The error for an unreadable query; unlike for a value out of bounds, svix-server responds with 400. */
export function badQuery(detail: string) {
  return svixError(400, 'generic_error', `Failed to deserialize query string: ${detail}`);
}

/** A flag of a query. */
export function readFlag(query: Query, name: string, byDefault: boolean): boolean {
  const input = query[name];
  if (input === undefined) return byDefault;
  if (input === 'true' || input === 'false') return input === 'true';
  throw badQuery(`${name}: expected \`true\` or \`false\``);
}

/** A time of a query. */
export function readTime(query: Query, name: string): Date | undefined {
  const input = query[name];
  if (input === undefined) return undefined;
  const time = typeof input === 'string' ? Date.parse(input) : NaN;
  if (Number.isNaN(time)) throw badQuery(`${name}: expected a time in RFC 3339`);
  return new Date(time);
}

/** A whole number of a query that is one of these. */
export function readChoice<Choice extends number>(
  query: Query,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const input = query[name];
  if (input === undefined) return undefined;
  const found = choices.find((choice) => String(choice) === input);
  if (found === undefined) throw badQuery(`${name}: expected one of ${choices.join(', ')}`);
  return found;
}

/** Text of a query that matches. */
export function readText(query: Query, name: string, pattern: RegExp): string | undefined {
  const input = query[name];
  if (input === undefined) return undefined;
  if (typeof input === 'string' && pattern.test(input)) return input;
  throw validationError(['query', name], 'is not valid');
}

/** Conditions on events: `event_types` (also as `event_types[]` or `event_types[0]`), `channel` and `tag`. */
export function readEventConditions(query: Query) {
  const types = Object.entries(query)
    .filter(([name]) => name === 'event_types' || /^event_types\[.*\]$/.test(name))
    .flatMap(([, value]) => value)
    .flatMap((value) => (typeof value === 'string' ? value.split(',') : []));
  if (types.some((type) => !EVENT_TYPE.test(type)))
    throw validationError(['query', 'event_types'], 'must be names of event types');
  const channel = readText(query, 'channel', /^[a-zA-Z0-9\-_.:+]{1,128}$/);
  const tag = readText(query, 'tag', TAG);
  return {
    ...(types.length > 0 ? { types: [...new Set(types)] } : {}),
    ...(channel === undefined ? {} : { channel }),
    ...(tag === undefined ? {} : { tag }),
  };
}

/** codegen/lib-openapi.json, MessageIn. */
export const TAG = /^[a-zA-Z0-9\-_./\\#]{1,128}$/;

/** The range of time of a list: `before` and `after`. */
export function readRange(query: Query) {
  const [before, after] = [readTime(query, 'before'), readTime(query, 'after')];
  return { ...(before ? { before } : {}), ...(after ? { after } : {}) };
}
