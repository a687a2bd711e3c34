/** The platform's own ids of accounts, which paths accept instead of ours. */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { notFound } from '../../http/problem.js';
import type { Principal } from '../../http/principal.js';
import { findIdByExternalId } from '../../store/accounts/external-ids.js';
import type { Store } from '../../store/store.js';

const MAX_LENGTH = 128;
/** Ids of ours begin with `acc_`, and `by-id` is part of a path. */
const PATTERN = /^(?!acc_|by-id$)[A-Za-z0-9][A-Za-z0-9._:@-]*$/;
/** What an external id has to be, as the end of a sentence. */
export const EXTERNAL_ID_RULE =
  `has 1 to ${MAX_LENGTH} characters of A-Z, a-z, 0-9 and . _ : @ -, begins with a letter or digit, does not begin ` +
  'with acc_, and is not by-id';

/** Maximum number of remembered ids. */
const MAX_CACHED = 50_000;

/** An external id in a request body. */
export const externalIdSchema = z
  .string()
  .refine(isExternalId, `must be an id that ${EXTERNAL_ID_RULE}`)
  .describe(`Your own id of the account, usable in paths instead of its id; it ${EXTERNAL_ID_RULE}.`);

/** Whether a text can be an external id. */
export function isExternalId(text: string): boolean {
  return text.length <= MAX_LENGTH && PATTERN.test(text);
}

/** Finds the accounts that paths name by external ids. */
export class AccountIds {
  readonly #cached = new LRUCache<string, string>({ max: MAX_CACHED });

  constructor(private readonly store: Store) {}

  /** The id of the account that a path names; the same text when the caller sees none with this external id. */
  async find(principal: Principal, named: string): Promise<string> {
    if (!isExternalId(named)) return named;
    // Of an account only its own external id has a meaning, so that nobody learns which others exist.
    if (principal.role === 'account') return principal.account.externalId === named ? principal.account.id : named;
    return (await findIdByExternalId(this.store, named)) ?? named;
  }

  /**
   * The same from memory, for accepting events. An external id never moves to another account while its account exists.
   * So when the account turns out to be deleted, `drop` it and look it up again. Throws a 404.
   */
  async findCached(externalId: string): Promise<string> {
    const cached = this.#cached.get(externalId);
    if (cached !== undefined) return cached;
    const id = await findIdByExternalId(this.store, externalId);
    if (id === undefined) throw notFound('account');
    this.#cached.set(externalId, id);
    return id;
  }

  /** Forgets an id; false when it was not remembered. */
  drop(externalId: string): boolean {
    return this.#cached.delete(externalId);
  }
}
