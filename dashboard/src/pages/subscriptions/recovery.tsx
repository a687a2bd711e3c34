/** Counting and starting a recovery, and the buttons for both: nothing is started unseen. */
import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { count as number } from '../../parts/format.js';
import { Failure } from '../../parts/page.js';
import { deliveriesOf, useWords } from '../../parts/words.js';
import { countsByState, recoveryBody } from './recovery-body.js';

type Wanted = Parameters<typeof recoveryBody>[0];

/** Counts what a recovery would send again, and starts it. */
export function useRecovery(id: string) {
  const { client } = useSession();
  const cache = useQueryClient();
  const params = { path: { id } };
  const count = useMutation({
    mutationFn: async (wanted: Wanted) => {
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
  /** For the fields of what is counted: a count is of what was chosen then. */
  const change =
    <Value,>(set: (value: Value) => void) =>
    (value: Value) => {
      set(value);
      count.reset();
    };
  return { count, start, change };
}

interface Props {
  readonly recovery: ReturnType<typeof useRecovery>;
  readonly wanted: Wanted;
  readonly disabled?: boolean;
}

/** The button that counts, and the one that sends what was counted. */
export function CountAndSend({ recovery: { count, start }, wanted, disabled = false }: Props) {
  const words = useWords();
  const found = count.data;
  return (
    <>
      <div className="row">
        <Button variant="default" disabled={disabled} loading={count.isPending} onClick={() => count.mutate(wanted)}>
          Count them
        </Button>
        {found && (
          <span role="status">
            {found.total === 0
              ? 'Nothing to send again.'
              : `${deliveriesOf(words, found.total)} to send again: ` +
                `${found.byState.map(({ state, count: each }) => `${number(each)} ${state}`).join(', ')}.`}
          </span>
        )}
        {found && found.total > 0 && (
          <Button loading={start.isPending} onClick={() => start.mutate(found.body)}>
            Send {deliveriesOf(words, found.total)} again
          </Button>
        )}
      </div>
      {count.error && <Failure error={count.error} />}
      {start.error && <Failure error={start.error} />}
    </>
  );
}
