/** Creating and editing subscriptions; what has read them reads them again. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { unwrap } from '../../../src/client/client.js';
import type { Values } from '../form/values.js';
import { useSession } from './session.js';

type NewBody = { url: string; eventTypes: string[] } & Values;

export function useCreateSubscription(accountId: string) {
  const { client } = useSession();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (values: Values) =>
      unwrap(
        client.POST('/v1/accounts/{id}/subscriptions', {
          params: { path: { id: accountId } },
          body: { eventTypes: [], ...values } as unknown as NewBody,
        }),
      ),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['subscriptions'] }),
  });
}

/** @param done called once it is edited */
export function useEditSubscription(id: string, done: () => void) {
  const { client } = useSession();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: Values) => unwrap(client.PATCH('/v1/subscriptions/{id}', { params: { path: { id } }, body })),
    onSuccess: async () => {
      const changed = [['subscription', id], ['subscriptions']];
      await Promise.all(changed.map((queryKey) => cache.invalidateQueries({ queryKey })));
      done();
    },
  });
}
