/**
 * Svix's pages: `limit`, `order`, and an `iterator` that is the id to go on from, with a hyphen before it to go back.
 * Source: svix-server, src/v1/utils/mod.rs.
 */
import type { Request } from 'express';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import type { Registrar } from '../registration.js';
import { showEndpoint } from './endpoint-output.js';
import { svixError, validationError } from './svix-error.js';

const LIMIT = 50;
const LARGEST_LIMIT = 250;

/** A page of an account's endpoints, the newest first unless asked otherwise. */
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

function readLimit(given: unknown): number {
  if (given === undefined) return LIMIT;
  if (typeof given !== 'string' || !/^\d{1,15}$/.test(given)) throw badQuery('limit: expected a whole number');
  const limit = Number(given);
  if (limit > LARGEST_LIMIT) throw validationError(['query', 'limit'], `Given limit must not exceed ${LARGEST_LIMIT}`);
  if (limit < 1) throw validationError(['query', 'limit'], 'Given limit must be at least 1');
  return limit;
}

function readOrder(given: unknown): 'ascending' | 'descending' {
  if (given === undefined) return 'descending';
  if (given === 'ascending' || given === 'descending') return given;
  throw badQuery('order: expected `ascending` or `descending`');
}

/** Where an iterator points, also when the endpoint there has been deleted since. */
async function readIterator(registrar: Registrar, account: StoredAccount, given: unknown) {
  if (given === undefined) return undefined;
  const [, back, reference] = /^(-?)(ep_[a-zA-Z0-9]{1,64})$/.exec(typeof given === 'string' ? given : '') ?? [];
  const id = reference && (await registrar.findPosition(account, reference));
  if (!id) throw validationError(['query', 'iterator'], 'Invalid iterator');
  return { id, isBack: back === '-' };
}

/** What a query says that cannot be read; unlike a value out of bounds, svix-server responds with 400. */
function badQuery(detail: string) {
  return svixError(400, 'generic_error', `Failed to deserialize query string: ${detail}`);
}
