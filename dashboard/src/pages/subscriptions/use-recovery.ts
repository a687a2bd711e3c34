/** Counting and starting a recovery: nothing is started unseen. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { countsByState, recoveryBody } from './recovery-body.js';

/** Counts what a recovery would send again, and starts it. */
export function useRecovery(id: string) {
  const { client } = useSession();
  const cache = useQueryClient();
  const params = { path: { id } };
  const count = useMutation({
    mutationFn: async (wanted: Parameters<typeof recoveryBody>[0]) => {
      const body = recoveryBody(wanted, new Date());
      const counted = await unwrap(
        client.POST('/v1/subscriptions/{id}/recover', { params, body: { ...body, dryRun: true } }),
      );
      if (!('dryRun' in counted)) throw new Error('the response is not a count');
      return { body, total: counted.total, byState: countsByState(counted) };
    },
  });
  const start = useMutation({
    mutationFn: (body: ReturnType<typeof recoveryBody>) =>
      unwrap(client.POST('/v1/subscriptions/{id}/recover', { params, body })),
    onSuccess: async (recovery) => {
      count.reset();
      // A new one may take a second to be listed.
      cache.setQueryData<unknown[]>(['recoveries', id], (listed = []) => [recovery, ...listed]);
    },
  });
  return { count, start };
}
