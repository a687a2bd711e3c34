/** Accounts and contracts, which many pages want. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { unwrap } from '../../../src/client/client.js';
import { useSession } from './session.js';
import type { Account, Contract } from './shapes.js';

/** Accounts that are offered at a time. */
const OFFERED = 20;

/** Accounts to choose from, for an operator: those with a text in their name or own id, or the newest. */
export function useAccountChoices(text: string) {
  const { client } = useSession();
  return useQuery({
    queryKey: ['accounts', 'choices', text],
    queryFn: async ({ signal }): Promise<Pick<Account, 'id' | 'provider' | 'name'>[]> => {
      const query = { limit: OFFERED, ...(text === '' ? {} : { q: text }) };
      return (await unwrap(client.GET('/v1/accounts', { params: { query }, signal }))).data;
    },
    placeholderData: keepPreviousData,
  });
}

/** One account; nothing is loaded without an id. */
export function useAccount(id: string | undefined) {
  const { client } = useSession();
  return useQuery({
    queryKey: ['account', id],
    enabled: id !== undefined,
    queryFn: ({ signal }) => unwrap(client.GET('/v1/accounts/{id}', { params: { path: { id: id! } }, signal })),
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
