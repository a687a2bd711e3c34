/** What the portal may show and do, by the capabilities of its link, and what many of its pages load. */
import { useQuery } from '@tanstack/react-query';
import { unwrap } from '../../../src/client/client.js';
import { useContracts } from '../api/accounts.js';
import { useSession } from '../api/session.js';
import type { Contract, ListedSubscription, Me } from '../api/shapes.js';

export type Capability = NonNullable<Me['portal']>['capabilities'][number];

/** Most endpoints that are offered for choosing. */
const OFFERED = 250;

/** Whether the link allows something besides reading; one of several is enough. */
export function useCan(...sufficient: readonly Capability[]): boolean {
  const { capabilities = [] } = useSession().me.portal ?? {};
  return sufficient.some((capability) => capabilities.includes(capability));
}

/** The id of the customer, as the paths of requests have it. */
export function useCustomerId(): string {
  return useSession().me.account?.id ?? '';
}

/** The rules of the customer's webhooks; undefined while they are loaded. */
export function useRules(): Contract | undefined {
  return useContracts().data?.[0];
}

/** The customer's endpoints, newest first, without those that are polled. */
export function useEndpoints() {
  const { client } = useSession();
  return useQuery({
    queryKey: ['subscriptions', 'all'],
    queryFn: async ({ signal }): Promise<ListedSubscription[]> => {
      const query = { limit: OFFERED };
      return (await unwrap(client.GET('/v1/subscriptions', { params: { query }, signal }))).data;
    },
    refetchInterval: 15_000,
  });
}

/** One endpoint, kept up to date. */
export function useEndpoint(id: string) {
  const { client } = useSession();
  return useQuery({
    queryKey: ['subscription', id],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/subscriptions/{id}', { params: { path: { id } }, signal })),
    refetchInterval: 15_000,
  });
}
