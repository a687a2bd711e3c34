/**
 * Svix's pagination: `limit`, `order`, and an `iterator`, which is the id to continue from; a hyphen before it means
 * backwards. Source: svix-server, src/v1/utils/mod.rs.
 */
import type { Request } from 'express';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import type { Registrar } from '../registration.js';
import { showEndpoint } from './endpoint-output.js';
import { svixError, validationError } from './svix-error.js';

const LIMIT = 50;
const LARGEST_LIMIT = 250;

/** A page of an account's endpoints, newest first by default. */
export async function listEndpoints(registrar: Registrar, account: StoredAccount, query: Request['query']) {
  const limit = readLimit(query.limit);
  const isAscending = readOrder(query.order) === 'ascending';
  const from = await readIterator(registrar, account, query.iterator);
  const goesUp = isAscending !== (from?.isBack ?? false);

  const endpoints = await registrar.list(account);
  if (!goesUp) endpoints.reverse();
  const ahead = from ? endpoints.filter(({ id }) => (goesUp ? id > from.id : id < from.id)) : endpoints;
  const page = ahead.slice(0, limit);
  if (from?.isBack) page.reverse();

  const [first, last] = [page[0], page.at(-1)];
  return {
    data: page.map(showEndpoint),
    iterator: last?.reference ?? null,
    ...(first ? { prevIterator: `-${first.reference}` } : {}),
    done: ahead.length <= limit,
  };
}

function readLimit(input: unknown): number {
  if (input === undefined) return LIMIT;
  if (typeof input !== 'string' || !/^\d{1,15}$/.test(input)) throw badQuery('limit: expected a whole number');
  const limit = Number(input);
  if (limit > LARGEST_LIMIT)
    throw validationError(['query', 'limit'], `Given limit must not exceed ${LARGEST_LIMIT}`);
  if (limit < 1) throw validationError(['query', 'limit'], 'Given limit must be at least 1');
  return limit;
}

function readOrder(input: unknown): 'ascending' | 'descending' {
  if (input === undefined) return 'descending';
  if (input === 'ascending' || input === 'descending') return input;
  throw badQuery('order: expected `ascending` or `descending`');
}

/** The endpoint that an iterator names, also after its deletion. */
async function readIterator(registrar: Registrar, account: StoredAccount, input: unknown) {
  if (input === undefined) return undefined;
  const [, back, reference] = /^(-?)(ep_[a-zA-Z0-9]{1,64})$/.exec(typeof input === 'string' ? input : '') ?? [];
  const id = reference && (await registrar.findPosition(account, reference));
  if (!id) throw validationError(['query', 'iterator'], 'Invalid iterator');
  return { id, isBack: back === '-' };
}

/** The error for an unreadable query; unlike for a value out of bounds, svix-server responds with 400. */
function badQuery(detail: string) {
  return svixError(400, 'generic_error', `Failed to deserialize query string: ${detail}`);
}
