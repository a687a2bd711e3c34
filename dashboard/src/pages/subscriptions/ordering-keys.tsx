/** The ordering keys of a subscription whose deliveries wait for an earlier one. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Subscription } from '../../api/shapes.js';
import { counted } from '../../parts/format.js';
import { Section } from '../../parts/section.js';
import { StateBadge } from '../../parts/state-badge.js';
import { Moment } from '../../parts/time.js';

/** Keys that are shown; the API and the command line list all. */
const MAX_SHOWN = 20;

/** Shows nothing while no key is blocked. */
export function OrderingKeys({ subscription: { id } }: { subscription: Subscription }) {
  const { client } = useSession();
  const { data } = useQuery({
    queryKey: ['ordering', id],
    queryFn: () =>
      unwrap(client.GET('/v1/subscriptions/{id}/ordering', { params: { path: { id }, query: { limit: MAX_SHOWN } } })),
  });
  if (!data || data.data.length === 0) return null;
  return (
    <Section title="Blocked ordering keys">
      <ul>
        {data.data.map(({ orderingKey, head, state, stateReason, lastReason, waiting, oldestAt }) => (
          <li key={orderingKey}>
            <strong>{orderingKey}</strong>: <Link href={`/deliveries/${head}`}>its head</Link>{' '}
            <StateBadge state={state} /> {stateReason ?? lastReason};{' '}
            {counted(waiting, 'delivery waits', 'deliveries wait')}
            {oldestAt !== null && (
              <>
                , the oldest since <Moment at={oldestAt} />
              </>
            )}
          </li>
        ))}
      </ul>
      {data.nextCursor !== null && <p>These are the first {MAX_SHOWN} keys.</p>}
    </Section>
  );
}
