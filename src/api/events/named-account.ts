/** The account that an emit names: by its id, or by an id of the platform's own, created if asked. */
import { contracts, findContract } from '../../providers/registry.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import type { Store } from '../../store/store.js';
import { invalidField, Problem } from '../../http/problem.js';
import { createAccount } from '../accounts/create.js';
import { EXTERNAL_ID_RULE, isExternalId } from '../accounts/external-ids.js';
import type { ApiContext } from '../context.js';

/** How often an account is looked up for a request; more only if it is deleted again and again. */
const MAX_ACCOUNT_TRIES = 4;

/**
 * Calls `work` with the id of the account that a path names. An external id is looked up in memory first; when its
 * account was deleted in the meantime, it is looked up again, because it may name another account now. With `provider`
 * an account that does not exist is created.
 */
export async function withAccount<Result>(
  { store, accountIds }: ApiContext,
  named: string,
  provider: string | undefined,
  work: (accountId: string) => Promise<Result>,
): Promise<Result> {
  if (!isExternalId(named)) {
    if (provider === undefined) return work(named);
    throw invalidField('createAccount', `needs an id of your own in the path, which ${EXTERNAL_ID_RULE}`);
  }
  for (let tries = 1; ; tries += 1) {
    try {
      return await work(await accountIds.findCached(named));
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'not_found')) throw error;
      const wasOutdated = accountIds.drop(named);
      if (tries === MAX_ACCOUNT_TRIES || (!wasOutdated && provider === undefined)) throw error;
      if (!wasOutdated && provider !== undefined) await createMissing(store, named, provider);
    }
  }
}

/** Creates the account; does nothing when another request has just created it. */
async function createMissing(store: Store, externalId: string, provider: string): Promise<void> {
  if (!findContract(provider))
    throw invalidField('createAccount', `must be one of ${contracts.map((contract) => contract.provider).join(', ')}`);
  try {
    await createAccount(store, { provider, externalId, name: externalId }, { withKey: false });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.code !== 'conflict') throw error;
  }
}

/** Throws a problem when an account that was to be created exists with another provider. */
export function checkProvider(account: StoredAccount, provider: string): void {
  if (account.provider === provider) return;
  throw new Problem('conflict', `createAccount: the account exists, and its provider is ${account.provider}`);
}
