/** Many accounts with a subscription each. */
import type { Store } from '#src/store/store.js';
import { makeOwner } from '../storage/sample.js';
import type { Owner } from '../steps/fill.js';

/** Accounts that are written at once. */
const WRITERS = 8;
/** Every so many subscriptions have one host, as those of an integration platform; each of the others has its own. */
const ONE_HOST_EVERY = 20;
export const commonHost = 'hooks.platform.example';

/** The names of an account by its number, and those that searches look for. */
export const nameOf = (number: number): string => `Customer ${number} Ltd`;
export const externalIdOf = (number: number): string => `cust_${number}`;
export const hostOf = (number: number): string =>
  number % ONE_HOST_EVERY === 0 ? commonHost : `hooks-${number}.customer.example`;

/** Writes accounts with the numbers from 0 on, roughly in this sequence. */
export async function makeAccounts(store: Store, count: number): Promise<Owner[]> {
  const owners: Owner[] = [];
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      const url = `https://${hostOf(number)}/webhooks/${number}`;
      const owner = await makeOwner(store, { name: nameOf(number), externalId: externalIdOf(number), url });
      owners[number] = { ...owner, provider: 'standard' };
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return owners;
}

/** The accounts that were written before, in the sequence of their numbers. */
export async function findAccounts({ pool }: Store): Promise<Owner[]> {
  const { rows } = await pool.query<Owner>(
    `SELECT a.id AS "accountId", s.id AS "subscriptionId", a.provider
     FROM accounts a JOIN subscriptions s ON s.account_id = a.id ORDER BY substr(a.external_id, 6)::int`,
  );
  return rows;
}
