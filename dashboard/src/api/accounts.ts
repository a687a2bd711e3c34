/** Accounts and contracts, which many pages want. */
import { useQuery } from '@tanstack/react-query';
import { unwrap } from '../../../src/client/client.js';
import { useSession } from './session.js';
import type { Account, Contract } from './shapes.js';

/** As many accounts as one page of the API holds. */
const LISTED = 250;

/** Accounts to choose from, the newest first: all that there are to an operator, up to {@link LISTED}; else one's own. */
export function useAccounts() {
  const { client, me } = useSession();
  return useQuery({
    queryKey: ['accounts'],
    queryFn: async ({ signal }): Promise<Pick<Account, 'id' | 'provider' | 'name'>[]> =>
      me.account
        ? [me.account]
        : (await unwrap(client.GET('/v1/accounts', { params: { query: { limit: LISTED } }, signal }))).data,
  });
}

/** The contract of every provider. */
export function useContracts() {
  const { client } = useSession();
  return useQuery({
    queryKey: ['contracts'],
    queryFn: async ({ signal }) => (await unwrap(client.GET('/v1/contracts', { signal }))).data,
    // They change with the version of the server only.
    staleTime: Infinity,
  });
}

/** One contract, once there. */
export function useContract(provider: string | undefined): Contract | undefined {
  return useContracts().data?.find((contract) => contract.provider === provider);
}
