/** What waits for an attempt at an endpoint, and sending it now. */
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Subscription } from '../../api/shapes.js';
import { listAddress } from '../../pages/deliveries/filters.js';
import { useRecovery } from '../../pages/subscriptions/recovery.js';
import { count } from '../../parts/format.js';
import { Failure } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Ago } from '../../parts/time.js';
import { deliveriesOf, useWords } from '../../parts/words.js';
import { useCan } from '../access.js';

/** How often what waits is counted, in milliseconds. */
const RENEW_MS = 15_000;

/** The figures of an endpoint: those of its last 24 hours, and what waits now. */
export function useFigures(id: string) {
  const { client } = useSession();
  return useQuery({
    queryKey: ['figures', id],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/overview', { params: { query: { subscriptionId: id } }, signal })),
    refetchInterval: RENEW_MS,
  });
}

/** Nothing while nothing waits. */
export function Waiting({ endpoint: { id, enabled, pausedAt } }: { endpoint: Subscription }) {
  const words = useWords();
  const cache = useQueryClient();
  const { data } = useFigures(id);
  const { start } = useRecovery(id);
  const maySend = useCan('send_again');
  const { waiting = 0, afterFailure = 0, more = false, oldestWaitingAt = null } = data?.backlog ?? {};
  if (waiting === 0 || oldestWaitingAt === null) return null;
  const send = () =>
    start.mutate(
      {
        // Those that were created in the same millisecond too.
        ...{ from: new Date(Date.parse(oldestWaitingAt) - 1).toISOString(), to: new Date().toISOString() },
        ...{ states: ['retrying'], types: [], allowDelivered: false },
      },
      { onSuccess: () => void cache.invalidateQueries({ queryKey: ['figures', id] }) },
    );
  return (
    <Section title="Waiting">
      <div className="row">
        <span>
          <Link href={listAddress({ subscriptionId: id, state: enabled && pausedAt === null ? 'retrying' : 'paused' })}>
            {more && 'At least '}
            {deliveriesOf(words, waiting)}
          </Link>{' '}
          {waiting === 1 ? 'waits' : 'wait'}
          {afterFailure > 0 && `, ${count(afterFailure)} after a failed attempt`}; the oldest is of{' '}
          <Ago at={oldestWaitingAt} />.
        </span>
        {maySend && enabled && pausedAt === null && afterFailure > 0 && (
          <Button size="xs" loading={start.isPending} onClick={send}>
            Send what waits now
          </Button>
        )}
      </div>
      {start.error && <Failure error={start.error} />}
    </Section>
  );
}
